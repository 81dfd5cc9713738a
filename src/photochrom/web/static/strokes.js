// Strokes as they are seen over the picture, and the ring that shows how wide the brush is.

import { KEEP } from "./marks.js";

const SVG = "http://www.w3.org/2000/svg";
const ACROSS = 80; // hatches of what has no colour, over the longer side

export class Strokes {
  #drawing = document.createElementNS(SVG, "svg");
  #lines;

  constructor(viewer) {
    this.#drawing.setAttribute("preserveAspectRatio", "none");
    this.#drawing.classList.add("strokes");
    this.#drawing.innerHTML = `<pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse">
      <path d="M1 0v4" stroke="#fff"/><path d="M2 0v4" stroke="#000"/></pattern><g></g>`;
    this.#lines = this.#drawing.lastChild;
    viewer.over.append(this.#drawing);
  }

  setSize(width, height) {
    this.#drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const scale = Math.max(width, height) / (4 * ACROSS);
    this.#drawing.firstChild.setAttribute("patternTransform", `scale(${scale}) rotate(45)`);
  }

  // Exactly those of these marks that are strokes.
  show(marks) {
    this.#lines.replaceChildren();
    for (const mark of marks) if (mark.points) this.add(mark);
  }

  // One more, as an element to `paint` and to remove.
  add(stroke) {
    const line = document.createElementNS(SVG, "polyline");
    this.paint(line, stroke);
    this.#lines.append(line);
    return line;
  }

  paint(line, { points, width, color }) {
    const all = points.length > 1 ? points : [points[0], points[0]];
    line.setAttribute("points", all.map((point) => point.join(",")).join(" "));
    line.setAttribute("stroke", color === KEEP ? "url(#hatch)" : color);
    line.setAttribute("stroke-width", width);
  }
}

// Follows the pointer over an element; `width()` tells its width in CSS pixels, or null where there is no brush.
export function ring(element, parent, width) {
  const circle = Object.assign(document.createElement("div"), { className: "ring", hidden: true });
  parent.append(circle);
  element.addEventListener("pointermove", ({ pointerType, clientX, clientY }) => {
    const wide = width();
    circle.hidden = wide === null || pointerType === "touch";
    if (circle.hidden) return;
    const box = element.getBoundingClientRect();
    circle.style.setProperty("--rx", `${clientX - box.left}px`);
    circle.style.setProperty("--ry", `${clientY - box.top}px`);
    circle.style.setProperty("--rd", `${wide}px`);
  });
  element.addEventListener("pointerleave", () => {
    circle.hidden = true;
  });
  return circle;
}
