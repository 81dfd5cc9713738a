// The photographs in a row, one of them chosen: a group of radio buttons, so that the keys work as everywhere.

import { picture, resultAddress } from "./api.js";
import { still } from "./film.js";
import { thumbnail } from "./preview.js";
import { left as span } from "./words.js";

const THUMBNAIL = 192;
const WORDS = { waiting: "waits", sending: "is being sent", queued: "waits for the server", colouring: "is being coloured", done: "is coloured", failed: "failed" };
const SHORT = { waiting: "waits", sending: "sending", queued: "queued", colouring: "colouring", failed: "failed" };

export class Strip {
  #element;
  #chosen;
  #left;
  #tiles = new Map();

  // `chosen(item)` hears of the choice; `left(item)` tells how many seconds one takes yet, or null.
  constructor(element, chosen, left) {
    this.#element = element;
    this.#chosen = chosen;
    this.#left = left;
  }

  add(item, at = this.#tiles.size) {
    const tile = document.createElement("label");
    tile.className = "tile";
    tile.innerHTML =
      '<input type="radio" name="photograph"><img alt=""><span class="state"></span><progress max="1"></progress>';
    tile.querySelector("input").addEventListener("change", () => this.#chosen(item));
    this.#tiles.set(item, tile);
    this.#element.insertBefore(tile, this.#element.children[at] ?? null);
    this.update(item);
    item.local?.then((image) => {
      if (image && !tile.dataset.address) tile.querySelector("img").replaceWith(thumbnail(image));
    });
  }

  select(item) {
    const tile = this.#tiles.get(item);
    tile.querySelector("input").checked = true;
    tile.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  remove(item) {
    this.#tiles.get(item).remove();
    this.#tiles.delete(item);
  }

  update(item) {
    const tile = this.#tiles.get(item);
    if (!tile) return;
    const stage = item.state === "working" ? item.stage : item.state;
    tile.querySelector("input").setAttribute("aria-label", `${item.name} ${WORDS[stage]}`);
    tile.title = item.state === "failed" ? `${item.name}: ${item.problem.message}` : item.name;
    const left = stage in SHORT && stage !== "failed" ? this.#left(item) : null;
    tile.querySelector(".state").textContent = stage === "done" ? "" : [SHORT[stage], left && span(left)].filter(Boolean).join(" ");
    const bar = tile.querySelector("progress");
    bar.hidden = item.state !== "working";
    if (item.progress > 0) bar.value = item.progress;
    else bar.removeAttribute("value");
    bar.setAttribute("aria-label", `${item.name}`);
    if (item.state === "done") this.#paint(item, tile);
  }

  #paint(item, tile) {
    const { id, kind, format } = item.job;
    const film = kind === "film";
    const address = film ? resultAddress(id, {}) : resultAddress(id, item.look, { max_side: THUMBNAIL, format: "jpeg" });
    if (tile.dataset.address === address) return;
    tile.dataset.address = address;
    (film ? still(address, format) : picture(address)).then(
      (image) => tile.dataset.address === address && tile.querySelector("img, video, canvas").replaceWith(image),
      () => tile.dataset.address === address && delete tile.dataset.address, // so that it is asked for again
    );
  }
}
