// The photograph that is shown, and how it is to look.

import { Refused, get, originalAddress, picture, resultAddress } from "./api.js";
import { Viewer } from "./viewer.js";

const DRAFT = 416; // pixels of the longer side while a slider moves
const LARGEST_COPY = 1600; // of the server; whatever is larger is the photograph itself
const SETTLED = 160; // milliseconds without a change after which the full copy is fetched
const VARIANT = 160;
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
      this.#load();
    });
    $("download").addEventListener("click", () => this.download(this.#item));
  }

  leave() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    clearTimeout(this.#settling);
    this.#viewer.clear();
    this.#viewer.busy = false;
  }

  show(item) {
    this.leave();
    this.#item = item;
    const ready = item.state === "done";
    if (this.#viewer.actual) $("size").click();
    $("name").textContent = item.name;
    $("facts").textContent = ready ? `${item.job.width} × ${item.job.height}, ${item.job.format.toUpperCase()}` : "";
    $("viewer").hidden = item.state === "failed";
    $("notice").hidden = item.state !== "failed";
    $("notice-text").textContent = item.problem ?? "";
    $("retry").hidden = item.state !== "failed";
    for (const id of ["sliders", "variants", "download", "size", "reset"]) if ($(id)) $(id).disabled = !ready;
    this.#showLook();
    if (!ready) {
      this.#viewer.busy = item.state === "working";
      return;
    }
    this.#viewer.setSize(item.job.width, item.job.height);
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
    for (const slider of this.#sliders) {
      slider.value = this.#item.look[slider.id] ?? slider.dataset.start;
      const percent = Math.round(100 * slider.value);
      const words = `${slider.min < 0 && percent > 0 ? "+" : ""}${percent} %`;
      $(`${slider.id}-value`).textContent = words;
      slider.setAttribute("aria-valuetext", words);
    }
    for (const variant of this.#variants) variant.checked = variant.value === (this.#item.look.variant ?? "0");
  }

  // A small copy at once, again while the slider moves, then one as large as the screen.
  async #paint() {
    this.#wanted += 1;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#load(), SETTLED);
    if (this.#drafting) return;
    this.#drafting = true;
    const { signal } = this.#leaving;
    let painted = 0;
    while (painted !== this.#wanted && !signal.aborted) {
      painted = this.#wanted;
      await this.#fetch("after", resultAddress(this.#item.job.id, this.#item.look, this.#copy(DRAFT)));
    }
    this.#drafting = false;
  }

  async #load() {
    const { job, look } = this.#item;
    const wanted = this.#wanted;
    const copy = this.#copy(this.#viewer.actual ? Infinity : this.#viewer.pixels);
    this.#viewer.busy = true;
    await Promise.all([
      this.#fetch("before", originalAddress(job.id, copy)),
      this.#fetch("after", resultAddress(job.id, look, copy), () => wanted === this.#wanted),
    ]);
    this.#viewer.busy = false;
    this.#changed();
  }

  #copy(pixels) {
    const format = this.#item.job.alpha ? "png" : "jpeg";
    return pixels > LARGEST_COPY && this.#viewer.actual ? { format } : { format, max_side: Math.max(16, Math.min(LARGEST_COPY, pixels)) };
  }

  async #fetch(side, address, stillWanted = () => true) {
    const { signal } = this.#leaving;
    const item = this.#item;
    try {
      const image = await picture(address, signal);
      if (!signal.aborted && stillWanted()) this.#viewer.set(side, image);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refused)) throw error;
      this.#refused(item, error);
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
    if (error.status === 404) return this.onGone(item);
    item.problem = error.message;
    $("news").textContent = error.message;
    $("facts").textContent = error.message;
  }

  // In the format that it came in; the name never leaves this browser.
  async download(item) {
    const button = $("download");
    button.disabled = true;
    button.textContent = "Preparing…";
    try {
      const blob = await (await get(resultAddress(item.job.id, item.look, { format: item.job.format }))).blob();
      const link = document.createElement("a");
      link.download = item.name.replace(/(\.[^.]*)?$/, (ending) => `.color${ending || `.${item.job.format}`}`);
      link.href = URL.createObjectURL(blob);
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#refused(item, error);
    } finally {
      button.disabled = false;
      button.textContent = "Download";
    }
  }
}
