"""Smoothing of chroma along the edges of L."""

from __future__ import annotations

import numpy as np

from photochrom.painting.smooth import smooth_chroma


def test_what_is_even_stays() -> None:
    ab = np.full((7, 9, 2), [12.0, -30.0])
    light = np.random.default_rng(0).uniform(0, 100, (7, 9))
    np.testing.assert_allclose(smooth_chroma(ab, light), ab, atol=1e-9)


def test_on_even_lightness_it_is_the_mean_of_means() -> None:
    ab = np.random.default_rng(1).normal(0, 20, (21, 21, 2))
    smooth = smooth_chroma(ab, np.full((21, 21), 40.0), radius=2)
    means = np.lib.stride_tricks.sliding_window_view(ab, (5, 5), axis=(0, 1)).mean((-2, -1))
    expected = means[6:11, 6:11].mean((0, 1))  # the windows around (10, 10), whose corners lie 2 inside
    np.testing.assert_allclose(smooth[10, 10], expected, atol=1e-9)


def test_a_colour_edge_on_a_lightness_edge_stays_sharp() -> None:
    left = np.indices((16, 16))[1] < 8
    light = np.where(left, 20.0, 80.0)
    ab = np.where(left[..., None], [40.0, 10.0], [-30.0, 50.0])
    blotchy = ab + np.random.default_rng(2).normal(0, 8, ab.shape)
    smooth = smooth_chroma(blotchy, light, radius=3)
    assert np.abs(smooth - ab).mean() < 0.4 * np.abs(blotchy - ab).mean()
    np.testing.assert_allclose(smooth[8, 7] - smooth[8, 8], [70, -40], atol=8)
