"""A TIFF's pages in strips of rows, so that a page may be larger than memory.

The stored strips (or rows of tiles) that make up some rows are put into a small TIFF of their own, which the usual
reader then decodes: so every kind of sample and compression that is read at all is read in this way too.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import IO, Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from photochrom.imaging.damage import NOTE
from photochrom.imaging.facts import facts_of_tiff
from photochrom.imaging.picture import Picture
from photochrom.imaging.pixel_modes import Scale, needs_scale, scale_of
from photochrom.imaging.reading import (
    FINAL,
    clear_errors,
    extremes_of_tiff,
    notes_of_tiff,
    open_tiff,
    picture_of_tiff,
    quiet,
    tiff_pages,
)
from photochrom.imaging.tiff_reading import (
    BITS,
    COMPRESSION,
    COUNTS,
    LENGTH,
    OFFSETS,
    ORIENTATION,
    PHOTOMETRIC,
    PLAIN,
    PLANES,
    ROWS,
    TILE_COUNTS,
    TILE_LENGTH,
    TILE_OFFSETS,
    TILE_WIDTH,
    WIDTH,
    Layout,
    TiffReader,
    check_claim,
    pieces_of,
)
from photochrom.imaging.tiff_writing import directory

STRIP_PIXELS = 1 << 19  # about as many are decoded at a time
_OLD_JPEG = 6  # a kind of compression
_SUBSAMPLED = 6  # a photometric interpretation: YCbCr
# What says how samples are stored, and so goes into the small files; sizes and places are recomputed.
_KEPT = (258, 259, 262, 266, 277, 284, 292, 293, 317, 320, 322, 323, 338, 339, 347, 529, 530, 531, 532, 34675)


@dataclass(frozen=True, eq=False)
class Page:
    """One page of an open file.

    Attributes:
        width, height: W and H.
        rows: of each strip but the last.
        metadata: what stands in a Picture besides samples and profile.
        name: of the file, in messages.
        strict: raise where data are damaged; else a strip of which some are missing has `damage.NOTE` among its notes.
    """

    width: int
    height: int
    rows: int
    metadata: dict[str, Any]
    name: str
    strict: bool
    _file: IO[bytes]
    _lock: threading.Lock
    _tags: ImageFileDirectory_v2
    _chunks: tuple[tuple[int, int], ...]  # place and length of the stored strips or tiles
    _chunk_rows: int
    _across: int  # chunks side by side
    _row_bytes: int = field(default=0)  # of a page that is not compressed and cut anywhere; 0 for others
    _plain_bytes: int = 0  # a row of a chunk that is not compressed; 0 for others
    _scale: Scale | None = None  # of signed and floating samples

    @property
    def tops(self) -> range:
        """The first row of each strip."""
        return range(0, self.height, self.rows)

    def facts(self) -> Picture:
        """A picture of one row, with all that the strips have in common."""
        first = self.strip(0)
        alpha = None if first.alpha is None else first.alpha[:1]
        return replace(first, pixels=first.pixels[:1], alpha=alpha, **self.metadata)

    def strip(self, top: int) -> Picture:
        """The rows from `top`, one of `tops`; threads may call it at the same time.

        Raises:
            PhotochromError: they are damaged.
        """
        with clear_errors(self.name):
            try:
                return picture_of_tiff(self._file_of(top, True), self._scale, strict=True)
            except FINAL:
                raise
            except Exception:
                if self.strict:
                    raise
            picture = picture_of_tiff(self._file_of(top, False), self._scale, strict=False)
            return replace(picture, notes=(NOTE, *picture.notes))

    def scaled(self, layout: Layout) -> Page:
        """The same page with the scale that all its samples, which have this layout, ask for."""
        with clear_errors(self.name):
            extremes = [extremes_of_tiff(self._file_of(top, False)) for top in self.tops]
            return replace(self, _scale=scale_of(min(e[0] for e in extremes), max(e[1] for e in extremes), layout))

    def _file_of(self, top: int, strict: bool) -> bytes:
        """A TIFF of the rows from `top`; of plain samples, those that are missing are 0, or an error."""
        rows = min(self.rows, self.height - top)
        if self._row_bytes:
            return self._small_file(rows, rows, [_filled(self._cut(top, rows), rows * self._row_bytes, strict)])
        first = top // self._chunk_rows * self._across
        count = -(-rows // self._chunk_rows) * self._across
        chunks = []
        for index in range(first, first + count):
            there = self.height - index // self._across * self._chunk_rows
            data = self._read(*self._chunks[index])
            chunks.append(_filled(data, min(self._chunk_rows, there) * self._plain_bytes, strict))
        return self._small_file(rows, self._chunk_rows, chunks)

    def _cut(self, top: int, rows: int) -> bytes:
        """Rows out of the middle of stored strips."""
        pieces = []
        while rows:
            index, within = divmod(top, self._chunk_rows)
            taken = min(rows, self._chunk_rows - within)
            place = self._chunks[index][0] + within * self._row_bytes
            pieces.append(self._read(place, taken * self._row_bytes))
            top, rows = top + taken, rows - taken
        return b"".join(pieces)

    def _read(self, place: int, length: int) -> bytes:
        with self._lock:
            self._file.seek(place)
            return self._file.read(length)

    def _small_file(self, rows: int, chunk_rows: int, chunks: list[bytes]) -> bytes:
        head = b"MM\0*" if self._tags.prefix == b"MM" else b"II*\0"
        tags = ImageFileDirectory_v2(head + bytes(4))
        for tag in self._tags:
            tags.tagtype[tag], tags[tag] = self._tags.tagtype[tag], self._tags[tag]
        tags[WIDTH], tags[LENGTH] = self.width, rows
        places = list(accumulate(map(len, chunks), initial=8))[:-1]
        if TILE_WIDTH in tags:
            offsets, tags[TILE_COUNTS] = TILE_OFFSETS, tuple(map(len, chunks))
        else:
            offsets, tags[COUNTS], tags[ROWS] = OFFSETS, tuple(map(len, chunks)), chunk_rows
        data = b"".join(chunks)
        data += bytes(len(data) % 2)
        start = (8 + len(data)).to_bytes(4, "big" if head[:2] == b"MM" else "little")
        return b"".join([head, start, data, directory(tags, 8 + len(data), offsets, places)])


def _filled(data: bytes, size: int, strict: bool) -> bytes:
    if strict and len(data) < size:
        raise EOFError("the samples end early")
    return data.ljust(size, b"\0")


def pages_in_strips(file: IO[bytes], name: str, max_pixels: int | None, strict: bool = True) -> list[Page] | None:
    """The pages of an open TIFF.

    Args:
        file: searchable; it has to stay open while the pages are used.
        name: what to call it in messages.
        max_pixels: the most pixels that all pages together may have; None is no limit.
        strict: of the pages.

    Returns:
        The pages, or None where one has to be turned, or is stored in a way that only a whole reading takes, such as
        with a damaged directory.

    Raises:
        PhotochromError: the file is damaged or too large.
    """
    with clear_errors(name):
        image = open_tiff(file, name)
        lock = threading.Lock()
        pages = []
        try:
            places = tiff_pages(image, file, max_pixels, strict=True)
        except FINAL:
            raise
        except Exception:
            if strict:
                raise
            return None
        for place in places:
            image.turn_to(place)
            if (page := _page(image, file, name, lock, strict)) is None:
                return None
            pages.append(page)
        return pages


def _page(image: TiffReader, file: IO[bytes], name: str, lock: threading.Lock, strict: bool) -> Page | None:
    tags: Any = image.tag_v2
    tiled = TILE_WIDTH in tags
    chunks = pieces_of(tags, file.seek(0, os.SEEK_END))
    width, height = image.size
    compression = tags.get(COMPRESSION, PLAIN)
    chunk_rows = int(tags[TILE_LENGTH]) if tiled else min(int(tags.get(ROWS, height)), height)
    across = -(-width // int(tags[TILE_WIDTH])) if tiled else 1
    if (
        tags.get(PLANES, 1) != 1
        or tags.get(ORIENTATION, 1) != 1
        or compression == _OLD_JPEG
        or (width, height) != (tags.get(WIDTH), tags.get(LENGTH))
        or chunk_rows < 1
        or len(chunks) != across * -(-height // chunk_rows)
    ):
        return None
    row_bytes = 0
    rows = max(1, STRIP_PIXELS // width // chunk_rows) * chunk_rows
    if not tiled and compression == PLAIN and rows * width > 2 * STRIP_PIXELS:
        rows = max(1, STRIP_PIXELS // width)
        row_bytes = _stored_row(tags, width)
    kept = ImageFileDirectory_v2(tags.prefix + (b"\0*" if tags.prefix == b"MM" else b"*\0") + bytes(4))
    for tag in _KEPT:
        if tag in tags:
            kept.tagtype[tag], kept[tag] = tags.tagtype[tag], tags[tag]
    with quiet():
        metadata = facts_of_tiff(image)
        metadata["notes"] += notes_of_tiff(image)
    plain = compression == PLAIN and tags.get(PHOTOMETRIC) != _SUBSAMPLED
    if plain:
        check_claim(_stored_row(tags, width) * height, file)
    page = Page(
        width,
        height,
        rows,
        metadata,
        name,
        strict,
        file,
        lock,
        kept,
        chunks,
        chunk_rows,
        across,
        row_bytes,
        _stored_row(tags, int(tags[TILE_WIDTH]) if tiled else width) if plain else 0,
    )
    return page.scaled(image.layout) if image.layout and needs_scale(image.layout) else page


def _stored_row(tags: Any, width: int) -> int:
    """Bytes of a row of plain samples."""
    return (sum(tags.get(BITS, (1,))) * width + 7) // 8
