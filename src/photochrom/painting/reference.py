"""Colours of a reference picture for a photograph that shows the same kind of thing.

Two methods find, for each point of the network's map, the points of the reference that are like it:

- "network": the network's own distribution of colours tells what a point may be (sky, leaves, skin), in the photograph
  and in the gray copy of the reference alike; lightness, texture and place decide among what is alike. Where nothing in
  the reference is alike, the network's colours stay.
- "welsh": lightness and its deviation in a window of 5 x 5, after the reference's lightness was brought to the mean and
  deviation of the photograph's. Every point gets a colour.

Sources: Welsh, Ashikhmin, Mueller, "Transferring Color to Greyscale Images", 2002; correspondence by deep features
instead of lightness, He et al., "Deep Exemplar-based Colorization", 2018 (theirs warps; this one averages).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photochrom.color import rgb_to_lab
from photochrom.imaging.picture import Picture
from photochrom.painting.upsample import resize
from photochrom.painting.windows import means_around

METHODS = ("network", "welsh")
# What follows was chosen on pairs of validation photographs and of frames, see docs/guidance/references.md.
ALIKE = 48.0  # how much it costs that two distributions do not overlap at all
LIGHT = 12.0  # difference of L that costs 1/2
TEXTURE = 4.0  # difference of the deviation of L in a window that costs 1/2
PLACE = 0.5  # distance, as a share of the sides, that costs 1/2
UNLIKE = 1.2  # cost of the best match at which the reference and the network count the same
RADIUS = 2  # of the windows, points


@dataclass(frozen=True, eq=False)
class Points:
    """What is known of the points of a picture's map.

    Attributes:
        light: (n,) L, 0..100.
        texture: (n,) deviation of L in the window around each.
        place: (n, 2) x and y as shares of the sides.
        distribution: (n, q) square roots of the network's probabilities; (n, 0) for a network without bins.
    """

    light: np.ndarray
    texture: np.ndarray
    place: np.ndarray
    distribution: np.ndarray

    @classmethod
    def of(cls, light: np.ndarray, log_p: np.ndarray | None) -> Points:
        """The points of a map of L (h, w) and of log-probabilities (q, h, w)."""
        h, w = light.shape
        variance = means_around(light * light, RADIUS) - means_around(light, RADIUS) ** 2
        y, x = np.mgrid[:h, :w]
        place = np.stack([(x.ravel() + 0.5) / w, (y.ravel() + 0.5) / h], -1)
        roots = np.exp(log_p.reshape(len(log_p), -1) / 2).T if log_p is not None else np.zeros((h * w, 0))
        return cls(light.ravel(), np.sqrt(np.maximum(variance, 0)).ravel(), place, roots.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture whose colours are wanted.

    Attributes:
        points: of its gray copy.
        ab: (n, 2) its true colours there, Lab units.
    """

    points: Points
    ab: np.ndarray

    @classmethod
    def of(cls, picture: Picture, light: np.ndarray, log_p: np.ndarray | None) -> Reference:
        """A picture in colour, its L (h, w) on the network's map, and the log-probabilities (q, h, w) there."""
        full = {"uint8": 255, "uint16": 65535}.get(picture.pixels.dtype.name, 1)
        small = np.stack([resize(picture.pixels[..., c], light.shape[::-1]) for c in range(3)], -1) / full
        return cls(Points.of(light.astype(np.float64), log_p), rgb_to_lab(small)[..., 1:].reshape(-1, 2))


def transferred(
    ab: np.ndarray,
    light: np.ndarray,
    log_p: np.ndarray | None,
    references: Sequence[Reference],
    method: str = "network",
) -> np.ndarray:
    """ab (h, w, 2) of a map with the colours of references where they show the same kind of thing.

    Args:
        ab: the network's colours, Lab units.
        light: (h, w) L, 0..100.
        log_p: (q, h, w) the network's log-probabilities; None for a network without bins.
        references: one at least.
        method: one of `METHODS`.
    """
    points = Points.of(light.astype(np.float64), log_p)
    wanted = np.concatenate([reference.ab for reference in references])
    if method == "welsh":
        costs = [_welsh(points, reference.points) for reference in references]
        return wanted[np.concatenate(costs, 1).argmin(1)].reshape(ab.shape).astype(np.float32)
    cost = np.concatenate([_unlike(points, reference.points) for reference in references], 1)
    best = cost.min(1, keepdims=True)
    share = np.exp(best - cost)
    found = share @ wanted / share.sum(1, keepdims=True)
    trust = 1 / (1 + (best / UNLIKE) ** 2)
    return (ab + trust.reshape(*ab.shape[:2], 1) * (found.reshape(ab.shape) - ab)).astype(np.float32)


def _unlike(points: Points, others: Points) -> np.ndarray:
    """(m, n) how unlike each point is each of the others."""
    cost = ((points.light[:, None] - others.light) / LIGHT) ** 2 / 2
    cost += ((points.texture[:, None] - others.texture) / TEXTURE) ** 2 / 2
    for axis in (0, 1):
        cost += ((points.place[:, axis, None] - others.place[:, axis]) / PLACE) ** 2 / 2
    if points.distribution.shape[1]:
        cost += ALIKE * (1 - points.distribution @ others.distribution.T)
    return cost


def _welsh(points: Points, others: Points) -> np.ndarray:
    scale = points.light.std() / max(float(others.light.std()), 1e-6)
    light = (others.light - others.light.mean()) * scale + points.light.mean()
    return np.abs(points.light[:, None] - light) + np.abs(points.texture[:, None] - others.texture * scale)
