// Points and strokes on the photograph whose colour a person knows: placed, painted, moved, rubbed out, kept in files.

import * as marks from "./marks.js";
import { dropper } from "./dropper.js";
import { Picker } from "./picker.js";
import { Reach } from "./reach.js";
import { save } from "./saving.js";
import { Strokes, ring } from "./strokes.js";

const NUDGE = 0.01; // of the longer side, by an arrow key; a fifth with Shift
const STILL = 3; // CSS pixels that a click on a point may move
const DOT = 12; // CSS pixels around a point that the eraser takes for it
const SMOOTH = 1.2; // CSS pixels by which a stroke may be simpler than the hand's way
const TOOLS = ["point", "brush", "eraser"];
const SAY = {
  point: "Click on the picture where you know a colour.",
  brush: "Paint over what you know the colour of.",
  eraser: "Rub out points and strokes.",
};
const $ = (id) => document.getElementById(id);
const element = (tag, className) => Object.assign(document.createElement(tag), { className });

export class Hints {
  #viewer;
  #changed;
  #marks = [];
  #chosen = -1;
  #item = null;
  #tool = null;
  #color = null; // the brush's
  #dots = [];
  #strokes;
  #aim = Object.assign(element("button", "dot aim"), { type: "button", hidden: true });
  #aimed = null;
  #ring;
  #picker;
  #reach;

  // `changed` hears of the hints as the interface under /api/v1 reads them, and under which key they are one change.
  constructor(viewer, changed) {
    this.#viewer = viewer;
    this.#changed = changed;
    this.#reach = new Reach(viewer);
    this.#picker = new Picker((wish, byKeys) => this.#drop(wish, byKeys));
    this.#strokes = new Strokes(viewer);
    viewer.points.append(this.#aim);
    this.#ring = ring($("viewer"), viewer.points, () => (this.#draws ? this.#width * viewer.scale : null));
    for (const tool of TOOLS) {
      $(`tool-${tool}`).addEventListener("click", (event) => {
        this.#setTool(this.#tool === tool ? null : tool);
        if (tool === "point" && this.#tool && event.detail === 0) this.#aimByKeys();
      });
    }
    $("brush-width").addEventListener("input", () => this.#showWidth());
    $("brush-color").addEventListener("click", () => this.#chooseBrush());
    $("hint-clear").addEventListener("click", () => {
      this.#marks = [];
      this.#choose(-1);
      this.#tell();
      $("tool-point").focus();
    });
    $("hint-remove").addEventListener("click", () => this.#remove(this.#chosen));
    $("hint-color").addEventListener("click", () => this.#recolor(this.#chosen));
    $("hint-reach").addEventListener("input", () => {
      this.#set(this.#chosen, { reach: 2 ** $("hint-reach").value }, "reach");
      this.#showReach();
    });
    $("hint-reach").addEventListener("blur", () => this.#reach.hide());
    $("hint-save").addEventListener("click", () => this.#save());
    $("hint-load").addEventListener("click", () => $("hint-file").click());
    $("hint-file").addEventListener("change", () => this.#load($("hint-file").files[0]));
    this.#aim.addEventListener("keydown", (event) => this.#aimWithKeys(event));
    this.#aim.addEventListener("click", () => this.#aimed?.done());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#tool && !this.#picker.isOpen) this.#setTool(null, true);
    });
    this.#showWidth();
  }

  // The hints of a photograph, as `changed` was told of them; null where there can be none now.
  show(item) {
    const other = this.#item !== item;
    this.#item = item;
    this.#picker.close();
    this.#marks = item ? marks.read(item.look.hints) : [];
    if (other) this.#setTool(null);
    if (item) this.#strokes.setSize(item.job.width, item.job.height);
    this.#choose(this.#marks.length && !other ? Math.min(this.#chosen, this.#marks.length - 1) : -1);
  }

  // A hint begins at a place of the photograph: nothing is there before a colour was chosen.
  begin(x, y, at = this.#viewer.onScreen(x, y)) {
    this.#picker.close();
    this.#choose(-1);
    this.#aimAt(x, y);
    const place = { x, y };
    let made = -1;
    this.#picker.open({
      ...place,
      at,
      item: this.#item,
      chosen: (color) => {
        if (made >= 0) return this.#set(made, { color }, "color");
        made = this.#add({ ...place, color, reach: 1 });
      },
      closed: () => {
        this.#reach.hide();
        this.#aim.hidden = true;
        this.#focus(this.#dots[made] ?? $("tool-point"));
      },
    });
    this.#reach.show(this.#item, place); // after the colours, which are wanted first
  }

  get #size() {
    return this.#item.job;
  }

  #add(mark) {
    const all = [...this.#marks, mark];
    if (all.length > marks.MOST || marks.write(all).length > marks.MOST_TEXT) {
      this.#say("There is no room for more hints; remove some first.");
      return -1;
    }
    this.#marks = all;
    this.#choose(all.length - 1);
    this.#tell();
    return all.length - 1;
  }

  #focus(button) {
    button.focus({ preventScroll: true }); // the viewer moves its picture by itself
  }

  #set(at, change, key) {
    if (!this.#marks[at]) return; // the colour picker may outlive its point
    this.#marks = this.#marks.with(at, { ...this.#marks[at], ...change });
    this.#choose(at);
    this.#tell(`hint ${at} ${key}`);
  }

  #remove(at) {
    this.#marks = this.#marks.toSpliced(at, 1);
    this.#choose(Math.min(at, this.#marks.length - 1));
    this.#focus(this.#dots[this.#chosen] ?? $("tool-point"));
    this.#tell();
  }

  #recolor(at) {
    this.#picker.close();
    const mark = this.#marks[at];
    const [x, y] = marks.anchor(mark);
    const others = { ...this.#item, look: { ...this.#item.look, hints: marks.write(this.#marks.toSpliced(at, 1)) } };
    this.#picker.open({
      x,
      y,
      at: this.#viewer.onScreen(x, y),
      item: this.#item,
      color: mark.color,
      chosen: (color) => this.#set(at, { color }, "color"),
      closed: () => {
        this.#reach.hide();
        this.#focus(this.#dots[at] ?? $("tool-point"));
      },
    });
    this.#reach.show(others, { x, y, factor: mark.reach });
  }

  #setTool(tool, focuses = false) {
    if (focuses) this.#focus($(`tool-${this.#tool}`));
    this.#tool = tool;
    this.#picker.close();
    this.#aim.hidden = this.#ring.hidden = true;
    this.#aimed = null;
    for (const each of TOOLS) $(`tool-${each}`).setAttribute("aria-pressed", each === tool);
    $("brush-tools").hidden = !this.#draws;
    $("brush-color-row").hidden = tool !== "brush";
    this.#say(tool ? SAY[tool] : "");
    this.#viewer.tool =
      {
        point: { click: (x, y, event) => this.begin(...this.#inside(x, y), [event.clientX, event.clientY]) },
        brush: { draw: (x, y) => this.#paintStroke(x, y) },
        eraser: { draw: (x, y) => this.#erase(x, y) },
      }[tool] ?? null;
    $("viewer").classList.toggle("hinting", Boolean(tool));
  }

  #say(text) {
    $("hint-news").textContent = text;
  }

  #inside(x, y) {
    const within = (value, end) => Math.round(100 * Math.max(0, Math.min(end - 1, value))) / 100;
    return [within(x, this.#size.width), within(y, this.#size.height)];
  }

  // ---- by keys

  #aimByKeys() {
    const box = $("viewer").getBoundingClientRect();
    const middle = this.#viewer.pointAt(box.left + box.width / 2, box.top + box.height / 2);
    this.#aimAt(...this.#inside(...middle), () => this.begin(...this.#aimed.place));
    this.#focus(this.#aim);
  }

  // With `done`, it can be moved, and Enter chooses the place.
  #aimAt(x, y, done = null) {
    this.#aimed = { place: [x, y], done: done ?? (() => {}) };
    this.#aim.hidden = false;
    this.#aim.disabled = !done;
    this.#aim.setAttribute("aria-label", `${this.#words(x, y)}; arrow keys move it, Enter chooses the place`);
    this.#put(this.#aim, x, y);
  }

  #aimWithKeys(event) {
    const step = this.#aimed && this.#step(event);
    if (!step) return;
    const [x, y] = this.#aimed.place;
    this.#aimAt(...this.#inside(x + step[0], y + step[1]), this.#aimed.done);
    this.#viewer.reveal(...this.#aimed.place);
  }

  #step(event) {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!step) return null;
    event.preventDefault();
    event.stopPropagation(); // the viewer would move the picture
    const length = Math.max(this.#size.width, this.#size.height) * NUDGE * (event.shiftKey ? 0.2 : 1);
    return [length * step[0], length * step[1]];
  }

  // ---- the brush and the eraser

  get #draws() {
    return this.#tool === "brush" || this.#tool === "eraser";
  }

  get #width() {
    return (Math.max(this.#size.width, this.#size.height) * $("brush-width").value) / 100;
  }

  #showWidth() {
    const words = `${Number($("brush-width").value)} %`;
    $("brush-width-value").textContent = words;
    $("brush-width").setAttribute("aria-valuetext", `${words} of the photograph`);
  }

  #chooseBrush() {
    const { left, top } = $("brush-color").getBoundingClientRect();
    this.#picker.open({
      at: [left, top],
      item: this.#item,
      color: this.#color,
      chosen: (color) => this.#setBrush(color),
      closed: () => this.#focus($("brush-color")),
    });
  }

  #setBrush(color) {
    this.#color = color;
    $("brush-color").style.setProperty("--color", marks.fillOf(color));
    $("brush-color").setAttribute("aria-label", `The brush's colour: ${marks.nameOf(color)}`);
  }

  #paintStroke(x, y) {
    this.#picker.close();
    this.#choose(-1);
    const stroke = { points: [this.#inside(x, y)], width: this.#width, color: this.#color ?? "#ffffff", reach: 1 };
    const line = this.#strokes.add(stroke);
    return {
      move: (toX, toY) => {
        stroke.points.push(this.#inside(toX, toY));
        this.#strokes.paint(line, stroke);
      },
      end: (done, event) => {
        if (!done) return line.remove();
        stroke.points = marks.simplified(stroke.points, SMOOTH / this.#viewer.scale);
        if (this.#color) {
          line.remove();
          return void this.#add(stroke);
        }
        // The first stroke of a brush without a colour asks for one.
        const [placeX, placeY] = marks.anchor(stroke);
        let made = -1;
        this.#picker.open({
          x: placeX,
          y: placeY,
          at: [event.clientX, event.clientY],
          item: this.#item,
          chosen: (color) => {
            this.#setBrush(color);
            if (made >= 0) this.#set(made, { color }, "color");
            else made = this.#add({ ...stroke, color });
          },
          closed: () => line.remove(),
        });
      },
    };
  }

  #erase(x, y) {
    const before = this.#marks;
    const rub = (atX, atY) => {
      const radius = this.#width / 2;
      const reach = (mark) => (mark.points ? radius : Math.max(radius, DOT / this.#viewer.scale));
      const left = this.#marks.filter((mark) => !marks.touches(mark, atX, atY, reach(mark)));
      if (left.length === this.#marks.length) return;
      this.#marks = left;
      this.#choose(-1);
    };
    rub(x, y);
    return { move: rub, end: () => this.#marks !== before && this.#tell() };
  }

  // ---- what is seen of them

  #choose(at) {
    this.#chosen = at;
    const mark = this.#marks[at];
    $("hint-clear").hidden = this.#marks.length < 2;
    $("hint-save").hidden = !this.#marks.length;
    $("hint-tools").hidden = !mark;
    if (mark) {
      $("hint-color").style.setProperty("--color", marks.fillOf(mark.color));
      $("hint-color").setAttribute("aria-label", `Change this hint's colour, ${marks.nameOf(mark.color)}`);
      $("hint-reach").value = Math.log2(mark.reach);
      const words = `${Math.round(100 * mark.reach)} %`;
      $("hint-reach-value").textContent = words;
      $("hint-reach").setAttribute("aria-valuetext", words);
    }
    this.#strokes.show(this.#marks);
    while (this.#dots.length > this.#marks.length) this.#dots.pop().remove();
    while (this.#dots.length < this.#marks.length) this.#dots.push(this.#newDot(this.#dots.length));
    this.#dots.forEach((dot, index) => this.#paint(dot, index));
  }

  #newDot(index) {
    const dot = Object.assign(element("button", "dot"), { type: "button" });
    dot.addEventListener("focus", () => {
      if (this.#chosen !== index) this.#choose(index);
      this.#viewer.reveal(...marks.anchor(this.#marks[index]));
    });
    dot.addEventListener("pointerdown", (event) => this.#drag(event, dot, index));
    dot.addEventListener("keydown", (event) => this.#move(event, index));
    this.#viewer.points.append(dot);
    return dot;
  }

  #paint(dot, index) {
    const mark = this.#marks[index];
    const [x, y] = marks.anchor(mark);
    this.#put(dot, x, y);
    dot.style.setProperty("--color", marks.fillOf(mark.color));
    dot.classList.toggle("stroke", Boolean(mark.points));
    dot.setAttribute("aria-current", index === this.#chosen);
    const kind = mark.points ? "Stroke" : mark.color === marks.KEEP ? "Point" : "Colour";
    const name = mark.color === marks.KEEP ? `, ${marks.nameOf(mark.color)}` : "";
    dot.setAttribute("aria-label", `${kind} ${index + 1}${name}, ${this.#words(x, y)}; arrow keys move it, Enter changes its colour, Delete removes it`);
  }

  #put(dot, x, y) {
    dot.style.setProperty("--px", x / this.#size.width);
    dot.style.setProperty("--py", y / this.#size.height);
  }

  #words(x, y) {
    const { width, height } = this.#size;
    return `${Math.round((100 * x) / width)} % from the left, ${Math.round((100 * y) / height)} % from the top`;
  }

  #drag(event, dot, index) {
    if (this.#draws) return; // it goes over it
    event.stopPropagation();
    if (event.button !== 0) return;
    this.#choose(index);
    this.#focus(dot); // which not every browser does
    const from = this.#marks[index];
    const [fromX, fromY] = this.#viewer.pointAt(event.clientX, event.clientY);
    let still = true;
    const move = (to) => {
      still &&= Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) < STILL;
      const [toX, toY] = this.#viewer.pointAt(to.clientX, to.clientY);
      if (!still) this.#set(index, marks.moved(from, toX - fromX, toY - fromY, (x, y) => this.#inside(x, y)), "place");
    };
    const stop = (end) => {
      dot.removeEventListener("pointermove", move);
      if (still && end.type === "pointerup") this.#recolor(index);
    };
    dot.setPointerCapture(event.pointerId);
    dot.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) dot.addEventListener(end, stop, { once: true });
  }

  #move(event, index) {
    if (event.key === "Delete" || event.key === "Backspace") return this.#remove(index);
    if (event.key === "Enter") {
      event.preventDefault();
      return this.#recolor(index);
    }
    const step = this.#step(event);
    if (!step) return;
    this.#set(index, marks.moved(this.#marks[index], ...step, (x, y) => this.#inside(x, y)), "place");
    this.#viewer.reveal(...marks.anchor(this.#marks[index]));
  }

  #showReach() {
    const mark = this.#marks[this.#chosen];
    const [x, y] = marks.anchor(mark);
    const look = { ...this.#item.look, hints: marks.write(this.#marks.toSpliced(this.#chosen, 1)) };
    if (!mark.points) this.#reach.show({ job: this.#item.job, look }, { x, y, factor: mark.reach });
  }

  // ---- the eyedropper, and files

  async #drop(wish, byKeys) {
    this.#say("Click on a colour in the picture, or in another photograph below.");
    const taking = dropper(this.#viewer);
    if (byKeys) {
      this.#aimAt(wish.x ?? this.#size.width / 2, wish.y ?? this.#size.height / 2, () => taking.takeAt(...this.#aimed.place));
      this.#focus(this.#aim);
    }
    const color = await taking.color;
    this.#say(this.#tool ? SAY[this.#tool] : "");
    if (byKeys && wish.x !== undefined) this.#aimAt(wish.x, wish.y);
    return color;
  }

  #save() {
    const name = this.#item.name.replace(/(\.[^.]*)?$/, ".hints.json");
    save(new Blob([marks.toFile(this.#marks, this.#size)], { type: "application/json" }), name);
  }

  async #load(file) {
    $("hint-file").value = "";
    if (!file) return;
    try {
      const loaded = marks.fromFile(await file.text(), this.#size);
      if (loaded.some(({ color }) => !color)) throw new Error("A colour in this file cannot be read; use #rrggbb or a name such as navy.");
      if (loaded.length > marks.MOST || marks.write(loaded).length > marks.MOST_TEXT) throw new Error("There are too many hints in this file.");
      this.#marks = loaded;
      this.#choose(-1);
      this.#tell();
      this.#say(loaded.length === 1 ? "1 hint is loaded." : `${loaded.length} hints are loaded.`);
    } catch (error) {
      this.#say(error.message);
    }
  }

  #tell(key = null) {
    this.#changed(marks.write(this.#marks), key);
  }
}
