"""Colorization using optimization (Levin, Lischinski, Weiss 2004): the classic spreads strokes without a network.

The colour of a pixel is to be the mean of its eight neighbours, weighted by how near their lightness is; at hints it
is given. That is one sparse linear system, solved by SciPy on a copy of bounded size. The weights are those of the
authors' program: in each window 0.6 of the variance, but enough that the nearest neighbour counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from photochrom import Hint
from photochrom.inference.network import render_shape
from photochrom.painting.upsample import GuidedChroma, resize

SIDE = 128  # of the square with the area of the copy, pixels
NEIGHBOURS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def levin(light: np.ndarray, hints: Sequence[Hint]) -> np.ndarray:
    """ab (H, W, 2) for L (H, W), 0..100; gray without hints."""
    height, width = light.shape
    if not hints:
        return np.zeros((height, width, 2), np.float32)
    size = render_shape(light.shape, SIDE)
    w, h = size = min(size[0], width), min(size[1], height)
    small = resize(light, size)
    given = np.full((h * w, 2), np.nan)
    for hint in hints:
        row, column = hint.covers((width, height), size)[0]
        given[row * w + column] = hint.lab[1:]
    return GuidedChroma.fit(spread(small / 100, given).reshape(h, w, 2), small, size).strip(light, 0, height)


def spread(light: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Solve for the colours (h * w, c) from those that are given, NaN elsewhere; lightness (h, w) in 0..1."""
    h, w = light.shape
    weights, known = window_weights(light), ~np.isnan(given[:, 0])
    index = np.pad(np.arange(h * w).reshape(h, w), 1, constant_values=-1)
    rows, columns, values = [np.arange(h * w)], [np.arange(h * w)], [np.ones(h * w)]
    for k, (down, right) in enumerate(NEIGHBOURS):
        other = index[1 + down : 1 + down + h, 1 + right : 1 + right + w].ravel()
        free = np.flatnonzero((other >= 0) & ~known)
        rows.append(free)
        columns.append(other[free])
        values.append(-weights[k].ravel()[free])
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return spsolve(coo_matrix(entries, (h * w, h * w)).tocsc(), np.where(known[:, None], given, 0))


def window_weights(light: np.ndarray) -> np.ndarray:
    """(8, h, w) of each neighbour, those inside the picture adding up to 1."""
    h, w = light.shape
    padded = np.pad(light.astype(np.float64), 1, constant_values=np.nan)
    others = np.stack([padded[1 + down : 1 + down + h, 1 + right : 1 + right + w] for down, right in NEIGHBOURS])
    away = (others - light) ** 2
    spread = 0.6 * np.nanvar(np.concatenate([others, light[None]]), 0)
    spread = np.maximum(spread, np.maximum(-np.nanmin(away, 0) / np.log(0.01), 2e-6))
    weights = np.nan_to_num(np.exp(-away / spread))
    return weights / weights.sum(0)
