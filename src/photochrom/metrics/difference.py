"""How far the colours are from the true ones, as people see it (CIEDE2000) and in the plane of a and b."""

from __future__ import annotations

import numpy as np

from photochrom import color
from photochrom.metrics import Comparison, metric


@metric("ciede2000", meaning="mean perceived colour difference", unit="dE00", better="lower")
def ciede2000(pair: Comparison) -> float:
    """Return the mean over pixels of CIEDE2000; 0 is equal, about 1 just noticeable."""
    return float(np.mean(color.ciede2000(pair.predicted.lab, pair.truth.lab)))


@metric("ab_distance", meaning="mean Euclidean distance in the ab plane", unit="Lab units", better="lower")
def ab_distance(pair: Comparison) -> float:
    """Return the mean over pixels of the distance between predicted and true (a, b)."""
    difference = pair.predicted.ab - pair.truth.ab
    return float(np.mean(np.hypot(difference[..., 0], difference[..., 1])))
