"""Verdicts, from numbers that are made up."""

from __future__ import annotations

import pytest

from photochrom.research.study.findings import FAILS, HOLDS, UNDECIDED, UNTESTED, Comparison, Finding


def comparison(left: dict[int | None, float], right: dict[int | None, float]) -> Comparison:
    return Comparison("loss", ("a", left), ("b", right))


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
        ({1: 1.0}, {1: 1.0}, FAILS),
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


def test_the_text_has_means_and_half_ranges() -> None:
    text = str(comparison({1: 1.0, 2: 2.0}, {1: 3.0, 2: 4.0}))
    assert text == "loss: a 1.5 ±0.5 < b 3.5 ±0.5: holds"
    assert str(comparison({}, {1: 3.0})) == "loss: a not run"
