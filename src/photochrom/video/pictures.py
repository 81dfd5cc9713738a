"""Moving GIF, WebP, AVIF and PNG, and numbered sequences, in colour; every frame is treated as a photograph."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

from photochrom._support.files import check_free, move, write_failed
from photochrom._support.text import counted, shown
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, OutOfMemory, UnreadableFilm, UnreadableImage, WriteFailed
from photochrom.imaging import io
from photochrom.imaging.formats import format_for
from photochrom.imaging.moving import numbered, numbered_path
from photochrom.imaging.picture import Picture
from photochrom.imaging.result_names import errors_naming
from photochrom.painting.hints import Colored
from photochrom.video.animation import Animation, assemble
from photochrom.video.coloring import FrameHints, depends, paint_pictures
from photochrom.video.consistency import steady
from photochrom.video.followed import NO_DURATION, FilmHints, follow_hints, moments_of_animation
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
    shown_for = (ms / 1000 or NO_DURATION for ms in movie.durations[movie.still_first :])
    frames = meter.done - movie.still_first
    broken = (f"the film ends early, after {counted(frames, 'frame')}",) if movie.broken else ()
    return FilmReport(
        frames,
        *movie.size,
        repeated=tuple(at[index] for index in movie.repeated),
        cuts=mode.cuts,
        resumed=resumed,
        notes=(*followed.notes(), *movie.losses(target), *broken),
        seconds=time.perf_counter() - began,
        length=sum(shown_for),
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
    targets = [numbered_path(target, number) for number in numbers]
    format_for(targets[0])
    mode, repeated, size = steady(consistency, colorizer.card), list[int](), [(0, 0)]
    job = depends(numbered_path(source, numbers[0]), colorizer, mode, (), SEGMENT) | {"numbers": numbers}
    work = SegmentFolder(target, job)
    _check_sequence(source, numbers, targets, overwrite or work.left)

    def frames(start: int) -> Iterator[Picture]:
        last: Picture | None = None
        # The nearest whole one before may have to stand in for a broken one.
        for index in range(start - 1, -1, -1):
            with contextlib.suppress(UnreadableImage, OutOfMemory):
                last = io.read(numbered_path(source, numbers[index]), colorizer.max_pixels)
                break
        for index in range(start, len(numbers)):
            try:
                last = io.read(numbered_path(source, numbers[index]), colorizer.max_pixels)
            except (UnreadableImage, OutOfMemory):
                if last is None or colorizer.strict:
                    raise
                repeated.append(numbers[index])
            yield last

    def keep(index: int, picture: Picture) -> None:
        size[0] = picture.size
        io.write(picture, targets[index], overwrite=True)

    with work.open():
        meter = Meter(listener, len(numbers))
        resumed = _color(frames, keep, colorizer, mode, work, meter, repeated=repeated)
        work.remove()
    return FilmReport(
        meter.done,
        *size[0],
        cuts=mode.cuts,
        resumed=resumed,
        notes=tuple(
            f"{shown(numbered_path(source, number))} is broken; its neighbour is used instead"
            for number in dict.fromkeys(repeated)  # one beyond the last segment was met before a kill and after it
        ),
        seconds=time.perf_counter() - began,
    )


def _check_sequence(source: Path, numbers: Sequence[int], targets: Sequence[Path], overwrite: bool) -> None:
    """Refuse to write over the sequence's own pictures, and over what is there; `overwrite` allows the second.

    Raises:
        BadSetting: a result would have the name of one of the pictures.
        AlreadyThere: all results are there.
        WriteFailed: some are.
    """
    pictures = {os.path.realpath(numbered_path(source, number)) for number in numbers}
    if own := next((path for path in targets if os.path.realpath(path) in pictures), None):
        raise BadSetting(f"{shown(source)} would overwrite its own picture {shown(own)}; name another folder")
    there = [] if overwrite else [path for path in targets if os.path.lexists(path)]
    missing = len(targets) - len(there)
    if there and missing:
        raise WriteFailed(
            f"{shown(there[0])} is already there, and {missing} of {len(targets)} pictures have no result yet; "
            "--overwrite colours all of them, or name another folder"
        )
    for path in targets:
        check_free(path, overwrite)


def _color(
    frames: Callable[[int], Iterator[Picture]],
    keep: Keep,
    colorizer: Colorizer,
    mode: Steady,
    work: SegmentFolder,
    meter: Meter,
    hints: FrameHints = MappingProxyType({}),
    repeated: list[int] | None = None,
) -> int:
    """Colour and keep each frame, from where an earlier run ended; returns how many frames that one had done.

    `repeated` are the broken frames that `frames` tells as it goes; those that an earlier run met are added.
    """
    repeated = [] if repeated is None else repeated
    earlier = work.finished()
    resumed = meter.done = sum(segment.frames for segment, _ in earlier)
    if earlier:
        mode.restore(earlier[-1][1])
        mode.cuts = earlier[-1][0].cuts
        repeated.extend(earlier[-1][0].repeated)
    painted = paint_pictures(frames(resumed), colorizer, mode, SEGMENT, hints, resumed)
    try:
        for each in painted:
            keep(meter.done, each.result)
            meter.tick()
            if each.state is not None:
                first, last = meter.done - SEGMENT, meter.done - 1
                segment = Segment(SEGMENT, first, last, 1, repeated=tuple(repeated), cuts=each.cuts)
                work.finish(meter.done // SEGMENT - 1, work.mark(), segment, each.state)
    finally:
        painted.close()
    return resumed
