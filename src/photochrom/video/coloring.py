"""Gray frames to painted ones: the network for several frames at a time, steadiness one by one, and paint."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from photochrom import color
from photochrom._support.processes import usable_cores
from photochrom.colorizer import Colorizer
from photochrom.imaging.picture import Picture, to_dtype
from photochrom.inference.network import Scores
from photochrom.painting.upsample import GuidedChroma
from photochrom.video.painting import paint_frame
from photochrom.video.pipeline import ahead, pooled
from photochrom.video.reading import Frame
from photochrom.video.steadiness import State, Steady

MOST_WORKERS = 4  # each holds several planes of a frame while it works

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Painted(Generic[T, R]):
    """What became of a frame.

    Attributes:
        frame: as it was read.
        result: in colour.
        cuts: scene cuts met so far.
        state: what the mode remembers after it, where a segment ends; else None.
    """

    frame: T
    result: R
    cuts: int = 0
    state: State | None = None


@dataclass(frozen=True, eq=False)
class _Seen(Generic[T]):
    frame: T
    gray: np.ndarray
    light: np.ndarray
    scores: Scores
    cuts: int = 0
    state: State | None = None


def paint_film(
    frames: Iterator[Frame], colorizer: Colorizer, mode: Steady, every: int
) -> Generator[Painted[Frame, np.ndarray], None, None]:
    """Colour a film's frames in order; the stages run in threads, with few frames between them.

    Each result is (H, W, 3), of the type of its frame's gray.

    Args:
        frames: of one film.
        colorizer: the session.
        mode: makes the network's answers agree over time.
        every: so many frames apart, the mode's state goes with the frame.
    """

    def look(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        return to_dtype(frame.gray, "uint8"), color.srgb_to_lightness(frame.gray)

    def paint(frame: Frame, light: np.ndarray, chroma: GuidedChroma) -> np.ndarray:
        return paint_frame(frame.gray, chroma)

    return _painted(frames, look, paint, colorizer, mode, every)


def paint_pictures(
    pictures: Iterator[Picture], colorizer: Colorizer, mode: Steady, every: int
) -> Generator[Painted[Picture, Picture], None, None]:
    """Colour pictures that follow each other, with the care that a photograph gets; else as `paint_film`."""

    def look(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        light = picture.lightness()
        return np.rint(light * 2.55).astype(np.uint8), light

    return _painted(pictures, look, colorizer.paint, colorizer, mode, every)


def _painted(
    frames: Iterator[T],
    look: Callable[[T], tuple[np.ndarray, np.ndarray]],
    paint: Callable[[T, np.ndarray, GuidedChroma], R],
    colorizer: Colorizer,
    mode: Steady,
    every: int,
) -> Generator[Painted[T, R], None, None]:
    """`look` gives a frame's gray (H, W) uint8 and its L, `paint` what it is with its chroma."""

    def see(frame: T) -> _Seen[T]:
        gray, light = look(frame)
        # Not mirrored, too: that is half of the network's time, and what it wins is far less than steadiness does.
        return _Seen(frame, gray, light, colorizer.scores(light, mirror=False))

    def settled() -> Iterator[_Seen[T]]:
        for count, seen in enumerate(pooled(see, ahead(frames), workers), 1):
            (w, h), stride = seen.scores.seen, colorizer.card.stride
            scores = mode(seen.gray, seen.scores.map, (w / stride, h / stride))
            state = mode.state() if count % every == 0 else None
            yield replace(seen, scores=replace(seen.scores, map=scores), cuts=mode.cuts, state=state)

    def finish(seen: _Seen[T]) -> Painted[T, R]:
        chroma = colorizer.chroma(seen.scores, seen.light)
        return Painted(seen.frame, paint(seen.frame, seen.light, chroma), seen.cuts, seen.state)

    workers = min(usable_cores(), MOST_WORKERS)
    yield from pooled(finish, ahead(settled()), workers)
