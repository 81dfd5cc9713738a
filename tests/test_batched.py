"""Many pictures at once: the same colours as one by one, in the kind that was given."""

import numpy as np
import pytest
import torch
from PIL import Image

from photochrom import Colorizer
from photochrom.batched import AT_ONCE
from photochrom.errors import BadSetting


@pytest.fixture(scope="module")
def session(tiny):
    return Colorizer(tiny, threads=1)


@pytest.fixture
def runs(session, monkeypatch):
    """How many pictures the network saw each time."""
    seen = []
    run = session.network.backend.run
    monkeypatch.setattr(session.network.backend, "run", lambda x, v=None: seen.append(len(x)) or run(x, v))
    return seen


def noise(shape, dtype, seed=0):
    values = np.random.default_rng(seed).random(shape)
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(values * np.iinfo(dtype).max).astype(dtype)


def one_by_one(session, pictures):
    return [session.colorize(each) for each in pictures]


def assert_like(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert type(ours) is type(theirs)
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        full = 1 if ours.dtype.kind == "f" else np.iinfo(ours.dtype).max
        assert np.abs(ours / full - theirs / full).max() <= 1 / 255


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_an_array_is_like_its_pictures_one_by_one(session, runs, dtype, channels):
    x = noise((3, 20, 30, *channels), dtype)
    found = session.colorize_batch(x)
    assert runs == [3]
    assert (found.shape, found.dtype) == ((3, 20, 30, 3), x.dtype)
    assert_like(list(found), one_by_one(session, x))
    assert np.ptp(found.astype(np.float64), axis=-1).max() > 0, "it is coloured"


def test_a_list_keeps_its_order_sizes_and_kinds(session, runs):
    x = [
        noise((20, 30), "uint8"),
        Image.fromarray(noise((40, 20), "uint8", 1)),
        noise((200, 300, 3), "uint16", 2),
        Image.fromarray(noise((40, 60, 4), "uint8", 3)),
        noise((20, 30, 4), "float32", 4),
    ]
    found = session.colorize_batch(x)
    assert sorted(runs) == [1, 4], "four of one aspect go through the network together"
    assert [type(each) for each in found] == [type(each) for each in x] or found[1].mode == "RGB"
    assert_like(found, one_by_one(session, x))


def test_many_go_through_the_network_in_parts(session, runs):
    x = noise((AT_ONCE + 3, 8, 8), "uint8")
    assert_like(list(session.colorize_batch(x)), one_by_one(session, x))
    assert runs[:2] == [AT_ONCE, 3]


def test_not_all_wait_until_the_end(session, runs, monkeypatch):
    monkeypatch.setattr("photochrom.batched.MOST_WAITING", 2)
    x = [noise((20, 20 + 4 * n), "uint8", n) for n in range(4)]
    assert_like(session.colorize_batch(x), one_by_one(session, x))
    assert runs[:4] == [1, 1, 1, 1]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tensor_gives_a_tensor(session, dtype, channels):
    values = torch.rand(2, channels, 12, 18, generator=torch.Generator().manual_seed(0))
    x = (values * 255).to(dtype) if dtype == torch.uint8 else values.to(dtype).requires_grad_()
    found = session.colorize_batch(x)
    assert (found.dtype, found.device, found.shape) == (dtype, x.device, (2, 3, 12, 18))
    assert not found.requires_grad
    wide = x.detach() if dtype == torch.uint8 else x.detach().float()
    expected = np.stack(one_by_one(session, list(wide.permute(0, 2, 3, 1).numpy())))
    difference = found.double().permute(0, 2, 3, 1).numpy() - expected
    assert np.abs(difference).max() <= (1 if dtype == torch.uint8 else 1 / 255)


def test_nothing_gives_nothing(session):
    assert session.colorize_batch([]) == []
    assert session.colorize_batch(np.zeros((0, 8, 9), np.uint8)).shape == (0, 8, 9, 3)
    assert session.colorize_batch(torch.zeros(0, 1, 8, 9)).shape == (0, 3, 8, 9)


def test_pictures_in_colour_may_be_kept(tiny):
    session = Colorizer(tiny, threads=1, keep_color=True)
    colored = np.zeros((9, 9, 3), np.uint8) + np.array([200, 20, 20], np.uint8)
    gray = np.full((9, 9), 90, np.uint8)
    kept, new = session.colorize_batch([colored, gray])
    np.testing.assert_array_equal(kept, colored)
    np.testing.assert_array_equal(new, session.colorize(gray))


def test_the_tone_is_restored_as_of_one(tiny):
    session = Colorizer(tiny, threads=1, restore_tone=True)
    x = (noise((2, 30, 30), "float32") * 0.2 + 0.4).astype(np.float32)
    assert_like(list(session.colorize_batch(x)), one_by_one(session, x))


@pytest.mark.parametrize(
    ("x", "line"),
    [
        (np.zeros((8, 9), np.uint8), r"the shape \(n, H, W\) or \(n, H, W, 1 \| 3\), not \(8, 9\)"),
        (np.zeros((1, 8, 9, 2), np.uint8), r"not \(1, 8, 9, 2\)"),
        (torch.zeros(1, 2, 8, 8), r"the shape \(n, 1 \| 3, H, W\), not \(1, 2, 8, 8\)"),
        ("a.jpg", "many pictures are an array .*, not str"),
        ([np.zeros((8, 8), np.uint8), "a.jpg"], "number 2 of the pictures is of type str"),
        (np.full((1, 8, 8), 7.0), "floating samples must be between 0 and 1"),
        (np.zeros((1, 8, 8), np.int64), "uint8, uint16 or floats, not int64"),
    ],
)
def test_another_kind_is_one_line(session, x, line):
    with pytest.raises(BadSetting, match=line) as error:
        session.colorize_batch(x)
    assert "\n" not in str(error.value)
