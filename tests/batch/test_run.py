"""That one bad input does not stop the others, in this process and in several."""

import multiprocessing
import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import Colorizer
from photochrom.batch import KINDS, BatchJob, Kind, kinds, plan, run, sensible_processes
from photochrom.batch.jobs import Done
from photochrom.errors import (
    AlreadyThere,
    MissingExtra,
    OutOfMemory,
    PhotochromError,
    UnreadableImage,
    UnsupportedFormat,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session(tiny):
    return Colorizer(tiny, threads=1)


def test_one_bad_file_does_not_stop_the_others(session, tree, png):
    Path("photos/broken.png").write_bytes(png(0)[:100])
    Path("photos/z.png").write_bytes(png(9))
    Path("photos/nowhere.png").symlink_to("gone.png")
    Path("photos/a.color.png").unlink()
    outcomes = list(run(session, plan([tree, "gone.jpg", "photos/notes.txt", "empty"], "out")))
    assert [(str(o.job.source), type(o.error)) for o in outcomes] == [
        ("photos/a.png", type(None)),
        ("photos/b.JPG", type(None)),
        ("photos/broken.png", UnreadableImage),
        ("photos/nowhere.png", UnreadableImage),
        ("photos/z.png", type(None)),
        ("gone.jpg", UnreadableImage),
        ("photos/notes.txt", UnreadableImage),
        ("empty", UnreadableImage),
    ]
    for outcome in outcomes:
        assert outcome.job.target.exists() == (outcome.error is None)
        if outcome.error:
            assert str(outcome.job.source) in str(outcome.error)
            assert "\n" not in str(outcome.error)
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "b.JPG", "z.png"]
    assert Path("out/b.JPG").read_bytes().startswith(b"\xff\xd8\xff")


def test_nothing_is_overwritten_unless_asked(session, tree):
    old = Path("photos/a.color.png").read_bytes()
    jobs = plan([tree])
    outcomes = list(run(session, jobs))
    assert [type(outcome.error) for outcome in outcomes] == [AlreadyThere, type(None)]
    assert Path("photos/a.color.png").read_bytes() == old
    assert [outcome.error for outcome in run(session, jobs, overwrite=True)] == [None, None]
    assert Path("photos/a.color.png").read_bytes() != old


def test_a_format_that_cannot_be_written(session, tree):
    (outcome,) = run(session, [BatchJob(Path("photos/a.png"), Path("x.xyz"))])
    assert isinstance(outcome.error, UnsupportedFormat)
    assert not Path("x.xyz").exists()


def test_color_is_worth_a_note(session, tmp_path):
    Image.fromarray(np.full((9, 9), 99, np.uint8)).save(tmp_path / "gray.png")
    Image.fromarray(np.full((9, 9, 3), 99, np.uint8)).save(tmp_path / "neutral.png")
    Image.fromarray(np.full((9, 9, 3), (200, 30, 30), np.uint8)).save(tmp_path / "red.png")
    notes = [outcome.note for outcome in run(session, plan([tmp_path]))]
    assert notes == ["", "", kinds.NOTE_COLOR]


def test_an_input_that_vanishes_meanwhile(session, tree):
    outcomes = run(session, plan([tree], "out", recursive=True))
    next(outcomes)
    Path("photos/b.JPG").unlink()
    errors = [str(outcome.error) for outcome in outcomes if outcome.error]
    assert errors == ["photos/b.JPG does not exist; check the name and the folder"]
    assert len(list(Path("out").rglob("*.*"))) == 3


# ---- going on


def test_what_is_there_is_skipped(session, tree):
    old = Path("photos/a.color.png").read_bytes()
    assert [o.status for o in run(session, plan([tree]), skip_existing=True)] == ["skipped", "coloured"]
    assert [o.status for o in run(session, plan([tree]), skip_existing=True)] == ["skipped", "skipped"]
    assert Path("photos/a.color.png").read_bytes() == old


def test_another_run_that_was_faster_has_done_it(session, tree, monkeypatch):
    """Its result comes while this run has the photograph in work."""
    jobs = list(plan(["photos/b.JPG", "photos/sub/c.png"], "out/"))
    read = kinds.Colorizer.colorize_picture

    def slow(self, picture, **how):
        for job in jobs:
            job.target.parent.mkdir(exist_ok=True)
            job.target.write_bytes(b"the other's")
        return read(self, picture, **how)

    monkeypatch.setattr(kinds.Colorizer, "colorize_picture", slow)
    assert [o.status for o in run(session, jobs, skip_existing=True)] == ["skipped", "skipped"]
    for job in jobs:
        job.target.unlink()
    (first, second) = run(session, jobs)
    assert isinstance(first.error, AlreadyThere)
    assert isinstance(second.error, AlreadyThere)
    assert jobs[0].target.read_bytes() == b"the other's"


def test_leftovers_of_killed_runs_are_swept(session, tree):
    Path("out").mkdir()
    old, fresh, foreign = Path("out/.photochrom-1.part"), Path("out/.photochrom-2.part"), Path("out/.other.part")
    for path in (old, fresh, foreign):
        path.write_bytes(b"half")
    for path in (old, foreign):
        os.utime(path, (time.time() - 1000,) * 2)
    assert [o.status for o in run(session, plan(["photos/b.JPG"], "out/"))] == ["coloured"]
    assert sorted(os.listdir("out")) == [".other.part", ".photochrom-2.part", "b.JPG"]


def test_jobs_are_taken_one_by_one_and_walked_lazily(session, tree):
    jobs = plan([tree], "out", recursive=True)
    assert len(jobs) == 4
    outcomes = run(session, jobs)
    next(outcomes)
    assert sorted(os.listdir("out")) == ["a.png"]
    outcomes.close()
    assert sorted(os.listdir("out")) == ["a.png"]


def test_another_kind_of_input(session, tree, monkeypatch):
    def film(colorizer, job, *, overwrite, tell):
        tell(1, 2)
        tell(2, 2)
        job.target.write_text(f"{job.settings} {colorizer.card.name} {overwrite}")
        return Done("two frames", (8, 6))

    monkeypatch.setitem(KINDS, "film", Kind("film", frozenset({".mp4"}), film))
    Path("photos/clip.MP4").write_bytes(b"frames")
    told = []
    jobs = plan([tree, "photos/a.png"], settings={"film": 7})
    outcomes = list(run(session, jobs, overwrite=True, tell=lambda job, *parts: told.append((job.kind, *parts))))
    assert [(o.job.kind, o.status) for o in outcomes] == [
        ("photograph", "coloured"),
        ("film", "coloured"),
        ("photograph", "coloured"),
    ]
    assert told == [("film", 1, 2), ("film", 2, 2)]
    assert (outcomes[1].note, outcomes[1].done.size) == ("two frames", (8, 6))


# ---- several processes


def test_processes_make_what_one_makes(session, tree):
    Path("photos/broken.png").write_bytes(b"no picture")
    alone = list(run(session, plan([tree, "empty"], "alone", recursive=True)))
    outcomes = list(run(session, plan([tree, "empty"], "together", recursive=True), processes=2))
    assert multiprocessing.active_children() == []
    facts = [sorted((str(o.job.source), o.status, str(o.error), o.note) for o in some) for some in (alone, outcomes)]
    assert facts[0] == facts[1]
    files = [sorted(path for path in Path(name).rglob("*.*") if path.is_file()) for name in ("alone", "together")]
    assert [a.read_bytes() for a in files[0]] == [b.read_bytes() for b in files[1]]
    assert len(files[0]) == 4


def test_a_process_that_is_killed_takes_one_photograph_with_it(session, tmp_path, png):
    for i in range(6):
        (tmp_path / f"{i}.png").write_bytes(png(i, width=900, height=900))
    outcomes = run(session, plan([tmp_path], tmp_path / "out"), processes=2)
    found = [next(outcomes)]
    for child in multiprocessing.active_children():
        child.kill()
    found += outcomes
    assert len(found) == 6
    dead = [o for o in found if o.error]
    assert 1 <= len(dead) <= 2
    assert all(isinstance(o.error, OutOfMemory) and "was killed" in str(o.error) for o in dead)
    assert sum(o.status == "coloured" for o in found) == 6 - len(dead)
    assert len(list((tmp_path / "out").glob("*.png"))) >= 6 - len(dead)


def test_processes_end_with_the_iteration(session, tree):
    outcomes = run(session, plan([tree], "out", recursive=True), processes=2)
    next(outcomes)
    outcomes.close()
    assert multiprocessing.active_children() == []
    assert not list(Path("out").glob("*.part"))


def test_a_model_that_processes_cannot_load(tiny, tmp_path, tree):
    model = tmp_path / "model.onnx"
    model.write_bytes(tiny.read_bytes())
    session = Colorizer(model, threads=1)
    model.unlink()
    with pytest.raises(PhotochromError, match=r"model\.onnx"):
        list(run(session, plan([tree]), processes=2, overwrite=True))
    assert multiprocessing.active_children() == []


def test_how_many_processes(monkeypatch):
    monkeypatch.setattr("photochrom.batch.runner.usable_cores", lambda: 4)
    assert [sensible_processes(jobs) for jobs in (0, 1, 7, 8, 15, 16, 100_000)] == [1, 1, 1, 2, 3, 4, 4]
    monkeypatch.setattr("photochrom.batch.runner.usable_cores", lambda: 64)
    assert sensible_processes(1000) == 8


@pytest.mark.parametrize("error", [AlreadyThere("x is there"), MissingExtra("reading HEIC", "heif")])
def test_errors_go_between_processes(error):
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
