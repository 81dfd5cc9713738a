// The photograph or film that is shown, and how it is to look.

import { Refused, backoff, originalAddress, picture, resultAddress } from "./api.js";
import { Doubts } from "./doubts.js";
import { Sheet } from "./export.js";
import { film, filmLook } from "./film.js";
import { Hints } from "./hints.js";
import { saveOne } from "./saving.js";
import { Variants } from "./variants.js";
import { Viewer } from "./viewer.js";
import { Wishes } from "./wishes.js";
import { formatName, middle } from "./words.js";

const DRAFT = 416; // pixels of the longer side while a slider moves
const LARGEST_COPY = 1600; // of the server; whatever is larger is looked at in parts
const LARGEST_CROP = 16e6; // pixels of the photograph in one part, likewise
const MOVED = 120; // milliseconds after which another part of the photograph is rendered
const SETTLED = 160; // milliseconds without a change after which the full copy is fetched
const DRIFT = 0.08; // seconds that the two sides of a film may be apart
const FINAL = [413, 415, 422]; // refusals of the file itself: sending it again changes nothing
const GONE = 410; // of a reference
const CONTROLS = ["sliders", "toggles", "hints", "wishes", "download", "size", "reset", "export-open"];
const TOGGLES = ["keep_color", "restore_tone"];
const $ = (id) => document.getElementById(id);

export class Editor {
  #viewer = new Viewer($("viewer"));
  #item = null;
  #sliders = [...document.querySelectorAll("#sliders input")];
  #variants = new Variants((value) => this.#setLook("variant", value, "0"));
  #sheet;
  #page;
  #wanted = 0;
  #drafting = false;
  #settling = 0;
  #silences = 0; // how often in a row the server did not answer
  #moving = 0;
  #cropping = new AbortController();
  #loaded = 0;
  #before = "";
  #after = "";
  #loading = new AbortController();
  #leaving = new AbortController();
  #films = [];
  #hints;
  #doubts;
  wishes;
  #playing = false;

  // `page.changed()` is called when the picture is painted, `page.change(changes, key)` changes looks so that it can be
  // undone, `page.gone(item)` hears of what the server has forgotten, `page.saved(items)` of a download; `page.done()` are
  // the photographs and films that are coloured, and `page.download(items, how, button)` saves many as an archive.
  constructor(page) {
    this.#page = page;
    for (const slider of this.#sliders) {
      slider.addEventListener("input", () => this.#setLook(slider.id, slider.value, slider.dataset.start, slider.id));
    }
    for (const id of TOGGLES) $(id).addEventListener("change", () => this.#setLook(id, $(id).checked ? "true" : "", ""));
    this.#sheet = new Sheet({ mark: (which, on) => this.#mark(which, on), saved: page.saved, done: page.done, download: page.download });
    $("export-open").addEventListener("click", () => this.#sheet.open(this.#item));
    this.#hints = new Hints(this.#viewer, (written, key) => this.#setLook("hints", written, "", key));
    this.#doubts = new Doubts(this.#viewer, (x, y) => this.#hints.begin(x, y));
    this.wishes = new Wishes((item, name, value) => this.#change(item, name, value, ""));
    $("reset").addEventListener("click", () => {
      page.change([[this.#item, this.#item.look, {}]]);
      this.refresh();
    });
    this.#viewer.zooms = () => this.#zoomed();
    $("size").addEventListener("click", () => this.#viewer.toggleActual());
    $("pause").addEventListener("click", () => this.#setPlaying(!this.#playing));
    $("scrub").addEventListener("input", () => {
      for (const { video } of this.#films) video.currentTime = $("scrub").value;
    });
    $("sound").addEventListener("click", () => this.#setSound($("sound").getAttribute("aria-pressed") !== "true"));
    $("download").addEventListener("click", () => this.download(this.#item));
  }

  set original(on) {
    this.#viewer.original = on;
  }

  // By keys: how much closer, or 0 for all of it.
  zoom(factor) {
    factor ? this.#viewer.zoomBy(factor) : this.#viewer.zoomTo(0);
  }

  #zoomed() {
    $("size").setAttribute("aria-pressed", this.#viewer.actual);
    if (this.#item?.state !== "done" || this.#isFilm) return;
    if (!this.#sharper(0)) this.#viewer.clearCrops();
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => this.#look(), MOVED);
  }

  // Something else of the photograph is seen: a larger copy of it, or a part.
  async #look() {
    const { signal } = this.#loading;
    await this.#loadOver(signal);
    if (!signal.aborted) await this.#crop(); // another one may be shown by then, which has no job yet
  }

  get #isFilm() {
    return this.#item.job?.kind === "film";
  }

  leave() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    this.#loading.abort();
    clearTimeout(this.#settling);
    clearTimeout(this.#moving);
    this.#cropping.abort();
    this.#variants.show(null);
    this.#viewer.clearCrops();
    this.#before = "";
    this.#after = "";
    this.#films = [];
    this.#viewer.clear();
    this.#viewer.busy = false;
    $("silent").hidden = true;
    this.#silences = 0;
  }

  show(item) {
    this.#viewer.zoomTo(0);
    this.leave();
    this.#item = item;
    const ready = item.state === "done";
    const failed = item.state === "failed";
    $("name").textContent = middle(item.name);
    $("name").title = item.name;
    $("facts").textContent = ready ? describe(item.job) : "";
    $("viewer").hidden = failed;
    $("notice").hidden = !failed;
    $("notice-name").textContent = `${middle(item.name)} could not be coloured.`;
    $("notice-text").textContent = item.problem?.message ?? "";
    $("retry").hidden = !failed || !item.file || FINAL.includes(item.problem.status);
    for (const id of CONTROLS) {
      if (!$(id)) continue;
      $(id).disabled = !ready;
      $(id).hidden = failed;
    }
    for (const id of ["toggles", "hints", "contrast"]) $(id).closest(".slider, fieldset").hidden = failed || this.#isFilm;
    if (this.#isFilm) $("export-open").hidden = true;
    $("keep-row").hidden = item.job?.toning !== "color";
    $("reference-row").hidden = this.#isFilm;
    $("film-tools").hidden = true;
    this.#showLook();
    const photograph = ready && !this.#isFilm ? item : null;
    this.#hints.show(photograph);
    this.#doubts.show(photograph);
    this.#variants.show(photograph);
    if (!failed) this.#showLocal(item);
    if (!ready) {
      this.#viewer.busy = !failed;
      return;
    }
    this.#viewer.setSize(item.job.width, item.job.height);
    if (this.#isFilm) return void this.#play();
    this.#load();
  }

  // The file from this computer, gray, until the server's answer is there.
  async #showLocal(item) {
    const { signal } = this.#leaving;
    this.#viewer.alone(null, !item.washed);
    item.washed ||= item.state === "done";
    const image = await item.local;
    if (!image || signal.aborted || this.#viewer.isFull) return;
    if (item.state !== "done") this.#viewer.setSize(image.naturalWidth, image.naturalHeight);
    this.#viewer.alone(image, item.state !== "done" || this.#viewer.washes);
  }

  #setLook(name, value, start, key = null) {
    this.#change(this.#item, name, value, start, key);
  }

  #mark(which, on) {
    const marked = ({ mark: _, ...look }) => (on ? { ...look, mark: "true" } : look);
    this.#page.change(which.map((item) => [item, item.look, marked(item.look)]));
    if (which.includes(this.#item)) this.refresh();
  }

  #change(item, name, value, start, key = null) {
    const look = { ...item.look, [name]: value };
    if (value === "" || (start !== "" && Number(value) === Number(start))) delete look[name]; // as the model has it
    this.#page.change([[item, item.look, look]], key && `${item.number} ${key}`);
    if (item !== this.#item) return;
    this.#showLook();
    this.#paint();
    this.#doubts.update();
    this.#variants.update();
  }

  // The look was changed from elsewhere.
  refresh() {
    if (this.#item.state !== "done") return;
    this.#showLook();
    if (!this.#isFilm) this.#hints.show(this.#item);
    this.#paint();
    this.#doubts.update();
    this.#variants.update();
  }

  #showLook() {
    const { look, filmLook: painted } = this.#item;
    for (const slider of this.#sliders) {
      slider.value = look[slider.id] ?? slider.dataset.start;
      const percent = Math.round(100 * slider.value);
      const words = `${slider.min < 0 && percent > 0 ? "+" : ""}${percent} %`;
      $(`${slider.id}-value`).textContent = words;
      slider.setAttribute("aria-valuetext", words);
    }
    this.wishes.show(this.#item);
    for (const id of TOGGLES) $(id).checked = look[id] === "true";
    this.#variants.choose(look.variant ?? "0");
    // A film is coloured with its look; another one means all of it again.
    const stale = this.#isFilm && String(new URLSearchParams(filmLook(look))) !== String(new URLSearchParams(painted));
    $("again").hidden = !stale;
    if (stale) $("size").hidden = true; // whose place it takes
    else if (this.#item.state === "done") $("size").hidden = false;
  }

  // A small copy at once, again while the slider moves, then one as large as the screen.
  async #paint() {
    if (this.#isFilm || this.#item.state !== "done") return;
    this.#wanted += 1;
    this.#viewer.busy = true; // until #load() has shown what is asked for now
    this.#loading.abort();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#load(), SETTLED);
    if (this.#drafting) return;
    this.#drafting = true;
    const { signal } = this.#leaving;
    let painted = 0;
    while (painted !== this.#wanted && !signal.aborted) {
      painted = this.#wanted;
      const { job, look } = this.#item;
      const box = this.#sharper(0);
      const draft = await this.#ready(picture(resultAddress(job.id, look, box ? this.#part(box) : this.#copy(DRAFT)), signal));
      if (!draft || this.#loaded >= painted || signal.aborted) continue; // a full copy may be there before an old draft
      // Closely looked at, the part that is seen; what lies around it follows when the slider rests.
      if (box && this.#viewer.zoomed) this.#viewer.setCrop("after", draft, box);
      else if (!box) {
        this.#viewer.set("after", draft);
        this.#after = "";
      }
    }
    this.#drafting = false;
  }

  async #load() {
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    const { job } = this.#item;
    const wanted = this.#wanted;
    this.#item.problem = null;
    this.#viewer.busy = true;
    await Promise.all([this.#loadOver(signal), this.#crop()]);
    if (signal.aborted) return;
    const silent = this.#item.problem?.status === 0;
    $("silent").hidden = !silent;
    if (silent) {
      this.#settling = setTimeout(() => this.#load(), 1000 * backoff(this.#silences));
      this.#silences += 1;
      return;
    }
    this.#silences = 0;
    this.#loaded = wanted;
    this.#viewer.busy = false;
    if (this.#viewer.isFull && !this.#item.problem) $("facts").textContent = describe(job);
    this.#page.changed();
  }

  // Both sides as large as they are seen, or as the server makes copies.
  #loadOver(signal) {
    const { job, look } = this.#item;
    const copy = this.#copy(this.#viewer.pixels);
    return Promise.all([this.#loadBefore(job, copy, signal), this.#loadAfter(job, look, copy, signal)]);
  }

  // The part that is seen where a copy is coarser than the screen, else nothing.
  #sharper(around) {
    const { width, height } = this.#item.job;
    const longest = Math.max(width, height);
    if (!this.#viewer.zoomed || longest <= LARGEST_COPY || this.#viewer.pixels <= LARGEST_COPY) return null;
    const fits = (box) => box.width * box.height <= LARGEST_CROP;
    return [this.#viewer.seen(around), this.#viewer.seen(0)].find(fits) ?? null;
  }

  #part({ x, y, width, height }) {
    const { format } = this.#copy(DRAFT);
    const part = { format, crop: [x, y, width, height].join(",") };
    const side = Math.ceil(Math.max(width, height) * this.#viewer.scale * devicePixelRatio);
    return side < Math.min(LARGEST_COPY, Math.max(width, height)) ? { ...part, max_side: Math.max(16, side) } : part;
  }

  async #crop() {
    this.#cropping.abort();
    const { signal } = (this.#cropping = new AbortController());
    const box = this.#sharper();
    if (!box) return this.#viewer.clearCrops();
    const { job, look } = this.#item;
    const load = async (side, address) => {
      const image = await this.#ready(picture(address, signal));
      if (image && !signal.aborted) this.#viewer.setCrop(side, image, box);
    };
    await Promise.all([load("after", resultAddress(job.id, look, this.#part(box))), load("before", originalAddress(job.id, this.#part(box)))]);
  }

  // The same whatever the look is.
  async #loadBefore({ id }, copy, signal) {
    const address = originalAddress(id, copy);
    if (address === this.#before) return;
    const image = await this.#ready(picture(address, signal));
    if (!image || signal.aborted) return;
    this.#viewer.set("before", image);
    this.#before = address;
  }

  async #loadAfter({ id }, look, copy, signal) {
    const address = resultAddress(id, look, copy);
    if (address === this.#after) return;
    const image = await this.#ready(picture(address, signal));
    if (!image || signal.aborted) return;
    this.#viewer.set("after", image);
    this.#after = address;
  }

  async #play() {
    const { id, format } = this.#item.job;
    const { signal } = this.#leaving;
    this.#viewer.busy = true;
    const opened = await Promise.all([
      this.#ready(film(originalAddress(id), format, signal)),
      this.#ready(film(resultAddress(id, {}), format, signal)),
    ]);
    if (signal.aborted) return;
    this.#viewer.busy = false;
    ["before", "after"].forEach((side, at) => opened[at] && this.#viewer.set(side, opened[at].element));
    this.#films = opened.filter(Boolean);
    const [before, after] = opened.map((each) => each?.video);
    if (before && after) {
      after.addEventListener("timeupdate", () => {
        showPlace(after);
        // While it rests, the line of time moves both.
        if (this.#playing && Math.abs(after.currentTime - before.currentTime) > DRIFT) before.currentTime = after.currentTime;
      });
      $("scrub").max = after.duration;
      showPlace(after);
    }
    // A moving picture has neither a place nor a sound that could be chosen.
    $("scrub").hidden = $("sound").hidden = !(before && after);
    this.#setSound(false);
    $("film-tools").hidden = !this.#films.length;
    this.#setPlaying(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  #setPlaying(on) {
    this.#playing = on;
    $("pause").textContent = on ? "Pause" : "Play";
    for (const each of this.#films) on ? each.play() : each.pause();
  }

  // Of the result, which has the film's own.
  #setSound(on) {
    $("sound").setAttribute("aria-pressed", on);
    const after = this.#films.at(-1)?.video;
    if (after) after.muted = !on;
  }

  #copy(pixels) {
    const format = this.#item.job.alpha ? "png" : "jpeg";
    return { format, max_side: Math.max(16, Math.min(LARGEST_COPY, pixels)) };
  }

  // What is coming, or nothing where it was refused, of which the page tells.
  async #ready(coming) {
    const item = this.#item;
    try {
      return await coming;
    } catch (error) {
      if (error.name === "AbortError") return null;
      if (!(error instanceof Refused)) throw error;
      await this.#refused(item, error);
      return null;
    }
  }

  async #refused(item, error) {
    if (error.status === 404 && item.state === "done") return this.#page.gone(item);
    if (error.status === GONE && item.look.reference) {
      const again = await this.wishes.sendAgain(item.look.reference);
      if (!again) this.#change(item, "reference", "", "");
      else if (item === this.#item) this.#paint();
      return;
    }
    item.problem = error;
    $("news").textContent = error.message;
    $("facts").textContent = error.message;
  }

  async download(item) {
    const button = $("download");
    button.disabled = true;
    button.textContent = "Preparing…";
    try {
      await saveOne(item);
      this.#page.saved([item]);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#refused(item, error);
    } finally {
      button.disabled = false;
      button.textContent = "Download";
    }
  }
}

function showPlace({ currentTime, duration }) {
  $("scrub").value = currentTime;
  $("scrub").setAttribute("aria-valuetext", `${currentTime.toFixed(1)} of ${duration.toFixed(1)} seconds`);
}

const TONINGS = { tinted: "came tinted", color: "came in colour" };

function describe({ width, height, format, frames, seconds, toning }) {
  const long = seconds ? span(seconds) : frames > 1 && `${frames} frames`; // a few formats do not say how long
  return [`${width} × ${height}`, formatName(format), long, TONINGS[toning]].filter(Boolean).join(", ");
}

function span(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
