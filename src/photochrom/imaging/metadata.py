"""EXIF and XMP are kept byte for byte, but for what stops being true: the orientation and the old thumbnail."""

from __future__ import annotations

import math
import re
import struct
from typing import Any

import numpy as np
from PIL import Image

from photochrom.imaging.picture import Pixels

EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
# Of a TIFF's own tags, those that describe the photograph and not how its samples are stored.
_DESCRIPTIVE = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298)
_DIRECTORIES = (0x8769, 0x8825)
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:=["']|>))[2-8](["']|</)""")


def upright_exif(exif: bytes | None) -> tuple[bytes | None, int]:
    """Take the orientation out of an EXIF block.

    Everything else stays at its place, since maker notes refer to absolute offsets. The pointer to the thumbnail is
    cleared: it would show the photograph as it was.

    Args:
        exif: the block, with or without its prefix; or None.

    Returns:
        The block with its prefix and orientation 1, or None where it is broken or absent; and the orientation it
        had, 1..8.
    """
    if not exif:
        return None, 1
    block = bytearray(exif.removeprefix(EXIF_PREFIX))
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None:
        return None, 1
    orientation = 1
    try:
        (first,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, first)
        for at in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, at)
            if tag == _ORIENTATION and kind == 3:
                orientation = value if 1 <= value <= 8 else 1
                struct.pack_into(order + "H", block, at + 8, 1)
        struct.pack_into(order + "I", block, first + 2 + 12 * count, 0)
    except struct.error:
        return None, orientation
    return EXIF_PREFIX + bytes(block), orientation


def upright_xmp(xmp: Any) -> bytes | None:
    """Reset the orientation that an XMP packet repeats; None for what is no packet.

    It is not applied: other programs go by EXIF alone.
    """
    return _XMP_ORIENTATION.sub(rb"\g<1>1\g<2>", xmp) if isinstance(xmp, bytes) and xmp else None


def upright(samples: Pixels, orientation: int) -> Pixels:
    """Turn or mirror samples as the EXIF orientation says.

    Args:
        samples: (H, W) or (H, W, C).
        orientation: 1..8.

    Returns:
        A contiguous array of the shape (H, W, ...) or (W, H, ...).

    Source: Exif 2.32, 4.6.4, tag 0x0112.
    """
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def exif_of_tiff(image: Image.Image) -> bytes | None:
    """An EXIF block of what a TIFF says about its photograph; a TIFF keeps it among its own tags."""
    tags = image.getexif()
    block = Image.Exif()
    for tag in _DESCRIPTIVE:
        if tag in tags:
            block[tag] = tags[tag]
    for tag in _DIRECTORIES:
        if tag in tags and (directory := tags.get_ifd(tag)):
            block[tag] = dict(directory)
    try:
        return block.tobytes() if len(block) else None
    except (ValueError, TypeError, struct.error, AttributeError, OverflowError):
        return None


def tiff_tags_of(exif: bytes | None) -> dict[int, Any]:
    """The tags that `exif_of_tiff` would find again, for writing a TIFF."""
    tags = Image.Exif()
    found: dict[int, Any] = {}
    try:
        tags.load(exif or b"")
        for tag in _DESCRIPTIVE:
            if tag in tags:
                found[tag] = tags[tag]
        for tag in _DIRECTORIES:
            if tag in tags and (directory := tags.get_ifd(tag)):
                found[tag] = dict(directory)
    except (ValueError, TypeError, KeyError, SyntaxError, OSError, struct.error, OverflowError):
        return {}
    return found


def sane_dpi(dpi: Any) -> tuple[float, float] | None:
    """A resolution that every format can store, or None where the file holds nonsense."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if all(math.isfinite(value) and 1 <= value <= 65535 for value in (across, down)):
        return across, down
    return None
