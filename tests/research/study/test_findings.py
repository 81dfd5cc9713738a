"""Verdicts, from numbers that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom.research.study.comparison import FAILS, HOLDS, UNDECIDED, UNTESTED, Finding, Inequality
from photochrom.research.study.findings import claims


def comparison(left: dict[int | None, float], right: dict[int | None, float]) -> Inequality:
    return Inequality("loss", ("a", left), ("b", right))


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ({1: 1.0, 2: 2.0}, {1: 3.0, 2: 4.0}, HOLDS),
        ({1: 3.0, 2: 4.0}, {1: 1.0, 2: 2.0}, FAILS),
        ({1: 1.0, 2: 5.0}, {1: 3.0, 2: 4.0}, UNDECIDED),
        ({1: 1.0, 2: 2.0}, {None: 1.5}, UNDECIDED),
        ({None: 0.5}, {1: 1.0, 2: 2.0}, HOLDS),
        ({1: 1.0}, {2: 2.0}, UNTESTED),
        ({}, {1: 1.0}, UNTESTED),
        ({1: 1.0, 2: 1.0}, {1: 1.0, 2: 1.0}, FAILS),
        ({1: 1.0}, {1: 2.0}, UNDECIDED),  # one seed, and nothing else to go by
        ({None: 1.0}, {None: 2.0}, HOLDS),  # neither depends on a seed
    ],
)
def test_a_comparison_is_judged_seed_by_seed(
    left: dict[int | None, float], right: dict[int | None, float], verdict: str
) -> None:
    assert comparison(left, right).verdict == verdict


def test_a_claim_holds_if_all_its_comparisons_do() -> None:
    good, bad, mixed = (
        comparison({1: 1.0, 2: 1.0}, {1: 2.0, 2: 2.0}),
        comparison({1: 2.0, 2: 2.0}, {1: 1.0, 2: 1.0}),
        comparison({1: 1.0, 2: 3.0}, {1: 2.0, 2: 2.0}),
    )
    assert Finding("", "", (good, good)).verdict == HOLDS
    assert Finding("", "", (good, mixed)).verdict == UNDECIDED
    assert Finding("", "", (mixed, bad, good)).verdict == FAILS
    assert Finding("", "", ()).verdict == UNTESTED
    assert Finding("", "", (good, comparison({}, {1: 1.0}))).verdict == UNTESTED
    assert Finding("", "", (bad, comparison({}, {1: 1.0}))).verdict == FAILS


def test_the_text_has_means_and_half_ranges() -> None:
    text = str(comparison({1: 1.0, 2: 2.0}, {1: 3.0, 2: 4.0}))
    assert text == "loss: a 1.5 ±0.5 < b 3.5 ±0.5: holds"
    assert str(comparison({}, {1: 3.0})) == "loss: a not run"


def measured(left: list[float], right: list[float], *, paired: bool = True) -> Inequality:
    sides = ("a", {1: float(np.mean(left))}), ("b", {1: float(np.mean(right))})
    return Inequality("loss", *sides, (np.array(left), np.array(right)), paired)


def test_photographs_that_differ_much_leave_one_seed_undecided() -> None:
    close = measured([1.0, 5.0, 1.0, 5.0], [1.1, 4.9, 1.3, 4.8])
    assert close.verdict == UNDECIDED
    low, high = close.interval or (0, 0)
    assert low < np.mean(close.left[1][1] - close.right[1][1]) < high


def test_what_is_paired_is_surer_than_what_is_not() -> None:
    left = [float(i) for i in range(20)]
    right = [value + 1 + 0.1 * (-1) ** int(value) for value in left]
    assert measured(left, right).verdict == HOLDS
    assert measured(right, left).verdict == FAILS
    assert measured(left, right, paired=False).verdict == UNDECIDED
    low, high = measured(left, right).interval or (0, 0)
    assert low == pytest.approx(-1, abs=0.06)
    assert high == pytest.approx(-1, abs=0.06)
    spread = np.sqrt(np.var(left, ddof=1) / 20 + np.var(right, ddof=1) / 20)
    apart = measured(left, right, paired=False).interval or (0, 0)
    assert apart == pytest.approx((-1 - 1.96 * spread, -1 + 1.96 * spread), rel=1e-6)


def test_a_standard_error_gives_an_interval_too() -> None:
    apart = Inequality("distance", ("a", {1: 1.0}), ("b", {1: 2.0}), error=0.5)
    assert apart.interval == pytest.approx((-1.98, -0.02))
    assert apart.verdict == HOLDS
    assert Inequality("distance", ("a", {1: 1.0}), ("b", {1: 2.0}), error=0.52).verdict == UNDECIDED


def test_the_difference_has_its_interval() -> None:
    assert measured([1.0, 2.0], [2.0, 3.0]).difference == "-1 (-1 to -1)"
    assert comparison({1: 1.0, 2: 2.0}, {1: 3.0, 2: 3.0}).difference == "-1.5"


def test_every_claim_says_what_the_paper_says_of_it() -> None:
    found = {claim.claim: claim for claim in claims()}
    assert "41.5" in found["More bins, lower accuracy"].paper
    assert {claim.verdict for claim in found.values()} == {UNTESTED}
