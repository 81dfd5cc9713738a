"""The folder in which a film grows: which of its segments are whole."""

import json

import numpy as np
import pytest

from photochrom.video.segments import Segment, SegmentFolder

JOB = {"model": "tiny"}
STATE = {"mean": np.arange(12, dtype=np.float32).reshape(3, 4)}


@pytest.fixture
def grown(tmp_path):
    """The folder of a film of three segments."""
    grown = SegmentFolder(tmp_path / "b.mp4", JOB)
    with grown.open():
        for index in range(3):
            part = grown.mark()
            grown.finish(index, part, Segment(10, 10 * index, 10 * index + 9, 1), STATE)
    return grown


def facts(grown, index):
    return grown.path(index).with_suffix(".npz")


def test_the_last_one_has_its_state(grown):
    assert grown.begun
    found = grown.finished()
    assert [(segment.first, sorted(state)) for segment, state in found] == [(0, []), (10, []), (20, ["mean"])]
    assert (found[2][1]["mean"] == STATE["mean"]).all()


def test_facts_that_are_cut_off_end_the_list_before_them(grown):
    whole = facts(grown, 2).read_bytes()
    for length in range(len(whole)):
        facts(grown, 2).write_bytes(whole[:length])
        assert [(segment.first, sorted(state)) for segment, state in grown.finished()] == [(0, []), (10, ["mean"])]


@pytest.mark.parametrize("put", [b"\0", b"\xff", b"9"])
def test_facts_that_are_damaged_end_the_list_before_them(grown, put):
    whole, known = facts(grown, 2).read_bytes(), [segment for segment, _ in grown.finished()]
    for start in range(0, len(whole), 3):
        for length in (1, 16):
            facts(grown, 2).write_bytes(whole[:start] + put * length + whole[start + length :])
            found = grown.finished()
            assert [segment for segment, _ in found] in (known, known[:2])  # not every byte counts
            assert sorted(found[-1][1]) == ["mean"]
            assert (found[-1][1]["mean"] == STATE["mean"]).all()


@pytest.mark.parametrize("text", ["[]", "7", "{}", '{"frames": 3, "repeated": 7}'])
def test_facts_of_something_else(grown, text):
    with facts(grown, 0).open("wb") as file:
        np.savez(file, facts=np.frombuffer(text.encode(), np.uint8))
    assert grown.finished() == []


@pytest.mark.parametrize("note", [b"", b"\xff\xfe", json.dumps({"model": "other"}).encode()])
def test_a_folder_whose_job_is_another_or_cannot_be_read_is_emptied(grown, note):
    (grown.folder / "job.json").write_bytes(note)
    assert not grown.begun
    with grown.open():
        assert grown.finished() == []
        assert grown.begun
