"""A TIFF's pages in strips of rows, so that a page may be larger than memory.

The stored strips (or rows of tiles) that make up some rows are put into a small TIFF of their own, which the usual
reader then decodes: so every kind of sample and compression that is read at all is read in this way too.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import IO, Any

from PIL import ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from photochrom.imaging.facts import facts_of_tiff
from photochrom.imaging.picture import Picture
from photochrom.imaging.reading import clear_errors, open_tiff, picture_of_tiff, quiet, tiff_pages
from photochrom.imaging.tiff_writing import directory

STRIP_PIXELS = 1 << 19  # about as many are decoded at a time
_WIDTH, _LENGTH, _OFFSETS, _ROWS, _COUNTS = 256, 257, 273, 278, 279
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_COMPRESSION, _PLANES, _ORIENTATION = 259, 284, 274
_PLAIN, _OLD_JPEG = 1, 6  # kinds of compression
# What says how samples are stored, and so goes into the small files; sizes and places are made anew.
_KEPT = (258, 259, 262, 266, 277, 284, 292, 293, 317, 320, 322, 323, 338, 339, 347, 529, 530, 531, 532, 34675)


@dataclass(frozen=True, eq=False)
class Page:
    """One page of an open file.

    Attributes:
        width, height: W and H.
        rows: of each strip but the last.
        metadata: what stands in a Picture besides samples and profile.
    """

    width: int
    height: int
    rows: int
    metadata: dict[str, Any]
    _name: str
    _file: IO[bytes]
    _lock: threading.Lock
    _tags: ImageFileDirectory_v2
    _chunks: tuple[tuple[int, int], ...]  # place and length of the stored strips or tiles
    _chunk_rows: int
    _across: int  # chunks side by side
    _row_bytes: int = field(default=0)  # of a page that is not compressed and cut anywhere; 0 for others

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
        rows = min(self.rows, self.height - top)
        with clear_errors(self._name):
            if self._row_bytes:
                return self._picture(rows, rows, [self._cut(top, rows)])
            first = top // self._chunk_rows * self._across
            count = -(-rows // self._chunk_rows) * self._across
            chunks = [self._read(*chunk) for chunk in self._chunks[first : first + count]]
            return self._picture(rows, self._chunk_rows, chunks)

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

    def _picture(self, rows: int, chunk_rows: int, chunks: list[bytes]) -> Picture:
        head = b"MM\0*" if self._tags.prefix == b"MM" else b"II*\0"
        tags = ImageFileDirectory_v2(head + bytes(4))
        for tag in self._tags:
            tags.tagtype[tag], tags[tag] = self._tags.tagtype[tag], self._tags[tag]
        tags[_WIDTH], tags[_LENGTH] = self.width, rows
        places = [8 + sum(map(len, chunks[:i])) for i in range(len(chunks))]
        if _TILE_WIDTH in tags:
            offsets, tags[_TILE_COUNTS] = _TILE_OFFSETS, tuple(map(len, chunks))
        else:
            offsets, tags[_COUNTS], tags[_ROWS] = _OFFSETS, tuple(map(len, chunks)), chunk_rows
        data = b"".join(chunks)
        data += bytes(len(data) % 2)
        start = (8 + len(data)).to_bytes(4, "big" if head[:2] == b"MM" else "little")
        return picture_of_tiff(b"".join([head, start, data, directory(tags, 8 + len(data), offsets, places)]))


def pages_in_strips(file: IO[bytes], name: str, max_pixels: int | None) -> list[Page] | None:
    """The pages of an open TIFF.

    Args:
        file: searchable; it has to stay open while the pages are used.
        name: what to call it in messages.
        max_pixels: the most pixels that all pages together may have; None is no limit.

    Returns:
        The pages, or None where one has to be turned, or is stored in a way that only a whole reading takes.

    Raises:
        PhotochromError: the file is damaged or too large.
    """
    with clear_errors(name):
        image = open_tiff(file, name)
        lock = threading.Lock()
        pages = []
        for number in tiff_pages(image, max_pixels):
            image.seek(number)
            if (page := _page(image, file, name, lock)) is None:
                return None
            pages.append(page)
        return pages


def _page(image: ImageFile.ImageFile, file: IO[bytes], name: str, lock: threading.Lock) -> Page | None:
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    tiled = _TILE_WIDTH in tags
    offsets, counts = (tags.get(tag, ()) for tag in ((_TILE_OFFSETS, _TILE_COUNTS) if tiled else (_OFFSETS, _COUNTS)))
    width, height = image.size
    compression = tags.get(_COMPRESSION, _PLAIN)
    chunk_rows = int(tags[_TILE_LENGTH]) if tiled else min(int(tags.get(_ROWS, height)), height)
    across = -(-width // int(tags[_TILE_WIDTH])) if tiled else 1
    if (
        tags.get(_PLANES, 1) != 1
        or tags.get(_ORIENTATION, 1) != 1
        or compression == _OLD_JPEG
        or (width, height) != (tags.get(_WIDTH), tags.get(_LENGTH))
        or chunk_rows < 1
        or not len(offsets) == len(counts) == across * -(-height // chunk_rows)
    ):
        return None
    row_bytes = 0
    rows = max(1, STRIP_PIXELS // width // chunk_rows) * chunk_rows
    if not tiled and compression == _PLAIN and rows * width > 2 * STRIP_PIXELS:
        rows = max(1, STRIP_PIXELS // width)
        row_bytes = (sum(tags.get(258, (1,))) * width + 7) // 8
    kept = ImageFileDirectory_v2(tags.prefix + (b"\0*" if tags.prefix == b"MM" else b"*\0") + bytes(4))
    for tag in _KEPT:
        if tag in tags:
            kept.tagtype[tag], kept[tag] = tags.tagtype[tag], tags[tag]
    with quiet():
        metadata = facts_of_tiff(image)
    chunks = tuple(zip(offsets, counts, strict=True))
    return Page(width, height, rows, metadata, name, file, lock, kept, chunks, chunk_rows, across, row_bytes)
