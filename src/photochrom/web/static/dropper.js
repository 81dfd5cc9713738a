// The eyedropper: one colour of a photograph that is open.

// { color: a promise of #rrggbb, or of null where none was taken; takeAt: takes it at a point of the shown photograph }
export function dropper(viewer) {
  let finish;
  const color = new Promise((done) => {
    finish = done;
  });
  const takeAt = (x, y) => end(viewer.isInside(x, y) ? colorOf(viewer.pictureAt(), x / viewer.width, y / viewer.height) : null);
  const click = (event) => {
    event.preventDefault();
    event.stopPropagation();
    const tile = event.target.closest?.(".tile")?.querySelector("img, canvas");
    if (event.target.closest?.(".viewer")) return takeAt(...viewer.pointAt(event.clientX, event.clientY));
    end(tile ? fromTile(tile, event) : null);
  };
  const press = (event) => event.target.closest?.(".viewer, .tile") && event.stopPropagation();
  const key = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    end(null);
  };
  const listeners = { click, pointerdown: press, keydown: key };
  document.body.classList.add("dropping");
  // Enter on the aim is a click, too, of no pointer.
  const guarded = (event) => (event.type === "click" && event.detail === 0 ? undefined : listeners[event.type](event));
  for (const kind of Object.keys(listeners)) document.addEventListener(kind, guarded, true);

  function end(found) {
    document.body.classList.remove("dropping");
    for (const kind of Object.keys(listeners)) document.removeEventListener(kind, guarded, true);
    finish(found);
  }
  return { color, takeAt };
}

function fromTile(picture, event) {
  const box = picture.getBoundingClientRect();
  const [width, height] = [picture.naturalWidth ?? picture.width, picture.naturalHeight ?? picture.height];
  // A tile shows the middle of its picture (object-fit: cover).
  const scale = Math.max(box.width / width, box.height / height);
  const across = (event.clientX - box.left - (box.width - width * scale) / 2) / (width * scale);
  const down = (event.clientY - box.top - (box.height - height * scale) / 2) / (height * scale);
  return colorOf(picture, across, down);
}

function colorOf(picture, across, down) {
  if (!picture || !(across >= 0 && across < 1 && down >= 0 && down < 1)) return null;
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const [width, height] = [picture.naturalWidth ?? picture.width, picture.naturalHeight ?? picture.height];
  context.drawImage(picture, Math.floor(across * width), Math.floor(down * height), 1, 1, 0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return `#${[r, g, b].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
