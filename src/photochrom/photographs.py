"""TIFF to TIFF by strips: scans that are larger than memory, and files of many pages.

Each page is read twice, once to be shrunk for the network and once to be painted. Shrinking goes along rows first and
columns second, so that strip by strip it gives the same numbers as for the whole, and the colours are the same.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import IO, TypeVar

import numpy as np

from photochrom._support.files import writing
from photochrom._support.text import shown
from photochrom.colorizer import Colorizer, Report
from photochrom.imaging import provenance
from photochrom.imaging.picture import Picture, Pixels, Toning, color_step, to_dtype, toning_of
from photochrom.imaging.sixteen_bit import with_alpha
from photochrom.imaging.tiff_strips import Page, pages_in_strips
from photochrom.imaging.tiff_writing import TiffWriter, needs_big, packed
from photochrom.painting.painter import Painter
from photochrom.painting.upsample import resize

_MOST_THREADS = 4  # each holds some dozen MB for its strip
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Seen:
    """A page, and what the network says to it: None where it stays as it is."""

    page: Page
    facts: Picture
    toning: Toning
    painter: Painter | None


def colorize_scan(
    colorizer: Colorizer, source: str | os.PathLike[str], target: str | os.PathLike[str], overwrite: bool, threads: int
) -> Report | None:
    """Colour a TIFF into another one.

    Args:
        colorizer: the session.
        source, target: files.
        overwrite: replace a file that is there.
        threads: that read, paint and pack strips.

    Returns:
        What was found; None where the file cannot be had in strips, and nothing was written.

    Raises:
        PhotochromError: with the name of the file; nothing was written.
    """
    threads = min(threads, _MOST_THREADS)
    with open(source, "rb") as file, ThreadPoolExecutor(threads) as pool:
        ahead = _Ahead(pool, 2 * threads)
        found = pages_in_strips(file, shown(source), colorizer.max_pixels)
        if found is None:
            return None
        pages = [_seen(colorizer, page, ahead) for page in found]
        with writing(target, overwrite) as out:
            if not any(seen.painter for seen in pages):
                file.seek(0)
                shutil.copyfileobj(file, out)
            else:
                _write(pages, out, ahead)
    first = pages[0].page
    kept = not any(seen.painter for seen in pages)
    return Report((first.width, first.height), tuple(seen.toning for seen in pages), kept)


def _seen(colorizer: Colorizer, page: Page, ahead: _Ahead) -> _Seen:
    facts = page.facts()
    sizes = colorizer.sizes((page.height, page.width))
    step_y, step_x = color_step(page.height), color_step(page.width)

    def look(top: int) -> tuple[list[np.ndarray], Pixels | None]:
        strip = page.strip(top)
        light = strip.lightness()
        sample = None if strip.is_gray else strip.pixels[-top % step_y :: step_y, ::step_x].copy()
        return [resize(light, (width, len(light))) for width, _ in sizes], sample

    looks = list(ahead.map(look, page.tops))
    samples = [sample for _, sample in looks if sample is not None]
    toning = toning_of(np.concatenate(samples)) if samples else "gray"
    if colorizer.keep_color and toning == "color":
        return _Seen(page, facts, toning, None)
    small, guide = (resize(np.concatenate([rows[i] for rows, _ in looks]), size) for i, size in enumerate(sizes))
    return _Seen(page, facts, toning, colorizer.painter((page.height, page.width), small, guide))


def _write(pages: list[_Seen], out: IO[bytes], ahead: _Ahead) -> None:
    # At most three colours and alpha, deep as the page is.
    size = sum(seen.page.width * seen.page.height * seen.facts.pixels.itemsize * 4 for seen in pages)
    writer = TiffWriter(out, needs_big(size))
    for seen in pages:
        dtype = "uint16" if seen.facts.depth == 32 else seen.facts.pixels.dtype.name
        like = _painted(seen, seen.facts, 0, dtype)
        if seen.painter:
            like = provenance.signed(like)

        def strip(top: int, seen: _Seen = seen, dtype: str = dtype) -> bytes:
            return packed(with_alpha(_painted(seen, seen.page.strip(top), top, dtype)))

        writer.page(like, (seen.page.width, seen.page.height), seen.page.rows, ahead.map(strip, seen.page.tops))


def _painted(seen: _Seen, strip: Picture, top: int, dtype: str) -> Picture:
    alpha = None if strip.alpha is None else to_dtype(strip.alpha, dtype)
    if seen.painter is None:
        return replace(strip, pixels=to_dtype(strip.pixels, dtype), alpha=alpha)
    return replace(strip, pixels=seen.painter.strip(strip.lightness(), top, np.dtype(dtype)), alpha=alpha)


class _Ahead:
    """Threads that are at most so many items ahead of whoever takes the results."""

    def __init__(self, pool: ThreadPoolExecutor, items: int) -> None:
        self._pool, self._items = pool, items

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The results in order."""
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(self._pool.submit(function, item))
            if len(waiting) >= self._items:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
