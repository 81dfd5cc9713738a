"""Hints: the colour of a point, a stroke or an area, given by a person, spreads to the nearest edge.

The distance of a pixel from a hint is the length of the shortest path to it, where edges of lightness and of the
network's own colours count as far. Near a hint the colour is the hint's, far from it the network's, which may have been
told the hints as well (`hint_map`). A hint to `KEEP` wants what is there without any hints.

Source: the way that edges make long is the geodesic distance of Protiere and Sapiro, "Interactive Image Segmentation
via Adaptive Weighted Distances", 2007; that colour spreads along even lightness is Levin, Lischinski and Weiss,
"Colorization using Optimization", 2004.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from photochrom._support.text import seconds_of
from photochrom.color import rgb_to_lab
from photochrom.errors import BadSetting
from photochrom.inference.network import render_shape
from photochrom.painting.distances import distances
from photochrom.painting.smooth import smooth_chroma
from photochrom.painting.upsample import GuidedChroma, resize

# What follows was chosen on validation photographs, with hints at random points in their true colour, and by eye.
SIDE = 192  # of the square with the area of the copy on which hints spread, points
STEP = 0.005  # what a point of even ground is long on a copy of that size; a hint ends about 1 away
EDGE = 8.0  # the step of L, or of ab near gray, from point to point that is as long as a hint reaches
VIVID = 20.0  # chroma from which on steps of ab count less, as people see them
GRAIN_RADIUS, GRAIN = 3, 30.0  # lightness is smoothed first, so that grain and fine texture are no edges
FAR = 2.0  # where nothing is left of a hint, and the way there need not be the shortest
MOST = 256
MOST_POINTS = 10_000  # of a stroke
BEYOND = 1e9  # pixels; no picture is as wide

KEEP = "keep"  # instead of a colour: as the photograph is without hints

SAME_SHAPE = 0.01  # by which the aspect ratios of a photograph and of what was drawn on a copy of it may differ


class Colored:
    """What hints of every shape have: a colour, and how far it spreads.

    Attributes:
        color: #rrggbb or a CSS name. Only hue and chroma count, and chroma is reduced in proportion where the
            photograph, which keeps its lightness, is darker. A gray keeps something gray. Or "keep": other hints stop
            here, and the photograph stays as it is without any.
        reach: multiplies how far it spreads, 0.01 to 100.
        drawn_on: (W, H) in pixels of the copy of the photograph that its places count in; None for the photograph.
        time: of the frame in which it is set, seconds from the beginning of a film; None in a photograph.
    """

    color: str
    reach: float
    drawn_on: tuple[int, int] | None
    time: float | None

    def __post_init__(self) -> None:
        if self.time is not None and not (isinstance(self.time, Real) and 0 <= self.time < BEYOND):
            raise BadSetting(f"the time of a hint is {self.time!r}; it is in seconds, 0 or more")
        if not (isinstance(self.reach, Real) and 0.01 <= self.reach <= 100):
            raise BadSetting(f"the reach of a hint is {self.reach!r}; it must be between 0.01 and 100")
        if not self.keeps:
            rgb_of(self.color)
        if self.drawn_on is not None and not _is_size(self.drawn_on):
            raise BadSetting(f"a hint is drawn on {self.drawn_on!r}; it must be a width and a height in pixels")

    @property
    def keeps(self) -> bool:
        """Whether it has no colour of its own."""
        return self.color == KEEP

    @property
    def written(self) -> str:
        """The colour as files and requests have it: #rrggbb or keep."""
        return KEEP if self.keeps else as_hex(rgb_of(self.color))

    @property
    def lab(self) -> np.ndarray:
        """(3,) the colour; where the photograph is as light or lighter, it gets this a and b.

        Raises:
            BadSetting: it has none.
        """
        return rgb_to_lab(np.array(rgb_of(self.color)) / 255)

    def shaded(self, light: np.ndarray) -> np.ndarray:
        """(..., 2) its a and b where the photograph has L `light`; raises as `lab`."""
        L, *ab = self.lab
        # In shadow a thing has less chroma than where it is as light as its colour was said to be, in proportion.
        return np.minimum(1, light / max(1, L))[..., None] * ab

    @property
    def places(self) -> Sequence[tuple[float, float]]:
        """The (x, y) that have to be inside the photograph."""
        raise NotImplementedError

    def scaled(self, across: float, down: float) -> Self:
        """The same hint for a copy of the photograph that is so many times as wide and as high."""
        raise NotImplementedError

    def covers(self, size: tuple[int, int], small: tuple[int, int]) -> np.ndarray:
        """(n, 2) the rows and columns that it covers on a copy of the photograph.

        Args:
            size: (W, H) of the photograph, whose pixels its places count.
            small: (w, h) of the copy.
        """
        raise NotImplementedError

    def on(self, size: tuple[int, int]) -> Self:
        """The same hint in pixels of a photograph of this (W, H).

        Raises:
            BadSetting: it was drawn on something of another shape.
        """
        if self.drawn_on is None or self.drawn_on == size:
            return self
        across, down = size[0] / self.drawn_on[0], size[1] / self.drawn_on[1]
        if abs(across / down - 1) > SAME_SHAPE:
            raise BadSetting(
                f"the hints were drawn on {self.drawn_on[0]} x {self.drawn_on[1]} pixels, and the photograph has "
                f"{size[0]} x {size[1]}; draw them on this photograph, or on a smaller copy of it"
            )
        return self.scaled(across, down)


@dataclass(frozen=True)
class Hint(Colored):
    """The colour at one point of a photograph.

    Attributes:
        x, y: the point, pixels from the left and from the top of the upright photograph.
        color, reach, drawn_on, time: see `Colored`.

    Raises:
        BadSetting: a value is out of range.

    Example:
        >>> Hint(120, 340, "navy").lab.round()
        array([ 13.,  48., -65.])
    """

    x: float
    y: float
    color: str
    reach: float = 1.0
    drawn_on: tuple[int, int] | None = None
    time: float | None = None

    def __post_init__(self) -> None:
        _check_places(self.places)
        super().__post_init__()

    @classmethod
    def parse(cls, text: str) -> Hint:
        """A hint as it stands on the command line, [TIME,]X,Y[,REACH]=COLOR; a time is 12.5s or 1:02.5.

        Raises:
            BadSetting: it says how.

        Example:
            >>> str(Hint.parse("120,340=#8a2b1e")), Hint.parse("1:02.5,120,340,0.5=navy").time
            ('120.00,340.00,1.0000=#8a2b1e', 62.5)
        """
        try:
            place, color = text.split("=")
            first, *numbers = place.split(",")
            # A number without a unit is no time, but x.
            time = seconds_of(first) if ":" in first or first.endswith("s") else None
            x, y, *rest = (float(number) for number in (numbers if time is not None else [first, *numbers]))
            (reach,) = rest or [1.0]
        except ValueError:
            raise BadSetting(
                f"the hint '{text}' is not X,Y=COLOR or X,Y,REACH=COLOR, such as 120,340=navy or 120,340,0.5=#8a2b1e; "
                "in a film the time comes first, as in 12.5s,120,340=navy"
            ) from None
        return cls(x, y, color.strip(), reach, time=time)

    def __str__(self) -> str:
        """As `parse` takes it, the colour as `written`."""
        time = "" if self.time is None else f"{self.time:.3f}s,"
        return f"{time}{self.x:.2f},{self.y:.2f},{self.reach:.4f}={self.written}"

    @property
    def places(self) -> Sequence[tuple[float, float]]:
        return [(self.x, self.y)]

    def scaled(self, across: float, down: float) -> Hint:
        return replace(self, x=self.x * across, y=self.y * down, drawn_on=None)

    def covers(self, size: tuple[int, int], small: tuple[int, int]) -> np.ndarray:
        return np.array([(int(self.y * small[1] / size[1]), int(self.x * small[0] / size[0]))])


@dataclass(frozen=True)
class Stroke(Colored):
    """The colour along a line, as a round brush paints it.

    Attributes:
        points: (x, y) of each, pixels from the left and from the top; the line goes straight from one to the next.
        color, reach, drawn_on, time: see `Colored`.
        width: of the brush, pixels.

    Raises:
        BadSetting: a value is out of range.

    Example:
        >>> Stroke(((0, 0), (9, 0)), "navy").covers((10, 10), (5, 5)).tolist()
        [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]]
    """

    points: tuple[tuple[float, float], ...]
    color: str
    width: float = 1.0
    reach: float = 1.0
    drawn_on: tuple[int, int] | None = None
    time: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.points, Iterable):
            raise BadSetting(f"the points of a stroke are a list of pairs, not {type(self.points).__name__}")
        if isinstance(self.points, np.ndarray):
            object.__setattr__(self, "points", tuple(map(tuple, np.atleast_2d(self.points).tolist())))
        if not self.points or len(self.points) > MOST_POINTS:
            raise BadSetting(f"a stroke has {len(self.points)} points; it must have between 1 and {MOST_POINTS}")
        _check_places(self.points)
        if not (isinstance(self.width, Real) and 0 < self.width < BEYOND):
            raise BadSetting(f"the width of a stroke is {self.width!r}; it must be above 0")
        super().__post_init__()

    @property
    def places(self) -> Sequence[tuple[float, float]]:
        return self.points

    def scaled(self, across: float, down: float) -> Stroke:
        points = tuple((x * across, y * down) for x, y in self.points)
        return replace(self, points=points, width=self.width * math.sqrt(across * down), drawn_on=None)

    def covers(self, size: tuple[int, int], small: tuple[int, int]) -> np.ndarray:
        across, down = small[0] / size[0], small[1] / size[1]
        line = [(int(x * across), int(y * down)) for x, y in self.points]
        width = max(1, round(self.width * math.sqrt(across * down)))
        if width >= 2 * math.hypot(*small):  # from wherever it is, it covers all; drawing takes the longer, the wider
            return np.argwhere(np.ones(small[::-1], bool))
        mask = Image.new("1", small)
        draw = ImageDraw.Draw(mask)
        draw.line(line, 1, width, "curve")
        draw.point(line[0], 1)  # a thin dot has neither a length nor an inside
        for x, y in (line[0], line[-1]):
            draw.ellipse([x - width // 2, y - width // 2, x + width // 2, y + width // 2], 1)
        return np.argwhere(np.asarray(mask))


@dataclass(frozen=True, eq=False)
class Area(Colored):
    """The colour of a set of pixels, such as one of the colours of a painted layer.

    Attributes:
        mask: (h, w) bool, the pixels, one at least.
        color, reach, drawn_on, time: see `Colored`.
        size: (W, H) to which the mask is thought to be stretched, pixels; None leaves it as it is.
    """

    mask: np.ndarray
    color: str
    reach: float = 1.0
    time: float | None = None
    size: tuple[int, int] | None = None

    @property
    def drawn_on(self) -> tuple[int, int]:  # type: ignore[override]
        return self.size or (self.mask.shape[1], self.mask.shape[0])

    @property
    def whole_mask(self) -> np.ndarray:
        """(H, W) bool, the mask as it is stretched."""
        if self.drawn_on == (self.mask.shape[1], self.mask.shape[0]):
            return self.mask
        return np.asarray(Image.fromarray(self.mask).resize(self.drawn_on, Image.Resampling.NEAREST))

    @property
    def places(self) -> Sequence[tuple[float, float]]:
        return ()

    def scaled(self, across: float, down: float) -> Area:
        width, height = self.drawn_on
        # What is covered needs no mask of that size, and a photograph's may be large.
        return replace(self, size=(max(1, round(width * across)), max(1, round(height * down))))

    def covers(self, size: tuple[int, int], small: tuple[int, int]) -> np.ndarray:
        share = np.asarray(Image.fromarray(self.mask.astype(np.float32)).resize(small, Image.Resampling.BOX))
        # A thin line covers little of the points that it runs through, and still counts.
        return np.argwhere(share > min(0.15, float(share.max()) / 2))


def hinted(
    chroma: GuidedChroma, light: np.ndarray, hints: Sequence[Colored], plain: GuidedChroma | None = None
) -> GuidedChroma:
    """A photograph's chroma with hints applied.

    Args:
        chroma: what the network found.
        light: (H, W) the photograph's L, 0..100; the hints count its pixels.
        hints: points, strokes and areas in any order; where two are equally near, their colours mix.
        plain: what hints to `KEEP` bring back: what the network found without hints, where it was told them for
            `chroma`.

    Raises:
        BadSetting: a hint lies outside, there are too many, or these are no hints.
    """
    height, width = light.shape
    hints = checked(hints, (width, height))
    size = render_shape(light.shape, SIDE)
    w, h = size = min(size[0], width), min(size[1], height)
    small = resize(light, size)
    before = chroma.strip(small, 0, h)
    seeds = [hint.covers((width, height), size) for hint in hints]
    reach = np.array([hint.reach for hint in hints])[:, None, None]
    step = STEP * SIDE / math.sqrt(w * h)  # so that a small copy is covered to the same share
    far = distances(_ground(small, before), seeds, step, FAR * float(reach.max())) / reach
    near = np.exp(-(far**4))  # even over most of its reach, and then soon nothing
    share = near / (far**2 + 1e-3)  # of those that reach a point the nearest counts (Shepard, 1968)
    share /= share.sum(0) + 1e-12
    kept = before if plain is None else plain.strip(small, 0, h)
    wanted = np.zeros_like(before)
    for hint, part in zip(hints, share, strict=True):
        wanted += part[..., None] * (kept if hint.keeps else hint.shaded(small))
    ab = before + near.max(0)[..., None] * (wanted - before)
    return GuidedChroma.fit(ab, small, size)


def hint_map(
    hints: Sequence[Colored],
    light: np.ndarray,
    size: tuple[int, int],
    stride: int,
    plain: np.ndarray | None = None,
) -> np.ndarray:
    """Hints as a network takes them that knows what they are.

    Args:
        hints: of a photograph of `size` (W, H).
        light: (h, w) its L as the network sees it.
        stride: of the network's map; a hint covers whole points of that.
        plain: (h / stride, w / stride, 2) ab on that map without hints; needed where one is to `KEEP` it.

    Returns:
        (3, h, w) a and b in Lab units, the mean where hints overlap, and 1; 0 in all where nothing is hinted.

    Raises:
        BadSetting: as `hinted`.
    """
    hints = checked(hints, size)
    h, w = light.shape
    total = np.zeros((3, -(-h // stride), -(-w // stride)))
    shade = resize(light, (total.shape[2], total.shape[1]))
    for hint in hints:
        rows, columns = np.unique(hint.covers(size, (w, h)) // stride, axis=0).T
        wanted = plain[rows, columns] if hint.keeps and plain is not None else hint.shaded(shade[rows, columns])
        total[:, rows, columns] += np.concatenate([wanted.T, np.ones((1, len(rows)))])
    total[:2] /= np.maximum(total[2], 1)
    total[2] = np.sign(total[2])
    return total.repeat(stride, 1).repeat(stride, 2)[:, :h, :w]


def checked(hints: Sequence[Colored], size: tuple[int, int], film: bool = False) -> list[Colored]:
    """Hints in pixels of a photograph, or of a film's frames, of (W, H).

    Raises:
        BadSetting: one lies outside, there are too many, or these are no hints.
    """
    if not (isinstance(hints, list | tuple) and all(isinstance(hint, Colored) for hint in hints)):
        raise BadSetting('hints are a list of `photochrom.Hint`, such as [Hint(120, 340, "navy")]')
    hints = [hint.on(size) for hint in hints]
    check_inside(hints, *size, film)
    if len(hints) > MOST:
        raise BadSetting(f"there are {len(hints)} hints; {MOST} is the limit")
    return hints


def check_inside(hints: Sequence[Colored], width: int, height: int, film: bool = False) -> None:
    """Refuse hints for what is no part of a photograph, or of a film's frames, of so many pixels.

    Raises:
        BadSetting: it names the first.
    """
    what = "film" if film else "photograph"
    for hint in hints:
        if hint.time is None and film:
            raise BadSetting('in a film each hint needs a time: 12.5s,X,Y=COLOR, or a "time" in a file of hints')
        if hint.time is not None and not film:
            raise BadSetting(f"a photograph has no frame at {hint.time:g} s; omit the time of the hint")
        for x, y in hint.places:
            if not (0 <= x < width and 0 <= y < height):
                raise BadSetting(f"the hint at {x:g},{y:g} lies outside the {what}, which is {width} x {height} pixels")


def _ground(light: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """(h, w, 3) what hints spread over; a step of length 1 in it is as far as a hint reaches."""
    even = smooth_chroma(light[..., None], light, GRAIN_RADIUS, GRAIN)
    chroma = np.hypot(ab[..., :1], ab[..., 1:]) / VIVID + 1e-6
    return np.concatenate([even, ab * np.log1p(chroma) / chroma], -1) / EDGE


def _check_places(places: Sequence[tuple[float, float]]) -> None:
    for place in places:
        if not (isinstance(place, Sequence) and len(place) == 2):
            raise BadSetting(f"a hint cannot be at {place!r}; each point is a pair of x and y")
        x, y = place
        # A comparison is false for what is no number, and takes integers that no float holds.
        if not all(isinstance(each, Real) and abs(each) < BEYOND for each in place):
            raise BadSetting(f"a hint cannot be at {x!r}, {y!r}; x and y are pixels")


def _is_size(size: Any) -> bool:
    try:
        width, height = size
    except (TypeError, ValueError):
        return False
    return all(isinstance(side, Integral) and int(side) >= 1 for side in (width, height))


def rgb_of(color: str) -> tuple[int, ...]:
    """The red, green and blue, 0..255, of #rrggbb or a CSS name.

    Raises:
        BadSetting: it is no colour.
    """
    try:
        rgb = ImageColor.getrgb(color)[:3]
    except (ValueError, TypeError, AttributeError):
        rgb = ()
    if not rgb or max(rgb) > 255:
        raise BadSetting(f"'{color}' is not a colour; use #rrggbb or a CSS name such as navy")
    return rgb


def as_hex(rgb: Iterable[int]) -> str:
    """Red, green and blue, 0..255, as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)
