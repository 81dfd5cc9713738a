// Other colours that a photograph could have had, each by a name: they follow the look.

import { Refused, get, picture, placeAddress, resultAddress } from "./api.js";

const SIDE = 160;
const SETTLED = 1200; // milliseconds without a change after which they are painted anew; a slider has its turn first

export class Variants {
  #group = document.getElementById("variants");
  #tiles = [...document.querySelectorAll("#variants .tile")];
  #item = null;
  #shown = "";
  #timer = 0;
  #loading = new AbortController();

  // `chosen(value)` hears of the choice.
  constructor(chosen) {
    for (const tile of this.#tiles) {
      const input = tile.querySelector("input");
      input.addEventListener("change", () => chosen(input.value));
    }
  }

  // Those of a photograph, or none.
  show(item) {
    clearTimeout(this.#timer);
    this.#loading.abort();
    this.#item = item;
    this.#shown = "";
    if (!this.#group) return;
    this.#group.hidden = true; // until there is something
    if (item) this.#paint();
  }

  choose(value) {
    for (const tile of this.#tiles) {
      const input = tile.querySelector("input");
      input.checked = input.value === value;
    }
  }

  update() {
    clearTimeout(this.#timer);
    if (this.#item && this.#group) this.#timer = setTimeout(() => this.#paint(), SETTLED);
  }

  async #paint() {
    const { job, look } = this.#item;
    const { variant: _, mark: __, ...plain } = look;
    if (plain.keep_color && job.toning === "color") return void (this.#group.hidden = true);
    const wanted = JSON.stringify(plain);
    if (wanted === this.#shown) return void (this.#group.hidden = false);
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    const count = this.#tiles.length - 1;
    try {
      // One after the other, so that a slider that moves meanwhile waits for one of them only.
      const images = [];
      for (const tile of this.#tiles) {
        const variant = tile.querySelector("input").value;
        images.push(await picture(resultAddress(job.id, { ...plain, variant }, { max_side: SIDE, format: "jpeg" }), signal));
      }
      if (signal.aborted) return;
      this.#tiles.forEach((tile, at) => tile.querySelector("img").replaceWith(images[at]));
      this.#group.hidden = false;
      const names = await (await get(placeAddress(job.id, "variants", plain, { count }), signal)).json();
      if (signal.aborted) return;
      names.forEach(({ variant, name }) => (this.#tiles[variant].querySelector(".words").textContent = name));
      this.#shown = wanted;
    } catch (error) {
      // What is wrong with the look or the server, the large picture says.
      if (!(error instanceof Refused) && error.name !== "AbortError") throw error;
    }
  }
}
