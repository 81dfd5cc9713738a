"""TIFF files, written strip by strip, so that a page may be larger than memory. Source: TIFF 6.0; Adobe's Photoshop
TIFF technical note (deflate); BigTIFF's design note for files over 4 GB.

Written by hand: tifffile would add 3 MB to a runtime install that may have 240 and has them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import IO

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from PIL.TiffTags import BYTE, LONG8

from photochrom.imaging.carrying import carried
from photochrom.imaging.picture import Picture, Pixels
from photochrom.imaging.sixteen_bit import rows_of
from photochrom.imaging.tags import (
    LONG,
    SHORT,
    UNDEFINED,
    Fields,
    Value,
    descriptive,
    fields_of,
    in_order,
    resolution_fields,
    written,
)

_LEVEL = 3
_OFFSETS = 273


class TiffWriter:
    """Writes pages one after the other.

    Args:
        file: empty, searchable; left open.
        big: BigTIFF, for files that may grow over 4 GB; not every program reads it.
    """

    def __init__(self, file: IO[bytes], big: bool = False) -> None:
        self._file, self._big = file, big
        self._head = b"II+\0\x08\0\0\0" if big else b"II*\0"
        self._link = len(self._head)  # where the place of the next page's directory is written
        file.write(self._head + self._pointer(0))

    def page(self, like: Picture, size: tuple[int, int], rows: int, strips: Iterable[bytes]) -> None:
        """Write a page.

        Args:
            like: some picture of the page's depth and channels, with its metadata.
            size: (W, H) of the page.
            rows: of each strip but the last.
            strips: each from `packed`, in order.
        """
        places, lengths = [], []
        for strip in strips:
            places.append(self._file.tell())
            lengths.append(len(strip))
            self._file.write(strip)
        channels = (1 if like.is_gray else 3) + (like.alpha is not None)
        fields = _described(like) | {
            256: _longs(size[0]),
            257: _longs(size[1]),
            258: _shorts(*[like.depth] * channels),
            259: _shorts(8),
            262: _shorts(1 if like.is_gray else 2),
            _OFFSETS: Value(LONG8, struct.pack(f"<{len(places)}Q", *places)) if self._big else _longs(*places),
            277: _shorts(channels),
            278: _longs(rows),
            279: _longs(*lengths),
            284: _shorts(1),
            317: _shorts(2),
        }
        if like.alpha is not None:
            fields[338] = _shorts(2)
        self._directory(fields)

    def _directory(self, fields: Fields) -> None:
        """Write a directory and link it to the one before."""
        self._file.write(bytes(self._file.tell() % 2))
        start = self._file.tell()
        self._file.write(written(fields, start, big=self._big))
        end = self._file.tell()
        self._file.seek(self._link)
        self._file.write(self._pointer(start))
        self._file.seek(end)
        self._link = start + (8 + 20 * len(fields) if self._big else 2 + 12 * len(fields))

    def _pointer(self, place: int) -> bytes:
        return struct.pack("<Q" if self._big else "<L", place)


def directory(tags: ImageFileDirectory_v2, start: int, offsets: int, places: Sequence[int]) -> bytes:
    """The bytes of a directory, with the places of the strips or tiles put in.

    Pillow adds the directory's length to places of strips, and not to those of tiles, so neither goes through it.

    Args:
        tags: all others.
        start: where in the file the directory will be.
        offsets: the tag of the places.
        places: absolute ones.
    """
    big = tags._get_ifh()[2:4] in (b"+\0", b"\0+")
    order = ">" if tags.prefix == b"MM" else "<"
    pointer = "Q" if big else "L"
    tags.tagtype[offsets] = LONG8 if big else LONG
    tags[offsets] = (0,) * len(places)
    data = bytearray(tags.tobytes(start))
    head, entry, at = (order + "HHQ", 20, 8) if big else (order + "HHL", 12, 2)
    while struct.unpack_from(order + "H", data, at)[0] != offsets:
        at += entry
    at += struct.calcsize(head)
    if len(places) > 1:
        # They stand behind the entries.
        at = struct.unpack_from(order + pointer, data, at)[0] - start
    struct.pack_into(f"{order}{len(places)}{pointer}", data, at, *places)
    return bytes(data)


def write_tiff(picture: Picture, file: IO[bytes]) -> None:
    """Write a picture and its further pages, of 8 or 16 bits, deflated."""
    pages = [_plain(page) for page in (picture, *picture.pages)]
    size = sum(page.pixels.nbytes + (0 if page.alpha is None else page.alpha.nbytes) for page in pages)
    writer = TiffWriter(file, needs_big(size))
    for page in pages:
        strips = rows_of(page)
        first = next(strips)
        writer.page(page, page.size, len(first), (packed(strip) for strip in (first, *strips)))


def tiff_bytes(picture: Picture) -> bytes:
    """What `write_tiff` writes."""
    out = io.BytesIO()
    write_tiff(picture, out)
    return out.getvalue()


def needs_big(size: int) -> bool:
    """Whether a file with so many bytes of samples may grow over what a plain TIFF holds."""
    return size > 3_900_000_000


def packed(strip: Pixels) -> bytes:
    """(h, W, C) samples as a page holds them: deflated differences from the pixel to the left (predictor 2)."""
    difference = strip.astype(strip.dtype.newbyteorder("<"))
    difference[:, 1:] -= strip[:, :-1]
    return zlib.compress(difference.tobytes(), _LEVEL)


def _plain(page: Picture) -> Picture:
    if page.is_gray and page.alpha is not None and page.depth == 16:
        # Allowed, but many readers, Pillow among them, don't take it.
        return replace(page, pixels=np.repeat(page.pixels[..., None], 3, -1))
    return page


def _described(picture: Picture) -> Fields:
    """The fields of a page that say something of its photograph."""
    picture, _ = carried(picture, "TIFF")
    found, order = fields_of(picture.exif)
    fields = in_order(descriptive(found), order, "<")
    if picture.dpi:
        fields |= resolution_fields(picture.dpi)
    captions = picture.captions
    profile = None if picture.is_gray else picture.icc
    packed_in = {700: picture.xmp, 33723: captions.iptc, 34377: captions.further_resources, 34675: profile}
    return fields | {tag: Value(UNDEFINED if tag > 700 else BYTE, data) for tag, data in packed_in.items() if data}


def _shorts(*numbers: int) -> Value:
    return Value(SHORT, struct.pack(f"<{len(numbers)}H", *numbers))


def _longs(*numbers: int) -> Value:
    return Value(LONG, struct.pack(f"<{len(numbers)}I", *numbers))
