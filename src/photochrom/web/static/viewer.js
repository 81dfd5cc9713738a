// Before on the left of a line, after on its right; the line is dragged, or moved with the keys of a slider.

const STEP = 64; // pixels between sizes of copies
const HANDLE_REACH = 28; // CSS pixels beside the line that still take hold of it
const PAN_STEP = 80;
const STILL = 5; // CSS pixels that a click may move
const WASH = 1400; // milliseconds in which colour washes in
const MARGIN = 24; // within which a point that was chosen is not left at the border

export class Viewer {
  #element;
  #layers = {};
  #slider;
  #size = { width: 1, height: 1 };
  #actual = false;
  #pan = { x: 0, y: 0 };
  points = Object.assign(document.createElement("div"), { className: "points" });
  over = Object.assign(document.createElement("div"), { className: "layer over" }); // what lies on the picture, as large
  #tool = null;
  #washes = true;

  constructor(element) {
    this.#element = element;
    for (const side of ["before", "after"]) {
      const layer = (this.#layers[side] = document.createElement("div"));
      layer.className = `layer ${side}`;
      element.append(layer);
    }
    this.#slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, step: 1, value: 50 });
    this.#slider.setAttribute("aria-label", "Line between before and after");
    element.append(this.#slider);
    element.insertAdjacentHTML(
      "beforeend",
      '<div class="line"><div class="grip"></div></div><span class="side left">Before</span><span class="side right">After</span>',
    );
    element.append(this.over, this.points);
    this.#slider.addEventListener("input", () => this.#show());
    element.addEventListener("pointerdown", (event) => this.#drag(event));
    element.addEventListener("keydown", (event) => this.#panWithKeys(event));
    element.addEventListener("wheel", (event) => this.#panWithWheel(event), { passive: false });
    new ResizeObserver(() => this.#show()).observe(element);
  }

  // The picture's own size in pixels; both sides are shown at it, whatever the copies measure.
  setSize(width, height) {
    this.#size = { width, height };
    this.#show();
  }

  set(side, picture) {
    picture.draggable = false;
    this.#layers[side].replaceChildren(picture);
    if (side === "after") this.#washIn();
  }

  get isFull() {
    return this.#layers.after.childElementCount > 0;
  }

  get washes() {
    return this.#washes;
  }

  // Only the picture as it is, without a line, until there is something to compare it with.
  alone(picture, washes = true) {
    this.#element.classList.add("alone");
    this.#washes = washes;
    if (!picture) return;
    picture.draggable = false;
    this.#layers.before.replaceChildren(picture);
  }

  #washIn() {
    if (!this.#element.classList.contains("alone")) return;
    const washed = () => this.#element.classList.remove("alone", "washing");
    if (!this.#washes || matchMedia("(prefers-reduced-motion: reduce)").matches) return washed();
    this.#element.classList.add("washing");
    setTimeout(washed, WASH);
  }

  // The picture as it came, all of it, for as long as this is set.
  set original(on) {
    this.#element.classList.toggle("original", on);
  }

  clear() {
    this.#element.classList.remove("alone", "washing");
    this.#layers.before.replaceChildren();
    this.#layers.after.replaceChildren();
  }

  get actual() {
    return this.#actual;
  }

  set actual(on) {
    this.#actual = on;
    this.#pan = { x: 0, y: 0 };
    this.#element.classList.toggle("actual", on);
    this.#show();
  }

  // Moves the picture so that a point of it, in its pixels, is seen.
  reveal(x, y) {
    const { clientWidth, clientHeight } = this.#element;
    const { w, h } = this.#placed();
    const { left, top } = this.#corner(w, h);
    const inside = (at, end) => Math.max(MARGIN, Math.min(end - MARGIN, at)) - at;
    this.#pan.x += inside(left + (w * x) / this.#size.width, clientWidth);
    this.#pan.y += inside(top + (h * y) / this.#size.height, clientHeight);
    this.#show();
  }

  // Takes the pointer over from the line: `tool.click(x, y, event)` hears of clicks, in the picture's pixels, and
  // `tool.draw(x, y)` gives what hears of the rest of a drag, { move, end }. Neither hears of what is beside the picture.
  set tool(tool) {
    this.#tool = tool;
    this.#element.classList.toggle("placing", Boolean(tool));
    this.#element.classList.toggle("drawing", Boolean(tool?.draw));
    if (tool) this.#element.scrollIntoView({ block: "nearest" }); // on a phone the panel is below it
  }

  get width() {
    return this.#size.width;
  }

  get height() {
    return this.#size.height;
  }

  isInside(x, y) {
    return x >= 0 && y >= 0 && x < this.#size.width && y < this.#size.height;
  }

  // How many CSS pixels one of the picture is.
  get scale() {
    return this.#placed().w / this.#size.width;
  }

  // The place of a point of the picture on the screen.
  onScreen(x, y) {
    const box = this.#element.getBoundingClientRect();
    const { w, h } = this.#placed();
    const { left, top } = this.#corner(w, h);
    return [box.left + left + (w * x) / this.#size.width, box.top + top + (h * y) / this.#size.height];
  }

  // The picture that is seen at a point of it, for the eyedropper.
  pictureAt() {
    const side = this.#element.classList.contains("original") ? "before" : "after";
    return this.#layers[side].querySelector("img, canvas");
  }

  // The place on the screen in the picture's pixels.
  pointAt(clientX, clientY) {
    const box = this.#element.getBoundingClientRect();
    const { w, h } = this.#placed();
    const { left, top } = this.#corner(w, h);
    const { width, height } = this.#size;
    return [((clientX - box.left - left) / w) * width, ((clientY - box.top - top) / h) * height];
  }

  set busy(on) {
    this.#element.classList.toggle("busy", on);
    this.#element.setAttribute("aria-busy", on);
  }

  // Pixels of the screen on the longer side, so that no copy is much larger than can be seen. In steps, so that the
  // copies stay the same while the room for the picture changes a little.
  get pixels() {
    const { w, h } = this.#placed();
    return Math.ceil((Math.max(w, h) * devicePixelRatio) / STEP) * STEP;
  }

  #placed() {
    const { clientWidth, clientHeight } = this.#element;
    const { width, height } = this.#size;
    const scale = this.#actual ? 1 / devicePixelRatio : Math.min(clientWidth / width, clientHeight / height);
    const w = width * scale;
    const h = height * scale;
    return { w, h, roomX: Math.max(0, w - clientWidth) / 2, roomY: Math.max(0, h - clientHeight) / 2 };
  }

  // Of the picture, in the viewer, as it is panned.
  #corner(w, h) {
    const { clientWidth, clientHeight } = this.#element;
    return { left: (clientWidth - w) / 2 + this.#pan.x, top: (clientHeight - h) / 2 + this.#pan.y };
  }

  #show() {
    const { clientWidth, style } = this.#element;
    const { w, h, roomX, roomY } = this.#placed();
    this.#pan.x = Math.max(-roomX, Math.min(roomX, this.#pan.x));
    this.#pan.y = Math.max(-roomY, Math.min(roomY, this.#pan.y));
    style.setProperty("--w", `${w}px`);
    style.setProperty("--h", `${h}px`);
    const { left: x, top: y } = this.#corner(w, h);
    style.setProperty("--x", `${x}px`);
    style.setProperty("--y", `${y}px`);
    // The line moves over the picture, not over what is beside it.
    const seen = Math.min(w, clientWidth);
    const left = (clientWidth - seen) / 2;
    style.setProperty("--split", `${left + (seen * this.#slider.value) / 100}px`);
    this.#slider.setAttribute("aria-valuetext", `${100 - this.#slider.value} % after`);
  }

  #lineAt(clientX) {
    const box = this.#element.getBoundingClientRect();
    const seen = Math.min(this.#placed().w, box.width);
    const left = box.left + (box.width - seen) / 2;
    return Math.max(0, Math.min(100, ((clientX - left) / seen) * 100));
  }

  #drag(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const tool = this.#tool;
    if (tool?.draw) return this.#draw(event, tool);
    const placed = tool?.click;
    const line = this.#element.querySelector(".line").getBoundingClientRect();
    const onLine = Math.abs(event.clientX - line.left) < HANDLE_REACH;
    const pans = this.#actual && (placed || !onLine);
    let { clientX, clientY } = event;
    const move = (to) => {
      if (pans) {
        this.#pan.x += to.clientX - clientX;
        this.#pan.y += to.clientY - clientY;
        ({ clientX, clientY } = to);
      } else if (!placed) {
        this.#slider.value = this.#lineAt(to.clientX);
      }
      this.#show();
    };
    const stop = (end) => {
      this.#element.removeEventListener("pointermove", move);
      this.#element.removeEventListener("pointerup", stop);
      this.#element.removeEventListener("pointercancel", stop);
      const still = Math.hypot(end.clientX - event.clientX, end.clientY - event.clientY) < STILL;
      const at = this.pointAt(end.clientX, end.clientY);
      if (placed && still && end.type === "pointerup" && this.isInside(...at)) placed(...at, end);
    };
    this.#element.setPointerCapture(event.pointerId);
    this.#element.addEventListener("pointermove", move);
    this.#element.addEventListener("pointerup", stop);
    this.#element.addEventListener("pointercancel", stop);
    if (!pans) move(event);
  }

  #draw(event, tool) {
    const at = this.pointAt(event.clientX, event.clientY);
    const drawn = this.isInside(...at) && tool.draw(...at, event);
    if (!drawn) return;
    event.preventDefault();
    const move = (to) => {
      const all = to.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [to]) drawn.move(...this.pointAt(each.clientX, each.clientY));
    };
    const stop = (end) => {
      this.#element.removeEventListener("pointermove", move);
      this.#element.removeEventListener("pointerup", stop);
      this.#element.removeEventListener("pointercancel", stop);
      drawn.end(end.type === "pointerup", end);
    };
    this.#element.setPointerCapture(event.pointerId);
    this.#element.addEventListener("pointermove", move);
    this.#element.addEventListener("pointerup", stop);
    this.#element.addEventListener("pointercancel", stop);
  }

  #panWithWheel(event) {
    if (!this.#actual || event.ctrlKey) return;
    event.preventDefault();
    this.#pan.x -= event.deltaX;
    this.#pan.y -= event.deltaY;
    this.#show();
  }

  // Left and right move the line, as in any slider; with Shift, and up and down, they move the picture.
  #panWithKeys(event) {
    if (!this.#actual) return;
    const steps = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] };
    const step = steps[event.key];
    if (!step || (step[0] !== 0 && !event.shiftKey)) return;
    event.preventDefault();
    this.#pan.x += step[0] * PAN_STEP;
    this.#pan.y += step[1] * PAN_STEP;
    this.#show();
  }
}
