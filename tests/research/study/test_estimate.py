"""Hours: by the work of a network, and by what finished runs took on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photochrom.research.study.estimate import MEASURING, Estimate, told, training_seconds
from photochrom.research.study.plan import Plan, StudyJob, jobs
from photochrom.research.study.run import machine

RECIPES = Path(__file__).parents[3] / "recipes"
PLAN = Plan(seeds=(1, 2), runs={"cnn-ce10": {}, "cnn-ce10-long": {"recipe": "cnn-ce10", "run.steps": 16_000}})


@pytest.fixture
def networks() -> list[StudyJob]:
    return jobs(PLAN, RECIPES)


def finish(folder: Path, job: StudyJob, seconds: float, where: str) -> None:
    path = folder / "runs" / job.folder / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"seconds": seconds, "machine": where}), encoding="utf-8")


def test_twice_the_steps_take_twice_as_long(networks: list[StudyJob]) -> None:
    once, twice = (training_seconds(job) for job in networks[:2])
    assert twice == pytest.approx(2 * once)
    # 8,000 steps of 250 photographs, each of at least 3 x 64 million multiply-adds in its fully connected layer
    assert once > 8000 * 250 * 3 * 64e6 / 100e9


def test_finished_runs_say_how_fast_this_machine_is(tmp_path: Path, networks: list[StudyJob]) -> None:
    first = networks[0]
    finish(tmp_path, first, training_seconds(first) / 10, machine("cpu"))
    found = Estimate(tmp_path, networks, "cpu", 0)
    assert found.finished == {"cnn-ce10-seed1"}
    assert found.hours(networks[1]) == pytest.approx(training_seconds(networks[1]) / 36_000)
    assert found.left() == pytest.approx(sum(training_seconds(job) for job in networks[1:]) / 36_000)


def test_so_do_those_that_are_not_asked_for(tmp_path: Path, networks: list[StudyJob]) -> None:
    finish(tmp_path, networks[0], training_seconds(networks[0]) / 10, machine("cpu"))
    found = Estimate(tmp_path, networks[1:2], "cpu", 0, networks)
    assert found.left() == found.hours(networks[1]) == pytest.approx(training_seconds(networks[1]) / 36_000)


def test_another_machines_runs_say_nothing(tmp_path: Path, networks: list[StudyJob]) -> None:
    finish(tmp_path, networks[0], 1.0, "a GPU")
    found = Estimate(tmp_path, networks, "cpu", 3600)
    assert found.hours(networks[1]) == pytest.approx(training_seconds(networks[1]) / 3600 + MEASURING)


def test_the_list_has_a_row_for_each_and_the_sum(tmp_path: Path, networks: list[StudyJob]) -> None:
    rows = Estimate(tmp_path, networks, "cpu", 0).rows()
    assert [row[1:5] for row in rows[1:3]] == [
        ("cnn-ce10", "1", "64.83 M", "2,000,000"),
        ("cnn-ce10-long", "1", "64.83 M", "4,000,000"),
    ]
    assert float(rows[-1][5]) == pytest.approx(sum(map(training_seconds, networks)) / 3600, rel=0.01)
    assert [told(hours) for hours in (None, 0.057, 12.34)] == ["unknown", "0.06", "12.3"]
