"""From answers to results, by hand."""

import math

import pytest

from photochrom.research.turing import TuringStudy
from photochrom.research.turing.results import Share, results_of


def study(kind, models=("a", "b")):
    return TuringStudy(kind, models, 0, None, ("p", "q"), (), {"p": {}, "q": {}})


def test_single_pictures(entry):
    entries = [
        # a's colouring of p: both were fooled; of q: one of two. b's: never. Real ones: three of four found real.
        entry(1, "p", "a", None, "real", 1000),
        entry(2, "p", "a", None, "real", 3000),
        entry(3, "q", "a", None, "real", 8000),
        entry(4, "q", "a", None, "coloured", 500, looks=2),
        entry(3, "p", "b", None, "coloured", 400),
        entry(4, "p", "b", None, "coloured", 600),
        entry(1, "q", "real", None, "real"),
        entry(2, "q", "real", None, "real"),
        entry(5, "p", "real", None, "real"),
        entry(5, "q", "real", None, "coloured"),
        # Practice and what is not answered count nothing.
        entry(1, "r", "a", None, "real", practice=True),
        entry(6, "p", "a", None, None, None),
    ]
    found = results_of(study("single"), entries)
    assert (found.people, found.finished, found.answers, found.again) == (6, 5, 10, 1)
    a, b = found.models
    assert (a.model, a.fooled.count, a.fooled.of) == ("a", 3, 4)
    assert (b.model, b.fooled.count, b.fooled.of) == ("b", 0, 2)
    assert (a.fooled_ms, a.caught_ms, b.fooled_ms, b.caught_ms) == (3000, 500, None, 500)
    # Called coloured: 1.5 / 5 of a's, 2.5 / 3 of b's, 1.5 / 5 of the real ones; z(0.3) = -0.5244, z(0.8333) = 0.9674.
    assert a.d_prime == pytest.approx(0)
    assert a.criterion == pytest.approx(0.5244, abs=1e-4)
    assert b.d_prime == pytest.approx(1.4918, abs=1e-4)
    assert b.criterion == pytest.approx(-0.2215, abs=1e-4)
    assert found.real is not None
    assert (found.real.count, found.real.of, found.real.rate) == (3, 4, 0.75)
    assert [(p.photograph, p.model, p.fooled.count, p.fooled.of) for p in found.pictures] == [
        ("p", "a", 2, 2),
        ("q", "a", 1, 2),
        ("p", "b", 0, 2),
    ]
    # Units: a of p agrees, a of q does not, b of p agrees, q real: two real and one coloured; p real was judged once.
    # n = 9, 5 real and 4 coloured; observed 2 / 1 + 4 / 2, expected 2 * 5 * 4.
    assert found.agreement == pytest.approx(1 - 8 * (2 + 2) / 40)
    assert [(p.person, p.right.count, p.right.of) for p in found.persons if p.right] == [
        (1, 1, 2),
        (2, 1, 2),
        (3, 1, 2),
        (4, 2, 2),
        (5, 1, 2),
    ]
    assert found.persons[0].median_ms == 1000


def test_pairs(entry):
    entries = [
        entry(1, "p", "real", "a", "left"),  # pointed at the real one: fooled
        entry(2, "p", "a", "real", "left"),  # found it
        entry(3, "p", "a", "real", "right"),  # fooled
        entry(4, "p", "real", "a", "right"),  # found it
    ]
    found = results_of(study("pair"), entries)
    (a,) = found.models
    assert (a.fooled.count, a.fooled.of, a.criterion) == (2, 4, None)
    assert a.d_prime == pytest.approx(0)
    assert found.real is None
    assert [p.right.count for p in found.persons if p.right] == [0, 1, 0, 1]
    # Two fooled and two not: observed 2 * 2 * 2 / 3, expected 8, n 4.
    assert found.agreement == pytest.approx(1 - 3 * (8 / 3) / 8)


def test_preferences(entry):
    entries = [
        entry(1, "p", "a", "b", "left"),
        entry(2, "p", "b", "a", "right"),
        entry(3, "p", "a", "b", "left"),
        entry(4, "q", "a", "b", "right"),
    ]
    found = results_of(study("preference"), entries)
    assert found.models == []
    assert found.wins == [[0, 3], [1, 0]]
    best, worst = found.ranking
    assert (best.model, best.preferred.count, best.preferred.of) == ("a", 3, 4)
    assert best.strength == pytest.approx(math.log(3.5 / 1.5) / 2)
    assert worst.strength == pytest.approx(-best.strength)
    assert best.low < best.strength < best.high
    assert [(p.photograph, p.model, p.fooled.count, p.fooled.of) for p in found.pictures] == [
        ("p", "a", 3, 3),
        ("q", "b", 1, 1),
        ("q", "a", 0, 1),
        ("p", "b", 0, 3),
    ]
    assert all(p.right is None for p in found.persons)
    assert found.agreement is None  # only p was judged twice, and all said the same


@pytest.mark.parametrize("kind", ["single", "pair", "preference"])
def test_nobody(kind):
    found = results_of(study(kind), [])
    assert (found.people, found.answers, found.models, found.ranking, found.pictures) == (0, 0, [], [], [])
    assert found.agreement is None


def test_a_share_of_nothing():
    share = Share.counted([])
    assert (share.of, share.low, share.high) == (0, 0, 1)
    assert math.isnan(share.rate)
