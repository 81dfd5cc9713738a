"""Gray frames to painted ones: the network for several frames at a time, steadiness one by one, and paint."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from photochrom import color
from photochrom._support.processes import usable_cores
from photochrom._support.version import __version__
from photochrom.colorizer import Colorizer
from photochrom.imaging.picture import Picture, to_dtype
from photochrom.inference.network import Scores
from photochrom.painting.hint_files import hints_to_json
from photochrom.painting.hints import Colored, hinted
from photochrom.painting.upsample import GuidedChroma
from photochrom.video.painting import paint_frame
from photochrom.video.pipeline import ahead, pooled
from photochrom.video.reading import Frame
from photochrom.video.segments import identity
from photochrom.video.steadiness import State, Steady

MOST_WORKERS = 4  # each holds several planes of a frame while it works
PIXELS_AT_ONCE = 16_000_000  # of the frames that a GPU sees together: two of 4K, eight of Full HD

T = TypeVar("T")
R = TypeVar("R")
FrameHints = Mapping[int, Sequence[Colored]]


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
    index: int = 0
    cuts: int = 0
    state: State | None = None


def paint_film(
    frames: Iterator[Frame], colorizer: Colorizer, mode: Steady, every: int, hints: FrameHints
) -> Generator[Painted[Frame, np.ndarray], None, None]:
    """Colour a film's frames in order; the stages run in threads, with few frames between them.

    Each result is (H, W, 3), of the type of its frame's gray.

    Args:
        frames: of one film.
        colorizer: the session.
        mode: makes the network's answers agree over time.
        every: so many frames apart, the mode's state goes with the frame.
        hints: of each frame, by its pts; see `followed`.
    """

    def look(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        return to_dtype(frame.gray, "uint8"), color.srgb_to_lightness(frame.gray)

    def paint(frame: Frame, light: np.ndarray, chroma: GuidedChroma) -> np.ndarray:
        return paint_frame(frame.gray, chroma)

    def shape(frame: Frame) -> tuple[int, int]:
        return frame.gray.shape[0], frame.gray.shape[1]

    return _painted(frames, shape, look, paint, colorizer, mode, every, lambda frame, _: hints.get(frame.pts, ()))


def paint_pictures(
    pictures: Iterator[Picture], colorizer: Colorizer, mode: Steady, every: int, hints: FrameHints, first: int
) -> Generator[Painted[Picture, Picture], None, None]:
    """Colour pictures that follow each other, with the care that a photograph gets; else as `paint_film`.

    `hints` are by the place of a picture, and the place of the first one is `first`.
    """

    def look(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        light = picture.lightness()
        return np.rint(light * 2.55).astype(np.uint8), light

    def known(_: Picture, place: int) -> Sequence[Colored]:
        return hints.get(first + place, ())

    return _painted(pictures, lambda picture: picture.size, look, colorizer.paint, colorizer, mode, every, known)


def _painted(
    frames: Iterator[T],
    size: Callable[[T], tuple[int, int]],
    look: Callable[[T], tuple[np.ndarray, np.ndarray]],
    paint: Callable[[T, np.ndarray, GuidedChroma], R],
    colorizer: Colorizer,
    mode: Steady,
    every: int,
    hints: Callable[[T, int], Sequence[Colored]],
) -> Generator[Painted[T, R], None, None]:
    """`size` is a frame's, `look` gives its gray (H, W) uint8 and its L, `paint` what it is with its chroma."""

    def see(group: list[T]) -> list[_Seen[T]]:
        looks = [look(frame) for frame in group]
        # Not mirrored, too: that is half of the network's time, and what it wins is far less than steadiness does.
        answers = colorizer.network.scores_of_all([colorizer.shrunk(light) for _, light in looks], mirror=False)
        return [_Seen(frame, *views, scores) for frame, views, scores in zip(group, looks, answers, strict=True)]

    def seen_in_order() -> Iterator[_Seen[T]]:
        for group in pooled(see, in_groups(ahead(frames), size, colorizer.network.at_once, every), workers):
            yield from group

    def settled() -> Iterator[_Seen[T]]:
        for count, seen in enumerate(seen_in_order(), 1):
            (w, h), stride = seen.scores.seen, colorizer.card.stride
            scores = mode(seen.gray, seen.scores.map, (w / stride, h / stride))
            state = mode.state() if count % every == 0 else None
            steady = replace(seen.scores, map=scores)
            yield replace(seen, scores=steady, index=count - 1, cuts=mode.cuts, state=state)

    def finish(seen: _Seen[T]) -> Painted[T, R]:
        chroma = colorizer.chroma(seen.scores, seen.light)
        if known := hints(seen.frame, seen.index):
            chroma = hinted(chroma, seen.light, known)
        return Painted(seen.frame, paint(seen.frame, seen.light, chroma), seen.cuts, seen.state)

    workers = min(usable_cores(), MOST_WORKERS)
    yield from pooled(finish, ahead(settled()), workers)


def in_groups(frames: Iterator[T], size: Callable[[T], tuple[int, int]], at_once: int, every: int) -> Iterator[list[T]]:
    """Neighbouring frames of one size, as many as the network is to see together.

    A group ends with its segment, so that a film that was resumed has the groups, and the bytes, of one that was not.

    Args:
        frames: from the first one of a segment on.
        size: of a frame, pixels.
        at_once: how many at most; of large frames fewer.
        every: frames of a segment.
    """
    group: list[T] = []
    for count, frame in enumerate(frames, 1):
        if group and size(group[0]) != size(frame):
            yield group
            group = []
        group.append(frame)
        if len(group) >= min(at_once, PIXELS_AT_ONCE // max(1, math.prod(size(frame)))) or count % every == 0:
            yield group
            group = []
    if group:
        yield group


def depends(source: Path, colorizer: Colorizer, mode: Steady, hints: Sequence[Colored], segment: int) -> dict[str, Any]:
    """All that a result depends on, so that no segments of another job are taken for this one's."""
    settings = colorizer.settings
    return {
        "version": __version__,
        "source": identity(source),
        "model": (colorizer.card.name, colorizer.card.digest),
        "decoding": asdict(colorizer.decoding),
        "render_size": colorizer.render_size,
        "consistency": mode.identity,
        "segment": segment,
        "palette": str(colorizer.palette) if colorizer.palette else None,
        "references": [identity(path) for path in settings["references"]],
        "reference_method": colorizer.reference_method,
        "hints": [hints_to_json(hints, None), [hint.drawn_on for hint in hints]] if hints else None,
    }
