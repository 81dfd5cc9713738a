"""Moving GIF, WebP, AVIF and PNG, and numbered sequences, in colour; every frame is treated as a photograph."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

from photochrom._support.files import check_free, move, write_failed
from photochrom._support.text import counted, shown
from photochrom.colorizer import Colorizer
from photochrom.errors import OutOfMemory, UnreadableFilm, UnreadableImage
from photochrom.imaging import io
from photochrom.imaging.formats import format_for
from photochrom.imaging.moving import NUMBERED
from photochrom.imaging.picture import Picture
from photochrom.imaging.result_names import errors_naming
from photochrom.painting.hints import Colored
from photochrom.video.animation import Animation, assemble
from photochrom.video.coloring import FrameHints, depends, paint_pictures
from photochrom.video.consistency import steady
from photochrom.video.followed import FilmHints, follow_hints, moments_of_animation
from photochrom.video.progress import FilmReport, Listener, Meter
from photochrom.video.segments import Segment, SegmentFolder
from photochrom.video.steadiness import Steady

SEGMENT = 25  # frames that a kill can cost

Keep = Callable[[int, Picture], None]


def colorize_animation(
    source: Path,
    target: Path,
    colorizer: Colorizer,
    consistency: str,
    overwrite: bool,
    listener: Listener | None,
    hints: Sequence[Colored] = (),
) -> FilmReport:
    """Colour a moving GIF, WebP, AVIF or PNG; see `photochrom.video.colorize_film`."""
    began = time.perf_counter()
    check_free(target, overwrite)
    mode, movie = steady(consistency, colorizer.card), Animation(source, colorizer.max_pixels)
    followed = FilmHints()
    if hints:
        looking = Animation(source, colorizer.max_pixels)
        with errors_naming(source):
            followed = follow_hints(hints, movie.size, moments_of_animation(looking))
    work = SegmentFolder(target, depends(source, colorizer, mode, hints, SEGMENT))
    with work.open():

        def path(index: int) -> Path:
            return work.folder / f"frame-{index:05d}.png"

        def keep(index: int, picture: Picture) -> None:
            io.write(picture, path(index), overwrite=True)

        meter = Meter(listener, None)
        resumed = _color(movie.frames, keep, colorizer, mode, work, meter, followed.frames)
        if colorizer.strict and (movie.broken or movie.repeated):
            raise UnreadableFilm(f"{shown(source)} is damaged; without --strict it is coloured as far as it goes")
        temporary = work.folder / "film.part"
        assemble(movie, [path(index) for index in range(meter.done)], temporary, work.target)
        try:
            move(temporary, work.target, overwrite)
        except OSError as error:
            raise write_failed(target, error) from error
        work.remove()
    at = [0.0, *itertools.accumulate(ms / 1000 for ms in movie.durations)]
    frames = meter.done - movie.still_first
    broken = (f"the film ends early, after {counted(frames, 'frame')}",) if movie.broken else ()
    return FilmReport(
        frames,
        *movie.size,
        repeated=tuple(at[index] for index in movie.repeated),
        cuts=mode.cuts,
        resumed=resumed,
        notes=(*followed.notes(), *broken),
        seconds=time.perf_counter() - began,
    )


def colorize_sequence(
    source: Path,
    target: Path,
    colorizer: Colorizer,
    consistency: str,
    overwrite: bool,
    listener: Listener | None,
) -> FilmReport:
    """Colour pictures that are numbered, such as frame-%05d.png; see `photochrom.video.colorize_film`."""
    began = time.perf_counter()
    numbers = numbered(source)
    targets = [_numbered(target, number) for number in numbers]
    format_for(targets[0])
    mode, repeated, size = steady(consistency, colorizer.card), list[int](), [(0, 0)]
    job = depends(_numbered(source, numbers[0]), colorizer, mode, (), SEGMENT) | {"numbers": numbers}
    work = SegmentFolder(target, job)
    if not work.begun:
        for path in targets:
            check_free(path, overwrite)

    def frames(start: int) -> Iterator[Picture]:
        last: Picture | None = None
        # One before, which may have to stand in for a broken one.
        for index in range(max(0, start - 1), len(numbers)):
            try:
                last = io.read(_numbered(source, numbers[index]), colorizer.max_pixels)
            except (UnreadableImage, OutOfMemory):
                if last is None or colorizer.strict:
                    raise
                repeated.append(numbers[index])
            if index >= start:
                yield last

    def keep(index: int, picture: Picture) -> None:
        size[0] = picture.size
        io.write(picture, targets[index], overwrite=True)

    with work.open():
        meter = Meter(listener, len(numbers))
        resumed = _color(frames, keep, colorizer, mode, work, meter)
        work.remove()
    return FilmReport(
        meter.done,
        *size[0],
        cuts=mode.cuts,
        resumed=resumed,
        notes=tuple(
            f"{shown(_numbered(source, number))} is broken; its neighbour is used instead" for number in repeated
        ),
        seconds=time.perf_counter() - began,
    )


def numbered(pattern: Path) -> list[int]:
    """The numbers for which a pattern like frame-%05d.png has a file, in order; some may be missing.

    Raises:
        UnreadableFilm: there is none.
    """
    place = NUMBERED.search(pattern.name)
    assert place is not None
    before, after = pattern.name[: place.start()], pattern.name[place.end() :]
    shape = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = []
    try:
        for name in os.listdir(pattern.parent):
            match = shape.fullmatch(name)
            if match and _numbered(pattern, int(match[1])).name == name:
                found.append(int(match[1]))
    except OSError as error:
        raise UnreadableFilm(f"{shown(pattern.parent)} cannot be listed ({error.strerror})") from None
    if not found:
        raise UnreadableFilm(f"there are no pictures like {shown(pattern)}; check the folder and the pattern")
    return sorted(found)


def _numbered(pattern: Path, number: int) -> Path:
    return pattern.with_name(NUMBERED.sub(lambda match: f"{number:{match[1] or ''}d}", pattern.name, count=1))


def _color(
    frames: Callable[[int], Iterator[Picture]],
    keep: Keep,
    colorizer: Colorizer,
    mode: Steady,
    work: SegmentFolder,
    meter: Meter,
    hints: FrameHints = MappingProxyType({}),
) -> int:
    """Colour and keep each frame, from where an earlier run ended; returns how many frames that one had done."""
    earlier = work.finished()
    resumed = meter.done = sum(segment.frames for segment, _ in earlier)
    if earlier:
        mode.restore(earlier[-1][1])
        mode.cuts = earlier[-1][0].cuts
    painted = paint_pictures(frames(resumed), colorizer, mode, SEGMENT, hints, resumed)
    try:
        for each in painted:
            keep(meter.done, each.result)
            meter.tick()
            if each.state is not None:
                segment = Segment(SEGMENT, meter.done - SEGMENT, meter.done - 1, 1, cuts=each.cuts)
                work.finish(meter.done // SEGMENT - 1, work.mark(), segment, each.state)
    finally:
        painted.close()
    return resumed
