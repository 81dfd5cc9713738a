"""Gray frames to painted ones: the network for several frames at a time, steadiness one by one, and paint."""

from __future__ import annotations

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

    return _painted(frames, look, paint, colorizer, mode, every, lambda frame, _: hints.get(frame.pts, ()))


def paint_pictures(
    pictures: Iterator[Picture], colorizer: Colorizer, mode: Steady, every: int, hints: FrameHints, first: int
) -> Generator[Painted[Picture, Picture], None, None]:
    """Colour pictures that follow each other, with the care that a photograph gets; else as `paint_film`.

    `hints` are by the place of a picture, and the place of the first one is `first`.
    """

    def look(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        light = picture.lightness()
        return np.rint(light * 2.55).astype(np.uint8), light

    return _painted(
        pictures, look, colorizer.paint, colorizer, mode, every, lambda _, place: hints.get(first + place, ())
    )


def _painted(
    frames: Iterator[T],
    look: Callable[[T], tuple[np.ndarray, np.ndarray]],
    paint: Callable[[T, np.ndarray, GuidedChroma], R],
    colorizer: Colorizer,
    mode: Steady,
    every: int,
    hints: Callable[[T, int], Sequence[Colored]],
) -> Generator[Painted[T, R], None, None]:
    """`look` gives a frame's gray (H, W) uint8 and its L, `paint` what it is with its chroma, `hints` its hints."""

    def see(frame: T) -> _Seen[T]:
        gray, light = look(frame)
        # Not mirrored, too: that is half of the network's time, and what it wins is far less than steadiness does.
        return _Seen(frame, gray, light, colorizer.scores(light, mirror=False))

    def settled() -> Iterator[_Seen[T]]:
        for count, seen in enumerate(pooled(see, ahead(frames), workers), 1):
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
