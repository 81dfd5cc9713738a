"""Zhang, Isola and Efros's raw accuracy (AuC), plain and with rare colours counting as much as common ones."""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np

from photochrom.inference.bins import JointBins
from photochrom.metrics import Comparison, metric

LARGEST = 150.0
"""The largest error on the curve, Lab units."""
CELL = 10
_REACH = 12  # cells from gray to the end of the table, on either side


@metric("auc", meaning="area under the cumulative curve of ab error, 0..150", unit="", better="higher")
def auc(pair: Comparison) -> float:
    """Return the area, 0..1, under the share of pixels whose ab error is at most t, over t of 0..150 Lab units.

    Source: Zhang, Isola, Efros, "Colorful Image Colorization", 2016, section 3.1. They sum over whole numbers t; this
    is the integral, which is 0.3 points higher at most.
    """
    return float(_areas(pair).mean())


@metric("auc_rebalanced", meaning="the same, each pixel weighing one over its colour's share", unit="", better="higher")
def auc_rebalanced(pair: Comparison) -> float:
    """Return the area, 0..1, where a pixel weighs the inverse of how common its true colour is in photographs.

    Source: as `auc`, with equation 4 at lambda = 0. Their shares are those of ImageNet's training set; these come from
    the photographs that the default model was trained on (ab_frequency.csv: cells of 10 x 10 Lab units), smoothed by
    the same Gaussian of 5. So numbers can be compared with each other, and only roughly with published ones.
    """
    areas, weights = _areas(pair), rarity(pair.truth.ab)
    return float((areas * weights).sum() / weights.sum())


def rarity(ab: np.ndarray) -> np.ndarray:
    """(..., 2) ab, Lab units, to the weight (...) of that colour; the mean over all photographs' pixels is 1."""
    cell = np.clip(np.rint(ab / CELL).astype(int), -_REACH, _REACH) + _REACH
    return _table()[cell[..., 0], cell[..., 1]]


def _areas(pair: Comparison) -> np.ndarray:
    """Each pixel's part of the area: from its error on it counts as right."""
    difference = pair.predicted.ab - pair.truth.ab
    return 1 - np.minimum(np.hypot(difference[..., 0], difference[..., 1]), LARGEST) / LARGEST


@cache
def _table() -> np.ndarray:
    """(2 reach + 1, same): the weight of each cell; one that no photograph had has that of the nearest."""
    with resources.files("photochrom.metrics").joinpath("ab_frequency.csv").open(encoding="utf-8") as file:
        a, b, share = np.loadtxt(file, delimiter=",", skiprows=1, unpack=True)
    bins = JointBins(np.stack([a, b], -1), np.stack([a, b], -1), share / share.sum())
    weights = bins.rebalancing_weights(smoothing=1e-12, sigma=5.0)  # 0 but for what it takes
    ends = np.arange(-_REACH, _REACH + 1) * float(CELL)
    return weights[bins.encode(np.stack(np.meshgrid(ends, ends, indexing="ij"), -1))]
