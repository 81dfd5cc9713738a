// Colours that are wanted: those of a reference picture, and those of a palette.

import { Refused, api, follow, forget, get, originalAddress, picture, renamed, submit } from "./api.js";
import { hexOf, nameOf } from "./marks.js";
import { local, thumbnail } from "./preview.js";
import { middle } from "./words.js";

const MOST = 8;
const THUMBNAIL = 96;
const $ = (id) => document.getElementById(id);

export class Wishes {
  #changed;
  #item = { look: {} };
  #files = new Map(); // of references, by their ids
  #names = new Map();
  #sending = new Map();

  // `changed(item, name, value)` hears of a field of a photograph's look.
  constructor(changed) {
    this.#changed = changed;
    $("reference-choose").addEventListener("click", () => $("reference-file").click());
    $("reference-file").addEventListener("change", () => this.take($("reference-file").files[0]));
    $("reference-remove").addEventListener("click", () => {
      this.#say("");
      this.#changed(this.#item, "reference", "");
      $("reference-choose").focus();
    });
    $("palette").addEventListener("change", () => this.#write($("palette").value));
    $("palette-add").addEventListener("change", () => this.#write([...this.#colors(), $("palette-add").value].join(",")));
    $("palette-from").addEventListener("click", () => $("palette-file").click());
    $("palette-file").addEventListener("change", () => this.#fromPicture($("palette-file").files[0]));
  }

  show(item) {
    if (item !== this.#item) this.#say("");
    this.#item = item;
    const { reference, palette = "" } = item.look;
    $("reference-choose").textContent = reference ? "Another" : "Choose a picture";
    $("reference-remove").hidden = !reference;
    const name = reference ? (this.#names.get(reference) ?? "Another picture") : "";
    $("reference-name").textContent = middle(name, 26);
    $("reference-name").title = name;
    this.#paint(reference);
    $("palette").value = palette.replaceAll(",", ", ");
    $("palette").removeAttribute("aria-invalid");
    const colors = this.#colors();
    $("palette-swatches").replaceChildren(...colors.map((color, at) => this.#swatch(color, at)));
    $("palette-add").closest("label").hidden = colors.length >= MOST;
  }

  // What a reload has to know.
  get names() {
    return [...this.#names];
  }

  set names(names) {
    this.#names = new Map(names);
  }

  // A colour picture becomes the reference.
  async take(file) {
    $("reference-file").value = "";
    if (!file) return;
    this.#say("The reference is being read…");
    const item = this.#item; // another one may be shown by then
    const id = await this.#sent(file, (job) => job.colored || "The reference is gray; take a picture that has the colours.");
    if (!id) return;
    this.#files.set(id, file);
    this.#names.set(id, file.name || "Pasted picture");
    this.#say("");
    this.#changed(item, "reference", id);
  }

  // The server has forgotten a reference: it is sent once more, if this page still has it. Several requests may have
  // found it gone.
  sendAgain(reference) {
    if (!this.#sending.has(reference)) {
      this.#sending.set(reference, this.#again(reference).finally(() => this.#sending.delete(reference)));
    }
    return this.#sending.get(reference);
  }

  async #again(reference) {
    const file = this.#files.get(reference);
    const id = file && (await this.#sent(file, () => true));
    if (id) renamed.set(reference, id);
    else this.#say("The server no longer has the reference picture; choose it again.");
    return Boolean(id);
  }

  async #sent(file, accepted) {
    let job;
    try {
      job = await submit(file, {}, () => {});
      job = await follow(job.id, () => {});
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#say(error.message);
      return null;
    }
    const refusal = job.kind === "film" ? "This is a film; take a photograph." : accepted(job);
    if (refusal === true) return job.id;
    this.#say(refusal);
    forget(job.id);
    return null;
  }

  async #paint(reference) {
    const place = $("reference-picture");
    if (place.dataset.of === reference) return;
    if (!reference) return void (place.replaceChildren(), delete place.dataset.of);
    place.dataset.of = reference;
    place.replaceChildren();
    const file = this.#files.get(reference);
    const image = file ? await local(file) : null;
    const small = image ? thumbnail(image) : await picture(originalAddress(reference, { max_side: THUMBNAIL, format: "jpeg" })).catch(() => null);
    small?.classList.remove("gray");
    if (small && place.dataset.of === reference) place.replaceChildren(small);
  }

  #colors() {
    return (this.#item.look.palette ?? "").split(",").filter(Boolean);
  }

  #write(text, item = this.#item) {
    const words = text.split(/[\s,;]+/).filter(Boolean);
    const colors = words.map(hexOf);
    const wrong = words.find((_, at) => !colors[at]);
    if (wrong) {
      $("palette").setAttribute("aria-invalid", true);
      return this.#say(`“${wrong}” is not a colour; use #rrggbb or a name such as navy.`);
    }
    const unique = [...new Set(colors)];
    this.#say(unique.length > MOST ? `A palette has ${MOST} colours at most; the first ones were taken.` : "");
    this.#changed(item, "palette", unique.slice(0, MOST).join(","));
  }

  #swatch(color, at) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "swatch" });
    button.style.setProperty("--color", color);
    button.title = "Take it out";
    button.setAttribute("aria-label", `Take ${nameOf(color)}, ${color}, out of the palette`);
    button.append(document.createElement("i"));
    button.addEventListener("click", () => {
      this.#write(this.#colors().toSpliced(at, 1).join(","));
      ($("palette-swatches").children[at] ?? $("palette")).focus();
    });
    return button;
  }

  async #fromPicture(file) {
    $("palette-file").value = "";
    if (!file) return;
    this.#say("The picture is being read…");
    const item = this.#item;
    const id = await this.#sent(file, (job) => job.colored || "The picture is gray; take colours from one that has some.");
    if (!id) return;
    try {
      const { colors } = await (await get(`${api}/jobs/${id}/palette`)).json();
      this.#write(colors.join(","), item);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#say(error.message);
    } finally {
      forget(id);
    }
  }

  #say(text) {
    $("wish-news").textContent = text;
  }
}
