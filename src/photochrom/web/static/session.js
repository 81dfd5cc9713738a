// What this tab has open, so that a reload finds it again for as long as the server keeps it.

import { api } from "./api.js";

const KEY = "session";

export function keep(items, shown, names) {
  const kept = items.filter((item) => item.job && item.state !== "failed").map(({ job, name, look, saved, filmLook }) => ({ id: job.id, name, look, saved, filmLook }));
  try {
    if (kept.length) sessionStorage.setItem(KEY, JSON.stringify({ kept, shown: shown?.job?.id, names }));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage is switched off or full: a reload begins anew then.
  }
}

// The jobs that are still there, with their states of now, and how many are not.
export async function found() {
  let session;
  try {
    session = JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
  if (!session?.kept?.length) return null;
  const jobs = await Promise.all(session.kept.map(({ id }) => fetch(`${api}/jobs/${id}`).then((answer) => (answer.ok ? answer.json() : null), () => null)));
  const there = session.kept.map((entry, at) => ({ ...entry, job: jobs[at] })).filter(({ job }) => job && job.status !== "failed");
  return { there, lost: session.kept.length - there.length, shown: session.shown, names: session.names ?? [] };
}
