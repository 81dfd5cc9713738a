"""How far a film is, and what became of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from photochrom._support.text import counted


@dataclass(frozen=True)
class Progress:
    """How far a film is.

    Attributes:
        done: frames that are finished, those of earlier runs included.
        total: frames in all, about; None is unknown.
        rate: frames a second, lately; 0 is unknown.
        seconds_left: None is unknown.
    """

    done: int
    total: int | None
    rate: float

    @property
    def seconds_left(self) -> float | None:
        if not self.total or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


Listener = Callable[[Progress], None]


@dataclass(frozen=True)
class FilmReport:
    """What became of a film.

    Attributes:
        frames: how many the result has.
        width, height: of the result, pixels.
        repeated: seconds at which a frame was broken and its neighbour stands in for it.
        cuts: scene cuts found; 0 where each frame is taken by itself.
        resumed: frames that an earlier run had done.
        has_color: the source was in colour, and was coloured from its lightness.
        notes: what could not be kept as it was, in words.
        seconds: that this run took.
        length: seconds that the result is shown; None where neither its file nor its frames say so.
    """

    frames: int
    width: int
    height: int
    repeated: tuple[float, ...] = ()
    cuts: int = 0
    resumed: int = 0
    has_color: bool = False
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    length: float | None = None

    def summary(self) -> str:
        """What is worth telling, in a line; empty where all went as it should."""
        parts = ["it had colour already and was coloured from its lightness"] if self.has_color else []
        if self.repeated:
            places = ", ".join(f"{at:.2f} s" for at in self.repeated[:3]) + (", ..." if len(self.repeated) > 3 else "")
            frames = counted(len(self.repeated), "broken frame")
            parts.append(f"{frames} replaced by a neighbour, at {places}")
        return "; ".join([*parts, *self.notes])


class Meter:
    """Tells a listener after each frame how far the film is."""

    _WINDOW = 48  # frames over which the rate is measured

    def __init__(self, listener: Listener | None, total: int | None, done: int = 0) -> None:
        self._listener, self._total = listener, total
        self._times: deque[float] = deque([time.perf_counter()], maxlen=self._WINDOW)
        self.done = done

    def tick(self) -> None:
        """One more frame is finished."""
        self.done += 1
        self._times.append(time.perf_counter())
        if self._listener:
            passed = self._times[-1] - self._times[0]
            rate = (len(self._times) - 1) / passed if passed > 0 else 0.0
            self._listener(Progress(self.done, self._total, rate))
