// Before on the left of a line, after on its right; the line is dragged, or moved with the keys of a slider.

const STEP = 64; // pixels between sizes of copies
const HANDLE_REACH = 28; // CSS pixels beside the line that still take hold of it
const PAN_STEP = 80;
const STILL = 5; // CSS pixels that a click may move
const WASH = 1400; // milliseconds in which colour washes in
const MARGIN = 24; // within which a point that was chosen is not left at the border
const CLOSEST = 8; // pixels of the screen for one of the picture
const WHEEL = 0.0015; // how much one pixel of a wheel's way zooms; of a pinch on a touchpad, which sends few, more
const TOUCHPAD = 0.01;
const AROUND = 0.2; // of what is seen, on each side, that is rendered sharp with it

export class Viewer {
  #element;
  #layers = {};
  #slider;
  #size = { width: 1, height: 1 };
  #zoom = 0; // CSS pixels for one of the picture; 0 shows all of it
  #touches = new Map();
  #moved = null;
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
    element.append(this.over, this.#slider);
    element.insertAdjacentHTML(
      "beforeend",
      '<div class="line"><div class="grip"></div></div><span class="side left">Before</span><span class="side right">After</span>',
    );
    element.append(this.points);
    this.#slider.addEventListener("input", () => this.#show());
    element.addEventListener("pointerdown", (event) => this.#drag(event));
    element.addEventListener("keydown", (event) => this.#panWithKeys(event));
    new ResizeObserver(() => {
      this.#show();
      if (this.zoomed) this.#moved?.();
    }).observe(element);
  }

  // The picture's own size in pixels; both sides are shown at it, whatever the copies measure.
  setSize(width, height) {
    this.#size = { width, height };
    this.#show();
  }

  set(side, picture) {
    picture.draggable = false;
    const before = this.#layers[side].querySelector(":scope > :not(.crop)");
    before ? before.replaceWith(picture) : this.#layers[side].prepend(picture);
    if (side === "after") this.#washIn();
  }

  // Lays a sharper part over a side; `box` is { x, y, width, height } in the picture's pixels.
  setCrop(side, picture, { x, y, width, height }) {
    Object.assign(picture, { draggable: false, className: "crop" });
    const shares = { "--cx": x / this.#size.width, "--cy": y / this.#size.height, "--cw": width / this.#size.width, "--ch": height / this.#size.height };
    for (const [name, value] of Object.entries(shares)) picture.style.setProperty(name, value);
    this.#layers[side].querySelector(":scope > .crop")?.remove();
    this.#layers[side].append(picture);
  }

  clearCrops() {
    for (const crop of this.#element.querySelectorAll(".layer > .crop")) crop.remove();
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

  // Whether one pixel of the picture is one of the screen.
  get actual() {
    return Math.abs(this.#zoom * devicePixelRatio - 1) < 1e-3;
  }

  get zoomed() {
    return this.#zoom > 0;
  }

  // Lets the picture be zoomed by wheel, pinch and double click; `moved()` hears whenever another part of it is seen.
  set zooms(moved) {
    this.#moved = moved;
    const element = this.#element;
    element.addEventListener("wheel", (event) => this.#zoomWithWheel(event), { passive: false });
    element.addEventListener("dblclick", (event) => this.#tool || this.zoomTo(this.zoomed ? 0 : this.#close, event.clientX, event.clientY));
    element.addEventListener("pointerdown", (event) => this.#pinch(event), true);
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => this.#touches.delete(event.pointerId), true);
  }

  // The picture's own pixels, or twice as large where all of them are seen already.
  get #close() {
    const own = 1 / devicePixelRatio;
    return own > 1.2 * this.#fit ? own : 2 * this.#fit;
  }

  get #fit() {
    const { clientWidth, clientHeight } = this.#element;
    return Math.min(clientWidth / this.#size.width, clientHeight / this.#size.height);
  }

  // Zooms to `scale` CSS pixels for one of the picture, or to all of it, so that a place of the screen stays where it is.
  zoomTo(scale, clientX, clientY) {
    const box = this.#element.getBoundingClientRect();
    const [onX, onY] = [clientX ?? box.left + box.width / 2, clientY ?? box.top + box.height / 2];
    const [x, y] = this.pointAt(onX, onY);
    const before = this.#zoom;
    const most = Math.max(CLOSEST / devicePixelRatio, this.#fit);
    this.#zoom = scale <= this.#fit * 1.001 ? 0 : Math.min(most, scale);
    this.#pan = { x: 0, y: 0 };
    if (this.#zoom) {
      const [nowX, nowY] = this.onScreen(x, y);
      this.#pan = { x: onX - nowX, y: onY - nowY };
    }
    this.#element.classList.toggle("zoomed", this.zoomed);
    this.#show();
    if (before || this.#zoom) this.#moved?.();
  }

  zoomBy(factor, clientX, clientY) {
    this.zoomTo(this.scale * factor, clientX, clientY);
  }

  toggleActual() {
    this.zoomTo(this.actual ? 0 : 1 / devicePixelRatio);
  }

  // The part that is seen, in whole pixels of the picture, with some room around it where there is time for that.
  seen(around = AROUND) {
    const { clientWidth, clientHeight } = this.#element;
    const { w, h } = this.#placed();
    const { left, top } = this.#corner(w, h);
    const { width, height } = this.#size;
    const span = (offset, room, shown, pixels) => {
      const from = Math.max(0, Math.floor(((-offset - around * room) / shown) * pixels));
      const to = Math.min(pixels, Math.ceil(((-offset + (1 + around) * room) / shown) * pixels));
      return [from, Math.max(1, to - from)];
    };
    const [x, across] = span(left, clientWidth, w, width);
    const [y, down] = span(top, clientHeight, h, height);
    return { x, y, width: across, height: down };
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
    if (this.zoomed) this.#moved?.();
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
    const scale = this.#zoom || this.#fit;
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
    const pans = this.zoomed && (placed || !onLine);
    let { clientX, clientY } = event;
    const move = (to) => {
      if (this.#touches.size > 1) return;
      if (pans) {
        this.#pan.x += to.clientX - clientX;
        this.#pan.y += to.clientY - clientY;
        ({ clientX, clientY } = to);
        this.#moved?.();
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
    let pinched = false;
    const move = (to) => {
      pinched ||= this.#touches.size > 1;
      if (pinched) return; // that was no stroke
      const all = to.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [to]) drawn.move(...this.pointAt(each.clientX, each.clientY));
    };
    const stop = (end) => {
      this.#element.removeEventListener("pointermove", move);
      this.#element.removeEventListener("pointerup", stop);
      this.#element.removeEventListener("pointercancel", stop);
      drawn.end(end.type === "pointerup" && !pinched, end);
    };
    this.#element.setPointerCapture(event.pointerId);
    this.#element.addEventListener("pointermove", move);
    this.#element.addEventListener("pointerup", stop);
    this.#element.addEventListener("pointercancel", stop);
  }

  // With Shift it pans. Where the page itself scrolls, it zooms only what is zoomed already, or with Ctrl.
  #zoomWithWheel(event) {
    const scrolls = matchMedia("(max-width: 56rem)").matches;
    if (scrolls && !this.zoomed && !event.ctrlKey) return;
    event.preventDefault();
    if (event.shiftKey) {
      this.#pan.x -= event.deltaX || event.deltaY;
      this.#show();
      this.#moved?.();
    } else {
      this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? TOUCHPAD : WHEEL)), event.clientX, event.clientY);
    }
  }

  // Two fingers zoom and pan at once.
  #pinch(event) {
    if (event.pointerType !== "touch") return;
    const touches = this.#touches.set(event.pointerId, event);
    if (touches.size !== 2) return;
    const between = () => {
      const [one, other] = [...touches.values()];
      const [x, y] = [(one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2];
      return { x, y, apart: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) };
    };
    let last = between();
    const move = (to) => {
      if (!touches.has(to.pointerId)) return;
      touches.set(to.pointerId, to);
      const now = between();
      this.#pan.x += now.x - last.x;
      this.#pan.y += now.y - last.y;
      this.zoomBy(now.apart / Math.max(1, last.apart), now.x, now.y);
      last = now;
    };
    const stop = () => {
      this.#element.removeEventListener("pointermove", move);
      this.#element.removeEventListener("pointerup", stop);
      this.#element.removeEventListener("pointercancel", stop);
    };
    this.#element.addEventListener("pointermove", move);
    this.#element.addEventListener("pointerup", stop);
    this.#element.addEventListener("pointercancel", stop);
  }

  // Left and right move the line, as in any slider; with Shift, and up and down, they move the picture.
  #panWithKeys(event) {
    if (!this.zoomed) return;
    const steps = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] };
    const step = steps[event.key];
    if (!step || (step[0] !== 0 && !event.shiftKey)) return;
    event.preventDefault();
    this.#pan.x += step[0] * PAN_STEP;
    this.#pan.y += step[1] * PAN_STEP;
    this.#show();
    this.#moved?.();
  }
}
