"""Hints in films: set in the frame at their time, and followed through its shot, both ways, by optical flow.

The part of a film that matters is read once before it is coloured, on small copies of its frames. So what becomes of a
hint does not depend on where colouring begins or goes on, and what is wrong with it is said at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np

from photochrom._support.optional_packages import needing
from photochrom.errors import BadSetting
from photochrom.imaging.picture import to_dtype
from photochrom.inference.network import render_shape
from photochrom.painting.hints import Colored, checked
from photochrom.video.animation import Animation
from photochrom.video.reading import Reader

SIDE = 256  # of the square with the area of the copies in which motion is sought, pixels
BACK = 30.0  # seconds that a hint is followed back, at most
HELD = 1000  # frames, likewise: their copies are held, 64 KB each
FORTH = 600.0  # seconds that a hint is followed on, at most
POINTS = 1024  # followed in a frame, of all hints together
NO_DURATION = 0.1  # seconds that a picture of a GIF is shown that is to be shown for none, as browsers do


class Moment(NamedTuple):
    """A frame of a moving picture.

    Attributes:
        key: what tells it from the others.
        time: when it is shown, seconds from the beginning.
        end: until when.
        gray: (H, W) uint8.
    """

    key: int
    time: float
    end: float
    gray: np.ndarray


Moments = Callable[[float], Iterator[Moment]]  # from the frame that is shown at a time on, or from an earlier one


@dataclass(frozen=True, eq=False)
class Followed(Colored):
    """What of a hint is found in one frame.

    Attributes:
        points: (n, 2) x and y as shares of the frame's width and height, 0 to 1.
        color, reach: as those of the hint.
    """

    points: np.ndarray
    color: str
    reach: float

    drawn_on: ClassVar[None] = None  # type: ignore[misc]
    time: ClassVar[None] = None  # type: ignore[misc]

    @property
    def places(self) -> Sequence[tuple[float, float]]:
        return ()

    def scaled(self, across: float, down: float) -> Followed:
        return self

    def covers(self, size: tuple[int, int], small: tuple[int, int]) -> np.ndarray:
        return np.unique((self.points * small).astype(int)[:, ::-1], axis=0)


@dataclass(eq=False)
class Track:
    """How far a hint is followed.

    Attributes:
        hint: the hint.
        first, last: the frames in which it is found, seconds from the beginning.
    """

    hint: Colored
    first: float
    last: float


@dataclass(eq=False)
class FilmHints:
    """All hints of a film, frame by frame.

    Attributes:
        frames: by the key of a frame, what is found there.
        tracks: by hint, in the order of their times.
    """

    frames: dict[int, list[Followed]] = field(default_factory=dict)
    tracks: list[Track] = field(default_factory=list)

    def notes(self) -> list[str]:
        """In words, how far each is followed."""
        said = [f"the hint at {t.hint.time:g} s is followed from {t.first:.2f} to {t.last:.2f} s" for t in self.tracks]
        return said if len(said) <= 3 else [*said[:3], f"and {len(said) - 3} more hints"]


def follow_hints(hints: Sequence[Colored], size: tuple[int, int], moments: Moments) -> FilmHints:
    """Find the hints of a film in its frames.

    Args:
        hints: each with a time.
        size: (W, H) of the frames.
        moments: reads the film.

    Raises:
        BadSetting: one has no time, or lies outside, or after the end.
    """
    found = FilmHints()
    waiting = sorted(checked(hints, size, film=True), key=_time)
    most = max(1, POINTS // max(1, len(hints)))
    while waiting:
        waiting = _Part(found, size, most).read(moments(max(0.0, _time(waiting[0]) - BACK)), waiting)
    return found


class _Part:
    """The part of a film around some hints, as it is read."""

    def __init__(self, found: FilmHints, size: tuple[int, int], most: int) -> None:
        with needing("hints in films", "video"):
            import cv2

            from photochrom.video import flow
        self._cv2, self._flow, self._found, self._most = cv2, flow, found, most
        self._seek = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._size, self._whole = render_shape(size[::-1], SIDE), size
        self._past: deque[tuple[Moment, np.ndarray]] = deque(maxlen=HELD)  # moments without their pixels, and copies
        self._active: list[tuple[Track, np.ndarray]] = []  # with the points in the frame that was read last

    def read(self, moments: Iterator[Moment], waiting: list[Colored]) -> list[Colored]:
        """Follow the hints that are met; returns those that are still to be met, far on.

        Raises:
            BadSetting: the film ends before.
        """
        begun = False
        for moment in moments:
            if self._past:
                due = [hint for hint in waiting if _time(hint) < moment.time]
                self._begin(due)
                waiting, begun = waiting[len(due) :], begun or bool(due)
                # A GIF is read from its start, so the first hint may be far on as well.
                if begun and not self._active and (not waiting or _time(waiting[0]) - BACK > moment.time):
                    return waiting
            copy = self._cv2.resize(moment.gray, self._size, interpolation=self._cv2.INTER_AREA)
            if self._active:
                on = [(track, points) for track, points in self._active if moment.time - _time(track.hint) <= FORTH]
                self._active = self._stepped(on, self._past[-1][1], copy, moment)
            self._past.append((moment._replace(gray=copy[:0]), copy))
        end = self._past[-1][0].end if self._past else 0.0
        for hint in waiting:
            if _time(hint) > end:
                raise BadSetting(
                    f"the hint at {_time(hint):g} s is past the end of the film, which is {end:.2f} s long"
                )
        self._begin(waiting)
        return []

    def _begin(self, hints: list[Colored]) -> None:
        """Set hints in the frame that was read last, and follow them back."""
        if not hints:
            return
        back = []
        moment = self._past[-1][0]
        for hint in hints:
            places = hint.covers(self._whole, self._size)[:, ::-1].astype(np.float32)
            track = Track(hint, moment.time, moment.time)
            some = places[:: -(-len(places) // self._most)]
            back.append((track, some))
            self._found.tracks.append(track)
            self._note(track, some, moment)
        self._active += back
        earlier = list(reversed(self._past))
        for (_, now), (before, then) in pairwise(earlier):
            if not back or moment.time - before.time > BACK:
                return
            back = self._stepped(back, now, then, before)

    def _stepped(
        self, tracks: list[tuple[Track, np.ndarray]], now: np.ndarray, then: np.ndarray, moment: Moment
    ) -> list[tuple[Track, np.ndarray]]:
        """The points of one frame found in a neighbour, `moment`; those that are lost are left out."""
        motion, trust = self._flow.follow(self._seek, now, then)
        if trust.mean() < self._flow.CUT:
            return []
        # One pixel that fails by its grain is no loss, and one that passes among others that fail is no find.
        trust = self._cv2.blur(trust, (3, 3))
        found = []
        height, width = now.shape
        for track, points in tracks:
            x, y = points.T[:, None]
            here = self._cv2.remap(motion, x, y, self._cv2.INTER_LINEAR, borderMode=self._cv2.BORDER_REPLICATE)[0]
            sure = trust[np.rint(y[0]).astype(int), np.rint(x[0]).astype(int)] >= 0.5
            points = points + here
            inside = ((points >= 0) & (points <= (width - 1, height - 1))).all(1)
            points = points[sure & inside]
            if len(points):
                track.first, track.last = min(track.first, moment.time), max(track.last, moment.time)
                self._note(track, points, moment)
                found.append((track, points))
        return found

    def _note(self, track: Track, points: np.ndarray, moment: Moment) -> None:
        shares = ((points + 0.5) / self._size).astype(np.float32)
        self._found.frames.setdefault(moment.key, []).append(Followed(shares, track.hint.color, track.hint.reach))


def _time(hint: Colored) -> float:
    return hint.time or 0.0


def moments_of_film(reader: Reader) -> Moments:
    """Reads a film from a time on."""
    base, begin = reader.facts.time_base, Fraction(reader.facts.start)

    def moments(start: float) -> Iterator[Moment]:
        for frame in reader.frames(math.floor((begin + Fraction(start)) / base)):
            time = float(frame.pts * base - begin)
            gray = to_dtype(frame.gray, "uint8")
            yield Moment(frame.pts, time, time + float(frame.duration * base), gray)

    return moments


def moments_of_animation(movie: Animation) -> Moments:
    """Reads a moving GIF, WebP, AVIF or PNG."""

    def moments(start: float) -> Iterator[Moment]:
        time = 0.0
        for index, picture in enumerate(movie.frames()):
            if index == 0 and movie.still_first:
                continue
            end = time + (movie.durations[index] / 1000 or NO_DURATION)
            yield Moment(index, time, end, np.rint(picture.lightness() * 2.55).astype(np.uint8))
            time = end

    return moments
