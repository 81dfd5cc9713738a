"""The paper's classification accuracy (section 5.4), for any prediction, whatever the network was trained on."""

from __future__ import annotations

import numpy as np

from photochrom.bins import ChannelBins
from photochrom.metrics import Comparison, metric


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
    bins = ChannelBins.equal_width(count)
    return float(np.mean(bins.encode(pair.predicted.ab) == bins.encode(pair.truth.ab)))
