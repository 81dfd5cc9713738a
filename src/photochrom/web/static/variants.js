// Other colours that a photograph could have had, each by a name: they follow the look.

import { Refused, get, picture, placeAddress, resultAddress } from "./api.js";

const SIDE = 160;
const SETTLED = 700; // milliseconds without a change after which they are painted anew; a slider has its turn first

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
      const pictures = this.#tiles.map((tile) => {
        const variant = tile.querySelector("input").value;
        return picture(resultAddress(job.id, { ...plain, variant }, { max_side: SIDE, format: "jpeg" }), signal);
      });
      const named = get(placeAddress(job.id, "variants", plain, { count }), signal).then((answer) => answer.json());
      const [names, ...images] = await Promise.all([named, ...pictures]);
      if (signal.aborted) return;
      this.#tiles.forEach((tile, at) => {
        tile.querySelector("img").replaceWith(images[at]);
        if (at) tile.querySelector(".words").textContent = names[at - 1].name;
      });
      this.#shown = wanted;
      this.#group.hidden = false;
    } catch (error) {
      // What is wrong with the look or the server, the large picture says.
      if (!(error instanceof Refused) && error.name !== "AbortError") throw error;
    }
  }
}
