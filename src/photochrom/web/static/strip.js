// The photographs in a row, one of them chosen: a group of radio buttons, so that the keys work as everywhere.

import { picture, resultAddress } from "./api.js";
import { still } from "./film.js";

const THUMBNAIL = 192;

export class Strip {
  #element;
  #chosen;
  #tiles = new Map();

  constructor(element, chosen) {
    this.#element = element;
    this.#chosen = chosen;
  }

  add(item) {
    const tile = document.createElement("label");
    tile.className = "tile";
    tile.innerHTML =
      '<input type="radio" name="photograph"><img alt=""><span class="state"></span><progress max="1"></progress>';
    tile.querySelector("input").addEventListener("change", () => this.#chosen(item));
    this.#tiles.set(item, tile);
    this.#element.append(tile);
    this.update(item);
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
    const words = { waiting: "waits", working: "is being coloured", done: "is coloured", failed: "failed" };
    tile.querySelector("input").setAttribute("aria-label", `${item.name} ${words[item.state]}`);
    tile.querySelector(".state").textContent = { waiting: "waits", failed: "failed" }[item.state] ?? "";
    const bar = tile.querySelector("progress");
    bar.hidden = item.state !== "working";
    bar.value = item.progress;
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
      () => {},
    );
  }
}
