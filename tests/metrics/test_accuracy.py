"""The paper's accuracy against counts made by hand."""

import numpy as np
import pytest

from photochrom import color
from photochrom.metrics import Comparison, Rendition, facts, measure
from photochrom.metrics.accuracy import gray_by_signs, share_right

NAMES = ("accuracy_10", "accuracy_30", "accuracy_50")


def picture(ab):
    """One row of pixels of L 50."""
    return Rendition(color.lab_to_rgb(np.array([[(50.0, a, b) for a, b in ab]])))


def test_a_and_b_are_counted_apart():
    truth = picture([(5, 25), (5, 25), (-30, 30), (-1, 1)])
    # In 20, 6.67 and 4 units a bin: the first misses the finer two twice; the second is equal; the third misses b by
    # one unit of the finest; the fourth has each channel on the other side of 0.
    predicted = picture([(15, 35), (5, 25), (-30, 32.5), (1, -1)])
    assert measure(Comparison(predicted, truth), NAMES) == pytest.approx(
        {"accuracy_10": 6 / 8, "accuracy_30": 4 / 8, "accuracy_50": 3 / 8}
    )


def test_gray_is_a_guess_next_to_zero():
    # The conversion leaves gray's a just under 0 and its b just above, so it is right where the truth is greenish
    # yellow, and half right where one of the two has that sign.
    truth = picture([(-3, 3), (3, 3), (3, -3)])
    gray = Rendition(np.full((1, 3, 3), 0.5))
    assert facts("accuracy_10")(Comparison(gray, truth)) == pytest.approx(3 / 6)


def test_gray_is_four_guesses_with_an_even_number_of_bins_and_one_with_an_odd():
    truth = np.array([(5.0, -5.0), (5.0, 5.0), (5.0, -30.0), (-8.0, 12.0)])
    # a is within 20 above 0 in three of four, and within 20 below it in one; b in two, and in one.
    assert gray_by_signs(truth, 10) == {"--": 2 / 8, "-+": 3 / 8, "+-": 4 / 8, "++": 5 / 8}
    # The middle one of 11 bins reaches from -9.1 to 9.1.
    assert gray_by_signs(truth, 11) == dict.fromkeys(("--", "-+", "+-", "++"), 6 / 8)
    assert share_right(0.01 * truth, truth, 10) == 7 / 8
    assert share_right(-0.01 * truth, truth, 10) == 0


def test_more_bins_are_harder():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.2, 0.8, (20, 30, 3))
    predicted = np.clip(truth + rng.normal(0, 0.05, truth.shape), 0, 1)
    ten, thirty, fifty = measure(Comparison(Rendition(predicted), Rendition(truth)), NAMES).values()
    assert 1 > ten > thirty > fifty > 0
