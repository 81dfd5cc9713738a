// What people read: names, formats and times in words.

const FORMATS = { webp: "WebP", webm: "WebM", jpeg2000: "JPEG 2000" };

export const formatName = (format) => FORMATS[format] ?? format.toUpperCase();

// A long name cut in its middle, so that its beginning and its ending are seen.
export function middle(name, most = 46) {
  const all = [...name];
  if (all.length <= most) return name;
  const tail = Math.floor(most / 3);
  return `${all.slice(0, most - 1 - tail).join("").trimEnd()}…${all.slice(-tail).join("").trimStart()}`;
}

// How long something takes yet; never broken over two lines.
export const left = (seconds) => (seconds < 60 ? `${Math.ceil(seconds)}\u00a0s` : `${Math.ceil(seconds / 60)}\u00a0min`);
