// Where the colours are a guess: a veil over the picture, and the places where a hint would help most.

import { get, picture, placeAddress } from "./api.js";

const SETTLED = 300; // milliseconds without a change after which it is asked anew
const $ = (id) => document.getElementById(id);

export class Doubts {
  #viewer;
  #begin;
  #item = null;
  #on = false;
  #canvas = Object.assign(document.createElement("canvas"), { className: "doubt", hidden: true });
  #places = [];
  #loading = new AbortController();
  #waiting = 0;

  // `begin(x, y)` starts a hint.
  constructor(viewer, begin) {
    this.#viewer = viewer;
    this.#begin = begin;
    viewer.over.append(this.#canvas);
    // A model without a codebook cannot tell how sure it is.
    $("doubt")?.addEventListener("click", () => {
      this.#on = !this.#on;
      $("doubt").setAttribute("aria-pressed", this.#on);
      this.update(0);
    });
  }

  show(item) {
    if (this.#item !== item) this.#clear();
    this.#item = item;
    this.update();
  }

  // The look has changed.
  update(wait = SETTLED) {
    clearTimeout(this.#waiting);
    this.#loading.abort();
    if (!this.#on || !this.#item) return this.#clear();
    if (!this.#places.length) $("doubt-news").textContent = "Looking\u2026";
    this.#waiting = setTimeout(() => this.#load(), wait);
  }

  #clear() {
    this.#loading.abort();
    this.#canvas.hidden = true;
    for (const place of this.#places) place.remove();
    this.#places = [];
    $("doubt-news").textContent = "";
  }

  async #load() {
    const { signal } = (this.#loading = new AbortController());
    const { job, look } = this.#item;
    try {
      const [image, places] = await Promise.all([
        picture(placeAddress(job.id, "confidence", look), signal),
        get(placeAddress(job.id, "unsure", look), signal).then((answer) => answer.json()),
      ]);
      if (signal.aborted) return;
      this.#clear();
      this.#draw(image);
      this.#places = places.map((place, at) => this.#marker(place, at));
      $("doubt-news").textContent = "Orange is a guess. A hint at 1, 2 or 3 helps most.";
    } catch (error) {
      if (error.name !== "AbortError") $("doubt-news").textContent = error.message;
    }
  }

  // Orange, the stronger the less is sure.
  #draw(image) {
    const { naturalWidth: width, naturalHeight: height } = image;
    Object.assign(this.#canvas, { width, height, hidden: false });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, width, height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      const doubt = 255 - pixels.data[at];
      pixels.data.set([255, 96, 0, Math.min(230, 1.1 * doubt)], at);
    }
    context.putImageData(pixels, 0, 0);
  }

  #marker({ x, y }, at) {
    const { width, height } = this.#item.job;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "dot doubtful", textContent: at + 1 });
    button.setAttribute("aria-label", `Give a hint at place ${at + 1}, ${Math.round((100 * x) / width)} % from the left, ${Math.round((100 * y) / height)} % from the top`);
    button.style.setProperty("--px", x / width);
    button.style.setProperty("--py", y / height);
    button.addEventListener("pointerdown", (event) => event.stopPropagation());
    button.addEventListener("focus", () => this.#viewer.reveal(x, y));
    button.addEventListener("click", () => this.#begin(x, y));
    this.#viewer.points.append(button);
    return button;
  }
}
