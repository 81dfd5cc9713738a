// What moves: a film is a <video>; a moving picture is an <img>, which a browser can't stop, so that its first frame takes
// its place while it rests.

import { Refused, get } from "./api.js";

const PICTURES = ["gif", "webp", "png", "avif"];

// What of a look a film takes.
export const filmLook = (look) =>
  Object.fromEntries(["vividness", "saturation", "warmth", "tint", "palette"].filter((name) => look[name]).map((name) => [name, look[name]]));

// The first frame as it is, and nothing more: for a tile.
export async function still(address, format, signal) {
  return PICTURES.includes(format) ? firstFrame(await blobOf(address, signal)) : video(address, signal);
}

// Something with an element that plays and pauses; it rests until it is told to.
export async function film(address, format, signal) {
  const element = document.createElement("div");
  element.className = "film";
  if (!PICTURES.includes(format)) {
    const moving = await video(address, signal);
    element.append(moving);
    // Where it may not play yet, it rests: the button is there.
    return { element, video: moving, play: () => moving.play().catch(() => {}), pause: () => moving.pause() };
  }
  const blob = await blobOf(address, signal);
  const frame = await firstFrame(blob);
  element.append(frame);
  let playing = 0;
  return {
    element,
    async play() {
      const turn = (playing += 1);
      // A new one each time, so that both sides begin at their beginning.
      const image = Object.assign(new Image(), { alt: "", draggable: false, src: URL.createObjectURL(blob) });
      await image.decode();
      URL.revokeObjectURL(image.src);
      if (turn === playing) element.replaceChildren(image);
    },
    pause() {
      playing += 1;
      element.replaceChildren(frame);
    },
  };
}

const blobOf = async (address, signal) => (await get(address, signal)).blob();

async function firstFrame(blob) {
  const bitmap = await createImageBitmap(blob);
  const frame = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  frame.getContext("2d").drawImage(bitmap, 0, 0);
  return frame;
}

async function video(address, signal) {
  const settings = { muted: true, loop: true, playsInline: true, preload: "auto", src: address };
  const element = Object.assign(document.createElement("video"), settings);
  await new Promise((done, failed) => {
    element.addEventListener("loadeddata", done);
    element.addEventListener("error", () => failed(new Refused(0, "This browser can't play this kind of film; download it.")));
    signal?.addEventListener("abort", () => failed(new DOMException("left", "AbortError")));
  });
  return element;
}
