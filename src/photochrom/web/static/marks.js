// Hints as data: points { x, y, color, reach } and strokes { points, width, color, reach }, in pixels of the photograph.

export const KEEP = "keep"; // instead of a colour: as the photograph is without hints
export const MOST = 256;
export const MOST_TEXT = 20_000; // characters that the server reads

const round = (value) => Math.round(10 * value) / 10;

// As the interface under /api/v1 reads them.
export function write(marks) {
  if (marks.every((mark) => !mark.points)) {
    return marks.map(({ x, y, reach, color }) => `${x},${y},${reach.toFixed(4)}=${color}`).join(";");
  }
  return JSON.stringify(marks.map(plain));
}

export function read(written = "") {
  if (written.startsWith("[")) return JSON.parse(written).map((mark) => ({ reach: 1, ...mark }));
  return written.split(";").filter(Boolean).map((text) => {
    const [place, color] = text.split("=");
    const [x, y, reach] = place.split(",").map(Number);
    return { x, y, reach, color };
  });
}

// As `photochrom colorize --save-hints` writes them.
export function toFile(marks, { width, height }) {
  const lines = marks.map((mark) => JSON.stringify(plain(mark))).join(",\n ");
  return `{"photochrom": "hints", "size": [${width}, ${height}], "hints": [\n ${lines}\n]}\n`;
}

// Throws an Error that says what is wrong.
export function fromFile(text, { width, height }) {
  let facts;
  try {
    facts = JSON.parse(text);
  } catch {
    throw new Error("This is not a file of hints. Choose one that was saved here, or by --save-hints.");
  }
  const listed = Array.isArray(facts) ? facts : facts?.hints;
  if (!Array.isArray(listed)) throw new Error("There are no hints in this file.");
  const [w, h] = facts.size ?? [width, height];
  const [across, down] = [width / w, height / h];
  if (!(Math.abs(across / down - 1) <= 0.01)) {
    throw new Error(`These hints are for a photograph of ${w} × ${h}; this one has ${width} × ${height}.`);
  }
  const inside = ([x, y]) => [round(Math.max(0, Math.min(width - 1, x * across))), round(Math.max(0, Math.min(height - 1, y * down)))];
  return listed.map((mark, at) => {
    const { color, reach = 1 } = mark;
    const shade = color === KEEP ? KEEP : hexOf(color);
    const known = (ends) => ends.every((number) => Number.isFinite(number));
    if (typeof color === "string" && known([mark.x, mark.y, reach])) {
      const [x, y] = inside([mark.x, mark.y]);
      return { x, y, color: shade, reach };
    }
    if (typeof color === "string" && Array.isArray(mark.points) && mark.points.length && known(mark.points.flat())) {
      return { points: mark.points.map(inside), width: (mark.width ?? 1) * Math.sqrt(across * down), color: shade, reach };
    }
    throw new Error(`Hint ${at + 1} of this file is neither a point nor a stroke; painted areas are for the command line.`);
  });
}

const plain = (mark) => {
  const end = mark.reach === 1 ? { color: mark.color } : { color: mark.color, reach: Number(mark.reach.toFixed(4)) };
  return mark.points ? { points: mark.points, width: round(mark.width), ...end } : { x: mark.x, y: mark.y, ...end };
};

// #rrggbb of any colour that CSS knows; nothing where it is none.
export function hexOf(color) {
  const context = document.createElement("canvas").getContext("2d");
  const read = (start) => {
    context.fillStyle = start;
    context.fillStyle = color;
    return context.fillStyle;
  };
  const found = read("#000000");
  return found === read("#ffffff") && found.startsWith("#") ? found : null;
}

// Where a mark's handle is.
export const anchor = (mark) => (mark.points ? mark.points[Math.floor(mark.points.length / 2)] : [mark.x, mark.y]);

export function moved(mark, byX, byY, inside) {
  if (!mark.points) {
    const [x, y] = inside(mark.x + byX, mark.y + byY);
    return { ...mark, x, y };
  }
  return { ...mark, points: mark.points.map(([x, y]) => inside(x + byX, y + byY)) };
}

// Whether a round eraser touches a mark.
export function touches(mark, x, y, radius) {
  if (!mark.points) return Math.hypot(mark.x - x, mark.y - y) <= radius;
  const within = radius + mark.width / 2;
  if (mark.points.length === 1) return Math.hypot(mark.points[0][0] - x, mark.points[0][1] - y) <= within;
  return mark.points.some((end, at) => at > 0 && awayFrom(mark.points[at - 1], end, x, y) <= within);
}

function awayFrom([x1, y1], [x2, y2], x, y) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x1 + along * dx - x, y1 + along * dy - y);
}

// The same line with fewer points (Douglas and Peucker, 1973); none is off by more than `most`.
export function simplified(points, most) {
  const kept = new Set([0, points.length - 1]);
  const split = (first, last) => {
    let [worst, away] = [-1, most];
    for (let at = first + 1; at < last; at += 1) {
      const off = awayFrom(points[first], points[last], ...points[at]);
      if (off > away) [worst, away] = [at, off];
    }
    if (worst < 0) return;
    kept.add(worst);
    split(first, worst);
    split(worst, last);
  };
  split(0, points.length - 1);
  return points.filter((_, at) => kept.has(at)).map(([x, y]) => [round(x), round(y)]);
}

// What it is filled with, in CSS: a slash where it has no colour.
export const fillOf = (color) => (color === KEEP ? "var(--keep)" : color);

// A colour in words, for who does not see it.
export function nameOf(hex) {
  if (hex === KEEP) return "as without hints";
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
  const light = (most + least) / 2;
  const shade = light < 0.25 ? "dark " : light > 0.75 ? "light " : "";
  const chroma = most - least;
  if (light < 0.06) return "black";
  if (chroma < 0.06) return light > 0.95 ? "white" : `${shade}gray`;
  const turn = most === r ? ((g - b) / chroma + 6) % 6 : most === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
  const hues = ["red", "orange", "yellow", "green", "green", "turquoise", "blue", "blue", "violet", "pink", "red"];
  const ends = [20, 42, 70, 100, 165, 195, 225, 255, 290, 340, 361];
  const hue = hues[ends.findIndex((end) => turn * 60 < end)];
  const brown = (hue === "orange" || hue === "red") && light < 0.55 && chroma < 0.5;
  return `${chroma < 0.2 ? "grayish " : ""}${shade}${brown ? "brown" : hue}`;
}
