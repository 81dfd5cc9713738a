"""How often each picture is shown: every collection by its weight, in every epoch and after every resume."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photochrom.data.entries import Entry
from photochrom.data.loader import Order
from photochrom.data.mixture import Mixture
from photochrom.errors import BadDataset

ENTRIES = [
    *(Entry("/data/flowers-000.tar", i, 1, f"flowers/{i}.jpg") for i in range(8)),
    *(Entry("/data/flowers-001.tar", i, 1, f"flowers/{i}.jpg") for i in range(4)),
    *(Entry("/data/people.tar", i, 1, f"{i}.jpg") for i in range(5)),
    *(Entry(f"/data/own/rooms/{i}.jpg", 0, 1, f"rooms/{i}.jpg") for i in range(6)),
]
FLOWERS, PEOPLE, ROOMS = range(12), range(12, 17), range(17, 23)


def counts(mixture, epochs):
    return [Counter(mixture.epoch(number, seed=3)[:, 1].tolist()) for number in range(epochs)]


def test_an_epoch_shows_each_collection_by_its_weight():
    mixture = Mixture.weighted(ENTRIES, {"flowers": 0.25, "people": 3})
    assert mixture.count == 3 + 15 + 6
    seen = counts(mixture, 4)
    for epoch in seen:
        assert sum(epoch[i] for i in FLOWERS) == 3
        assert all(epoch[i] == 3 for i in PEOPLE)
        assert all(epoch[i] == 1 for i in ROOMS)
    assert all(sum(epoch[i] for epoch in seen) == 1 for i in FLOWERS), "four quarters are the whole"


def test_no_sample_comes_twice():
    mixture = Mixture.weighted(ENTRIES, {"flowers": 0.4, "people": 2.5, "rooms": 0})
    pairs = np.concatenate([mixture.epoch(number, seed=1) for number in range(6)])
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs) == 6 * (5 + 12)
    assert not set(ROOMS) & set(pairs[:, 1].tolist()), "a weight of 0 leaves a collection out"


def test_the_innermost_folder_counts():
    assert Mixture.weighted(ENTRIES, {"own": 5, "rooms": 2}).count == 12 + 5 + 12
    assert Mixture.weighted(ENTRIES, {"own": 5}).count == 12 + 5 + 30


def test_without_weights_each_picture_comes_once():
    assert counts(Mixture.weighted(ENTRIES, {}), 2) == [Counter(range(23))] * 2


@given(st.integers(1, 12), st.integers(0, 9))
def test_a_weighted_order_goes_on_where_it_was(batch, start):
    mixture = Mixture.weighted(ENTRIES, {"flowers": 0.5, "people": 2})
    whole = list(Order(mixture, batch, 3, 0, 14))
    assert list(Order(mixture, batch, 3, start, 14)) == whole[start:]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"peple": 2}, "data.weights has 'peple', but no pictures .* did you mean 'people'?"),
        ({"xyz": 2}, "data.weights has 'xyz', .* name a folder or an archive of --data"),
        ({"flowers": 0, "people": 0.01, "rooms": 0}, "data.weights leaves no picture to train on; raise a weight"),
    ],
)
def test_weights_that_fit_nothing_are_one_line(weights, message):
    with pytest.raises(BadDataset, match=message):
        Mixture.weighted(ENTRIES, weights)
