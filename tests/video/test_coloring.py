"""Frames go through the network in groups, where it is best given several."""

import numpy as np
import pytest

from photochrom import Colorizer
from photochrom.video import coloring
from photochrom.video.coloring import in_groups, paint_film
from photochrom.video.consistency import steady
from photochrom.video.reading import Frame


def groups(sizes, at_once, every=1 << 30):
    return [
        [number for number, _ in group] for group in in_groups(enumerate(sizes), lambda each: each[1], at_once, every)
    ]


def test_groups_are_of_neighbours():
    assert groups([(8, 8)] * 5, 1) == [[0], [1], [2], [3], [4]]
    assert groups([(8, 8)] * 5, 2) == [[0, 1], [2, 3], [4]]
    assert groups([], 2) == []


def test_a_group_ends_with_its_segment():
    assert groups([(8, 8)] * 8, 3, every=4) == [[0, 1, 2], [3], [4, 5, 6], [7]]
    assert groups([(8, 8)] * 4, 3, every=4) == groups([(8, 8)] * 8, 3, every=4)[:2]


def test_a_group_has_one_size():
    assert groups([(8, 8), (8, 8), (8, 9), (8, 8)], 4) == [[0, 1], [2], [3]]


def test_large_frames_are_fewer(monkeypatch):
    monkeypatch.setattr(coloring, "PIXELS_AT_ONCE", 200)
    assert groups([(8, 8)] * 5, 8) == [[0, 1, 2], [3, 4]]
    assert groups([(20, 20)] * 2, 8) == [[0], [1]], "one at least"


@pytest.fixture
def session(tiny):
    return Colorizer(tiny, threads=1)


def frames(count, side=24):
    noise = np.random.default_rng(0).integers(0, 256, (count, side, 32), np.uint8)
    return [Frame(gray, pts) for pts, gray in enumerate(noise)]


@pytest.mark.parametrize("consistency", ["frame", "flow"])
def test_frames_seen_together_are_like_frames_seen_alone(session, monkeypatch, consistency):
    seen = []
    run = session.network.backend.run
    monkeypatch.setattr(session.network.backend, "run", lambda x, v=None: seen.append(len(x)) or run(x, v))

    def painted(at_once):
        monkeypatch.setattr(session.network.backend, "at_once", at_once)
        return list(paint_film(iter(frames(11)), session, steady(consistency, session.card), 5, {}))

    alone = painted(1)
    assert seen == [1] * 11
    seen.clear()
    together = painted(4)
    assert sorted(seen) == [1, 1, 1, 4, 4]
    assert [each.frame.pts for each in together] == list(range(11))
    assert [each.state is None for each in together] == [each.state is None for each in alone]
    for ours, theirs in zip(together, alone, strict=True):
        assert ours.result.shape == (24, 32, 3)
        assert np.abs(ours.result.astype(int) - theirs.result).max() <= 1
    assert np.ptp(together[3].result.astype(int), axis=-1).max() > 8, "it is coloured"


def test_who_stops_early_ends_the_reading(session):
    read, closed = [], []

    def reading():
        try:
            for frame in frames(300):
                read.append(frame.pts)
                yield frame
        finally:
            closed.append(True)

    film = paint_film(reading(), session, steady("frame", session.card), 120, {})
    assert next(film).frame.pts == 0
    film.close()
    assert closed == [True]
    assert len(read) < 60
