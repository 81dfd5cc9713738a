// The interface for programs, as the page uses it.

// Found from this file's own address, since a proxy may show the site under a path.
const site = new URL("..", import.meta.url).pathname;
export const api = `${site}api/v1`;
export const sampleAddress = (name) => `${site}samples/${name}`;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const UNREADABLE = 422; // as a server would say of what it cannot read

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

const refusal = (status, text) => {
  try {
    return new Refused(status, JSON.parse(text).detail);
  } catch {
    return new Refused(status, "The server did not answer; is it still running?");
  }
};

// Seconds until something is asked again: twice as long each time, and by chance up to half less, so that pages that
// failed together do not come back together.
export const backoff = (tries) => Math.min(8, 0.5 * 2 ** tries) * (1 - Math.random() / 2);

// Asks again where the server says it is busy.
async function ask(address, options) {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(address, options).catch((error) => {
      throw error.name === "AbortError" ? error : refusal(0, "");
    });
    if (response.ok) return response;
    if (response.status !== 429 && response.status !== 503) throw refusal(response.status, await response.text());
    await pause(Number(response.headers.get("retry-after")) || backoff(tries));
  }
}

export const get = (address, signal) => ask(address, { signal });

export const post = (address, content) =>
  ask(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });

// Sends a file as a job. Not by fetch, which can't tell how much has gone up.
export async function submit(file, look, progress) {
  for (let tries = 0; ; tries += 1) {
    const [status, text, wait] = await new Promise((done) => {
      const request = new XMLHttpRequest();
      request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
      request.addEventListener("loadend", () =>
        done([request.status, request.responseText, request.status ? request.getResponseHeader("retry-after") : null]),
      );
      request.open("POST", `${api}/jobs?${new URLSearchParams(look)}`);
      request.send(file);
    });
    if (status === 202) return JSON.parse(text);
    if (status === 0 && !(await isReadable(file))) {
      throw new Refused(UNREADABLE, "The file was moved, changed or deleted before it was sent; add it again.");
    }
    if (status !== 429 && status !== 503) throw refusal(status, text);
    await pause(Number(wait) || backoff(tries));
  }
}

const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

// Follows a job until it is over.
export function follow(id, heard) {
  return new Promise((done, failed) => {
    const events = new EventSource(`${api}/jobs/${id}/events`);
    const end = (finish, value) => {
      events.close();
      finish(value);
    };
    events.addEventListener("message", (event) => {
      const job = JSON.parse(event.data);
      heard(job);
      if (job.status === "done") end(done, job);
      if (job.status === "failed") end(failed, new Refused(job.problem.status, job.problem.detail));
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) end(failed, refusal(0, ""));
    });
  });
}

export const forget = (id) => fetch(`${api}/jobs/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});

// References that were sent anew, by the id under which looks know them.
export const renamed = new Map();

// A look as the server knows it.
export const current = (look) => (renamed.has(look.reference) ? { ...look, reference: renamed.get(look.reference) } : look);

const query = (look, more) => new URLSearchParams({ ...current(look), ...more });

export const resultAddress = (id, look, more = {}) => `${api}/jobs/${id}/result?${query(look, more)}`;

export const exportAddress = (id, look, how) => `${api}/jobs/${id}/export?${query(look, how)}`;

export const albumAddress = (id, look, name) => `${api}/jobs/${id}/album?${query(look, { name })}`;

// What is asked of a place, or of the whole: "colors", "reach", "confidence", "unsure", "variants".
export const placeAddress = (id, what, look, more = {}) => `${api}/jobs/${id}/${what}?${query(look, more)}`;

export const originalAddress = (id, more = {}) => `${api}/jobs/${id}/original?${new URLSearchParams(more)}`;

// A picture that is ready to be painted, so that changing it never flickers.
export async function picture(address, signal) {
  const blob = await (await get(address, signal)).blob();
  const image = new Image();
  image.alt = "";
  image.src = URL.createObjectURL(blob);
  try {
    await image.decode();
  } finally {
    URL.revokeObjectURL(image.src);
  }
  return image;
}
