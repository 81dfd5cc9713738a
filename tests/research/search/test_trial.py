"""One trial: its scores by hand, and what it leaves."""

import csv
from dataclasses import replace

import pytest

from photochrom.data.sources import list_pictures
from photochrom.errors import BadDataset
from photochrom.research.search.ranges import with_values
from photochrom.research.search.trial import Assignment, outcome_of, train_trial


def test_scores_without_smoothing():
    # Under twenty steps a tenth is one step.
    outcome = outcome_of([8.0, 9.0, 3.0, 4.0, 5.0])
    assert (outcome.first, outcome.lowest) == (8.0, 3.0)
    assert outcome.drop == pytest.approx((8 - 5) / 4)


def test_scores_rest_on_the_mean_of_a_tenth():
    losses = [10.0] * 20
    losses[7:9] = [0.0, 6.0]  # one lucky batch
    losses[-2:] = [2.0, 6.0]
    outcome = outcome_of(losses)
    assert outcome.lowest == 3.0
    # From step 1 to between the last two: 18.5 updates.
    assert outcome.drop == pytest.approx((10 - 4) / 18.5)


@pytest.mark.parametrize("steps", [2, 19, 40, 100])
def test_a_straight_fall_drops_by_its_slope(steps):
    assert outcome_of([100 - 0.5 * i for i in range(steps)]).drop == pytest.approx(0.5)


@pytest.fixture
def work(recipe, folder, tmp_path):
    def make(**values):
        shorter = replace(recipe, run=replace(recipe.run, steps=5, log_every=1))
        pictures = list_pictures([folder])
        return Assignment(with_values(shorter, values), pictures, tmp_path / "run", tmp_path / "curve.csv", "cpu")

    return make


def test_it_leaves_its_curve_and_nothing_else(work, tmp_path):
    outcome = train_trial(work(**{"optim.lr": 0.05}))
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4", "5"]
    losses = [float(row["loss"]) for row in rows]
    # Two channels of ten bins each, nothing learned yet.
    assert losses[0] == pytest.approx(2.4, abs=0.3)
    assert outcome.lowest == pytest.approx(min(losses), rel=1e-5)
    assert outcome.drop == pytest.approx((losses[0] - losses[-1]) / 4, rel=1e-3)
    assert outcome.drop > 0.05
    assert outcome.reason == ""
    assert not (tmp_path / "run").exists()


def test_divergence_is_a_reason(work, tmp_path):
    outcome = train_trial(work(**{"model.settings.gain": 1e38}))
    assert "training diverged" in outcome.reason
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "curve.csv").exists()


def test_values_that_do_not_go_together_are_a_reason(work):
    assert "multiple of 4" in train_trial(work(**{"data.size": 18})).reason


def test_a_damaged_picture_is_no_fault_of_the_values(work, folder):
    (folder / "0.png").write_bytes(b"no picture at all")
    with pytest.raises(BadDataset, match=r"0\.png"):
        train_trial(work())
