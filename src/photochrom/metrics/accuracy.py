"""The paper's classification accuracy (section 5.4), for any prediction, whatever the network was trained on."""

from __future__ import annotations

import numpy as np

from photochrom.inference.bins import ChannelBins
from photochrom.metrics import Comparison, metric

TINY = 1e-6  # Lab units: a gray that is on one side of 0


@metric("accuracy_10", meaning="share of a and b in the true one of 10 bins", unit="", better="higher")
def accuracy_10(pair: Comparison) -> float:
    """Return the share for bins 20 Lab units wide. Source: the paper, section 5.4, table 2."""
    return _accuracy(pair, 10)


@metric("accuracy_30", meaning="share of a and b in the true one of 30 bins", unit="", better="higher")
def accuracy_30(pair: Comparison) -> float:
    """Return the share for bins 6.7 Lab units wide. Source: the paper, section 5.4, table 2."""
    return _accuracy(pair, 30)


@metric("accuracy_50", meaning="share of a and b in the true one of 50 bins", unit="", better="higher")
def accuracy_50(pair: Comparison) -> float:
    """Return the share for bins 4 Lab units wide. Source: the paper, section 5.4, table 2."""
    return _accuracy(pair, 50)


def _accuracy(pair: Comparison, count: int) -> float:
    """Share, 0..1, of the H * W * 2 values whose equal-width bin over -100..100 is the truth's.

    With an even number of bins gray lies on an edge: two nearly gray pixels may count as different.
    """
    return share_right(pair.predicted.ab, pair.truth.ab, count)


def share_right(predicted: np.ndarray, truth: np.ndarray, count: int) -> float:
    """Share, 0..1, of the values of ab (..., 2), Lab units, that fall into the true one of `count` equal bins."""
    bins = ChannelBins.equal_width(count)
    return float(np.mean(bins.encode(predicted) == bins.encode(truth)))


def gray_by_signs(truth: np.ndarray, count: int) -> dict[str, float]:
    """What gray scores, by the signs of the rounding errors that stand for its a and b.

    With an even number of bins 0 is an edge, and the error of a conversion (a = -0.0015, b = 0.0028 for sRGB's gray)
    decides on which side gray falls. With an odd number all four are the same.

    Args:
        truth: ab (..., 2), Lab units.
        count: of bins.

    Returns:
        By the signs of a and b: "--", "-+", "+-" and "++".

    Example:
        >>> gray_by_signs(np.array([[5.0, -5.0], [5.0, 5.0]]), 10)
        {'--': 0.25, '-+': 0.25, '+-': 0.75, '++': 0.75}
    """
    sides = {"-": -TINY, "+": TINY}
    return {a + b: share_right(np.array([sides[a], sides[b]]), truth, count) for a in sides for b in sides}
