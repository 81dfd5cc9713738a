"""Who sees what: balanced within a person, and over people."""

from collections import Counter

import pytest

from photochrom.research.turing.design import REAL, Trial, cycle, trials

PHOTOGRAPHS = [f"p{i}" for i in range(24)]
MODELS = {"single": ["a", "b", "c"], "pair": ["a", "b", "c"], "preference": ["a", "b", "c"]}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("person", [0, 1, 17])
def test_a_person_sees_each_photograph_once_and_each_way_equally_often(kind, person):
    seen = trials(kind, MODELS[kind], PHOTOGRAPHS, seed=3, person=person)
    assert sorted(t.photograph for t in seen) == sorted(PHOTOGRAPHS)
    ways = Counter((t.left, t.right) if t.right else (t.left,) for t in seen)
    per_way = len(PHOTOGRAPHS) // len(cycle(kind, MODELS[kind]))
    assert ways == {way: n * per_way for way, n in Counter(cycle(kind, MODELS[kind])).items()}


def test_half_is_real():
    seen = trials("single", MODELS["single"], PHOTOGRAPHS, seed=0, person=5)
    assert Counter(t.left for t in seen) == {REAL: 12, "a": 4, "b": 4, "c": 4}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("block", [0, 4])
def test_people_in_a_row_see_a_photograph_in_each_way_once(kind, block):
    ways = cycle(kind, MODELS[kind])
    people = range(block * len(ways), (block + 1) * len(ways))
    seen = {p: {t.photograph: t for t in trials(kind, MODELS[kind], PHOTOGRAPHS, 9, p)} for p in people}
    for photograph in PHOTOGRAPHS:
        shown = Counter(tuple(filter(None, (seen[p][photograph].left, seen[p][photograph].right))) for p in people)
        assert shown == Counter(ways)


def test_the_seed_and_the_number_decide():
    def plan(seed, person):
        return trials("single", ["a"], PHOTOGRAPHS, seed, person)

    assert plan(1, 2) == plan(1, 2)
    assert plan(1, 2) != plan(2, 2)
    assert [t.photograph for t in plan(1, 2)] != [t.photograph for t in plan(1, 3)]
    # Another block of people: other photographs are coloured together.
    colored = [{t.photograph for t in plan(1, p) if t.left == "a"} for p in (0, 2, 4)]
    assert colored[0] != colored[1] != colored[2] != colored[0]


def test_a_count_that_does_not_divide_is_balanced_within_one():
    counts = Counter(t.left for t in trials("single", ["a", "b"], PHOTOGRAPHS[:5], 0, 0))
    assert 2 <= counts[REAL] <= 3
    assert trials("single", ["a"], [], 0, 0) == []
    assert Trial("p", "a").right is None
