"""The shortest ways over a picture, where edges are long: how far each point is from a hint."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ROUNDS = 64  # of the sweeps for the shortest ways; two or three do but for mazes


def distances(ground: np.ndarray, seeds: Sequence[np.ndarray], step: float, most: float) -> np.ndarray:
    """The length of the shortest way from each set of seeds to each point, over the 8 neighbours of each.

    Rows are swept downwards and upwards until nothing is shortened; along a row the shortest way is a running minimum,
    so that a sweep takes no loop over points.

    Args:
        ground: (h, w, c); a way from point to point is as long as the square of the step between their values, so that
            an edge is far and the same step by and by, as shading makes it, is not.
        seeds: k sets of rows and columns, (n, 2) each.
        step: what a way of one point costs besides.
        most: the length beyond which the value is not used; such ways can come out longer than they are.

    Returns:
        (k, h, w), to about 1e-3.
    """
    h, w, _ = ground.shape
    ground = ground.astype(np.float32)
    right, down = _lengths(ground[:, 1:], ground[:, :-1], step), _lengths(ground[1:], ground[:-1], step)
    falling = _lengths(ground[1:, 1:], ground[:-1, :-1], step * math.sqrt(2))
    rising = _lengths(ground[1:, :-1], ground[:-1, 1:], step * math.sqrt(2))
    along = np.concatenate([np.zeros((h, 1), np.float32), np.cumsum(right, 1)], 1)
    far = np.full((h, len(seeds), w), 1e3 + 10 * most, np.float32)
    for k, places in enumerate(seeds):
        far[places[:, 0], k, places[:, 1]] = 0

    def spread(row: int, other: int) -> None:
        here, there, between = far[row], far[other], min(row, other)
        left_up, right_up = (falling, rising) if other < row else (rising, falling)
        np.minimum(here, there + down[between], out=here)
        np.minimum(here[:, 1:], there[:, :-1] + left_up[between], out=here[:, 1:])
        np.minimum(here[:, :-1], there[:, 1:] + right_up[between], out=here[:, :-1])
        spread_along(row)

    def spread_along(row: int) -> None:
        here, at = far[row], along[row]
        np.minimum(here, np.minimum.accumulate(here - at, 1) + at, out=here)
        np.minimum(here, np.minimum.accumulate((here + at)[:, ::-1], 1)[:, ::-1] - at, out=here)

    for _ in range(ROUNDS):
        before = np.minimum(far, most)
        spread_along(0)
        for row in range(1, h):
            spread(row, row - 1)
        for row in range(h - 2, -1, -1):
            spread(row, row + 1)
        if (before - np.minimum(far, most)).max() < 1e-3:
            break
    return far.transpose(1, 0, 2)


def _lengths(a: np.ndarray, b: np.ndarray, step: float) -> np.ndarray:
    return ((a - b) ** 2).sum(-1) + step
