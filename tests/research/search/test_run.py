"""A whole search: repeatable, resumable, narrowed; its files, and what stops it."""

import csv
import sqlite3
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from photochrom.errors import BadCheckpoint, BadDataset, BadRecipe, BadSetting, WriteFailed
from photochrom.research.search.run import choose, search
from photochrom.research.search.spans import Choices, Range
from photochrom.research.search.store import best_quarter, narrow_from
from photochrom.research.search.trial import Assignment, Outcome, Trial, train_trial
from photochrom.train.recipe import load_recipe, recipe_from_dict, recipe_text

pytestmark = pytest.mark.slow

RATES = {"optim.lr": Range(1e-5, 1e-1, log=True)}


@pytest.fixture
def run(recipe, folder, tmp_path, monkeypatch):
    """run(ranges, ...): a search of four trials of four steps in tmp_path/out, without its plot."""
    monkeypatch.setattr("photochrom.research.search.run.plot_rates", lambda trials, relative, path: path)

    def start(ranges=RATES, out="out", recipe=recipe, data=folder, **options):
        options = {"trials": 4, "images": 6, "steps": 4} | options
        return search(recipe, ranges, [data], tmp_path / out, **options)

    return start


@pytest.fixture
def trained(monkeypatch):
    """The numbers of the trials that are trained from now on."""
    numbers = []

    def counting(work: Assignment):
        numbers.append(int(work.folder.name))
        return train_trial(work)

    monkeypatch.setattr("photochrom.research.search.run.train_trial", counting)
    return numbers


def comparable(found):
    return [(t.number, t.values, t.score, t.outcome.drop) for t in found.trials]


def test_trials_are_ranked_and_written(run, tmp_path, capfd):
    ranges = RATES | {"model.settings.kernel": Choices((3, 5)), "run.batch": Range(2, 6, step=2, whole=True)}
    seen = []
    found = run(ranges, progress=lambda *now: seen.append(now[:2]))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    scores = [trial.score for trial in found.trials]
    assert scores == sorted(scores)
    assert [trial.score for trial in found.trials] == [trial.outcome.lowest for trial in found.trials]
    assert {trial.number for trial in found.trials} == {1, 2, 3, 4}
    with (tmp_path / "out" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = "trial model.settings.kernel optim.lr run.batch lowest_loss first_loss drop_per_step seconds reason"
    assert list(rows[0]) == columns.split()
    assert [int(row["trial"]) for row in rows] == [trial.number for trial in found.trials]
    assert float(rows[0]["lowest_loss"]) == pytest.approx(scores[0], rel=1e-5)
    assert found.table(2)[0] == ("trial", *sorted(ranges), "lowest loss", "drop per step")
    assert len(found.table(2)) == 3
    names = "best.toml curves ranges.toml search.db search.lock trials.csv"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names.split()
    curves = sorted(path.name for path in (tmp_path / "out" / "curves").iterdir())
    assert curves == ["0001.csv", "0002.csv", "0003.csv", "0004.csv"]
    assert capfd.readouterr() == ("", "")


def test_the_best_values_can_be_trained_with(run, recipe, tmp_path):
    ranges = RATES | {"optim.betas": Choices(([0.5, 0.9],)), "optim.name": Choices(("adam", "nadam"))}
    best = run(ranges).trials[0]
    text = (tmp_path / "out" / "best.toml").read_text()
    (tmp_path / "recipe.toml").write_text(recipe_text(recipe))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    made = load_recipe(tmp_path / "recipe.toml", tuple(lines))
    assert made.optim.lr == best.values["optim.lr"]
    assert made.optim.betas == (0.5, 0.9)
    assert made.optim.name == best.values["optim.name"]
    assert recipe_from_dict(tomllib.loads(text)).optim == replace(
        recipe_from_dict({}).optim,
        **{
            "lr": made.optim.lr,
            "betas": (0.5, 0.9),
            "name": made.optim.name,
        },
    )


def test_the_seed_decides_pictures_and_values(run, folder):
    first, again, other = run(out="a"), run(out="b"), run(out="c", seed=1)
    assert comparable(first) == comparable(again)
    assert {t.values["optim.lr"] for t in first.trials}.isdisjoint(t.values["optim.lr"] for t in other.trials)
    chosen = [[entry.key for entry in choose([folder], 6, seed)] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 6
    assert len(choose([folder], None, 0)) == 9


def test_the_same_again_does_nothing_and_more_goes_on(run, trained):
    first = run(trials=2)
    assert trained == [1, 2]
    assert comparable(run(trials=2)) == comparable(first)
    assert len(run(trials=1).trials) == 2
    assert trained == [1, 2]
    longer = run(trials=4)
    assert trained == [1, 2, 3, 4]
    assert comparable(longer) == comparable(run(out="other"))


def test_a_killed_trial_is_run_again_with_the_same_values(run, trained, monkeypatch, tmp_path):
    def killed(work):
        if work.folder.name == "0002":
            work.folder.mkdir(parents=True)
            raise KeyboardInterrupt
        return train_trial(work)

    with monkeypatch.context() as patch:
        patch.setattr("photochrom.research.search.run.train_trial", killed)
        with pytest.raises(KeyboardInterrupt):
            run()
    assert not (tmp_path / "out" / "running").exists()
    found = run()
    assert trained == [2, 3, 4]
    assert comparable(found) == comparable(run(out="whole"))
    with sqlite3.connect(tmp_path / "out" / "search.db") as database:
        states = [state for (state,) in database.execute("select state from trials order by number")]
    database.close()
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]


def test_a_trial_that_diverges_is_kept_with_its_reason(run, trained, tmp_path):
    ranges = RATES | {"model.settings.gain": Choices((1.0, 1e38))}
    found = run(ranges, trials=6)
    assert [t.values["model.settings.gain"] for t in found.trials] == sorted(
        t.values["model.settings.gain"] for t in found.trials
    )
    broken = [t for t in found.trials if t.score is None]
    assert 0 < len(broken) < 6
    assert all("training diverged" in t.outcome.reason for t in broken)
    with (tmp_path / "out" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["reason"] != "" for row in rows] == [row["lowest_loss"] == "" for row in rows]
    assert sum(row["reason"] != "" for row in rows) == len(broken)
    assert len(found.table()) == 7 - len(broken)
    run(ranges, trials=6)
    assert len(trained) == 6


def test_when_all_diverge_that_is_said(run, tmp_path):
    with pytest.raises(BadRecipe, match="none of 2 trials finished training: the loss is"):
        run({"model.settings.gain": Choices((1e38,))}, trials=2)
    assert (tmp_path / "out" / "trials.csv").exists()
    assert not (tmp_path / "out" / "best.toml").exists()
    with pytest.raises(BadSetting, match="fewer than two trials finished training"):
        narrow_from(tmp_path / "out", recipe_from_dict({"model": {"name": "dot"}}))


def test_losses_over_different_bins_are_compared_as_shares(run, tmp_path):
    ranges = {"bins.count": Choices((4, 40)), "optim.lr": Range(1e-4, 1e-1, log=True)}
    found = run(ranges)
    assert found.relative
    assert [t.score for t in found.trials] == pytest.approx([t.outcome.lowest / t.outcome.first for t in found.trials])
    assert found.table()[0][-3:] == ("lowest loss", "of the first", "drop per step")
    header = (tmp_path / "out" / "trials.csv").read_text().splitlines()[0]
    assert header.startswith("trial,bins.count,optim.lr,lowest_share,lowest_loss")
    firsts = {t.values["bins.count"]: t.outcome.first for t in found.trials}
    assert firsts[4] == pytest.approx(np.log(4), abs=0.5)
    assert firsts[40] == pytest.approx(np.log(40), abs=0.5)


def test_a_second_round_in_the_narrowed_range(run, recipe, tmp_path):
    first = run(RATES | {"run.batch": Choices((2, 3, 4))}, trials=9)
    best = [t.values for t in first.trials[:3]]  # a quarter of nine, rounded up
    rates = [values["optim.lr"] for values in best]
    spans = narrow_from(tmp_path / "out", recipe)
    assert spans["optim.lr"] == Range(min(rates), max(rates), log=True)
    assert set(spans["run.batch"].values) == {values["run.batch"] for values in best}
    second = run(spans, out="second", images=None)
    assert all(min(rates) <= t.values["optim.lr"] <= max(rates) for t in second.trials)
    assert "images = 9" not in (tmp_path / "second" / "ranges.toml").read_text()


def test_the_best_quarter_has_two_at_least():
    def made(scores):
        return [Trial(i, {}, Outcome(), score) for i, score in enumerate(scores)]

    assert [len(best_quarter(made(range(n)))) for n in (0, 1, 2, 8, 9, 20)] == [0, 1, 2, 2, 3, 5]
    assert len(best_quarter(made([1.0, 2.0, 3.0, None, None, None, None, None, None, None]))) == 2


def test_another_search_in_the_folder_is_refused(run, recipe, folder):
    run(trials=1)
    slower = replace(recipe, optim=replace(recipe.optim, clip=0.5))
    wider = {"optim.lr": Range(1e-6, 1e-1, log=True)}
    for options, message in (
        ({"recipe": slower}, "another search (recipe.optim.clip was 1.0, now 0.5)"),
        ({"ranges": wider}, "another search (ranges.optim.lr.low was 1e-05, now 1e-06)"),
        (
            {"ranges": RATES | {"run.batch": Choices((2,))}},
            "another search (ranges.run.batch.choices was None, now [2])",
        ),
        ({"steps": 5}, "another search (recipe.run.steps was 4, now 5)"),
        ({"images": 5}, "another search (images.count was 6, now 5)"),
        ({"seed": 1}, "another search (images.digest was '"),
    ):
        with pytest.raises(BadRecipe) as error:
            run(**({"trials": 1} | options))
        assert message in str(error.value)
        assert str(error.value).endswith("give another --out")
    calmer = replace(recipe, title="other", data=replace(recipe.data, workers=1))
    run(trials=1, recipe=calmer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials is 0; it must be at least 1"),
        ({"steps": 1}, "steps is 1; it must be at least 2"),
        ({"images": 0}, "images is 0; it must be at least 1"),
        ({"jobs": 0}, "jobs is 0; it must be at least 1"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
    ],
)
def test_numbers_that_are_wrong(run, tmp_path, options, message):
    with pytest.raises(BadSetting, match=message):
        run(**options)
    assert not (tmp_path / "out").exists()


def test_too_few_pictures(run, tmp_path):
    with pytest.raises(BadDataset, match="there are 9 pictures, fewer than the 10 to search on"):
        run(images=10)
    assert not (tmp_path / "out").exists()


def test_folders_that_hold_no_search(run, recipe, tmp_path):
    with pytest.raises(BadSetting, match=r"there is no search to narrow \(no search\.db\)"):
        narrow_from(tmp_path, recipe)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "search.db").write_text("no database, and long enough to be taken for one " * 9)
    for call in (run, lambda: narrow_from(tmp_path / "out", recipe)):
        with pytest.raises(BadCheckpoint, match=r"search\.db: not the database of a search, or damaged"):
            call()
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteFailed, match="file"):
        run(out="file")


def test_one_search_at_a_time(run, trained):
    def second(done, total, latest):
        with pytest.raises(BadSetting, match="a search is running there"):
            run(trials=2)

    run(trials=1, progress=second)
    run(trials=2)
    assert trained == [1, 2]
