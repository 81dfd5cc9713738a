"""Files that end early or are damaged in places: what can still be read of them.

Readers raise at the first fault. `mended` takes those faults out of a file that a reader would not get past, and
`tolerant` makes a reader that keeps the rows which it had when it failed.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import ImageFile

from photochrom.imaging.picture import Picture

NOTE = "its data are damaged or end early, and were coloured as far as they go"
_LEAST_SHARE = 0.01  # of rows that is worth a number
_FILLED = {"JPEG": 128}  # what samples that are missing become; 0 in other formats
# Where that lies, the axis and the step away from it: below, and above in a BMP, which is stored from below. Upright, a
# JPEG of a camera may lack any side. In other formats it is black, as borders are.
_BELOW = ((0, -1),)
_SIDES = {"JPEG": (*_BELOW, (0, 1), (1, -1), (1, 1)), "BMP": ((0, 1),)}
_BLOCKS = (8, 16)  # rows of one
_MOST_PADDING = 4  # times the length of a WebP that is there
# Markers of a JPEG without a length: restarts, the start, and TEM. Source: ITU-T T.81, B.1.1.3.
_ALONE = {0x01, *range(0xD0, 0xD9)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _TABLES = 0xDA, 0xD9, {0xC4, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)}


def mended(kind: str, data: bytes) -> bytes:
    """The content of a file without the faults that would keep its reader from what is there.

    Args:
        kind: the name of its format.
        data: the content.
    """
    return {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}.get(kind, lambda data: data)(data)


@lru_cache
def tolerant(reader: type[ImageFile.ImageFile]) -> type[ImageFile.ImageFile]:
    """A reader that returns what it has read where the data end or are broken."""

    class Tolerant(reader):
        def load(self) -> Any:
            try:
                return super().load()
            except (OSError, EOFError, SyntaxError, ValueError, struct.error, zlib.error):
                if self._im is None:
                    raise
                self.tile = []
                return super().load()

    return Tolerant


def as_far_as_it_goes(kind: str, picture: Picture) -> Picture | None:
    """A picture that was read of damaged data, with what of it is missing, and a note; None where nothing was there.

    Args:
        kind: the name of its format.
        picture: as it was read.
    """
    pixels = picture.pixels.reshape(picture.height, picture.width, -1)
    if (pixels == pixels[:1, :1]).all():
        return None
    value = _FILLED.get(kind, 0) if pixels.dtype == np.uint8 else 0
    filled = np.all(np.equal(pixels, value), axis=2)
    count, axis, step = max((_lines(filled, axis, step), axis, step) for axis, step in _SIDES.get(kind, _BELOW))
    notes = (note_of(count / filled.shape[axis]), *picture.notes)
    missing = _missing(np.moveaxis(filled, axis, 0)[::step], count)
    return replace(picture, missing=np.moveaxis(missing[::step], 0, axis) if count else None, notes=notes)


def _lines(filled: np.ndarray, axis: int, step: int) -> int:
    """How many rows (axis 0) or columns (1), from the first (step 1) or the last on (-1), are filled as a whole."""
    return int(np.argmin(np.all(filled, axis=1 - axis)[::step]))


def _missing(filled: np.ndarray, count: int) -> np.ndarray:
    """(H, W) bool: the first `count` rows, and those blocks of the next ones, where the data end, that are filled."""
    missing = np.zeros(filled.shape, bool)
    missing[:count] = True
    for height in _BLOCKS:
        missing[count : count + height] |= filled[count : count + height].all(0)
    return missing


def note_of(share: float) -> str:
    """`NOTE`, with the share of the picture that is missing where it is worth a number."""
    return f"{NOTE}: about {share:.0%} of the picture is missing" if share >= _LEAST_SHARE else NOTE


def _jpeg(data: bytes) -> bytes:
    """Up to where markers stop making sense, and an end marker."""
    end = len(data)
    for at, marker, length in _segments(data):
        if marker == _END or length is None:
            end = at
            break
    return data[:end] + b"\xff\xd9"


def _segments(data: bytes) -> Iterator[tuple[int, int, int | None]]:
    """(place, marker, length) of each segment and scan; the length is None where it makes no sense."""
    at, in_scan = 2, False
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker in (0x00, 0xFF):
            at += 1 + (marker == 0)
            continue
        if marker in _ALONE and marker != 0xD8:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big") if at + 4 <= len(data) else 0
        sound = length >= 2 and at + 2 + length <= len(data)
        known = marker in _TABLES or marker in _FRAMES or marker == _SCAN
        if marker == _SCAN:
            sound = sound and length == 6 + 2 * data[at + 4] <= 14
        elif marker == 0xC4:
            sound = sound and _is_huffman(data[at + 4 : at + 2 + length])
        elif in_scan:
            sound = sound and marker not in _FRAMES
        yield at, marker, length if sound and known else None
        in_scan |= marker == _SCAN
        at += 2 + length


def _is_huffman(tables: bytes) -> bool:
    while tables:
        if len(tables) < 17 or tables[0] & 0xEC:
            return False
        tables = tables[17 + sum(tables[1:17]) :] if len(tables) >= 17 + sum(tables[1:17]) else b"\xff"
    return True


def _png(data: bytes) -> bytes:
    """Without chunks that are not needed and have a wrong checksum, and with an end."""
    out, at = io.BytesIO(), 8
    out.write(data[:8])
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        content, checksum = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        right = struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
        if name == b"IDAT":
            out.write(struct.pack(">I", len(content)) + name + content)
            out.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))
        elif checksum == right or not name[0] & 0x20:
            out.write(data[at : at + 12 + length])
        at += 12 + length
    out.write(bytes(4) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")))
    return out.getvalue()


def _webp(data: bytes) -> bytes:
    """As long as its head says, with zeros, which its decoders take for flat blocks.

    They do so without any data as well, so where most are missing it stays as it is, and is refused.
    """
    length = 8 + int.from_bytes(data[4:8], "little")
    return data.ljust(length, b"\0") if length < _MOST_PADDING * len(data) else data
