"""The order of the samples: every picture once an epoch, and the same from any step on."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from photochrom.data.config import DataConfig
from photochrom.data.loader import Order, Pictures, batches
from photochrom.data.samples import Sampler
from photochrom.data.sources import list_pictures
from photochrom.errors import BadDataset

pytestmark = pytest.mark.slow


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 5))
def test_every_epoch_is_a_permutation(count, batch, seed):
    steps = -(-3 * count // batch)
    places = [p for places in Order(count, batch, seed, 0, steps) for p in places][: 3 * count]
    for epoch in range(3):
        part = places[epoch * count : (epoch + 1) * count]
        assert {e for e, _ in part} == {epoch}
        assert sorted(i for _, i in part) == list(range(count))


@given(st.integers(1, 20), st.integers(1, 25), st.integers(0, 8), st.integers(0, 8))
def test_a_resumed_order_goes_on_where_it_was(count, batch, start, more):
    whole = list(Order(count, batch, 3, 0, start + more))
    rest = Order(count, batch, 3, start, start + more)
    assert list(rest) == whole[start:]
    assert len(rest) == more


def test_epochs_and_seeds_are_shuffled_differently():
    one, two = ([p for b in Order(50, 50, seed, 0, 2) for p in b] for seed in (0, 1))
    assert [i for _, i in one[:50]] != [i for _, i in one[50:]]
    assert one != two
    assert len(Order(5, 5, 0, 4, 2)) == 0


def pictures(folder, **settings):
    return Pictures(list_pictures([folder]), Sampler(DataConfig(size=16, **settings), 4), seed=5)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_hold_the_samples_in_order(folder, workers):
    dataset = pictures(folder)
    order = Order(len(dataset), 4, 5, 1, 4)
    state = torch.get_rng_state()
    got = list(batches(dataset, order, workers))
    assert torch.equal(torch.get_rng_state(), state), "the random numbers of the training are its own"
    assert len(got) == 3
    for (light, ab), places in zip(got, order, strict=True):
        assert light.shape == (4, 1, 16, 16)
        assert ab.shape == (4, 2, 4, 4)
        for i, place in enumerate(places):
            one_light, one_ab = dataset[place]
            assert torch.equal(light[i], one_light)
            assert torch.equal(ab[i], one_ab)


def test_a_picture_is_augmented_differently_each_epoch_and_seed(folder):
    dataset = pictures(folder)
    assert not torch.equal(dataset[0, 1][0], dataset[1, 1][0])
    other = Pictures(dataset.entries, dataset.sampler, seed=6)
    assert not torch.equal(dataset[0, 1][0], other[0, 1][0])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_one_line(folder, workers):
    (folder / "4.png").write_bytes(b"no picture")
    with pytest.raises(BadDataset) as error:
        list(batches(pictures(folder), Order(9, 3, 0, 0, 3), workers))
    assert str(error.value).startswith(f"{folder / '4.png'}: 4.png: not a picture that can be decoded (")
    assert "\n" not in str(error.value)


def test_the_flat_index_reaches_the_last_picture(folder):
    seen = {i for places in Order(9, 3, 0, 0, 3) for _, i in places}
    assert seen == set(np.arange(9))


def test_cutmix_pastes_a_rectangle_of_another_picture(folder):
    plain, mixed = (pictures(folder, cutmix=share, **PLAIN) for share in (0.0, 1.0))
    others = [plain[0, i] for i in range(len(plain))]
    for index in range(len(plain)):
        light, ab = mixed[0, index]
        own = [(a == b).all(0) for a, b in zip((light, ab), others[index], strict=True)]
        rows, columns = ((~own[1]).any(side).nonzero()[:, 0] for side in (1, 0))
        if not len(rows):
            continue  # it was pasted into itself
        box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        assert any(torch.equal(ab[:, *box], other[1][:, *box]) for other in others)
        inside = torch.zeros(4, 4, dtype=torch.bool)
        inside[box] = True
        assert own[0][~inside.repeat_interleave(4, 0).repeat_interleave(4, 1)].all(), "L is pasted where ab is"
        assert 1 <= inside.sum() <= 9
    assert torch.equal(mixed[0, 2][0], pictures(folder, cutmix=1.0, **PLAIN)[0, 2][0])
    assert not torch.equal(mixed[0, 2][0], mixed[1, 2][0])


PLAIN = {"scale": (1.0, 1.0), "ratio": 1.0, "flip": False, "degrade": 0.0}


@pytest.mark.parametrize("workers", [0, 2])
def test_kept_samples_are_the_same(folder, workers):
    order = Order(9, 4, 5, 0, 9)
    made, kept = (list(batches(pictures(folder, cache=cache, **PLAIN), order, workers)) for cache in (False, True))
    assert len(made) == len(kept) == 9
    for one, two in zip(made, kept, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_kept_sample_is_made_once(folder):
    made, kept = (pictures(folder, cache=cache, **PLAIN) for cache in (False, True))
    first = kept[0, 3]
    (folder / "3.png").unlink()
    assert all(torch.equal(a, b) for a, b in zip(first, kept[7, 3], strict=True))
    assert isinstance(made[7, 3], BadDataset)
    (folder / "4.png").write_bytes(b"no picture")
    assert isinstance(kept[0, 4], BadDataset)
    assert isinstance(kept[1, 4], BadDataset)
