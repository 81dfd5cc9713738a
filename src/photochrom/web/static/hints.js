// Points on the photograph whose colour a person knows: placed by a click, moved by dragging or by the arrow keys.

const NUDGE = 0.01; // of the longer side, by an arrow key; a fifth of it with Shift
const STILL = 3; // CSS pixels that a click on a point may move
const $ = (id) => document.getElementById(id);

export class Hints {
  #viewer;
  #changed;
  #points = [];
  #chosen = -1;
  #size = { width: 1, height: 1 };
  #dots = [];

  // `changed` hears of the points as the interface under /api reads them.
  constructor(viewer, changed) {
    this.#viewer = viewer;
    this.#changed = changed;
    $("hint-add").addEventListener("click", (event) => {
      // Without a pointer to place it with it comes to the middle, and the arrows move it from there.
      const again = $("hint-add").getAttribute("aria-pressed") === "true";
      if (event.detail === 0 || again) this.#add(this.#size.width / 2, this.#size.height / 2);
      else this.#setPlacing(true);
    });
    $("hint-clear").addEventListener("click", () => {
      this.#points = [];
      this.#choose(-1);
      this.#tell();
      $("hint-add").focus();
    });
    $("hint-remove").addEventListener("click", () => this.#remove(this.#chosen));
    $("hint-color").addEventListener("input", () => this.#set(this.#chosen, { color: $("hint-color").value }));
    $("hint-reach").addEventListener("input", () => this.#set(this.#chosen, { reach: 2 ** $("hint-reach").value }));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#setPlacing(false));
  }

  // The points of a photograph of this size, as `changed` was told of them.
  show(written, { width, height }) {
    this.#size = { width, height };
    this.#points = read(written);
    this.#setPlacing(false);
    this.#choose(this.#points.length - 1);
  }

  #add(x, y) {
    this.#setPlacing(false);
    this.#points.push({ ...this.#inside(x, y), color: $("hint-color").value, reach: 1 });
    this.#choose(this.#points.length - 1);
    this.#focus(this.#dots.at(-1));
    this.#tell();
  }

  #focus(element) {
    element.focus({ preventScroll: true }); // the viewer moves its picture by itself
  }

  #set(at, change) {
    if (!this.#points[at]) return; // the colour picker may outlive its point
    Object.assign(this.#points[at], change);
    this.#choose(at);
    this.#tell();
  }

  #remove(at) {
    this.#points.splice(at, 1);
    this.#choose(Math.min(at, this.#points.length - 1));
    this.#focus(this.#dots[this.#chosen] ?? $("hint-add"));
    this.#tell();
  }

  #setPlacing(on) {
    $("hint-add").setAttribute("aria-pressed", on);
    $("hint-news").textContent = on ? "Click on the picture, or on “Add a colour” again for its middle." : "";
    this.#viewer.onPlaced = on ? (x, y) => this.#add(x, y) : null;
  }

  #inside(x, y) {
    const within = (value, end) => Math.round(100 * Math.max(0, Math.min(end - 1, value))) / 100;
    return { x: within(x, this.#size.width), y: within(y, this.#size.height) };
  }

  #choose(at) {
    this.#chosen = at;
    const point = this.#points[at];
    $("hint-clear").hidden = this.#points.length < 2;
    $("hint-tools").hidden = !point;
    if (point) {
      $("hint-color").value = point.color;
      $("hint-reach").value = Math.log2(point.reach);
      const words = `${Math.round(100 * point.reach)} %`;
      $("hint-reach-value").textContent = words;
      $("hint-reach").setAttribute("aria-valuetext", words);
    }
    while (this.#dots.length > this.#points.length) this.#dots.pop().remove();
    while (this.#dots.length < this.#points.length) this.#dots.push(this.#newDot(this.#dots.length));
    this.#dots.forEach((dot, index) => this.#paint(dot, index));
  }

  #newDot(index) {
    const dot = Object.assign(document.createElement("button"), { type: "button", className: "dot" });
    dot.addEventListener("focus", () => {
      if (this.#chosen !== index) this.#choose(index);
      this.#reveal(index);
    });
    dot.addEventListener("pointerdown", (event) => this.#drag(event, dot, index));
    dot.addEventListener("keydown", (event) => this.#move(event, index));
    this.#viewer.points.append(dot);
    return dot;
  }

  #paint(dot, index) {
    const { x, y, color } = this.#points[index];
    const { width, height } = this.#size;
    dot.style.setProperty("--px", x / width);
    dot.style.setProperty("--py", y / height);
    dot.style.setProperty("--color", color);
    dot.setAttribute("aria-current", index === this.#chosen);
    const place = `${Math.round((100 * x) / width)} % from the left, ${Math.round((100 * y) / height)} % from the top`;
    dot.setAttribute("aria-label", `Colour ${index + 1}, ${place}; arrow keys move it, Delete removes it`);
  }

  #drag(event, dot, index) {
    event.stopPropagation();
    if (event.button !== 0) return;
    this.#choose(index);
    this.#focus(dot); // which not every browser does
    const { x, y } = this.#points[index];
    const [fromX, fromY] = this.#viewer.pointAt(event.clientX, event.clientY);
    let still = true;
    const move = (to) => {
      still &&= Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) < STILL;
      const [toX, toY] = this.#viewer.pointAt(to.clientX, to.clientY);
      if (!still) this.#set(index, this.#inside(x + toX - fromX, y + toY - fromY));
    };
    const stop = () => dot.removeEventListener("pointermove", move);
    dot.setPointerCapture(event.pointerId);
    dot.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) dot.addEventListener(end, stop, { once: true });
  }

  #move(event, index) {
    if (event.key === "Delete" || event.key === "Backspace") return this.#remove(index);
    const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // the viewer would move the picture
    const length = Math.max(this.#size.width, this.#size.height) * NUDGE * (event.shiftKey ? 0.2 : 1);
    const { x, y } = this.#points[index];
    this.#set(index, this.#inside(x + length * step[0], y + length * step[1]));
    this.#reveal(index);
  }

  #reveal(index) {
    const { x, y } = this.#points[index];
    this.#viewer.reveal(x, y);
  }

  #tell() {
    this.#changed(this.#points.map(({ x, y, reach, color }) => `${x},${y},${reach.toFixed(4)}=${color}`).join(";"));
  }
}

function read(written) {
  return (written ?? "").split(";").filter(Boolean).map((text) => {
    const [place, color] = text.split("=");
    const [x, y, reach] = place.split(",").map(Number);
    return { x, y, reach, color };
  });
}
