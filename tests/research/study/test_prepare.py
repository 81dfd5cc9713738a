"""The study's photographs: which side they come from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from photochrom.errors import BadDataset
from photochrom.research.study import prepare as preparing
from photochrom.research.study.plan import Counts, Plan, StudyJob, jobs
from photochrom.research.study.prepare import REFERENCES, prepare, write_references
from photochrom.train.runs import FolderInUse, alone_in

RECIPES = Path(__file__).parents[3] / "recipes"
COUNTS = Counts(train=16, val=4, test=8)
PLAN = Plan(photographs=COUNTS, runs={"unet-l2-small": {"model.settings.size": 32, "data.size": 32}})
STARTED = {"photochrom-adversarial": {"init": "default", "size": 32}}


@pytest.fixture
def plain() -> list[StudyJob]:
    return jobs(PLAN, RECIPES)


def test_validation_and_test_photographs_come_from_those_held_out(
    tmp_path: Path, gan_pictures: Path, held_out_pictures: Path, plain: list[StudyJob]
) -> None:
    parts = prepare(PLAN, tmp_path, [gan_pictures], [], plain, [held_out_pictures])["imagenet"]
    assert {Path(entry.path).parents[1] for entry in parts.train} == {gan_pictures}
    assert parts.val
    names = [*parts.val.keys, *parts.test.keys]
    assert (len(parts.train), len(parts.val.keys), len(parts.test.keys)) == (16, 4, 8)
    assert sorted(names) == sorted(str(f.relative_to(held_out_pictures)) for f in held_out_pictures.rglob("*.png"))


def test_a_photograph_on_both_sides_is_refused(
    tmp_path: Path, gan_pictures: Path, held_out_pictures: Path, plain: list[StudyJob]
) -> None:
    both = shutil.copytree(held_out_pictures, tmp_path / "both")
    twin = next(gan_pictures.rglob("*.png"))
    shutil.copy(twin, next(both.rglob("*.png")))
    with pytest.raises(BadDataset, match=rf"{twin.name} .*are the same picture"):
        prepare(PLAN, tmp_path / "out", [gan_pictures], [], plain, [both])


def test_trained_weights_are_not_measured_on_what_they_may_have_seen(
    tmp_path: Path, pictures: Path, held_out_pictures: Path
) -> None:
    plan = Plan(photographs=COUNTS, runs=STARTED)
    with pytest.raises(BadDataset, match=r"photochrom-adversarial starts from trained weights; .* --held-out"):
        prepare(plan, tmp_path, [pictures], [], jobs(plan, RECIPES))
    assert not list(tmp_path.iterdir())


def test_two_processes_measure_the_references_once(
    tmp_path: Path,
    gan_pictures: Path,
    held_out_pictures: Path,
    plain: list[StudyJob],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = prepare(PLAN, tmp_path, [gan_pictures], [], plain, [held_out_pictures])
    found = {"imagenet": {"gray": {}}}

    @contextmanager
    def held(folder: Path) -> Iterator[None]:
        raise FolderInUse(f"{folder}: the other process measures")
        yield

    def finished(_: float) -> None:
        (tmp_path / REFERENCES).write_text(json.dumps(found))

    monkeypatch.setattr(preparing, "alone_in", held)
    monkeypatch.setattr(preparing.time, "sleep", finished)
    write_references(tmp_path, parts)  # comes to an end, without a lock of its own
    assert json.loads((tmp_path / REFERENCES).read_text()) == found
    monkeypatch.setattr(preparing, "alone_in", alone_in)
    monkeypatch.setattr(preparing, "write_true_features", lambda *_: None)  # what takes its time
    (tmp_path / REFERENCES).unlink()
    write_references(tmp_path, parts)
    assert set(json.loads((tmp_path / REFERENCES).read_text())) == {"imagenet", "seen", "quantised"}
