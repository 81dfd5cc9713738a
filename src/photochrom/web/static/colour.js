// The colour page: what was chosen, the queue, and the photograph that is shown.

import { Refused, api, follow, forget, picture, sampleAddress, submit } from "./api.js";
import { Editor } from "./editor.js";
import { filmLook } from "./film.js";
import { Viewer } from "./viewer.js";
import { saveAll } from "./saving.js";
import { Strip } from "./strip.js";

const AT_A_TIME = 2; // uploads under way; the server bounds what one client may have
const $ = (id) => document.getElementById(id);

class Item {
  constructor(file, name) {
    Object.assign(this, { file, name, state: "waiting", progress: 0, job: null, problem: null, look: {} });
  }
}

const items = [];
let shown = null;
let last = 0;
const strip = new Strip($("strip"), (item) => show(item));
const editor = new Editor(() => strip.update(shown));

export function add(files) {
  const chosen = [...files].map((file) => new Item(file, file.name || "Pasted picture"));
  if (!chosen.length) return;
  $("welcome").hidden = true;
  $("studio").hidden = false;
  for (const item of chosen) {
    items.push(item);
    item.number = ++last;
    strip.add(item);
  }
  if (!shown) show(chosen[0]);
  work();
}

function show(item) {
  shown = item;
  strip.select(item);
  editor.show(item);
  report();
}

// Takes up the next files that wait, a few at a time.
function work() {
  // A film that has gone up has a queue of its own, and holds no photograph up.
  const busy = (item) => item.state === "working" && item.job?.kind !== "film";
  while (items.filter(busy).length < AT_A_TIME) {
    const next = items.find((item) => item.state === "waiting");
    if (!next) break;
    colour(next);
  }
  report();
}

async function colour(item) {
  item.state = "working";
  item.job = null;
  item.problem = null;
  const heard = (progress) => {
    item.progress = progress;
    strip.update(item);
  };
  try {
    heard(0);
    const job = await submit(item.file, item.filmLook ?? {}, (sent) => heard(sent / 2));
    if (!items.includes(item)) return void forget(job.id);
    item.job = job;
    work();
    item.job = await follow(job.id, (state) => heard(0.5 + state.progress / 2));
    item.state = "done";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    item.state = "failed";
    item.problem = error;
  }
  if (!items.includes(item)) return;
  strip.update(item);
  announce(item.state === "done" ? `${item.name} is coloured` : `${item.name} failed: ${item.problem.message}`);
  if (item === shown) editor.show(item);
  work();
}

function remove(item) {
  const at = items.indexOf(item);
  items.splice(at, 1);
  strip.remove(item);
  if (item.job) forget(item.job.id);
  shown = null;
  if (items.length) return show(items[Math.min(at, items.length - 1)]);
  editor.leave();
  $("studio").hidden = true;
  $("welcome").hidden = false;
  $("welcome").querySelector("[data-choose]").focus();
}

function report() {
  const count = (...states) => items.filter((item) => states.includes(item.state)).length;
  const [done, failed, open] = [count("done"), count("failed"), count("waiting", "working")];
  const words = open ? `${done} of ${items.length} coloured` : failed ? `${done} coloured` : `${done} photographs`;
  $("queue").textContent = items.length > 1 ? words + (failed ? `, ${failed} failed` : "") : "";
  $("download-all").hidden = done < 2;
  $("everywhere").hidden = done < 2 || shown?.state !== "done";
}

function tell(text) {
  $("queue").textContent = text;
  announce(text);
}

function announce(text) {
  $("news").textContent = text;
}

// ---- the ways in

for (const button of document.querySelectorAll("[data-choose]")) button.addEventListener("click", () => $("files").click());
$("files").addEventListener("change", () => {
  add($("files").files);
  $("files").value = "";
});
document.addEventListener("paste", (event) => add(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  $("veil").hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) $("veil").hidden = true;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("veil").hidden = true;
  add(event.dataTransfer.files);
});
for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", async () => {
    const name = button.dataset.sample;
    const response = await fetch(sampleAddress(name));
    add([new File([await response.blob()], name, { type: "image/jpeg" })]);
  });
}

// ---- what is done with a photograph, or with all

$("remove").addEventListener("click", () => remove(shown));
// Sends a file again: it failed, the server has forgotten it, or a film is to look otherwise.
function again(item) {
  item.state = "waiting";
  item.filmLook = item.job?.kind === "film" ? filmLook(item.look) : {};
  strip.update(item);
  if (item === shown) editor.show(item);
  work();
}
$("retry").addEventListener("click", () => again(shown));
$("again").addEventListener("click", () => again(shown));
editor.onGone = again;
$("everywhere").addEventListener("click", () => {
  for (const item of items) {
    const { hints: theirs, ...look } = shown.look; // points are of one photograph
    item.look = item.look.hints ? { ...look, hints: item.look.hints } : look;
    strip.update(item);
  }
  announce("The look is used for all photographs");
});
$("download-all").addEventListener("click", async () => {
  const button = $("download-all");
  const done = items.filter((item) => item.state === "done");
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    await saveAll(done, (bytes) => {
      button.textContent = `Preparing… ${Math.round(bytes / 1e6)} MB`;
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const gone = error.status === 404 ? await forgotten(done) : [];
    gone.forEach(again);
    tell(gone.length ? "The server had forgotten some; they are coloured again. Download all when it is done." : error.message);
  } finally {
    button.disabled = false;
    button.textContent = "Download all";
  }
});

async function forgotten(done) {
  const states = await Promise.all(done.map(({ job }) => fetch(`${api}/jobs/${job.id}`)));
  return done.filter((_, at) => states[at].status === 404);
}

for (const element of document.querySelectorAll("[data-viewer]")) {
  const viewer = new Viewer(element);
  viewer.setSize(Number(element.dataset.width), Number(element.dataset.height));
  for (const side of ["before", "after"]) picture(element.dataset[side]).then((image) => viewer.set(side, image), () => {});
}
