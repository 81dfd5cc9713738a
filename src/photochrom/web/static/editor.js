// The photograph or film that is shown, and how it is to look.

import { Refused, originalAddress, picture, resultAddress } from "./api.js";
import { film } from "./film.js";
import { saveOne } from "./saving.js";
import { Viewer } from "./viewer.js";

const DRAFT = 416; // pixels of the longer side while a slider moves
const LARGEST_COPY = 1600; // of the server; whatever is larger is the photograph itself
const SETTLED = 160; // milliseconds without a change after which the full copy is fetched
const VARIANT = 160;
const DRIFT = 0.08; // seconds that the two sides of a film may be apart
const $ = (id) => document.getElementById(id);

export class Editor {
  #viewer = new Viewer($("viewer"));
  #item = null;
  #sliders = [...document.querySelectorAll("#sliders input")];
  #variants = [...document.querySelectorAll("#variants input")];
  #changed;
  #wanted = 0;
  #drafting = false;
  #settling = 0;
  #leaving = new AbortController();
  #films = [];
  #playing = false;
  onGone = () => {};

  constructor(changed) {
    this.#changed = changed;
    for (const slider of this.#sliders) {
      slider.addEventListener("input", () => this.#setLook(slider.id, slider.value, slider.dataset.start));
    }
    for (const variant of this.#variants) {
      variant.addEventListener("change", () => this.#setLook("variant", variant.value, "0"));
    }
    $("reset").addEventListener("click", () => {
      this.#item.look = {};
      this.#showLook();
      this.#paint();
    });
    $("size").addEventListener("click", () => {
      this.#viewer.actual = !this.#viewer.actual;
      $("size").setAttribute("aria-pressed", this.#viewer.actual);
      if (!this.#isFilm) this.#load();
    });
    $("pause").addEventListener("click", () => this.#setPlaying(!this.#playing));
    $("download").addEventListener("click", () => this.download(this.#item));
  }

  get #isFilm() {
    return this.#item.job?.kind === "film";
  }

  leave() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    clearTimeout(this.#settling);
    this.#films = [];
    this.#viewer.clear();
    this.#viewer.busy = false;
  }

  show(item) {
    this.leave();
    this.#item = item;
    const ready = item.state === "done";
    if (this.#viewer.actual) {
      this.#viewer.actual = false;
      $("size").setAttribute("aria-pressed", false);
    }
    $("name").textContent = item.name;
    $("facts").textContent = ready ? describe(item.job) : "";
    $("viewer").hidden = item.state === "failed";
    $("notice").hidden = item.state !== "failed";
    $("notice-text").textContent = item.problem ?? "";
    $("retry").hidden = item.state !== "failed";
    for (const id of ["sliders", "variants", "download", "size", "reset"]) if ($(id)) $(id).disabled = !ready;
    for (const id of ["variants", "contrast"]) if ($(id)) $(id).closest(".slider, fieldset").hidden = this.#isFilm;
    $("pause").hidden = true;
    this.#showLook();
    if (!ready) {
      this.#viewer.busy = item.state === "working";
      return;
    }
    this.#viewer.setSize(item.job.width, item.job.height);
    if (this.#isFilm) return void this.#play();
    this.#load();
    this.#showVariants();
  }

  #setLook(name, value, start) {
    const look = { ...this.#item.look, [name]: value };
    if (Number(value) === Number(start)) delete look[name]; // as the model has it
    this.#item.look = look;
    this.#showLook();
    this.#paint();
  }

  #showLook() {
    const { look, filmLook } = this.#item;
    for (const slider of this.#sliders) {
      slider.value = look[slider.id] ?? slider.dataset.start;
      const percent = Math.round(100 * slider.value);
      const words = `${slider.min < 0 && percent > 0 ? "+" : ""}${percent} %`;
      $(`${slider.id}-value`).textContent = words;
      slider.setAttribute("aria-valuetext", words);
    }
    for (const variant of this.#variants) variant.checked = variant.value === (look.variant ?? "0");
    // A film is coloured with its look; another one means all of it again.
    $("again").hidden = !this.#isFilm || String(new URLSearchParams(look)) === String(new URLSearchParams(filmLook));
  }

  // A small copy at once, again while the slider moves, then one as large as the screen.
  async #paint() {
    if (this.#isFilm) return;
    this.#wanted += 1;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#load(), SETTLED);
    if (this.#drafting) return;
    this.#drafting = true;
    const { signal } = this.#leaving;
    let painted = 0;
    while (painted !== this.#wanted && !signal.aborted) {
      painted = this.#wanted;
      await this.#fetch("after", picture(resultAddress(this.#item.job.id, this.#item.look, this.#copy(DRAFT)), signal));
    }
    this.#drafting = false;
  }

  async #load() {
    const { job, look } = this.#item;
    const { signal } = this.#leaving;
    const wanted = this.#wanted;
    const copy = this.#copy(this.#viewer.actual ? Infinity : this.#viewer.pixels);
    this.#viewer.busy = true;
    await Promise.all([
      this.#fetch("before", picture(originalAddress(job.id, copy), signal)),
      this.#fetch("after", picture(resultAddress(job.id, look, copy), signal), () => wanted === this.#wanted),
    ]);
    if (signal.aborted) return;
    this.#viewer.busy = false;
    this.#changed();
  }

  async #play() {
    const { id, format } = this.#item.job;
    const { signal } = this.#leaving;
    const opened = await Promise.all([
      this.#ready(film(originalAddress(id), format, signal)),
      this.#ready(film(resultAddress(id, {}), format, signal)),
    ]);
    if (signal.aborted) return;
    ["before", "after"].forEach((side, at) => opened[at] && this.#viewer.set(side, opened[at].element));
    this.#films = opened.filter(Boolean);
    const [before, after] = opened.map((each) => each?.video);
    if (before && after) {
      after.addEventListener("timeupdate", () => {
        if (Math.abs(after.currentTime - before.currentTime) > DRIFT) before.currentTime = after.currentTime;
      });
    }
    $("pause").hidden = !this.#films.length;
    this.#setPlaying(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  #setPlaying(on) {
    this.#playing = on;
    $("pause").textContent = on ? "Pause" : "Play";
    for (const each of this.#films) on ? each.play() : each.pause();
  }

  #copy(pixels) {
    const format = this.#item.job.alpha ? "png" : "jpeg";
    if (pixels > LARGEST_COPY && this.#viewer.actual) return { format };
    return { format, max_side: Math.max(16, Math.min(LARGEST_COPY, pixels)) };
  }

  async #fetch(side, coming, stillWanted = () => true) {
    const { signal } = this.#leaving;
    const image = await this.#ready(coming);
    if (image && !signal.aborted && stillWanted()) this.#viewer.set(side, image);
  }

  // What is coming, or nothing where it was refused, of which the page tells.
  async #ready(coming) {
    const item = this.#item;
    try {
      return await coming;
    } catch (error) {
      if (error.name === "AbortError") return null;
      if (!(error instanceof Refused)) throw error;
      this.#refused(item, error);
      return null;
    }
  }

  #showVariants() {
    const { job, look } = this.#item;
    const { signal } = this.#leaving;
    for (const variant of this.#variants) {
      const address = resultAddress(job.id, { ...look, variant: variant.value }, { max_side: VARIANT, format: "jpeg" });
      picture(address, signal).then(
        (image) => variant.parentElement.querySelector("img").replaceWith(image),
        () => {},
      );
    }
  }

  #refused(item, error) {
    if (error.status === 404 && item.state === "done") return this.onGone(item);
    item.problem = error.message;
    $("news").textContent = error.message;
    $("facts").textContent = error.message;
  }

  async download(item) {
    const button = $("download");
    button.disabled = true;
    button.textContent = "Preparing…";
    try {
      await saveOne(item);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#refused(item, error);
    } finally {
      button.disabled = false;
      button.textContent = "Download";
    }
  }
}

function describe({ width, height, format, kind, frames }) {
  return `${width} × ${height}, ${format.toUpperCase()}${kind === "film" ? `, ${frames} frames` : ""}`;
}
