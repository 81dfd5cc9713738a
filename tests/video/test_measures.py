"""Measures of steadiness, by numbers worked out by hand."""

import math

import numpy as np
import pytest

from photochrom import BadSetting
from photochrom.video.measures import distribution_consistency, divergence, histograms, warping_error


def test_warping_error_is_the_mean_distance_of_what_is_trusted():
    now = np.zeros((2, 2, 2))
    before = np.array([[[3.0, 4.0], [0.0, 0.0]], [[0.0, 2.0], [100.0, 0.0]]])
    trust = np.array([[1.0, 1.0], [1.0, 0.0]])
    # (5 + 0 + 2) / 3; the pixel that was hidden does not count.
    assert warping_error(now, before, trust) == pytest.approx(7 / 3)
    assert warping_error(now, before, np.zeros((2, 2))) == 0


def test_histograms_are_shares():
    rgb = np.zeros((1, 4, 3), np.uint8)
    rgb[0, 0] = 255, 10, 0
    shares = histograms(rgb)
    assert shares.shape == (3, 256)
    assert (shares[0, 0], shares[0, 255], shares[1, 10], shares[2, 0]) == (0.75, 0.25, 0.25, 1)
    assert shares.sum(1).tolist() == [1, 1, 1]
    with pytest.raises(BadSetting, match="a frame is uint8"):
        histograms(rgb / 255)


def test_divergence():
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    # The middle is (3/4, 1/4): KL(p) = log(2/3) / 2 + log(2) / 2 and KL(q) = log(4/3).
    expected = (0.5 * math.log(2 / 3) + 0.5 * math.log(2) + math.log(4 / 3)) / 2
    assert divergence(p, q) == pytest.approx(expected)
    assert divergence(q, p) == pytest.approx(expected)
    assert divergence(p, p) == 0


def test_consistency_over_steps():
    black, white = (np.full((2, 2, 3), value, np.uint8) for value in (0, 255))
    frames = [histograms(f) for f in (black, white, black, white, black)]
    # Neighbours share no level; every second frame is the same.
    assert distribution_consistency(frames, 1) == pytest.approx(math.log(2))
    assert distribution_consistency(frames, 2) == 0
    assert distribution_consistency(frames, 4) == 0
    assert distribution_consistency(frames[:1], 1) == 0


def test_one_channel_of_three_counts_a_third():
    black = np.zeros((2, 2, 3), np.uint8)
    red = black.copy()
    red[..., 0] = 255
    assert distribution_consistency([histograms(black), histograms(red)], 1) == pytest.approx(math.log(2) / 3)
