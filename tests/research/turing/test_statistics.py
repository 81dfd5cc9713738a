"""Statistics against values from the literature and by hand."""

import math

import numpy as np
import pytest

from photochrom.research.turing.bradley_terry import bradley_terry
from photochrom.research.turing.statistics import d_prime, d_prime_of_pairs, krippendorff_alpha, wilson


def test_wilson():
    # z^2 / (n + z^2) for none of 10, with z^2 = 3.8415.
    assert wilson(0, 10) == pytest.approx((0, 3.8415 / 13.8415), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((10 / 13.8415, 1), abs=1e-5)
    assert wilson(50, 100) == pytest.approx((0.40383, 0.59617), abs=1e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_d_prime():
    # 9.5 / 11 and 1.5 / 11: z is 1.0968 and its negative.
    sensitivity, criterion = d_prime(9, 10, 1, 10)
    assert sensitivity == pytest.approx(2.1936, abs=1e-4)
    assert criterion == pytest.approx(0, abs=1e-12)
    # Who always says "coloured" tells nothing apart and tends to it: z(10.5 / 11) = 1.6906.
    assert d_prime(10, 10, 10, 10) == (0, pytest.approx(-1.6906, abs=1e-4))
    assert d_prime(10, 10, 0, 10)[0] == pytest.approx(3.3812, abs=1e-4)
    assert d_prime(0, 0, 0, 0) == (0, 0)  # nothing judged, nothing known


def test_d_prime_of_pairs():
    # sqrt(2) z(19.5 / 21).
    assert d_prime_of_pairs(19, 20) == pytest.approx(2.0721, abs=1e-4)
    assert d_prime_of_pairs(10, 20) == pytest.approx(0, abs=1e-12)


def test_krippendorff_alpha():
    # Krippendorff, Computing Krippendorff's alpha-reliability (2011), examples A and C.
    first, second = "0100000010", "1110010000"
    assert krippendorff_alpha(zip(first, second, strict=True)) == pytest.approx(0.095, abs=5e-4)
    rows = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = [[said for said in unit if said != "."] for unit in zip(*rows, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha([[1, 1], [2, 2, 2], [3]]) == 1
    assert math.isnan(krippendorff_alpha([[1], [2]]))
    assert math.isnan(krippendorff_alpha([[1, 1], [1, 1]]))


def test_bradley_terry_of_two():
    # Odds of 30.5 : 10.5 between them; the variance of the difference is 1 / 30.5 + 1 / 10.5.
    found = bradley_terry(np.array([[0, 30], [10, 0]]))
    half = math.log(30.5 / 10.5) / 2
    assert found.strength == pytest.approx([half, -half])
    spread = 1.959964 * math.sqrt(1 / 30.5 + 1 / 10.5) / 2
    assert found.high - found.strength == pytest.approx([spread, spread], rel=1e-5)
    assert found.strength - found.low == pytest.approx([spread, spread], rel=1e-5)


def test_bradley_terry_of_many():
    truth = np.array([1.0, 0.2, -0.3, -0.9])
    chance = 1 / (1 + np.exp(truth[None] - truth[:, None]))
    wins = 1e6 * chance * (1 - np.eye(4))
    assert bradley_terry(wins).strength == pytest.approx(truth, abs=1e-4)
    around = bradley_terry(np.array([[0, 5, 0], [0, 0, 5], [5, 0, 0]]))
    assert around.strength == pytest.approx([0, 0, 0], abs=1e-9)
    always = bradley_terry(np.array([[0, 1000], [0, 0]]))
    assert always.strength[0] == pytest.approx(math.log(1000.5 / 0.5) / 2)
    assert np.isfinite(always.high).all()
