"""A collection in memory: its samples are those that `Sampler` makes, but for what rounding and noise change."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from photochrom.data import memory
from photochrom.data.config import DataConfig
from photochrom.data.loader import Halves, Order, Pictures
from photochrom.data.memory import Memory, check_memory, kept_size
from photochrom.data.samples import Sampler, Wear
from photochrom.data.sources import list_pictures
from photochrom.errors import BadDataset, BadRecipe, OutOfMemory

CPU = torch.device("cpu")
SIZES = [(300, 200), (200, 260), (90, 70)]
PLACES = [(epoch, index) for epoch in range(3) for index in range(12)]
WHOLE = {"scale": (1.0, 1.0), "ratio": 1.0, "flip": False}


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Twelve pictures with detail at several scales."""
    root = tmp_path_factory.mktemp("album")
    for i in range(12):
        rng = np.random.default_rng(i)
        width, height = SIZES[i % 3]
        noise = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
        noise = noise.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 5))))
        stretched = np.clip((np.asarray(noise, np.float32) - 128) * 4 + rng.uniform(90, 160, 3), 0, 255)
        Image.fromarray(stretched.astype(np.uint8)).save(root / f"{i:02}.png")
    return list_pictures([root])


@pytest.fixture(params=["Pillow", "matrices"], autouse=True)
def way(request, monkeypatch):
    """Every test cuts as on CPUs, and as on GPUs."""
    if request.param == "matrices":
        monkeypatch.setattr(Memory, "_by_pillow", Memory._by_matrices)


def both(album, **settings):
    """Samples from memory, and those of `Sampler`; L and ab of each."""
    sampler = Sampler(DataConfig(size=64, **settings), 4)
    ours = Memory(album, sampler, CPU, 5).samples(PLACES, 1)
    theirs = [torch.stack(part) for part in zip(*(Pictures(album, sampler, 5)[p] for p in PLACES), strict=True)]
    return ours, theirs


def off(a, b):
    return float((a - b).abs().mean())


def edges(light):
    return float(light.diff(dim=-1).abs().mean() + light.diff(dim=-2).abs().mean())


def test_whole_pictures_are_the_same(album):
    (light, ab), (their_light, their_ab) = both(album, degrade=0.0, **WHOLE)
    assert light.shape == (36, 1, 64, 64)
    assert ab.shape == (36, 2, 16, 16)
    assert off(light, their_light) < 0.1
    assert off(ab, their_ab) < 0.6  # Pillow rounds between rows and columns


@pytest.mark.parametrize("settings", [{}, {"scale": (0.9, 1.0)}, {"scale": (0.05, 0.2), "ratio": 2.0}, {"soften": 1.0}])
def test_pieces_are_those_of_the_sampler(album, settings):
    (light, ab), (their_light, their_ab) = both(album, degrade=0.0, **settings)
    # Another piece, or one that is not mirrored, would be off by as much as two pictures are.
    assert off(light, their_light) < 0.12 * off(light, their_light.roll(1, 0))
    assert off(ab, their_ab) < 0.12 * off(ab, their_ab.roll(1, 0))
    assert edges(light) == pytest.approx(edges(their_light), rel=0.05)


def test_worn_pieces_are_as_worn(album):
    (light, ab), (their_light, their_ab) = both(album, degrade=1.0, soften=0.3)
    assert float(light.mean()) == pytest.approx(float(their_light.mean()), abs=0.3)
    assert float(light.std()) == pytest.approx(float(their_light.std()), rel=0.02)
    quantiles = torch.linspace(0.01, 0.99, 25)
    ours, theirs = (x.flatten()[::7].quantile(quantiles) for x in (light, their_light))
    assert torch.allclose(ours, theirs, atol=1.2)
    assert edges(light) == pytest.approx(edges(their_light), rel=0.05)
    assert off(ab, their_ab) < 0.12 * off(ab, their_ab.roll(1, 0))


def test_every_wear_without_noise_is_that_of_the_sampler(album, monkeypatch):
    plates = [None, np.float32([0.1, 0.3, 0.6])]
    for wear in (Wear(1.2), Wear(0.4, plates[1]), Wear(0, plates[1], 1.4, 10, 85), Wear(0.8, None, 0.7, 3, 99)):
        monkeypatch.setattr(Wear, "drawn", lambda rng, wear=wear: wear)
        (light, _), (their_light, _) = both(album, degrade=1.0, **WHOLE)
        assert off(light, their_light) < 0.5, wear
        assert float(light.std()) == pytest.approx(float(their_light.std()), rel=0.02)


def test_noise_is_as_strong_as_it_was_drawn(album, monkeypatch):
    monkeypatch.setattr(Wear, "drawn", lambda rng: Wear(noise=3.0))
    noisy, _ = both(album, degrade=1.0, **WHOLE)[0]
    clean, _ = both(album, degrade=0.0, **WHOLE)[0]
    inside = (clean > 15) & (clean < 85)
    assert float((noisy - clean)[inside].std()) == pytest.approx(3.0, rel=0.03)
    assert float((noisy - clean)[inside].mean()) == pytest.approx(0.0, abs=0.05)


def test_cutmix_pastes_as_often_and_as_much(album):
    plain, _ = both(album, degrade=0.0, flip=False, scale=(1.0, 1.0), ratio=1.0)
    (light, ab), (their_light, _) = both(album, degrade=0.0, cutmix=0.5, flip=False, scale=(1.0, 1.0), ratio=1.0)
    changed, theirs = ((x != plain[0]).flatten(1).any(1) for x in (light, their_light.round(decimals=9)))
    assert 0.25 < float(changed.float().mean()) < 0.75
    inside = (light != plain[0])[changed].float().mean((1, 2, 3))
    assert 0.05 < float(inside.min()) <= float(inside.max()) < 0.55
    assert ((ab != plain[1]).flatten(1).any(1) == changed).all()
    assert theirs.any()


def test_samples_depend_on_seed_and_step_alone(album):
    sampler = Sampler(DataConfig(size=32, degrade=0.7, cutmix=0.3), 4)
    kept = Memory(album, sampler, CPU, 5)
    whole = list(memory.batches(kept, Order(12, 8, 5, 0, 6)))
    again = list(memory.batches(Memory(album, sampler, CPU, 5), Order(12, 8, 5, 3, 6)))
    assert len(whole) == 6
    for one, two in zip(whole[3:], again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    other = next(memory.batches(Memory(album, sampler, CPU, 6), Order(12, 8, 5, 0, 6)))
    assert not torch.equal(other[0], whole[0][0])
    first, second = (next(memory.batches(kept, Order(12, 8, 5, 0, 1), rank)) for rank in (0, 1))
    assert not torch.equal(first[0], second[0]), "processes have noise of their own"
    assert len(next(memory.batches(kept, Halves(12, 4, 5, 0, 2)))[0]) == 4


@pytest.mark.parametrize("processes", [0, 2])
def test_blocks_made_by_any_number_of_processes_are_as_good_as_one(album, monkeypatch, processes):
    sampler = Sampler(DataConfig(size=32, degrade=0.0), 4)
    one = Memory(album, sampler, CPU, 5)
    monkeypatch.setattr(memory, "_BLOCK", 5)
    monkeypatch.setattr(memory, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(memory, "usable_cores", lambda: processes)
    many = Memory(album, sampler, CPU, 5)
    assert len(one.blocks) == 1
    assert len(many.blocks) == 3
    assert all(torch.equal(a, b) for a, b in zip(one.samples(PLACES, 1), many.samples(PLACES, 1), strict=True))


def test_batches_that_are_made_ahead_are_the_same_and_stop_when_closed(album):
    sampler = Sampler(DataConfig(size=32), 4)
    kept, order = Memory(album, sampler, CPU, 5), Order(12, 4, 5, 0, 4)
    plain = list(memory.batches(kept, order))
    ahead = list(memory._ahead(memory.batches(kept, order)))
    assert len(plain) == len(ahead) == 4
    for one, two in zip(plain, ahead, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    made = memory.batches(kept, order)
    left = memory._ahead(made)
    next(left)
    left.close()
    assert next(made, None) is None


def test_the_memory_needed_is_told_and_refused(album, monkeypatch):
    config = DataConfig(size=64)
    need = check_memory(album, config, CPU)
    assert need.bytes == pytest.approx(sum(len(b) for b in Memory(album, Sampler(config, 4), CPU, 0).blocks), rel=1e-6)
    assert check_memory(album, config, CPU, 3).bytes == 3 * need.bytes
    monkeypatch.setattr(memory, "_free", lambda device: need.bytes)
    with pytest.raises(OutOfMemory) as error:
        check_memory(album, config, CPU)
    assert str(error.value).startswith("data.cache is 'memory', but 12 pictures take about 1 MB in memory of 1 MB")
    assert "\n" not in str(error.value)
    monkeypatch.setattr(memory, "_free", lambda device: None)
    assert str(check_memory(album, config, CPU)) == "12 pictures take about 1 MB in memory (cpu)"


def test_in_a_container_its_memory_counts(album, monkeypatch):
    monkeypatch.setattr(memory, "memory_left", lambda: 100_000)
    with pytest.raises(OutOfMemory, match="in memory of 1 MB that are free"):
        check_memory(album, DataConfig(size=64), CPU)


def test_pictures_are_kept_with_what_the_smallest_piece_needs():
    config = DataConfig(size=128, scale=(0.25, 1.0), ratio=1.0)
    assert kept_size((1024, 1024), config) == (256, 256)
    assert kept_size((100, 60), config) == (100, 60)
    assert kept_size((1000, 300), DataConfig(size=64, **WHOLE)) == (64, 64)


def test_a_damaged_picture_is_one_line(tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(BadDataset, match="not a picture that can be decoded"):
        Memory(list_pictures([tmp_path]), Sampler(DataConfig(size=32), 4), CPU, 0)


def test_what_the_cache_may_be():
    assert DataConfig(cache="memory").degrade == 0.3
    with pytest.raises(BadRecipe, match=r"data.cache is 'disk'; it must be true, false or 'memory'"):
        DataConfig(cache="disk")
