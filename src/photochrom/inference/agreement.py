"""What looks alike agrees on its colour: non-local means over what the network says.

A network sees a lawn a piece at a time, and is sure of its green in some places only: the mean over what is likely is
gray in the others. Here each point also hears the points, wherever in the picture, of which the network says nearly the
same and whose lightness is nearly the same.

Sources: non-local means, Buades, Coll and Morel 2005, over distributions instead of pixels; weights that fall with the
distance of features, as between the points of a dense conditional random field, Krähenbühl and Koltun 2011.
"""

from __future__ import annotations

import numpy as np

from photochrom.inference.bins import log_softmax

SHARPNESS = 20.0  # power of the Bhattacharyya coefficient; of two distributions it is 1 where they are equal
TONE = 15.0  # units of L; the standard deviation of the Gaussian window over lightness
HEARD = 24  # the side of the grid of blocks that every point hears, at most: time and memory are bounded by it
AT_ONCE = 2048  # points whose weights are held at a time, 5 MB


def agreed(log_p: np.ndarray, light: np.ndarray, share: float) -> np.ndarray:
    """Mix what each point says with the mean of what similar points say.

    Args:
        log_p: (q, h, w) log-probabilities.
        light: (h, w) L, 0..100.
        share: of that mean, 0..1; 0 leaves `log_p` as it is.

    Returns:
        (q, h, w) scores, float32: logarithms of probabilities up to a constant for each point.

    Example:
        >>> log_p = np.log(np.array([[[0.6, 0.6, 0.5, 0.1]], [[0.4, 0.4, 0.5, 0.9]]]))
        >>> np.exp(agreed(log_p, np.full((1, 4), 50.0), 0.5)).round(2)[1]
        array([[0.42, 0.42, 0.47, 0.86]], dtype=float32)
    """
    log_p, light = log_p.astype(np.float32), light.astype(np.float32)
    if not share:
        return log_p
    q, h, w = log_p.shape
    step = -(-max(h, w) // HEARD)
    said = _blocks(log_p, step).reshape(q, -1)
    heard_root = np.exp(log_softmax(said, 0) / 2)
    heard_light = _blocks(light[None], step).ravel()
    spoken, tone = log_p.reshape(q, -1), light.ravel()
    mean = np.empty_like(spoken)
    for start in range(0, h * w, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        likeness = np.exp(spoken[:, part].T / 2) @ heard_root
        exponent = SHARPNESS * np.log(np.maximum(likeness, 1e-12))
        exponent -= (tone[part, None] - heard_light) ** 2 / (2 * TONE**2)
        weights = np.exp(exponent - exponent.max(1, keepdims=True))
        mean[:, part] = said @ (weights / weights.sum(1, keepdims=True)).T
    return ((1 - share) * spoken + share * mean).reshape(q, h, w)


def _blocks(x: np.ndarray, step: int) -> np.ndarray:
    """Means (q, i, j) over blocks of `step` x `step` points of x (q, h, w); the last ones may be smaller."""
    rows, columns = np.arange(0, x.shape[1], step), np.arange(0, x.shape[2], step)
    sums = np.add.reduceat(np.add.reduceat(x, rows, 1), columns, 2)
    heights, widths = np.minimum(x.shape[1] - rows, step), np.minimum(x.shape[2] - columns, step)
    return sums / (heights[:, None] * widths).astype(np.float32)
