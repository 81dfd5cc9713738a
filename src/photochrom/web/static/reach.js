// The outline of what a hint will reach, drawn over the picture.

import { picture, placeAddress } from "./api.js";

const LARGEST = 1600; // pixels of the longer side of the drawing
const COUNTS = 128; // of 255, from where on a point counts as reached

export class Reach {
  #canvas = Object.assign(document.createElement("canvas"), { className: "reach", hidden: true });
  #loading = new AbortController();
  #viewer;

  constructor(viewer) {
    this.#viewer = viewer;
    viewer.over.append(this.#canvas);
  }

  async show({ job, look }, place) {
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    try {
      const image = await picture(placeAddress(job.id, "reach", look, place), signal);
      if (!signal.aborted) this.#draw(image);
    } catch {
      this.hide(); // an outline is no must
    }
  }

  hide() {
    this.#loading.abort();
    this.#canvas.hidden = true;
  }

  #draw(image) {
    const scale = Math.min(LARGEST, this.#viewer.pixels) / Math.max(image.naturalWidth, image.naturalHeight);
    const [w, h] = [image.naturalWidth, image.naturalHeight].map((side) => Math.max(2, Math.round(side * scale)));
    Object.assign(this.#canvas, { width: w, height: h, hidden: false });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, w, h);
    const pixels = context.getImageData(0, 0, w, h);
    const inside = Uint8Array.from({ length: w * h }, (_, at) => (pixels.data[4 * at] > COUNTS ? 1 : 0));
    const line = new Uint8Array(w * h); // 2 the line, 1 its dark rim, so that it is seen on any ground
    for (let y = 1; y < h - 1; y += 1) {
      for (let x = 1; x < w - 1; x += 1) {
        const at = y * w + x;
        if (inside[at] && !(inside[at - 1] && inside[at + 1] && inside[at - w] && inside[at + w])) mark(line, at, w);
      }
    }
    line.forEach((kind, at) => pixels.data.set(kind === 2 ? [255, 255, 255, 255] : [0, 0, 0, kind ? 150 : 0], 4 * at));
    context.putImageData(pixels, 0, 0);
  }
}

function mark(line, at, w) {
  line[at] = 2;
  for (const near of [at - 1, at + 1, at - w, at + w]) line[near] ||= 1;
}
