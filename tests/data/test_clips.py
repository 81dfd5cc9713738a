"""Clips out of stills: the motion that they tell is the one that is seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from photochrom.data.clips import ClipConfig, ClipMaker, Clips
from photochrom.data.config import DataConfig
from photochrom.data.loader import Order, batches
from photochrom.data.sources import list_pictures
from photochrom.errors import BadDataset, BadRecipe
from photochrom.models.recurrent import carried

PLAIN = DataConfig(size=64, degrade=0.0, workers=0)
STILL = ClipConfig(frames=5, pan=0, zoom=0, turn=0, shake=0, patch=0, cut=0, flicker=0, grain=0)


@pytest.fixture(scope="module")
def stills(drawn):
    return [drawn(seed, 150, 120) for seed in range(4)]


def make(stills, seed=0, **changes):
    return ClipMaker(PLAIN, replace(STILL, **changes), 4)(stills, np.random.default_rng(seed))


def shifts(clip):
    """Distances of ab from that of the frame before where it was seen, along the motion and without it."""
    ab, motion, seen = (torch.from_numpy(part) for part in (clip.ab, clip.motion, clip.seen))
    found = []
    for way in (motion, torch.zeros_like(motion)):
        apart = (ab[1:] - carried(ab[:-1], way[1:])).norm(dim=1, keepdim=True)
        found.append(apart[seen[1:] > 0])
    return found


def test_a_camera_that_stands_still(stills):
    clip = make(stills)
    assert [part.shape for part in clip] == [(5, 1, 64, 64), (5, 2, 16, 16), (5, 2, 16, 16), (5, 1, 16, 16)]
    assert all(part.dtype == np.float32 for part in clip)
    assert np.abs(clip.motion).max() < 1e-6
    assert (clip.light == clip.light[0]).all()
    assert clip.seen.mean((1, 2, 3)).tolist() == [0, 1, 1, 1, 1]
    assert 0 <= clip.light.min() < clip.light.max() <= 100


@pytest.mark.parametrize("patch", [0.0, 1.0])
def test_colours_go_along_the_motion(stills, patch):
    """Pan, zoom, turn, shake, and something in front that moves by itself: what is left is at edges."""
    made = [shifts(make(stills, seed, pan=0.3, zoom=0.05, turn=0.05, shake=0.01, patch=patch)) for seed in range(8)]
    along, without = (torch.cat(parts) for parts in zip(*made, strict=True))
    assert along.median() < 0.3 * without.median()
    assert along.mean() < 0.4 * without.mean()


def test_a_pan_is_as_fast_as_it_may_be(stills):
    fastest = max(np.abs(make(stills, seed, pan=0.2).motion[1]).max() for seed in range(20))
    assert 1.5 < fastest < 0.2 * 16 + 0.01


def test_what_was_hidden_or_outside_was_not_seen(stills):
    both = [make(stills, seed, pan=0.3, patch=patch) for seed in range(8) for patch in (0.0, 1.0)]
    for clip in both:
        at = np.stack(np.meshgrid(np.arange(16), np.arange(16))) + clip.motion[1:]
        outside = ((at < -0.51) | (at > 15.51)).any(1, keepdims=True)
        assert not (clip.seen[1:] * outside).any()
    hidden = [(1 - clip.seen[1:]).sum() for clip in both]
    assert sum(hidden[1::2]) > sum(hidden[::2]) > 0


def test_a_cut_begins_anew(stills):
    clips = [make(stills, seed, cut=1.0) for seed in range(8)]
    for clip in clips:
        (at,) = np.flatnonzero(clip.seen.mean((1, 2, 3)) == 0)[1:]
        assert np.abs(clip.ab[at] - clip.ab[at - 1]).mean() > 2
        same = [np.array_equal(a, b) for a, b in zip(clip.ab[1:], clip.ab, strict=False)]
        assert same == [t != at for t in range(1, 5)]
    assert len({tuple(clip.seen.mean((1, 2, 3))) for clip in clips}) > 1


def test_flicker_and_grain_are_in_the_light_alone(stills):
    # Half of the clips have each: these do.
    flickering, grainy, plain = make(stills, 0, flicker=0.2), make(stills, 4, grain=8.0), make(stills, 4)
    assert np.array_equal(flickering.ab, make(stills, 0).ab)
    assert np.array_equal(grainy.ab, plain.ab)
    for worn in (flickering, grainy):
        assert len({float(frame.mean()) for frame in worn.light}) == 5
    assert flickering.light.mean((1, 2, 3)).std() > 1
    assert (grainy.light - plain.light).std() > 0.5


def test_a_clip_depends_on_the_seed_the_epoch_and_the_index_alone(folder):
    entries = list_pictures([folder])
    clips, again = (Clips(entries, PLAIN, ClipConfig(frames=3), 4, 5) for _ in range(2))
    for one, two in zip(clips[2, 4], again[2, 4], strict=True):
        assert torch.equal(one, two)
    other = Clips(entries, PLAIN, ClipConfig(frames=3), 4, 6)
    assert not any(torch.equal(clips[2, 4][0], x[0]) for x in (clips[3, 4], clips[2, 5], other[2, 4]))


def test_batches_are_stacked_and_a_bad_still_is_named(folder):
    entries = list_pictures([folder])
    clips = Clips(entries, PLAIN, ClipConfig(frames=3), 4, 0)
    light, ab, motion, seen = next(batches(clips, Order(len(clips), 2, 0, 0, 1), 0))
    assert [tuple(part.shape) for part in (light, ab, motion, seen)] == [
        (2, 3, 1, 64, 64),
        (2, 3, 2, 16, 16),
        (2, 3, 2, 16, 16),
        (2, 3, 1, 16, 16),
    ]
    for path in folder.glob("*.png"):
        path.write_bytes(b"?" * path.stat().st_size)
    with pytest.raises(BadDataset, match="not a picture that can be decoded"):
        list(batches(clips, Order(len(clips), 2, 0, 0, 3), 0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 1}, "task.settings.clips.frames is 1; it must be between 2 and 100"),
        ({"pan": 0.6}, "task.settings.clips.pan is 0.6; it must be between 0 and 0.5"),
        ({"patch": 1.5}, "task.settings.clips.patch is 1.5; it must be between 0 and 1"),
        ({"grain": -1.0}, "task.settings.clips.grain is -1.0; it must be between 0 and 20"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(BadRecipe) as error:
        replace(STILL, **changes)
    assert str(error.value) == message
