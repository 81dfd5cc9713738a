// Results as files of this computer: one by itself, or many as an archive.

import { Refused, albumAddress, api, current, get, post, resultAddress } from "./api.js";

const MOST = 1000; // photographs of one archive

// In the format that it came in; its name never leaves this browser.
export async function saveOne({ job: { id, kind, format }, name, look }) {
  const address = kind === "film" ? resultAddress(id, {}) : resultAddress(id, look, { format });
  const blob = await (await get(address)).blob();
  save(blob, name.replace(/(\.[^.]*)?$/, (ending) => `.color${ending || `.${format}`}`));
}

// `how` is what an export takes, `heard(bytes)` hears of what has come.
export async function saveAll(items, how, heard) {
  for (let at = 0; at < items.length; at += MOST) {
    const photographs = items.slice(at, at + MOST).map(({ job, name, look }) => ({ id: job.id, name, look: current(look), ...how }));
    const response = await post(`${api}/archive`, { photographs });
    save(new Blob(await received(response, heard), { type: "application/zip" }), "photochrom.zip");
  }
}

// Into the server's album, where it stays.
export const saveInAlbum = ({ job: { id, kind }, name, look }) => post(albumAddress(id, kind === "film" ? {} : look, name), {});

async function received(response, heard) {
  const pieces = [];
  const reader = response.body.getReader();
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Refused(0, "The download broke off; try again.");
    });
    if (done) return pieces;
    pieces.push(value);
    heard((bytes += value.length));
  }
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
