"""EXIF and XMP are kept byte for byte, but for what stops being true: the orientation, the old thumbnail, and other
pictures and films that XMP announces."""

from __future__ import annotations

import math
import re
import struct
from typing import Any

import numpy as np

from photochrom.imaging.picture import Pixels
from photochrom.imaging.tags import EXIF_PREFIX, LONG, SHORT, amended, block_of, fields_of, resolution_of
from photochrom.imaging.xmp import made_true

_ORIENTATION = 0x0112
_MOST_DPI = 5e7  # half a nanometre a pixel, and as much as BMP can store
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:=["']|>))[2-8](["']|</)""")


def upright_exif(exif: bytes | None) -> tuple[bytes | None, int, tuple[str, ...]]:
    """Take the orientation out of an EXIF block.

    Everything else stays at its place, since maker notes refer to absolute offsets. The pointer to the thumbnail is
    cleared: it would show the photograph as it was. Of a block that is a little broken, what can be read is kept.

    Args:
        exif: the block, with or without its prefix; or None.

    Returns:
        The block with its prefix and orientation 1, or None where it holds nothing; the orientation it had, 1..8; and
        a note where it is broken.
    """
    if not exif:
        return None, 1, ()
    block = block_of(bare := exif[_start_of(exif) :])
    entries = [entry for entry in block.walk(block.first) if entry.size >= 0] if block else []
    if block is None or not entries:
        return None, 1, ("its EXIF is damaged and was left out",)
    data, orientation = bytearray(bare), 1
    for entry in entries:
        if entry.tag == _ORIENTATION and entry.kind in (SHORT, LONG) and entry.size:
            layout = block.order + ("H" if entry.kind == SHORT else "I")
            (value,) = struct.unpack_from(layout, data, entry.place)
            orientation = value if 1 <= value <= 8 else 1
            struct.pack_into(layout, data, entry.place, 1)
    whole = block.is_whole(block.first)
    notes = () if whole else ("its EXIF is damaged, and some fields of it cannot be read",)
    end = block.first + 2 + 12 * block.count(block.first)
    if whole and end + 4 <= len(data) and struct.unpack_from(block.order + "I", data, 4) == (block.first,):
        data[end : end + 4] = bytes(4)
        return EXIF_PREFIX + bytes(data), orientation, notes
    return amended(bytes(data), {}), orientation, notes


def _start_of(exif: bytes) -> int:
    """Where the block itself starts: behind its prefix, which some programs write twice."""
    found = [at for order in (b"II*\0", b"MM\0*") if (at := exif.find(order, 0, 4 * len(EXIF_PREFIX))) >= 0]
    return min(found, default=len(EXIF_PREFIX) if exif.startswith(EXIF_PREFIX) else 0)


def upright_xmp(xmp: Any) -> tuple[bytes | None, tuple[str, ...]]:
    """Reset the orientation that an XMP packet repeats, and take out what is no longer true; None for no packet.

    The orientation is not applied: other programs go by EXIF alone.

    Returns:
        The packet, and a note on what it no longer says.
    """
    if not (isinstance(xmp, bytes) and xmp):
        return None, ()
    return made_true(_XMP_ORIENTATION.sub(rb"\g<1>1\g<2>", xmp))


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


def sane_dpi(dpi: Any) -> tuple[float, float] | None:
    """A resolution, or None where the file holds nonsense; that of an electron microscope is none."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if all(math.isfinite(value) and 1 <= value <= _MOST_DPI for value in (across, down)):
        return across, down
    return None


def dpi_of_exif(exif: bytes | None) -> tuple[float, float] | None:
    """The resolution that an EXIF block says, where a file says it nowhere else."""
    return sane_dpi(resolution_of(*fields_of(exif)))
