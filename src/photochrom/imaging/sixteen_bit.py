"""16-bit samples of a PNG, of which Pillow keeps the upper half where there is more than one channel.

Reading decodes twice, the second time with the byte order swapped, so that Pillow keeps the lower half; that needs no
further library and is as strict and as fast as Pillow. Writing is done here and in `tiff_writing.py`: both are simple.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from photochrom.imaging.captions import chunks_of
from photochrom.imaging.picture import Picture, Pixels
from photochrom.imaging.tags import EXIF_PREFIX

_LEVEL = 3
_STRIP_BYTES = 1 << 20


def sixteen_bit_samples(
    image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]
) -> NDArray[np.uint16] | None:
    """Read all 16 bits of a PNG with several channels.

    Args:
        image: opened, its samples not yet loaded; it is loaded here.
        reopen: opens the same file again.

    Returns:
        (H, W, 2), (H, W, 3) or (H, W, 4) uint16; None where `image` is not such a file (nothing is loaded then).
    """
    mode = raw_mode(image)
    if mode == "LA;16B":
        # Four bytes a pixel: as 8-bit RGBA they all arrive in one go.
        both = samples(_with_raw_mode(image, "RGBA"))
        return both.view(">u2").astype(np.uint16)
    if mode not in ("RGB;16B", "RGBA;16B"):
        return None
    out = samples(_with_raw_mode(image, mode)).astype(np.uint16)
    out <<= 8
    out |= samples(_with_raw_mode(reopen(), mode[:-1] + "L"))
    return out


def samples(image: Image.Image) -> Pixels:
    """Load an image and copy its samples by strips; `np.asarray` would hold them three times.

    Returns:
        (H, W) or (H, W, C) of the image's dtype.
    """
    image.load()
    height, step = image.height, max(1, _STRIP_BYTES // image.width)
    first = np.asarray(image.crop((0, 0, image.width, min(step, height))))
    out = np.empty((height, *first.shape[1:]), first.dtype.newbyteorder("="))
    for top in range(0, height, step):
        out[top : top + step] = np.asarray(image.crop((0, top, image.width, min(top + step, height))))
    return out


def raw_mode(image: ImageFile.ImageFile) -> str:
    """How the samples of an opened, not yet loaded image are stored, in Pillow's words ("RGB;16B")."""
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def _with_raw_mode(image: ImageFile.ImageFile, mode: str) -> ImageFile.ImageFile:
    image.tile = [
        tile._replace(args=(mode, *tile.args[1:]) if isinstance(tile.args, tuple) else mode) for tile in image.tile
    ]
    return image


def rows_of(picture: Picture) -> Iterator[Pixels]:
    """Strips of (h, W, C) samples, alpha the last channel."""
    channels = 1 if picture.is_gray else 3
    step = max(1, _STRIP_BYTES // (picture.width * picture.pixels.itemsize * (channels + 1)))
    for top in range(0, picture.height, step):
        alpha = None if picture.alpha is None else picture.alpha[top : top + step]
        yield with_alpha(Picture(picture.pixels[top : top + step], alpha))


def with_alpha(picture: Picture) -> Pixels:
    """(H, W, C) samples, alpha the last channel."""
    pixels = picture.pixels.reshape(picture.height, picture.width, -1)
    return pixels if picture.alpha is None else np.concatenate([pixels, picture.alpha[..., None]], -1)


def png_bytes(picture: Picture) -> bytes:
    """A PNG of 8 or 16 bits. Source: W3C PNG specification, third edition."""
    channels = (1 if picture.is_gray else 3) + (picture.alpha is not None)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    out = io.BytesIO()
    out.write(b"\x89PNG\r\n\x1a\n")
    _chunk(out, b"IHDR", struct.pack(">2I5B", *picture.size, picture.depth, kind, 0, 0, 0))
    if picture.icc and not picture.is_gray:
        _chunk(out, b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.icc))
    if picture.dpi:
        _chunk(out, b"pHYs", struct.pack(">2IB", *(round(value / 0.0254) for value in picture.dpi), 1))
    if picture.exif:
        _chunk(out, b"eXIf", picture.exif.removeprefix(EXIF_PREFIX))
    for chunk in text_chunks(picture):
        _chunk(out, chunk[:4], chunk[4:])
    packer = zlib.compressobj(_LEVEL)
    above = np.zeros(picture.width * channels * picture.depth // 8, np.uint8)
    for strip in rows_of(picture):
        raw = strip.astype(strip.dtype.newbyteorder(">")).view(np.uint8).reshape(len(strip), -1)
        # Filter 2, the difference from the row above: of the five the best on 16-bit photographs for its time.
        lines = np.empty((len(raw), 1 + raw.shape[1]), np.uint8)
        lines[:, 0] = 2
        lines[0, 1:] = raw[0] - above
        lines[1:, 1:] = raw[1:] - raw[:-1]
        above = raw[-1]
        _chunk(out, b"IDAT", packer.compress(lines.data))
    _chunk(out, b"IDAT", packer.flush())
    _chunk(out, b"IEND", b"")
    return out.getvalue()


def text_chunks(picture: Picture) -> Iterator[bytes]:
    """The chunks of a PNG, each its name and content, that hold a picture's XMP and captions."""
    if picture.xmp:
        yield b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + picture.xmp
    yield from chunks_of(picture.captions)


def _chunk(out: io.BytesIO, name: bytes, data: bytes) -> None:
    if data or name == b"IEND":
        out.write(struct.pack(">I", len(data)) + name + data)
        out.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
