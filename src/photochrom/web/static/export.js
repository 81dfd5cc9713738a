// The sheet in which a photograph, or all of them, is made a file for somewhere else.

import { Refused, exportAddress, get } from "./api.js";
import { save } from "./saving.js";
import { formatName } from "./words.js";

const FORMATS = ["jpeg", "png", "tiff", "webp"];
const LOSSY = ["jpeg", "webp", "avif", "heif"];
const SIZES = [4096, 2048, 1280, 640]; // pixels of the longer side
const OF = { photograph: FORMATS, layer: ["png", "tiff", "webp"], card: ["jpeg", "png", "webp"], film: [] };
const ABOUT = {
  photograph: "",
  layer: "Transparent; lay it over the original in Photoshop, GIMP or any program with layers.",
  card: "The photograph as it was and in colour, as one picture.",
  film: "Six seconds, an .mp4 that can be played in a loop.",
};
const MARKS = { photograph: ".color", layer: ".layer", card: ".before-after", film: ".before-after" };
const $ = (id) => document.getElementById(id);

export class Sheet {
  #page;
  #item;
  #touched = false;

  // `page.mark(items, on)` changes the mark in looks, `page.saved(items)` hears of what was exported,
  // `page.done()` are the items that are coloured, `page.download(items, how, button)` saves many and says what is wrong.
  constructor(page) {
    this.#page = page;
    $("export-kinds").addEventListener("change", () => this.#show());
    $("export-format").addEventListener("change", () => this.#showQuality());
    $("export-quality").addEventListener("input", () => {
      this.#touched = true;
      this.#showQuality();
    });
    $("export-all").addEventListener("change", () => this.#show($("export-format").value));
    $("mark").addEventListener("change", () => page.mark(this.#all ? photographs(this.#items) : [this.#item], $("mark").checked));
    $("export-go").addEventListener("click", () => (this.#all ? this.#exportAll() : this.#export()));
  }

  open(item) {
    this.#item = item;
    this.#touched = false;
    $("export-news").textContent = "";
    $("export-all").checked = false;
    $("export-size").value = "";
    this.#show();
    $("export").showModal();
  }

  get #kind() {
    return document.querySelector("#export-kinds input:checked").value;
  }

  // Whether it is about all of them, as one archive; of a film there is only its result.
  get #all() {
    return $("export-all").checked && !$("export-all-row").hidden;
  }

  get #items() {
    const done = this.#page.done();
    return this.#kind === "photograph" ? done : photographs(done);
  }

  // `format` is chosen where it is among those of the kind.
  #show(format = "") {
    const kind = this.#kind;
    const count = this.#items.length;
    $("export-all-row").hidden = count < 2;
    $("export-all-words").textContent = `All ${count}, each in its look, as one archive`;
    const which = this.#all ? photographs(this.#items) : [this.#item];
    $("mark").checked = which.every(({ look }) => look.mark === "true");
    $("export-about").textContent = ABOUT[kind];
    const options = OF[kind].map((name) => new Option(formatName(name), name));
    const own = this.#item.job.format;
    if (kind === "photograph") options.unshift(new Option(this.#all ? "As they came" : `As it came (${formatName(own)})`, ""));
    offer("export-format", options, format);
    offer("export-size", this.#all ? sizesOf(which) : sizesOfOne(this.#item.job), $("export-size").value);
    $("export-format").closest(".row").hidden = kind === "film";
    $("export-size").closest(".row").hidden = kind === "film";
    this.#showQuality();
  }

  // Of one photograph; of several that stay as they came, "".
  get #format() {
    if (this.#kind === "film") return "mp4";
    return $("export-format").value || (this.#all ? "" : this.#item.job.format);
  }

  #showQuality() {
    const formats = this.#format ? [this.#format] : this.#items.map(({ job }) => job.format);
    $("export-quality-row").hidden = !formats.some((format) => LOSSY.includes(format));
    const value = $("export-quality").value;
    $("export-quality-value").textContent = value;
    $("export-quality").setAttribute("aria-valuetext", value);
  }

  // As the interface under /api/v1 takes it.
  get #how() {
    const kind = this.#kind;
    const how = { kind };
    if (kind !== "film" && $("export-format").value) how.format = $("export-format").value;
    if (kind !== "film" && $("export-size").value) how.size = $("export-size").value;
    // As good as it came, until somebody says otherwise.
    if (this.#touched && !$("export-quality-row").hidden) how.quality = $("export-quality").value;
    return how;
  }

  async #exportAll() {
    const items = this.#items;
    const kind = this.#kind;
    $("export-news").textContent = "";
    const problem = await this.#page.download(items, this.#how, $("export-go"));
    $("export-news").textContent = problem;
    if (problem) return;
    if (kind === "photograph") this.#page.saved(items);
    $("export").close();
  }

  async #export() {
    const item = this.#item;
    const kind = this.#kind;
    const how = this.#how;
    const ending = this.#format === "jpeg" ? "jpg" : this.#format;
    const button = $("export-go");
    button.disabled = true;
    button.textContent = "Preparing…";
    $("export-news").textContent = "";
    try {
      const blob = await (await get(exportAddress(item.job.id, item.look, how))).blob();
      const own = /\.[^.]*$/.exec(item.name)?.[0];
      const kept = kind === "photograph" && !how.format && own;
      save(blob, item.name.replace(/(\.[^.]*)?$/, `${MARKS[kind]}${kept || `.${ending}`}`));
      if (kind === "photograph") this.#page.saved([item]);
      $("export").close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      $("export-news").textContent = error.message;
    } finally {
      button.disabled = false;
      button.textContent = "Export";
    }
  }
}

const photographs = (items) => items.filter(({ job }) => job.kind !== "film");

// The options of a list, of which one is chosen: the one with this value where there is one, else the first.
function offer(id, options, chosen) {
  $(id).replaceChildren(...options);
  if (options.some(({ value }) => value === chosen)) $(id).value = chosen;
}

function sizesOfOne({ width, height }) {
  const longest = Math.max(width, height);
  const scaled = (side, scale) => Math.max(1, Math.round(side * scale));
  const smaller = SIZES.filter((side) => side < longest).map((side) => new Option(`${scaled(width, side / longest)} × ${scaled(height, side / longest)}`, side));
  return [new Option(`As it is, ${width} × ${height}`, ""), ...smaller];
}

function sizesOf(items) {
  const longest = Math.max(...items.map(({ job }) => Math.max(job.width, job.height)));
  const smaller = SIZES.filter((side) => side < longest).map((side) => new Option(`${side} pixels on the longer side`, side));
  return [new Option("As they are", ""), ...smaller];
}
