// The colour page: what was chosen, what was done with it, and the photograph that is shown.

import { Refused, api, forget, picture, sampleAddress } from "./api.js";
import { Editor } from "./editor.js";
import { filmLook } from "./film.js";
import { History } from "./history.js";
import { local } from "./preview.js";
import { Queue } from "./queue.js";
import { saveAll, saveInAlbum } from "./saving.js";
import * as session from "./session.js";
import { Strip } from "./strip.js";
import { Viewer } from "./viewer.js";
import { left, middle } from "./words.js";

const $ = (id) => document.getElementById(id);
const TITLE = document.title;
let last = 0;

class Item {
  constructor(file, name, facts = {}) {
    const state = { state: "waiting", stage: "", progress: 0, job: null, problem: null, look: {}, saved: null, gone: false };
    Object.assign(this, { file, name, number: (last += 1), local: local(file), ...state, ...facts });
  }
}

const items = [];
let shown = null;
const queue = new Queue(items, heard, over);
const strip = new Strip($("strip"), (item) => show(item), (item) => queue.left(item));
const history = new History(() => {
  $("undo").disabled = !history.canUndo;
  $("redo").disabled = !history.canRedo;
  remember();
});
const editor = new Editor({
  changed: () => strip.update(shown),
  change,
  gone: again,
  saved,
  done: coloured,
  download,
});

export function add(files) {
  put([...files].map((file) => new Item(file, file.name || "Pasted picture")));
}

function put(chosen, first = chosen[0]) {
  if (!chosen.length) return;
  $("welcome").hidden = true;
  $("studio").hidden = false;
  for (const item of chosen) {
    items.push(item);
    strip.add(item);
  }
  if (!shown) show(first);
  work();
}

function show(item) {
  shown = item;
  strip.select(item);
  editor.show(item);
  report();
}

function work() {
  queue.work();
  report();
}

function heard(item) {
  strip.update(item);
  entitle();
}

function over(item) {
  strip.update(item);
  announce(item.state === "done" ? `${item.name} is coloured` : `${item.name} failed: ${item.problem.message}`);
  if (item === shown) editor.show(item);
  report();
}

function remove(item) {
  const at = items.indexOf(item);
  take(item);
  history.add({ undo: () => giveBack(item, at), redo: () => take(item), dropped: () => item.job && forget(item.job.id) });
  announce(`${item.name} is removed`);
}

function take(item) {
  const at = items.indexOf(item);
  items.splice(at, 1);
  item.gone = true;
  strip.remove(item);
  if (shown !== item) return report();
  shown = null;
  if (items.length) return show(items[Math.min(at, items.length - 1)]);
  editor.leave();
  $("removed-name").textContent = middle(item.name);
  entitle();
  $("removed").hidden = false;
  $("studio").hidden = true;
  $("welcome").hidden = false;
  $("welcome").querySelector("[data-choose]").focus();
}

function giveBack(item, at) {
  item.gone = false;
  $("welcome").hidden = $("removed").hidden = true;
  $("studio").hidden = false;
  items.splice(at, 0, item);
  strip.add(item, at);
  show(item);
  work();
}

// ---- looks, and how to get them back

// Each of `changes` is [item, the look before, the look after].
function change(changes, key = null) {
  const apply = (which) => {
    for (const each of changes) {
      each[0].look = each[which];
      if (each[0] !== shown) strip.update(each[0]);
    }
  };
  apply(2);
  const again = (which) => () => {
    const there = changes.filter(([item]) => items.includes(item));
    apply(which);
    if (!there.length) return;
    if (!there.some(([item]) => item === shown)) show(there[0][0]);
    else editor.refresh();
  };
  history.add({ key, undo: again(1), redo: again(2) });
}

function saved(which) {
  for (const item of which) item.saved = JSON.stringify(item.look);
  remember();
}

const isUnsaved = (item) => item.state === "done" && item.saved !== JSON.stringify(item.look);

function report() {
  const count = (...states) => items.filter((item) => states.includes(item.state)).length;
  const [done, failed, open] = [count("done"), count("failed"), count("waiting", "working")];
  const words = open ? `${done} of ${items.length} coloured` : failed ? `${done} coloured` : named(items);
  $("queue").textContent = items.length > 1 ? words + (failed ? `, ${failed} failed` : "") : "";
  $("download-all").hidden = done < 2;
  $("everywhere").hidden = done < 2 || shown?.state !== "done";
  if ($("album")) {
    $("album").hidden = !done;
    $("album").textContent = done > 1 ? "Save all to the album" : "Save to the album";
  }
  entitle();
  remember();
}

// The tab's title, for who looks at another one meanwhile.
function entitle() {
  const open = items.filter(({ state }) => state === "waiting" || state === "working");
  const over = items.filter(({ state }) => state === "done").length;
  const seconds = Math.max(...open.map((item) => queue.left(item) ?? 0));
  const words = `${over} of ${items.length} coloured${seconds > 0 ? `, ${left(seconds)} left` : ""}`;
  const name = open.length ? words : shown && middle(shown.name);
  document.title = name ? `${name} \u2013 photochrom` : TITLE;
}

// How many there are of each kind.
function named(done) {
  const kinds = done.map(({ job }) => (job.kind !== "film" ? "photograph" : job.format === "gif" ? "GIF" : "film"));
  const count = (kind) => kinds.filter((each) => each === kind).length;
  const parts = ["photograph", "film", "GIF"].filter(count).map((kind) => `${count(kind)} ${kind}${count(kind) > 1 ? "s" : ""}`);
  return parts.join(", ");
}

function tell(text) {
  $("queue").textContent = text;
  announce(text);
}

function announce(text) {
  $("news").textContent = text;
}

// ---- a reload

function remember() {
  session.keep(items, shown, editor.wishes.names);
}

async function restore() {
  const found = await session.found();
  if (!found || items.length) return;
  editor.wishes.names = found.names;
  const back = found.there.map(({ name, job, look, saved, filmLook }) => {
    const done = job.status === "done";
    return new Item(null, name, { job, look, saved, filmLook, state: done ? "done" : "working", washed: true });
  });
  const lost = found.lost && `${found.lost} of your photographs ${found.lost > 1 ? "are" : "is"} no longer on the server.`;
  put(back, back.find(({ job }) => job.id === found.shown) ?? back[0]);
  for (const item of back) if (item.state === "working") queue.resume(item);
  if (lost) {
    tell(lost);
    $("lost").textContent = back.length ? "" : lost;
  }
}

addEventListener("beforeunload", (event) => items.some(isUnsaved) && event.preventDefault());
addEventListener("pagehide", () => history.forEach((entry) => entry.dropped?.()));

// ---- the ways in

for (const button of document.querySelectorAll("[data-choose]")) button.addEventListener("click", () => $("files").click());
$("files").addEventListener("change", () => {
  add($("files").files);
  $("files").value = "";
});
document.addEventListener("paste", (event) => add(event.clipboardData.files));

// Beside the photograph, a picture becomes its reference.
const isReference = (event) => shown?.state === "done" && shown.job.kind !== "film" && Boolean(event.target.closest?.(".panel"));

document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  $("veil").hidden = false;
  $("veil-text").textContent = isReference(event) ? "Let go to take its colours" : "Let go to colour";
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) $("veil").hidden = true;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("veil").hidden = true;
  if (isReference(event)) editor.wishes.take(event.dataTransfer.files[0]);
  else add(event.dataTransfer.files);
});
for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", async () => {
    const name = button.dataset.sample;
    const response = await fetch(sampleAddress(name));
    add([new File([await response.blob()], name, { type: "image/jpeg" })]);
  });
}

// ---- what is done with a photograph, or with all

// Sends a file again: it failed, the server has forgotten it, or a film is to look otherwise.
function again(item) {
  if (item.file) {
    item.state = "waiting";
    item.filmLook = item.job?.kind === "film" ? filmLook(item.look) : {};
  } else {
    // Found again by a reload, which has not kept the file.
    Object.assign(item, { state: "failed", problem: new Refused(404, "The server no longer has this photograph; add its file again.") });
  }
  strip.update(item);
  if (item === shown) editor.show(item);
  work();
}
$("remove").addEventListener("click", () => remove(shown));
$("retry").addEventListener("click", () => again(shown));
$("again").addEventListener("click", () => again(shown));
$("undo").addEventListener("click", () => history.undo());
$("undo-remove").addEventListener("click", () => history.undo());
$("redo").addEventListener("click", () => history.redo());
$("everywhere").addEventListener("click", () => {
  const { hints: theirs, ...look } = shown.look; // points are of one photograph
  const others = items.filter((item) => item !== shown);
  change(others.map((item) => [item, item.look, item.look.hints ? { ...look, hints: item.look.hints } : look]));
  announce("The look is used for all photographs");
});
$("download-all").addEventListener("click", async () => {
  const done = coloured();
  const problem = await download(done, {}, $("download-all"));
  if (problem) tell(problem);
  else saved(done);
});

// One after the other; what is there already in its look is not written again.
$("album")?.addEventListener("click", async () => {
  const open = coloured().filter((item) => item.inAlbum !== JSON.stringify(item.look));
  $("album").disabled = true;
  try {
    for (const [at, item] of open.entries()) {
      $("album").textContent = `Saving ${at + 1} of ${open.length}…`;
      const look = JSON.stringify(item.look);
      await saveInAlbum(item);
      item.inAlbum = item.saved = look;
    }
    report();
    tell(open.length === 1 ? "Saved in the album" : open.length ? `${open.length} saved in the album` : "All are in the album");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    report();
    tell(error.message);
  } finally {
    $("album").disabled = false;
  }
});

function coloured() {
  return items.filter((item) => item.state === "done");
}

// Many as one archive, of which a button tells; what went wrong, or nothing.
async function download(done, how, button) {
  const words = button.textContent;
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    await saveAll(done, how, (bytes) => {
      button.textContent = `Preparing… ${Math.round(bytes / 1e6)} MB`;
    });
    return "";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const gone = error.status === 404 ? await forgotten(done) : [];
    gone.forEach(again);
    return gone.length ? "The server had forgotten some; they are coloured again. Try again when that is done." : error.message;
  } finally {
    button.disabled = false;
    button.textContent = words;
  }
}

async function forgotten(done) {
  const states = await Promise.all(done.map(({ job }) => fetch(`${api}/jobs/${job.id}`)));
  return done.filter((_, at) => states[at].status === 404);
}

// ---- keys that work everywhere

const isTyping = (element) => element.matches?.("input[type=text], textarea");
// What the space bar has a meaning for already.
const isPressable = (element) => element.closest?.("button, a, select, textarea, summary, input:not([type=range])");

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !isTyping(event.target)) {
    const key = event.key.toLowerCase();
    if (key === "z" || key === "y") {
      event.preventDefault();
      event.shiftKey || key === "y" ? history.redo() : history.undo();
    }
  } else if (["+", "=", "-", "0"].includes(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target) && shown) {
    editor.zoom({ "+": 1.25, "=": 1.25, "-": 0.8, 0: 0 }[event.key]);
  } else if (event.key === " " && !isPressable(event.target) && shown) {
    event.preventDefault();
    editor.original = true;
  }
});
document.addEventListener("keyup", (event) => {
  if (event.key === " ") editor.original = false;
});
addEventListener("blur", () => {
  editor.original = false;
});

for (const element of document.querySelectorAll("[data-viewer]")) {
  const viewer = new Viewer(element);
  viewer.setSize(Number(element.dataset.width), Number(element.dataset.height));
  for (const side of ["before", "after"]) picture(element.dataset[side]).then((image) => viewer.set(side, image), () => {});
}
restore();
