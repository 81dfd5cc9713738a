"""Times that begin anew, leap or go astray are put on one line; times that go on are left."""

import numpy as np
import pytest

from photochrom.video.timeline import _of_showing, mended

PICTURE, SOUND = 0, 1


def interleaved(*parts, ahead=0.0):
    """Streams and times, in the order of a file, of parts (first second, seconds): 25 pictures and 40 sounds a second.

    Sound stands `ahead` seconds later in the file than the pictures of its time.
    """
    streams, times, begin = [], [], 0.0
    for first, length in parts:
        pictures = [(begin + t, PICTURE, first + t) for t in np.arange(round(25 * length)) / 25]
        sounds = [(begin + t + ahead, SOUND, first + t) for t in np.arange(round(40 * length)) / 40]
        streams += [entry[:2] for entry in pictures + sounds]
        times += [entry[2] for entry in pictures + sounds]
        begin += length
    order = sorted(range(len(streams)), key=lambda i: streams[i])
    return np.array([streams[i][1] for i in order]), np.array([times[i] for i in order])


def on_line(streams, times, on_air=True):
    moves = mended(streams, times, {PICTURE, SOUND}, on_air)
    return {stream: times[streams == stream] + moves[stream] for stream in moves}


def test_times_that_go_on_are_left():
    streams, times = interleaved((7.0, 3.0))
    assert mended(streams, times, {PICTURE, SOUND}, True) == {}


@pytest.mark.parametrize("ahead", [0.0, 0.3])
@pytest.mark.parametrize(
    "parts",
    [
        [(0.0, 2.0), (0.0, 2.0)],
        [(0.0, 0.4), (0.0, 0.4), (0.0, 0.4)],
        [(0.0, 2.0), (10_800.0, 2.0)],
        [(10_800.0, 2.0), (0.0, 2.0), (10_800.0, 2.0)],
        [(0.0, 2.0), (1.5, 2.0)],
        [(95_443.0, 0.7), (0.0, 2.0)],
    ],
)
def test_parts_follow_each_other_and_sound_stays_with_its_picture(parts, ahead):
    streams, times = interleaved(*parts, ahead=ahead)
    line = on_line(streams, times)
    pictures, sounds = line[PICTURE], line[SOUND]
    assert np.diff(pictures) == pytest.approx(np.full(len(pictures) - 1, 0.04), abs=1e-6)
    assert np.abs(np.diff(sounds) - 0.025).max() < 0.03
    total = sum(length for _, length in parts)
    assert (pictures[0], pictures[-1]) == pytest.approx((parts[0][0], parts[0][0] + total - 0.04))
    assert sounds[-1] == pytest.approx(pictures[-1], abs=0.03)


def test_a_packet_astray_moves_nothing_else():
    streams, times = interleaved((0.0, 2.0))
    place = np.flatnonzero(streams == PICTURE)[20]
    for wrong in (5.0, 40_000.0, -3.0):
        bad = times.copy()
        bad[place] = wrong
        line = on_line(streams, bad)
        assert line[PICTURE] == pytest.approx(np.arange(50) / 25, abs=1e-6)
        assert line[SOUND] == pytest.approx(np.arange(80) / 40, abs=1e-6)


def test_a_picture_may_stand_where_the_clock_is_the_films():
    times = np.array([0.0, 0.04, 60.0, 60.04])
    assert mended(np.zeros(4, int), times, {PICTURE}, False) == {}
    moved = mended(np.zeros(4, int), times, {PICTURE}, True)[PICTURE]
    assert (times + moved) == pytest.approx([0.0, 0.04, 0.08, 0.12])


def test_a_stream_with_a_clock_of_its_own_comes_to_the_others():
    streams, times = interleaved((0.0, 2.0))
    times[streams == SOUND] += 18_000
    line = on_line(streams, times)
    assert line[SOUND] == pytest.approx(np.arange(80) / 40, abs=0.05)


def test_what_tells_no_time_goes_with_the_others():
    streams = np.array([0, 0, 2, 0, 0, 2])
    times = np.array([1.0, 1.04, 1.04, 0.0, 0.04, np.nan])
    moves = mended(streams, times, {PICTURE}, True)
    assert moves[2] == pytest.approx([0.0, 1.08])


def test_a_picture_that_is_shown_after_a_joint_and_decoded_before_it():
    moves = np.array([0.0, 0.0, -3600.0])
    assert _of_showing(moves, np.array([0.08, 3600.08, 0.08])).tolist() == [0.0, -3600.0, -3600.0]
    # What fits nowhere is shown when it is decoded.
    assert _of_showing(moves, np.array([0.08, 500.0, 0.08])).tolist() == [0.0, -500.0, -3600.0]
