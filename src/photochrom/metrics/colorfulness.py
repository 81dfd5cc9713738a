"""How much colour a picture has: a safe brown wins every distance, and these are what shows it."""

from __future__ import annotations

import numpy as np

from photochrom.metrics import Comparison, Rendition, metric


@metric("colorfulness", meaning="Hasler and Suesstrunk's M3 of the prediction", unit="M3", better="truth")
def colorfulness(pair: Comparison) -> float:
    """Return the prediction's colorfulness: 0 for gray, about 15 slightly, 45 quite, 109 extremely colourful.

    Source: Hasler, Suesstrunk, "Measuring colourfulness in natural images", 2003, their M3, on RGB of 0..255 with
    population standard deviations.
    """
    return _m3(pair.predicted)


@metric("colorfulness_error", meaning="|prediction's colorfulness - truth's|", unit="M3", better="lower")
def colorfulness_error(pair: Comparison) -> float:
    """Return how far the prediction's colorfulness is from the truth's, in either direction."""
    return abs(_m3(pair.predicted) - _m3(pair.truth))


@metric("mean_saturation", meaning="mean HSV saturation of the prediction", unit="", better="truth")
def mean_saturation(pair: Comparison) -> float:
    """Return the mean over pixels of (max - min) / max of RGB, 0..1; black counts as 0."""
    highest, lowest = pair.predicted.rgb.max(-1), pair.predicted.rgb.min(-1)
    return float(np.mean((highest - lowest) / np.where(highest > 0, highest, 1), dtype=np.float64))


def _m3(rendition: Rendition) -> float:
    red, green, blue = (255 * rendition.rgb[..., i].astype(np.float64) for i in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
