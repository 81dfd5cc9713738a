"""A photograph's file in, a coloured one out; TIFF to TIFF by strips, as scans may be larger than memory.

In a TIFF each page is read twice, once to be shrunk for the network and once to be painted. Shrinking goes along rows
first and columns second, so that strip by strip it gives the same numbers as for the whole, and the colours are the
same.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import IO, Protocol, TypeVar

import numpy as np

from photochrom._support.files import check_free, write_bytes, writing
from photochrom._support.text import shown
from photochrom.errors import OutOfMemory, UnreadableImage
from photochrom.imaging import io, provenance
from photochrom.imaging.carrying import carried
from photochrom.imaging.damage import NOTE, note_of
from photochrom.imaging.formats import format_for
from photochrom.imaging.picture import Picture, Pixels, Toning, color_step, to_dtype, toning_of
from photochrom.imaging.result_names import errors_naming, format_of
from photochrom.imaging.sixteen_bit import with_alpha
from photochrom.imaging.tiff_strips import Page, pages_in_strips
from photochrom.imaging.tiff_writing import TiffWriter, needs_big, packed
from photochrom.inference.network import Scores
from photochrom.painting.hints import Colored
from photochrom.painting.painter import Painter
from photochrom.painting.upsample import resize

_MOST_THREADS = 4  # each holds some dozen MB for its strip
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class PhotographReport:
    """What was found in a file that was coloured.

    Attributes:
        size: (W, H) of the first page.
        toning: of each page, before.
        kept: it had colours already and was left as it is.
        pages_kept: how many pages of it had, and were, where others were coloured.
        notes: what else is worth telling, such as that the file ends early, or what the result does not hold.
    """

    size: tuple[int, int]
    toning: tuple[Toning, ...]
    kept: bool = False
    pages_kept: int = 0
    notes: tuple[str, ...] = ()


class Session(Protocol):
    """What colours pictures: a `photochrom.Colorizer`, as far as files need it."""

    max_pixels: int | None
    keep_color: bool
    strict: bool
    threads: int

    def colorize_picture(
        self,
        picture: Picture,
        *,
        scores: Scores | None = None,
        variant: int | None = None,
        hints: Sequence[Colored] = (),
    ) -> Picture:
        """The picture in colour, or itself where it is kept as it is."""
        ...

    def sizes(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """(w, h) of the copies that the network sees, and to which chroma is fitted."""
        ...

    def painter(self, shape: tuple[int, ...], small: np.ndarray, guide: np.ndarray) -> Painter:
        """What paints a picture that is too large to be held."""
        ...


def colorize_file(
    colorizer: Session,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    overwrite: bool = False,
    variant: int | None = None,
    hints: Sequence[Colored] = (),
    seen: tuple[Picture, Scores | None] | None = None,
) -> PhotographReport:
    """Colour a file into another one, which is there whole or not at all.

    Args:
        colorizer: the session.
        source, target: files.
        overwrite: replace a file that is there.
        variant, hints: as for `Colorizer.colorize_picture`; without them TIFF to TIFF goes by strips, so that a scan
            may be larger than memory.
        seen: what was read from the source and what the network said of it, where both are there already.

    Raises:
        PhotochromError: with the name of the file.
    """
    form = format_for(target)
    check_free(target, overwrite)
    by_strips = form.name == "TIFF" and variant is None and not hints and not seen
    if by_strips and (report := colorize_by_strips(colorizer, source, target, overwrite)):
        return report
    picture, scores = seen or (io.read(source, colorizer.max_pixels, colorizer.strict), None)
    with errors_naming(source):
        coloured = colorizer.colorize_picture(picture, scores=scores, variant=variant, hints=hints)
    data, report = encoded(picture, coloured, source, form.name)
    write_bytes(target, data, overwrite)
    return report


def encoded(
    picture: Picture, coloured: Picture, source: str | os.PathLike[str], format: str, original: bytes | None = None
) -> tuple[bytes, PhotographReport]:
    """The file of a picture in colour, and what is to be said of it.

    Args:
        picture: as it was read.
        coloured: in colour, or `picture` itself where it is kept as it is; then its file is copied.
        source: its file.
        format: the name of the result's.
        original: the content of the file, where it is here and can't be read again.

    Raises:
        PhotochromError: with the name of the file.
    """
    kept = coloured is picture
    if kept and picture.format == format and (original or os.path.isfile(source)):  # a pipe's is gone
        data, notes = original or io.read_file(source), ()
    else:
        with errors_naming(source):
            data = io.encode(coloured, format)
        notes = _notes((picture, *picture.pages), format)
    before, after = (picture, *picture.pages), (coloured, *coloured.pages)
    same = sum(new.pixels is old.pixels for new, old in zip(after, before, strict=True))
    toning: tuple[Toning, ...] = tuple(page.toning for page in before)
    return data, PhotographReport(picture.size, toning, kept, 0 if kept else same, notes)


def _notes(pages: Iterable[Picture], format: str) -> tuple[str, ...]:
    """The notes on all pages, and on what of them a format does not hold, each once."""
    return tuple(dict.fromkeys(note for page in pages for note in (*page.notes, *carried(page, format)[1])))


def colorize_by_strips(
    colorizer: Session, source: str | os.PathLike[str], target: str | os.PathLike[str], overwrite: bool
) -> PhotographReport | None:
    """`colorize_file` for what is a TIFF in strips; None for all else, and nothing was written."""
    if format_of(source) != "TIFF":
        return None
    threads = min(colorizer.threads, _MOST_THREADS)
    try:
        with open(source, "rb") as file, ThreadPoolExecutor(threads) as pool:
            ahead = _Ahead(pool, 2 * threads)
            found = pages_in_strips(file, shown(source), colorizer.max_pixels, colorizer.strict)
            return None if found is None else _colorize_pages(colorizer, file, found, target, overwrite, ahead)
    except OSError as error:
        raise io.cannot_open(shown(source), error) from error
    except MemoryError:
        raise OutOfMemory(f"{shown(source)}: memory ran out; colour a smaller copy") from None


def _colorize_pages(
    colorizer: Session,
    file: IO[bytes],
    found: list[Page],
    target: str | os.PathLike[str],
    overwrite: bool,
    ahead: _Ahead,
) -> PhotographReport:
    pages = [_seen(colorizer, page, ahead) for page in found]
    kept = not any(seen.painter for seen in pages)
    with writing(target, overwrite) as out:
        if kept:
            file.seek(0)
            shutil.copyfileobj(file, out)
        else:
            _write(pages, out, ahead)
    first = pages[0].page
    toning: tuple[Toning, ...] = tuple(seen.toning for seen in pages)
    notes = () if kept else _notes((seen.facts for seen in pages), "TIFF")
    same = 0 if kept else sum(seen.painter is None for seen in pages)
    return PhotographReport((first.width, first.height), toning, kept, same, notes)


@dataclass(frozen=True)
class _Seen:
    """A page, and what the network says to it: None where it stays as it is."""

    page: Page
    facts: Picture
    toning: Toning
    painter: Painter | None


def _seen(colorizer: Session, page: Page, ahead: _Ahead) -> _Seen:
    facts = page.facts()
    sizes = colorizer.sizes((page.height, page.width))
    step_y, step_x = color_step(page.height), color_step(page.width)

    def look(top: int) -> tuple[list[np.ndarray], Pixels | None, tuple[str, ...]]:
        strip = page.strip(top)
        light = strip.lightness()
        sample = None if strip.is_gray else strip.pixels[-top % step_y :: step_y, ::step_x].copy()
        return [resize(light, (width, len(light))) for width, _ in sizes], sample, strip.notes

    looks = list(ahead.map(look, page.tops))
    notes = [note for _, _, notes in looks for note in notes]
    if broken := notes.count(NOTE):
        whole = broken < len(looks)
        if not whole and all(np.ptp(rows[0]) == 0 for rows, _, _ in looks):
            raise UnreadableImage(
                f"{page.name} is damaged or incomplete (no row of it can be read); get a new copy of the file"
            )
        notes = [note_of(broken / len(looks) if whole else 0.0), *(note for note in notes if note != NOTE)]
    facts = replace(facts, notes=(*notes, *facts.notes))
    samples = [sample for _, sample, _ in looks if sample is not None]
    toning = toning_of(np.concatenate(samples)) if samples else "gray"
    if colorizer.keep_color and toning == "color":
        return _Seen(page, facts, toning, None)
    small, guide = (resize(np.concatenate([rows[i] for rows, _, _ in looks]), size) for i, size in enumerate(sizes))
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
    """Threads that run at most so many items ahead of the consumer."""

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
