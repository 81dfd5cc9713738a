"""From a Picture to the bytes of a file, as near to lossless as its format goes."""

from __future__ import annotations

import importlib
import io
import pkgutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from photochrom._support.text import one_line
from photochrom.errors import MissingExtra, OutOfMemory, PhotochromError, UnsupportedFormat
from photochrom.imaging.carrying import SEGMENT, XMP_SEGMENT, carried
from photochrom.imaging.formats import Format, format_named
from photochrom.imaging.picture import Picture, to_dtype
from photochrom.imaging.sixteen_bit import with_alpha
from photochrom.imaging.xmp import guid, split

_QUALITY = 95
_LEAST_QUALITY = 90


def encode(picture: Picture, format: str, quality: int | None = None) -> bytes:
    """Encode a picture.

    PNG and TIFF keep 16 bits (floats become 16 bits), the others 8. Of the metadata each holds what
    `carrying.carried` says. JPEG is written without chroma subsampling, at the quality it came with, yet at least 90,
    and 95 where it was no JPEG. JPEG and BMP hold no transparency; it is laid over white.

    Args:
        picture: what to encode.
        format: "JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "JPEG2000", "HEIF", or a file name ending.
        quality: of JPEG, WebP, AVIF and HEIF, 1 to 100, instead of the above; a WebP loses by it, too.

    Returns:
        The file's content; the same for the same picture.

    Raises:
        UnsupportedFormat: the name is unknown, or the format can't hold such a picture.
        MissingExtra: HEIF without the extra that writes it.
        OutOfMemory: there is not enough.
    """
    form = format_named(format)
    try:
        if picture.pages and form.name != "TIFF":
            raise UnsupportedFormat(
                f"there are {1 + len(picture.pages)} pages, and {form.name} holds one; name the result .tif"
            )
        picture, _ = carried(picture, form.name)
        if not form.alpha:
            picture = _on_white(picture)
        if form.encode:
            return pkgutil.resolve_name(form.encode)(_as_deep_as(form, picture))
        return _through_pillow(picture, form, quality)
    except PhotochromError:
        raise
    except MemoryError as error:
        raise OutOfMemory(f"not enough memory to encode {picture.width} x {picture.height} as {form.name}") from error
    except Exception as error:
        reason = one_line(error)
        raise UnsupportedFormat(
            f"a picture of {picture.width} x {picture.height} can't be written as {form.name} ({reason}); use PNG"
        ) from error


def to_pil(picture: Picture) -> Image.Image:
    """A Pillow image with the metadata in its `info`: 16-bit gray as I;16, all else with 8 bits, as Pillow has it."""
    if picture.is_gray and picture.alpha is None and picture.depth == 16:
        image = Image.fromarray(picture.pixels)
    else:
        shallow = _at(picture, "uint8")
        image = Image.fromarray(shallow.pixels if picture.alpha is None else with_alpha(shallow))
    found = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp, "dpi": picture.dpi}
    found["comment"] = picture.captions.comments[0] if picture.captions.comments else None
    image.info.update({name: value for name, value in found.items() if value is not None})
    return image


def _at(picture: Picture, dtype: str) -> Picture:
    alpha = None if picture.alpha is None else to_dtype(picture.alpha, dtype)
    pages = tuple(_at(page, dtype if page.depth == 32 else page.pixels.dtype.name) for page in picture.pages)
    return replace(picture, pixels=to_dtype(picture.pixels, dtype), alpha=alpha, pages=pages)


def _as_deep_as(form: Format, picture: Picture) -> Picture:
    """The picture with 8 bits, or 16 where the format holds them and the picture has them or more."""
    if not form.sixteen_bit:
        return _at(picture, "uint8")
    return _at(picture, "uint16") if picture.depth == 32 else picture


def _on_white(picture: Picture) -> Picture:
    if picture.alpha is None:
        return picture
    shallow = to_pil(picture).convert("RGBA")
    white = Image.new("RGBA", shallow.size, "white")
    white.alpha_composite(shallow)
    pixels = np.asarray(white.convert("L" if picture.is_gray else "RGB"))
    return replace(picture, pixels=pixels, alpha=None)


def _through_pillow(picture: Picture, form: Format, quality: int | None) -> bytes:
    name = form.name
    image = to_pil(_at(picture, "uint8"))
    image.info.clear()
    if name == "GIF":
        image = _with_palette(image)
    settings = _settings(picture, name, quality)
    try:
        pkgutil.resolve_name(form.reader)
    except ImportError as error:
        raise MissingExtra(f"writing {name}", form.extra) from error
    out = io.BytesIO()
    if name == "HEIF":
        pillow_heif = importlib.import_module("pillow_heif")
        pillow_heif.from_pillow(image).save(out, **settings)
    else:
        image.save(out, name, **settings)
    return with_packet(out.getvalue(), picture.xmp) if name == "GIF" and picture.xmp else out.getvalue()


def _settings(picture: Picture, name: str, quality: int | None) -> dict[str, Any]:
    """What Pillow's `save` is told: the quality, and the metadata that the format holds."""
    settings: dict[str, Any] = {}
    kept = {
        "icc_profile": None if picture.is_gray else picture.icc,
        "exif": picture.exif,
        "xmp": picture.xmp,
    }
    if name == "JPEG":
        settings.update(quality=quality or max(picture.quality or _QUALITY, _LEAST_QUALITY), subsampling=0)
        kept["xmp"], settings["extra"] = _segments_of(picture)
    elif name == "WEBP":
        lossless = picture.lossless and quality is None
        settings.update({"lossless": True, "exact": True} if lossless else {"quality": quality or _QUALITY}, method=4)
    elif name in ("AVIF", "HEIF"):
        settings.update(quality=quality or _LEAST_QUALITY)
        if name == "AVIF":
            settings.update(subsampling="4:4:4", speed=8)
    if name in ("JPEG", "WEBP", "AVIF", "HEIF"):
        settings.update({key: value for key, value in kept.items() if value})
    if name == "BMP" or (name == "JPEG" and picture.dpi):
        settings["dpi"] = picture.dpi or (0, 0)  # Pillow would make one up for a BMP
    if name == "GIF" and picture.captions.comments:
        settings["comment"] = b"\n".join(picture.captions.comments)
    return settings


def _segments_of(picture: Picture) -> tuple[bytes | None, bytes]:
    """XMP for the usual segment of a JPEG, and segments for what of it goes beyond, for resources and comments."""
    xmp, extended = picture.xmp, b""
    if xmp and len(xmp) > XMP_SEGMENT:
        xmp, extended = split(xmp, XMP_SEGMENT) or (None, b"")
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid(extended) + struct.pack(">I", len(extended))
    more = [
        _segment(0xE1, head + struct.pack(">I", at) + piece) for at, piece in _pieces(extended, SEGMENT - len(head) - 4)
    ]
    photoshop = b"Photoshop 3.0\0"
    resources = [
        _segment(0xED, photoshop + piece) for _, piece in _pieces(picture.captions.resources, SEGMENT - len(photoshop))
    ]
    comments = [_segment(0xFE, piece) for text in picture.captions.comments for _, piece in _pieces(text, SEGMENT)]
    return xmp, b"".join([*more, *resources, *comments])


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _pieces(data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    return ((at, data[at : at + size]) for at in range(0, len(data), size))


def with_packet(gif: bytes, xmp: bytes) -> bytes:
    """A GIF with XMP before the first picture. Source: XMP Specification Part 3, 1.1.2."""
    at = 13 + (3 << ((gif[10] & 7) + 1) if gif[10] & 0x80 else 0)
    # The packet is no row of blocks, so a run of falling lengths behind it leads readers of blocks to the end.
    packet = b"!\xff\x0bXMP DataXMP" + xmp + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return b"GIF89a" + gif[6:at] + packet + gif[at:]


def _with_palette(image: Image.Image) -> Image.Image:
    """At most 256 colours, and of alpha only what is clear and what is not."""
    if image.mode == "L":
        return image
    clear = image.convert("RGBA").getchannel("A").point([255] * 128 + [0] * 128) if "A" in image.mode else None
    out = image.convert("RGB").quantize(255)
    if clear is not None:
        out.paste(255, mask=clear)
        out.info["transparency"] = 255
    return out
