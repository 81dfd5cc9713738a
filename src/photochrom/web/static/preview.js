// A photograph from this computer, before the server has it.

const THUMBNAIL = 192;

// An <img> of the file, gray by its style; nothing where the browser can't show it.
export async function local(file) {
  if (!file) return null;
  const image = new Image();
  image.alt = "";
  image.className = "gray";
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

// A small copy of a picture that was decoded.
export function thumbnail(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, THUMBNAIL / Math.min(width, height));
  const small = Object.assign(document.createElement("canvas"), {
    className: "gray",
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  });
  small.getContext("2d").drawImage(image, 0, 0, small.width, small.height);
  return small;
}
