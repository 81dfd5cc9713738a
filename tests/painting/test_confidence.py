"""Confidence: the probability of what is shown, and where a hint would help most."""

import numpy as np
import pytest

from photochrom import Colorizer
from photochrom.inference.bins import JointBins
from photochrom.inference.decode import Decoding
from photochrom.painting.confidence import confidence, unsure_places

GRID = np.stack(np.meshgrid(np.arange(-60.0, 61, 10), np.arange(-60.0, 61, 10)), -1).reshape(-1, 2)
BINS = JointBins.grid(np.repeat(GRID, 3, 0))


def scores(*shares):
    """Scores of one point: (ab, probability)..., the rest spread over all bins."""
    p = np.full(BINS.n_scores, (1 - sum(share for _, share in shares)) / BINS.n_scores)
    for ab, share in shares:
        p[np.linalg.norm(BINS.values - ab, axis=1).argmin()] += share
    return np.log(p)[:, None, None]


@pytest.mark.parametrize(
    ("shares", "shown", "expected"),
    [
        ([((40, 40), 0.999)], (40, 40), 1.0),
        ([((40, 40), 0.999)], (-40, -40), 0.0),
        ([((40, 40), 0.6), ((-40, -40), 0.3)], (40, 40), 0.6),
        ([((40, 40), 0.6), ((-40, -40), 0.3)], (-40, -40), 0.3),
        ([((10, 0), 0.5), ((-10, 0), 0.499)], (0, 0), 1.0),
    ],
)
def test_it_is_the_share_near_what_is_shown(shares, shown, expected):
    plain = Decoding(trained_rebalance=0.0)
    found = confidence(scores(*shares), np.float32([[shown]]), BINS, plain)
    assert found[0, 0] == pytest.approx(expected, abs=0.03)


def test_a_hint_helps_most_where_much_is_unsure():
    sure = np.ones((40, 60), np.float32)
    sure[5:8, 50:53] = 0.1  # small
    sure[20:38, 5:25] = 0.4  # large
    first, second, _ = unsure_places(sure)
    assert abs(first[0] * 60 - 15) < 3
    assert abs(first[1] * 40 - 29) < 3
    assert first != second


def test_of_a_photograph(drawn):
    light = np.asarray(drawn(4, 64, 48).convert("L"), np.float32) / 2.55
    sure = Colorizer(threads=1).confidence(light)
    assert sure.shape == light.shape
    assert 0 <= sure.min() < sure.max() <= 1
