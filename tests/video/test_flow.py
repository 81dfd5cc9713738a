"""Steadiness: what moves is followed, what was hidden is not, and a cut forgets."""

import cv2
import numpy as np
import pytest

from photochrom import BadSetting
from photochrom.inference.card import ModelCard
from photochrom.video.consistency import steady
from photochrom.video.flow import Flow, carried, follow

COVERED = (24.0, 16.0)  # (w, h) of the map: a frame of 192 x 128 at 8 pixels a point


def texture(seed=0, height=128, width=260):
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.uniform(0, 255, (height, width)), (0, 0), 3).astype(np.float32)


def view(picture, left):
    part = picture[:, left : left + 192]
    return np.clip((part - part.mean()) * 6 + 128, 0, 255).astype(np.uint8)


def seek():
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)


def test_a_pan_is_followed():
    picture = texture()
    motion, trust = follow(seek(), view(picture, 8), view(picture, 4))
    # What is at x now was at x + 4 in the frame before; at the right border it came from outside.
    inside = motion[20:-20, 20:-20]
    assert np.abs(inside - [4, 0]).max() < 1
    assert trust[20:-20, 20:-20].mean() > 0.98
    assert trust[:, -2:].mean() == 0


def test_what_was_hidden_is_not_trusted():
    ground = view(texture(), 0)
    before, now = ground.copy(), ground.copy()
    patch = view(texture(5), 0)[:48, :48]
    before[40:88, 40:88] = patch
    now[40:88, 100:148] = patch
    _, trust = follow(seek(), now, before)
    assert trust[44:84, 44:84].mean() < 0.3  # uncovered
    assert trust[:30].mean() > 0.95


def test_carrying_shifts_maps():
    maps = np.arange(2 * 4 * 6, dtype=np.float32).reshape(2, 4, 6)
    motion = np.zeros((4, 6, 2), np.float32)
    motion[..., 0] = 1
    shifted = carried(maps, motion)
    assert (shifted[:, :, :5] == maps[:, :, 1:]).all()
    assert (shifted[:, :, 5] == maps[:, :, 5]).all()


def test_the_mean_of_a_still_is_the_mean_of_its_answers():
    flow, gray = Flow(memory=3), view(texture(), 0)
    answers = [np.full((2, 16, 24), value, np.float32) for value in (0, 6, 3, 3)]
    # 0; (0 + 6) / 2; (3 * 2 + 3) / 3; (3 * 3 + 3) / 4: from the fourth on, the past counts for three.
    for answer, expected in zip(answers, (0, 3, 3, 3), strict=True):
        given = flow(gray, answer, COVERED)
        assert given[:, 2:-2, 2:-2] == pytest.approx(expected, abs=1e-3)
    assert flow(gray, np.full((2, 16, 24), 7, np.float32), COVERED)[0, 8, 12] == pytest.approx(4, abs=1e-3)


def test_a_cut_forgets():
    flow = Flow()
    flow(view(texture(0), 0), np.zeros((2, 16, 24), np.float32), COVERED)
    given = flow(view(texture(9), 0), np.ones((2, 16, 24), np.float32), COVERED)
    assert (given == 1).all()
    assert flow.cuts == 1


def test_flicker_of_the_light_is_no_cut():
    flow, gray = Flow(), view(texture(0), 0)
    flow(gray, np.zeros((2, 16, 24), np.float32), COVERED)
    given = flow((gray * 0.7).astype(np.uint8), np.ones((2, 16, 24), np.float32), COVERED)
    assert flow.cuts == 0
    assert given.mean() < 0.6


def test_noise_of_the_answers_is_evened_out():
    rng, picture = np.random.default_rng(0), texture()
    flow, given = Flow(), []
    for i in range(20):
        noisy = rng.normal(0, 1, (2, 16, 24)).astype(np.float32)
        given.append(flow(view(picture, 2 * i), noisy, COVERED))
    assert np.std(given[10:]) < 0.5


def test_a_state_goes_on():
    picture = texture()
    rng = np.random.default_rng(0)
    answers = [rng.normal(0, 1, (2, 16, 24)).astype(np.float32) for _ in range(6)]
    first, second = Flow(), Flow()
    for i in range(3):
        first(view(picture, i), answers[i], COVERED)
    second.restore(first.state())
    for i in range(3, 6):
        assert (first(view(picture, i), answers[i], COVERED) == second(view(picture, i), answers[i], COVERED)).all()


def test_frame_takes_each_by_itself_and_others_are_refused():
    mode, answer = steady("frame", ModelCard("a")), np.ones((2, 4, 4))
    assert mode(np.zeros((8, 8), np.uint8), answer, (4, 4)) is answer
    assert mode.state() == {}
    with pytest.raises(BadSetting, match="it must be frame, flow, recurrent or a"):
        steady("sometimes", ModelCard("a"))
