"""Blotchiness on pictures whose even regions and colours are drawn to be known."""

import numpy as np
import pytest

from photochrom import color
from photochrom.metrics import Comparison, Rendition, facts
from photochrom.metrics.blotches import EVEN, WINDOW

blotchiness, error = facts("blotchiness"), facts("blotchiness_error")


def rendition(L, a, b):
    """Of numbers or (H, W) arrays."""
    lab = np.stack(np.broadcast_arrays(*(np.asarray(x, float) for x in (L, a, b))), -1)
    return Rendition(color.lab_to_rgb(lab))


def halves(left, right, size=20):
    """A picture of two values, side by side."""
    x = np.full((size, size), float(left))
    x[:, size // 2 :] = right
    return x


def noise(spread, seed=0, size=20):
    return np.random.default_rng(seed).normal(0, spread, (size, size))


def test_a_chequerboard_of_colour_by_hand():
    board = (np.indices((9, 12)).sum(0) % 2) * 2.0 - 1
    blotched, flat = rendition(50, 4 * board, 10 + 3 * board), rendition(np.full((9, 12), 50), 0, 10)
    # 13 of 25 fields are of one colour: the mean is 1/25, the variance 1 - 1/625.
    expected = 5 * np.sqrt(1 - 1 / 625)
    assert blotchiness(Comparison(blotched, flat)) == pytest.approx(expected, rel=1e-5)
    assert blotchiness(Comparison(flat, flat)) == pytest.approx(0, abs=1e-4)
    # Too even is as wrong as too blotched.
    assert error(Comparison(blotched, flat)) == pytest.approx(expected, rel=1e-4)
    assert error(Comparison(flat, blotched)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("size", [(7, 9), (5, 5), (3, 11), (1, 1)])
def test_every_window_against_a_plain_loop(size):
    rng = np.random.default_rng(3)
    L, a, b = (rng.normal(middle, spread, size) for middle, spread in ((50, EVEN), (5, 8), (-5, 4)))
    truth, predicted = rendition(L, 0, 0), rendition(L, a, b)
    height, width = (min(WINDOW, side) for side in size)
    found = []
    for y in range(size[0] - height + 1):
        for x in range(size[1] - width + 1):
            window = np.s_[y : y + height, x : x + width]
            if truth.lab[window][..., 0].std() <= EVEN:
                found.append(np.hypot(*(predicted.ab[window][..., c].std() for c in (0, 1))))
    assert blotchiness(Comparison(predicted, truth)) == pytest.approx(sum(found) / max(1, len(found)))


def test_noise_and_patches_of_colour_raise_it():
    L = halves(30, 70)
    even = rendition(L, halves(20, -20), halves(-10, 15))
    noisy = rendition(L, halves(20, -20) + noise(3), halves(-10, 15) + noise(3, 1))
    patchy = rendition(L, halves(20, -20) + 12 * (np.indices(L.shape) // 6 % 2).prod(0), halves(-10, 15))
    values = [blotchiness(Comparison(each, even)) for each in (even, patchy, noisy)]
    assert values[0] < 0.01
    assert values[1] > 1
    # sqrt(3^2 + 3^2), less what 25 values and not infinitely many make of it, sqrt(24 / 25).
    assert values[2] == pytest.approx(4.24 * 0.98, rel=0.1)


def test_edges_of_colour_that_are_edges_of_lightness_do_not():
    strong, weak = (rendition(halves(30, 70), halves(a, -a), 0) for a in (25, 5))
    assert blotchiness(Comparison(strong, strong)) < 0.01
    assert blotchiness(Comparison(weak, strong)) < 0.01
    # The same edge of colour in a picture that is even all over is one.
    bare = rendition(np.full((20, 20), 50), halves(25, -25), 0)
    assert blotchiness(Comparison(bare, bare)) > 5


def test_textured_places_do_not_count():
    stripes = np.where(np.arange(20) % 2, 40.0, 60.0)
    L = np.where(np.arange(20)[:, None] < 10, stripes, 50.0)
    calm = rendition(L, 0, 0)
    upper = rendition(L, np.where(np.arange(20)[:, None] < 10, noise(10), 0), 0)
    assert blotchiness(Comparison(upper, calm)) < 0.01
    everywhere = rendition(np.broadcast_to(stripes, (20, 20)), 0, 0)
    # Not one window is even: there is nothing that could be blotched.
    assert blotchiness(Comparison(upper, everywhere)) == 0
    assert error(Comparison(upper, everywhere)) == 0


def test_the_truth_says_where_it_is_even():
    calm = rendition(np.full((20, 20), 50), 0, 0)
    grainy = rendition(50 + noise(8), 0, 0)
    colored = rendition(50 + noise(8), noise(4), 0)
    assert blotchiness(Comparison(colored, calm)) > 3
    assert blotchiness(Comparison(colored, grainy)) == 0
