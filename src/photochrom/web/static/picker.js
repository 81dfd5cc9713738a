// A colour for one place: what the network holds likely there, what everybody knows, one from an open photograph, or any.

import { get, placeAddress } from "./api.js";
import { KEEP, nameOf } from "./marks.js";

const GAP = 18; // CSS pixels between the place and the choice
const $ = (id) => document.getElementById(id);

export class Picker {
  #box = $("picker");
  #wish = null;
  #loading = new AbortController();
  #dropper;

  // `dropper(told, byKeys)` has a colour taken from a photograph, and tells it, or null.
  constructor(dropper) {
    this.#dropper = dropper;
    $("picker-any").addEventListener("input", () => this.#wish?.chosen($("picker-any").value));
    $("picker-any").addEventListener("change", () => this.close());
    $("picker-close").addEventListener("click", () => this.close());
    $("picker-keep").addEventListener("click", () => this.#take(KEEP));
    $("picker-dropper").addEventListener("click", (event) => this.#drop(event.detail === 0));
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  get isOpen() {
    return this.#wish !== null;
  }

  // `wish`: the `item`, its `x` and `y` (or none), where on the screen (`at`), the colour of now, what hears of the one
  // that is `chosen`, perhaps more than once, and of the end (`closed`).
  open(wish) {
    this.close();
    this.#wish = wish;
    this.#loading = new AbortController();
    $("picker-any").value = wish.color?.startsWith("#") ? wish.color : "#8a2b1e";
    $("picker-here").hidden = wish.x === undefined;
    $("picker-likely").replaceChildren();
    $("picker-usual").replaceChildren();
    this.#box.hidden = false;
    this.#place(wish.at);
    $("picker-close").focus({ preventScroll: true });
    this.#load(wish);
  }

  close() {
    const wish = this.#wish;
    this.#loading.abort();
    this.#box.hidden = true;
    this.#wish = null;
    wish?.closed();
  }

  async #load({ item, x, y, at }) {
    const { signal } = this.#loading;
    const place = x === undefined ? { x: item.job.width / 2, y: item.job.height / 2 } : { x, y };
    let found;
    try {
      found = await (await get(placeAddress(item.job.id, "colors", item.look, place), signal)).json();
    } catch {
      return void ($("picker-here").hidden = true); // the free choice is there
    }
    const likely = found.likely.map(({ color, share }) => this.#swatch(color, `${nameOf(color)}, ${percent(share)}`));
    const usual = Object.entries(found.usual).map(([name, color]) => this.#swatch(color, name, name));
    $("picker-likely").replaceChildren(...likely);
    $("picker-usual").replaceChildren(...usual);
    this.#place(at);
    // A tap takes the focus away again, after this was opened.
    if ([$("picker-close"), document.body].includes(document.activeElement)) (x === undefined ? usual : likely)[0]?.focus({ preventScroll: true });
  }

  #swatch(color, label, shown = "") {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "swatch", title: label });
    button.setAttribute("aria-label", label);
    button.style.setProperty("--color", color);
    button.dataset.color = color;
    button.append(document.createElement("i"), shown);
    button.addEventListener("click", () => this.#take(color));
    return button;
  }

  #take(color) {
    this.#wish.chosen(color);
    this.close();
  }

  async #drop(byKeys) {
    const wish = this.#wish;
    this.#box.hidden = true;
    const color = await this.#dropper(wish, byKeys);
    if (this.#wish !== wish) return;
    if (color) return this.#take(color);
    this.#box.hidden = false;
    $("picker-dropper").focus();
  }

  // Beside the place, and inside the window; on a phone the style puts it at the lower end.
  #place([x, y]) {
    const { offsetWidth: w, offsetHeight: h, style } = this.#box;
    const left = x + GAP + w < innerWidth ? x + GAP : Math.max(8, x - GAP - w);
    style.setProperty("--left", `${left}px`);
    style.setProperty("--top", `${Math.max(8, Math.min(innerHeight - h - 8, y - h / 2))}px`);
  }
}

const percent = (share) => (share < 0.01 ? "hardly likely" : `${Math.round(100 * share)} % likely`);
