"""Variants of each photograph: how many, what they are called, and what is in the way."""

import numpy as np
import pytest
from PIL import Image

from photochrom import Colorizer
from photochrom.batch import Variants, plan, run
from photochrom.errors import AlreadyThere, UnreadableImage
from photochrom.imaging.result_names import is_result


@pytest.fixture(scope="module")
def session():
    return Colorizer(threads=1)


def test_every_job_comes_so_many_times(tree):
    jobs = Variants(plan([tree]), 2)
    assert len(jobs) == 4
    assert [(str(job.target), job.variant) for job in jobs] == [
        ("photos/a.color-1.png", 1),
        ("photos/a.color-2.png", 2),
        ("photos/b.color-1.JPG", 1),
        ("photos/b.color-2.JPG", 2),
    ]
    assert [str(job.target) for job in Variants(plan(["photos/a.png"], "out/"), 1)] == ["out/a.color-1.png"]
    assert [str(job.target) for job in Variants(plan(["photos/a.png"], "old.jpg"), 1)] == ["old.color-1.jpg"]


def test_variants_are_results_and_never_inputs(tree):
    (tree / "a.png").rename(tree / "a.color-3.png")
    assert [str(job.source) for job in plan([tree])] == ["photos/b.JPG"]
    assert is_result(tree / "a.color-12.png")
    assert not is_result(tree / "a.color-x.png")
    assert not is_result(tree / "a-1.png")


def test_they_are_done_by_number_and_differ(session, tree):
    assert [o.status for o in run(session, Variants(plan(["photos/a.png"]), 3))] == ["coloured"] * 3
    made = [np.asarray(Image.open(f"photos/a.color-{n}.png")) for n in (1, 2, 3)]
    assert len({picture.tobytes() for picture in made}) == 3
    (again,) = run(session, [list(Variants(plan(["photos/a.png"]), 2))[1]], overwrite=True)
    assert again.status == "coloured"
    assert np.array_equal(np.asarray(Image.open("photos/a.color-2.png")), made[1])


def test_one_that_is_there_is_skipped_or_refused_by_itself(session, tree):
    (tree / "a.color-2.png").write_bytes(b"mine")
    jobs = Variants(plan(["photos/a.png"]), 2)
    assert [o.status for o in run(session, jobs)] == ["coloured", "failed"]
    (tree / "a.color-1.png").unlink()
    outcomes = list(run(session, jobs, skip_existing=True))
    assert [o.status for o in outcomes] == ["coloured", "skipped"]
    (refused,) = run(session, list(jobs)[1:])
    assert isinstance(refused.error, AlreadyThere)
    assert (tree / "a.color-2.png").read_bytes() == b"mine"


def test_an_empty_folder_is_named_once(tree):
    (tree / "empty").mkdir()
    (job,) = Variants(plan([tree / "empty"]), 3)
    assert isinstance(job.error, UnreadableImage)
