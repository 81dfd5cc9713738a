"""Clips out of stills: what moves, and how, is known exactly, unlike in real films.

A still is filmed by a camera that pans, zooms and turns; another still, cut out, moves in front of it by itself and
hides what is behind; old film flickers and has grain; and now and then there is a cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from photochrom._support.settings import Checked, Range
from photochrom.data.config import DataConfig
from photochrom.data.entries import Entry
from photochrom.data.samples import Wear, decode_entry, small_ab
from photochrom.errors import BadDataset

STILL = 0.2  # share of cameras and things that do not move at all


@dataclass(frozen=True)
class ClipConfig(Checked, where="task.settings.clips"):
    """How stills become clips.

    Attributes:
        frames: of a clip.
        pan: most that a picture moves from frame to frame, as a share of its side; slow ones are more frequent.
        zoom: most that it grows or shrinks from frame to frame.
        turn: most that it turns from frame to frame, radians.
        shake: deviation of each frame's place, as a share of the side: the weave of a projector's gate.
        patch: share of clips in which something moves in front.
        cut: share of clips with a scene cut.
        flicker: most that the exposure deviates (a standard deviation, which half of the clips draw up to this).
        grain: most deviation of the grain, in units of L, likewise.
    """

    frames: Annotated[int, Range(2, 100)] = 7
    pan: Annotated[float, Range(0, 0.5)] = 0.08
    zoom: Annotated[float, Range(0, 0.2)] = 0.02
    turn: Annotated[float, Range(0, 0.5)] = 0.015
    shake: Annotated[float, Range(0, 0.1)] = 0.003
    patch: Annotated[float, Range(0, 1)] = 0.6
    cut: Annotated[float, Range(0, 1)] = 0.2
    flicker: Annotated[float, Range(0, 0.5)] = 0.08
    grain: Annotated[float, Range(0, 20)] = 4.0


class Clip(NamedTuple):
    """A clip of t frames; s is the side of a frame, q = s / stride that of the network's map.

    Attributes:
        light: (t, 1, s, s) L, 0..100, worn, flickering and grainy.
        ab: (t, 2, q, q) the true colours, Lab units.
        motion: (t, 2, q, q) how far from each point (x, y) it was in the frame before, in points.
        seen: (t, 1, q, q) 1 where it was to be seen there; 0 in the first frame and at a cut.
    """

    light: np.ndarray
    ab: np.ndarray
    motion: np.ndarray
    seen: np.ndarray


class Clips(Dataset["tuple[Tensor, ...] | BadDataset"]):
    """Clips by (epoch, index): the still of the index, and what the seed and the pair choose besides.

    A still that cannot be read is returned as its error, as by `photochrom.data.loader.Pictures`.

    Args:
        entries: the stills.
        data: the side of a frame, the share of a still that it shows, and how much is degraded.
        clips: how they move.
        stride: pixels a side for each point of the network's map.
        seed: of the run.
    """

    def __init__(self, entries: Sequence[Entry], data: DataConfig, clips: ClipConfig, stride: int, seed: int) -> None:
        self.entries, self.maker, self.seed = entries, ClipMaker(data, clips, stride), seed

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, where: tuple[int, int]) -> tuple[Tensor, ...] | BadDataset:  # type: ignore[override]
        epoch, index = where
        rng = np.random.default_rng((self.seed, epoch, index))
        # The scene, what moves in front of it, and the same after the cut.
        chosen = [index, *rng.integers(len(self.entries), size=3)]
        try:
            stills = [decode_entry(self.entries[i], 4 * self.maker.data.size) for i in chosen]
            clip = self.maker(stills, rng)
        except BadDataset as error:
            return error
        return tuple(torch.from_numpy(part) for part in clip)


@dataclass(frozen=True)
class ClipMaker:
    """Makes clips of one size; see `Clips`."""

    data: DataConfig
    clips: ClipConfig
    stride: int

    def __call__(self, stills: Sequence[Image.Image], rng: np.random.Generator) -> Clip:
        """A clip of four stills: a scene and what moves in front of it, and the same after a cut."""
        config, count = self.clips, self.clips.frames
        cut = int(rng.integers(1, count)) if rng.random() < config.cut else count
        scenes = [self._scene(stills[:2], rng), self._scene(stills[2:], rng)]
        wear = Wear.drawn(rng) if rng.random() < self.data.degrade else Wear()
        flicker = rng.uniform(0, config.flicker) if rng.random() < 0.5 else 0.0
        grain = rng.uniform(0, config.grain) if rng.random() < 0.5 else 0.0
        frames, points = [], self.data.size // self.stride
        for t in range(count):
            scene = scenes[t >= cut]
            picture = scene.picture(t)
            light = wear.light(picture, rng) * (1 + flicker * rng.normal())
            light = np.clip(light + grain * rng.normal(size=light.shape), 0, 100).astype(np.float32)
            ab = small_ab(picture, (points, points)).transpose(2, 0, 1)
            motion, seen = scene.motion(t, self.stride)
            frames.append((light[None], ab, motion, seen * (t not in (0, cut))))
        return Clip(*(np.stack(part).astype(np.float32) for part in zip(*frames, strict=True)))

    def _scene(self, stills: Sequence[Image.Image], rng: np.random.Generator) -> _Scene:
        behind = _Layer.drawn(stills[0], self.data, self.clips, rng)
        if rng.random() >= self.clips.patch:
            return _Scene(behind)
        return _Scene(behind, _Layer.drawn(stills[1], self.data, self.clips, rng), _Outline.drawn(self.data.size, rng))


@dataclass(frozen=True)
class _Outline:
    """Where something that is cut out ends: a rounded box or an ellipse about a centre, in pixels from the middle."""

    center: np.ndarray
    axes: np.ndarray
    power: float

    @classmethod
    def drawn(cls, side: int, rng: np.random.Generator) -> _Outline:
        return cls(rng.uniform(-0.35, 0.35, 2) * side, rng.uniform(0.12, 0.35, 2) * side, rng.uniform(2, 6))

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """How much of it is at places (..., 2), 0..1; its edge is about a pixel wide."""
        away = (np.abs((places - self.center) / self.axes) ** self.power).sum(-1) ** (1 / self.power)
        return np.clip((1 - away) * self.axes.mean() + 0.5, 0, 1)


@dataclass(frozen=True)
class _Layer:
    """A still and the path of the camera over it.

    Attributes:
        still: mirrored at its borders, so that no camera sees where it ends.
        center: (2,) its pixel in the middle of the frame, and
        scale: its pixels for each one of the frame, both where the path begins.
        side: of the frame, pixels.
        path: (t, 3, 3) from pixels of frame t to those of the beginning, as seen from the middle.
    """

    still: Image.Image
    center: np.ndarray
    scale: float
    side: int
    path: np.ndarray

    @classmethod
    def drawn(cls, still: Image.Image, data: DataConfig, clips: ClipConfig, rng: np.random.Generator) -> _Layer:
        if data.flip and rng.random() < 0.5:
            still = ImageOps.mirror(still)
        size = np.array(still.size, np.float64)
        part = size.min() * np.sqrt(rng.uniform(*data.scale))
        center = size + part / 2 + rng.uniform(0, 1, 2) * (size - part)
        pixels = np.asarray(still)
        margins = [(side, side) for side in pixels.shape[:2]]
        mirrored = Image.fromarray(np.pad(pixels, [*margins, (0, 0)], "symmetric"))
        return cls(mirrored, center, part / data.size, data.size, _path(data.size, clips, rng))

    def places(self, t: int, pixels: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of frame t as seen from the middle where the path begins."""
        return pixels @ self.path[t, :2, :2].T + self.path[t, :2, 2]

    def before(self, t: int, pixels: np.ndarray) -> np.ndarray:
        """Where pixels (..., 2) of frame t were in the frame before."""
        back = np.linalg.inv(self.path[t - 1]) @ self.path[t]
        return pixels @ back[:2, :2].T + back[:2, 2]

    def picture(self, t: int) -> np.ndarray:
        """What the camera sees, (s, s, 3) uint8."""
        matrix = self.path[t, :2] * self.scale
        matrix[:, 2] += self.center
        size, how = (self.side, self.side), Image.Transform.AFFINE
        return np.asarray(self.still.transform(size, how, tuple(matrix.ravel()), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class _Scene:
    """A layer, and perhaps another one in front of it."""

    behind: _Layer
    front: _Layer | None = None
    outline: _Outline | None = None

    def picture(self, t: int) -> Image.Image:
        """Frame t in colour."""
        picture = self.behind.picture(t)
        if self.front is not None:
            share = self._share(t, _centers(self.behind.side, 1))[..., None]
            picture = np.rint(picture + share * (self.front.picture(t) - picture.astype(np.float32))).astype(np.uint8)
        return Image.fromarray(picture)

    def motion(self, t: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
        """How far away each point was in the frame before (2, q, q), in points, and whether it was seen (1, q, q)."""
        side = self.behind.side
        here = _centers(side, stride)
        there = self.behind.before(max(t, 1), here)
        seen = np.ones(here.shape[:2], bool)
        if self.front is not None:
            front = self._share(t, here) > 0.5
            seen = front | (self._share(max(t, 1) - 1, there) < 0.5)
            there = np.where(front[..., None], self.front.before(max(t, 1), here), there)
        seen &= ((there >= 0) & (there <= side)).all(-1)
        return ((there - here) / stride).transpose(2, 0, 1), seen[None]

    def _share(self, t: int, pixels: np.ndarray) -> np.ndarray:
        assert self.front is not None
        assert self.outline is not None
        return self.outline(self.front.places(t, pixels))


def _centers(side: int, stride: int) -> np.ndarray:
    """The middles of squares of `stride` pixels, (q, q, 2): x, y."""
    along = (np.arange(side // stride) + 0.5) * stride
    return np.stack(np.meshgrid(along, along), -1)


def _path(side: int, clips: ClipConfig, rng: np.random.Generator) -> np.ndarray:
    """(t, 3, 3): a steady motion that speeds up or slows down, and shakes."""
    moves = rng.random() >= STILL
    speed = moves * clips.pan * side * rng.random() ** 2
    way, change = rng.uniform(0, 2 * np.pi), rng.uniform(-0.15, 0.15)
    grows, turns = (moves * most * rng.uniform(-1, 1) * rng.random() for most in (clips.zoom, clips.turn))
    found, at = [], np.zeros(2)
    for t in range(clips.frames):
        place = at + side / 2 + rng.normal(0, clips.shake * side, 2)
        cos, sin = np.cos(turns * t), np.sin(turns * t)
        turned = np.exp(grows * t) * np.array([[cos, -sin], [sin, cos]])
        found.append(np.block([[turned, -(turned @ place)[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]]))
        at = at + speed * max(0.0, 1 + change * t) * np.array([np.cos(way), np.sin(way)])
    return np.stack(found)
