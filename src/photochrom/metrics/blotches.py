"""Blotches (the paper, section 5.5): colour that varies where lightness does not, from per-pixel decisions.

Where the picture is even, so should be its colour; an edge of colour alone is rare in photographs. So the windows are
those of even lightness in the truth, the same ones for every prediction, and how much chroma varies in them is compared
with the truth's own.
"""

from __future__ import annotations

import numpy as np

from photochrom.metrics import Comparison, Rendition, metric
from photochrom.painting.windows import window_means

WINDOW = 5
"""Side of the windows, pixels; a picture that is smaller has one window across."""
EVEN = 3.0
"""A window is even when the standard deviation of its L is at most this, Lab units."""


@metric("blotchiness", meaning="chroma variation where lightness is even", unit="Lab units", better="truth")
def blotchiness(pair: Comparison) -> float:
    """Return the mean over even windows of sqrt(var a + var b) of the prediction; 0 where no window is even.

    Source: ours; the paper shows blotches (section 5.5, figure 8) and does not measure them.
    """
    return _variation(pair.predicted, pair.truth)


@metric("blotchiness_error", meaning="|prediction's blotchiness - truth's|", unit="Lab units", better="lower")
def blotchiness_error(pair: Comparison) -> float:
    """Return how far the prediction's blotchiness is from the truth's: blotched, or smoother than true."""
    return abs(_variation(pair.predicted, pair.truth) - _variation(pair.truth, pair.truth))


def _variation(rendition: Rendition, truth: Rendition) -> float:
    even = _variance(truth.lab[..., 0]) <= EVEN**2
    if not even.any():
        return 0.0
    a, b = rendition.ab[..., 0], rendition.ab[..., 1]
    return float(np.sqrt(_variance(a) + _variance(b))[even].mean())


def _variance(x: np.ndarray) -> np.ndarray:
    """(H, W) to the population variance of every window that fits."""
    # Around the mean of the picture: the difference of two large squares would leave noise.
    x = x - x.mean()
    return np.maximum(window_means(x * x, WINDOW) - window_means(x, WINDOW) ** 2, 0.0)
