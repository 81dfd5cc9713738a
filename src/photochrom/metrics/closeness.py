"""The paper's closeness (section 5.3): the Frobenius norm of prediction minus truth.

The paper subtracts "image matrices" and does not say which values; so both ab in Lab units and RGB in 0..1 are given,
each also divided by the root of the number of values, which makes pictures of different sizes comparable.
"""

from __future__ import annotations

import numpy as np

from photochrom.metrics import Comparison, metric


@metric("closeness_ab", meaning="Frobenius norm of the difference in ab", unit="Lab units", better="lower")
def closeness_ab(pair: Comparison) -> float:
    """Return the norm over all H * W * 2 values of a and b. Source: the paper, section 5.3."""
    return _norm(pair.predicted.ab, pair.truth.ab)


@metric("closeness_rgb", meaning="Frobenius norm of the difference in RGB of 0..1", unit="", better="lower")
def closeness_rgb(pair: Comparison) -> float:
    """Return the norm over all H * W * 3 values of RGB. Source: the paper, section 5.3."""
    return _norm(pair.predicted.rgb, pair.truth.rgb)


@metric("rms_ab", meaning="root mean square difference in ab", unit="Lab units", better="lower")
def rms_ab(pair: Comparison) -> float:
    """Return `closeness_ab` divided by sqrt(H * W * 2). Deviation from the paper: independent of the size."""
    return closeness_ab(pair) / pair.truth.ab.size**0.5


@metric("rms_rgb", meaning="root mean square difference in RGB of 0..1", unit="", better="lower")
def rms_rgb(pair: Comparison) -> float:
    """Return `closeness_rgb` divided by sqrt(H * W * 3). Deviation from the paper: independent of the size."""
    return closeness_rgb(pair) / pair.truth.rgb.size**0.5


def _norm(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.sqrt(np.sum(np.square(x - y, dtype=np.float64))))
