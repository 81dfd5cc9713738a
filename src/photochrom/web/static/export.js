// The sheet in which a photograph is made a file for somewhere else.

import { Refused, exportAddress, get } from "./api.js";
import { save } from "./saving.js";

const FORMATS = { jpeg: "JPEG", png: "PNG", tiff: "TIFF", webp: "WebP" };
const LOSSY = ["jpeg", "webp", "avif", "heif"];
const SIZES = [4096, 2048, 1280, 640]; // pixels of the longer side
const OF = { photograph: Object.keys(FORMATS), layer: ["png", "tiff", "webp"], card: ["jpeg", "png", "webp"], film: [] };
const ABOUT = {
  photograph: "",
  layer: "Transparent; lay it over the original in Photoshop, GIMP or any program with layers.",
  card: "The photograph as it was and in colour, as one picture.",
  film: "Six seconds, an .mp4 that can be played in a loop.",
};
const MARKS = { photograph: ".color", layer: ".layer", card: ".before-after", film: ".before-after" };
const $ = (id) => document.getElementById(id);

export class Sheet {
  #item;
  #touched = false;

  // `page.mark(on)` changes the mark in the look, `page.saved(item)` hears of a photograph that was exported.
  constructor(page) {
    $("export-kinds").addEventListener("change", () => this.#show());
    $("export-format").addEventListener("change", () => this.#showQuality());
    $("export-quality").addEventListener("input", () => {
      this.#touched = true;
      this.#showQuality();
    });
    $("mark").addEventListener("change", () => page.mark($("mark").checked));
    $("export-go").addEventListener("click", () => this.#export(page));
  }

  open(item) {
    this.#item = item;
    this.#touched = false;
    $("export-news").textContent = "";
    $("mark").checked = item.look.mark === "true";
    const { width, height } = item.job;
    const full = new Option(`As it is, ${width} × ${height}`, "");
    const smaller = SIZES.filter((side) => side < Math.max(width, height)).map((side) => {
      const scale = side / Math.max(width, height);
      return new Option(`${Math.max(1, Math.round(width * scale))} × ${Math.max(1, Math.round(height * scale))}`, side);
    });
    $("export-size").replaceChildren(full, ...smaller);
    this.#show();
    $("export").showModal();
  }

  get #kind() {
    return document.querySelector("#export-kinds input:checked").value;
  }

  #show() {
    const kind = this.#kind;
    const own = this.#item.job.format;
    $("export-about").textContent = ABOUT[kind];
    const options = OF[kind].map((name) => new Option(FORMATS[name], name));
    if (kind === "photograph") options.unshift(new Option(`As it came (${FORMATS[own] ?? own.toUpperCase()})`, ""));
    $("export-format").replaceChildren(...options);
    $("export-format").closest(".row").hidden = kind === "film";
    $("export-size").closest(".row").hidden = kind === "film";
    this.#showQuality();
  }

  get #format() {
    return $("export-format").value || (this.#kind === "film" ? "mp4" : this.#item.job.format);
  }

  #showQuality() {
    $("export-quality-row").hidden = !LOSSY.includes(this.#format);
    const value = $("export-quality").value;
    $("export-quality-value").textContent = value;
    $("export-quality").setAttribute("aria-valuetext", value);
  }

  async #export(page) {
    const item = this.#item;
    const kind = this.#kind;
    const wanted = { kind, format: $("export-format").value, size: kind === "film" ? "" : $("export-size").value };
    // As good as it came, until somebody says otherwise.
    if (this.#touched && LOSSY.includes(this.#format)) wanted.quality = $("export-quality").value;
    const how = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""));
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
      if (kind === "photograph") page.saved(item);
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
