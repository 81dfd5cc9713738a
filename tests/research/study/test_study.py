"""A whole study in miniature, from photographs to the page; that it goes on where it stopped; and bad input."""

from __future__ import annotations

import csv
import json
import shutil
from html import escape
from pathlib import Path

import numpy as np
import pytest

from photochrom.cli import main
from photochrom.evaluation.bootstrap import mean_intervals
from photochrom.metrics.frechet import frechet_distance, kernel_distance
from photochrom.research.study.realism import Eye, load_arrays
from photochrom.research.study.results import Results, scales
from photochrom.research.study.tables import tables

FIGURES = {f"figure{i}" for i in range(1, 10)} | {"optimizers", "trade", "verdicts"}
TABLES = {
    "findings",
    "setup",
    "table1",
    "table2",
    "runs-small",
    "realism-small",
    "findings-small",
    "blotches-small",
    "scenes-small",
    "synsets-small",
}

NUMBERS = ("result.json", "per_image.csv", "per_image_seen.csv", "recipe.toml")


def study(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["study", "--scale", "small", *map(str, arguments)])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, recipes: Path, pictures: Path, cifar: Path) -> Path:
    out = tmp_path_factory.mktemp("study")
    assert study("--out", out, "--recipes", recipes, "--data", pictures, "--cifar", cifar) == 0
    return out


def test_every_table_and_figure_is_there(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert {f.stem.removesuffix("-small") for f in (finished / "figures").glob("*.png")} == FIGURES
    assert page.count("data:image/png;base64,") == len(FIGURES)
    assert "://" not in page  # self-contained
    names = {f.stem for f in (finished / "tables").glob("*.csv")}
    assert names == TABLES == {f.stem for f in (finished / "tables").glob("*.md")}
    for table in tables(scales(finished)):
        assert escape(table.title) in page
        assert len({len(row) for row in table.rows}) == 1, table.name


def test_table_1_holds_the_means_of_the_runs(finished: Path) -> None:
    with (finished / "tables" / "table1.csv").open(newline="") as file:
        rows = {row[0]: row for row in csv.reader(file)}
    assert [rows[n][1] for n in ("L2 with dropout", "Smooth L1", "L2", "Cross-entropy, 10 bins")] == [
        "18.67",
        "13.45",
        "15.65",
        "11.27",
    ]
    values = []
    for seed in (1, 2):
        with (finished / "small" / "runs" / f"cnn-l2-seed{seed}" / "per_image.csv").open(newline="") as file:
            values.append(np.mean([float(row["closeness_ab"]) for row in csv.DictReader(file)]))
    assert float(rows["L2"][2].split()[0]) == pytest.approx(np.mean(values), rel=1e-3)
    assert float(rows["gray"][2]) > 0


def test_table_2_gives_gray_by_all_its_signs(finished: Path) -> None:
    with (finished / "tables" / "table2.csv").open(newline="") as file:
        rows = {row[0]: row for row in csv.reader(file)}
    known = Results(finished / "small").references["imagenet"]
    gray = [100 * known[name]["accuracy_10"] for name in known if name.startswith("gray")]
    assert len(gray) == 5
    assert min(gray) < max(gray)
    assert rows["10"][3] == f"{min(gray):.4g} to {max(gray):.4g} %"


def test_a_run_leaves_what_is_measured_and_no_checkpoint(finished: Path) -> None:
    folder = finished / "small" / "runs" / "cnn-ce10-seed1"
    assert not (folder / "checkpoint.safetensors").exists()
    facts = json.loads((folder / "result.json").read_text())
    assert (facts["steps"], facts["images"], facts["scores"]) == (2, 16, 20)
    assert len(facts["loss"]) == 2
    with np.load(folder / "pictures.npz") as pictures:
        assert pictures["packaged"].shape == (3, *pictures["test"].shape[1:])
    assert facts["seconds"] > 0
    assert set(facts["views"]) == {"argmax", "annealed_mean", "argmax, smoothed", "annealed_mean, smoothed"}
    results = Results(finished / "small")
    assert results.first("cnn-ce10").pictures["test"].shape == (12, 24, 24, 3)
    truth = results.references["imagenet"]
    assert truth["gray"]["mean_saturation"] < truth["truth"]["mean_saturation"]


def test_numbers_alone_are_enough_for_the_report_and_to_go_on(
    finished: Path, tmp_path: Path, recipes: Path, pictures: Path, cifar: Path
) -> None:
    """Runs of another machine come without their pictures and features."""
    out = tmp_path / "study"
    shutil.copytree(finished, out)
    for run in (out / "small" / "runs").iterdir():
        for path in run.iterdir():
            if path.name not in NUMBERS:
                path.unlink()
    shutil.rmtree(out / "small" / "runs" / "cnn-l2-seed2")
    assert study("--out", out, "--recipes", recipes, "--data", pictures, "--cifar", cifar) == 0
    new = {p.parent.name for p in out.glob("small/runs/*/pictures.npz")}
    assert new == {"cnn-l2-seed2"}  # the others were not trained again
    for name in ("table1", "table2", "findings-small", "blotches-small"):
        assert (out / f"tables/{name}.csv").read_text() == (finished / f"tables/{name}.csv").read_text(), name
    with (out / "tables" / "realism-small.csv").open(newline="") as file:
        judged = {row["run"]: row["judged real"] for row in csv.DictReader(file)}
    assert judged["cnn-ce10"] == "not kept"
    assert judged["cnn-l2"].endswith(" %")
    fresh = write_report_of(finished, tmp_path / "again", without="pictures.npz")
    assert FIGURES - fresh == {"figure1", "figure2", "figure6", "figure7", "figure8"}


def write_report_of(finished: Path, out: Path, without: str) -> set[str]:
    """Which figures the report has where no run has this file."""
    shutil.copytree(finished, out)
    shutil.rmtree(out / "figures")
    for path in out.glob(f"small/runs/*/{without}"):
        path.unlink()
    assert study("--out", out, "--report-only") == 0
    return {path.stem.removesuffix("-small") for path in (out / "figures").glob("*.png")}


def test_findings_stand_side_by_side_and_what_was_not_run_says_so(finished: Path) -> None:
    with (finished / "tables" / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["at 10,000 photographs"] for row in rows} == {"not run"}
    assert {row["at 1,000 photographs"] for row in rows} <= {"holds", "does not hold", "undecided", "not tested"}
    with (finished / "tables" / "findings-small.csv").open(newline="") as file:
        (row,) = [
            r
            for r in csv.DictReader(file)
            if r["to be less"].startswith("cnn-ce10 ") and "L2" not in r["the paper's claim"]
        ][:1]
    results = Results(finished / "small")
    ours, theirs = (
        results.per_photograph(results.runs[n], [1, 2], "closeness_ab", "test") for n in ("cnn-ce10", "cnn-l2")
    )
    assert float(row["difference (95 %)"].split()[0]) == pytest.approx(float(np.mean(ours - theirs)), rel=2e-3)
    low, high = mean_intervals((ours - theirs)[:, None])[0]
    assert row["difference (95 %)"].endswith(f"({low:+.4g} to {high:+.4g})")


def test_each_run_leads_to_its_recipe_and_curve(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    for link in ("small/runs/cnn-l2-seed1/recipe.toml", "figures/curves-small/cnn-l2.png"):
        assert f'href="{link}"' in page
        assert (finished / link).stat().st_size > 100
    with (finished / "tables" / "runs-small.csv").open(newline="") as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    loss = Results(finished / "small").first("cnn-l2")["loss"]
    assert rows["cnn-l2"]["epochs"] == "0.5"  # two steps of four of sixteen photographs
    assert [step for step, _ in loss] == [1, 2]


def test_realism_is_measured_on_the_test_photographs(finished: Path) -> None:
    results = Results(finished / "small")
    truth = load_arrays(finished / "small" / "features.npz")
    eye = Eye()
    np.testing.assert_allclose(truth["truth_test"], eye(results.truth()), rtol=1e-4, atol=1e-4)
    run = results.runs["cnn-l2"][2]
    kept = load_arrays(run.folder / "features.npz")
    np.testing.assert_allclose(kept["test"], eye(run.pictures["test"]), rtol=1e-4, atol=1e-4)
    assert (len(kept["test"]), len(kept["val"])) == (12, 4)
    # Against other photographs than those that were coloured, and not against themselves.
    reference = truth["truth_reference"]
    assert len(reference) == 16
    assert run["realism"]["frechet"] == pytest.approx(frechet_distance(kept["test"], reference))
    assert run["realism"]["kernel"] == pytest.approx(kernel_distance(kept["test"], reference).mean)
    assert results.realism
    assert results.realism.truth["frechet"] == pytest.approx(frechet_distance(truth["truth_test"], reference))
    assert (results.realism.pictures, results.realism.reference) == (12, 16)
    assert results.first("baseline-cifar")["realism"] == {}


def test_the_judge_learns_from_all_runs_and_judges_each(finished: Path) -> None:
    results = Results(finished / "small")
    seen = results.realism
    assert seen is not None
    judged = {"cnn-l2", "cnn-l2-dropout", "cnn-smooth-l1", "cnn-ce10"}
    assert seen.judged_real.keys() == judged | {"gray", "truth"}
    assert all(0 <= v <= 1 for spread in seen.judged_real.values() for v in spread.values)
    assert len(seen.judged_real["cnn-l2"].values) == 2
    assert seen.judged_real["truth"].mean > seen.judged_real["gray"].mean
    with (finished / "tables" / "realism-small.csv").open(newline="") as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    assert rows.keys() == judged | {"gray", "truth"}
    # The truth's distance from other real photographs is the floor, and stands in the table.
    for name, apart in (("gray", seen.gray), ("truth", seen.truth)):
        assert float(rows[name]["frechet"]) == pytest.approx(apart["frechet"], rel=1e-3)
        assert float(rows[name]["kernel"].split()[0]) == pytest.approx(apart["kernel"], rel=1e-3)
    assert seen.gray["kernel"] > seen.truth["kernel"]


def test_nothing_is_trained_twice(
    finished: Path,
    recipes: Path,
    pictures: Path,
    cifar: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = finished / "report.html"  # the same again, which takes as long as the trainings did
    monkeypatch.setattr("photochrom.research.study.study_report.write_report", lambda out: (page, []))
    before = {f: f.stat().st_mtime_ns for f in finished.glob("small/runs/*/result.json")}
    assert len(before) == 10
    assert study("--out", finished, "--recipes", recipes, "--data", pictures, "--cifar", cifar) == 0
    assert {f: f.stat().st_mtime_ns for f in before} == before
    assert capsys.readouterr().err.count("was done already") == 10


def test_a_killed_run_goes_on_from_its_checkpoint(
    finished: Path, tmp_path: Path, recipes: Path, pictures: Path
) -> None:
    """One step, then the whole: the same numbers as in one go."""
    from photochrom.research.study.plan import jobs, load_plan
    from photochrom.research.study.prepare import prepare, write_references
    from photochrom.research.study.run import run_job
    from photochrom.train.loop import Trainer

    plan = load_plan(recipes / "study" / "small.toml")
    (job,) = jobs(plan, recipes, ["cnn-ce10"], [1])
    data = prepare(plan, tmp_path, [pictures], [], [job])
    write_references(tmp_path, data)
    folder = tmp_path / "runs" / job.folder
    Trainer(job.recipe, data["imagenet"].train, folder, max_steps=1).run()
    assert run_job(job, data, tmp_path, "cpu")
    ours = json.loads((folder / "result.json").read_text())
    whole = json.loads((finished / "small" / "runs" / job.folder / "result.json").read_text())
    assert ours["test"] == pytest.approx(whole["test"], rel=1e-6)
    assert ours["loss"] == whole["loss"]


def test_a_run_that_another_process_trains_is_passed_over(
    finished: Path,
    tmp_path: Path,
    recipes: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from photochrom.research.study import run
    from photochrom.train.runs import FolderInUse

    def held(folder: Path) -> None:
        raise FolderInUse(f"{folder}: another process")

    out = shutil.copytree(finished, tmp_path / "copy")
    folder = out / "small" / "runs" / "cnn-l2-seed1"
    (folder / "result.json").unlink()
    monkeypatch.setattr(run, "alone_in", held)
    assert study("--out", out, "--recipes", recipes, "--data", pictures, "--only", "cnn-l2", "cnn-ce10") == 0
    said = capsys.readouterr().err
    assert "cnn-l2-seed1: another process trains it" in said
    assert "cnn-ce10-seed1: was done already" in said
    assert not (folder / "result.json").exists()


def test_the_hours_are_told_and_nothing_is_trained(
    finished: Path, tmp_path: Path, recipes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study("--out", tmp_path / "new", "--recipes", recipes, "--dry-run") == 0
    said = capsys.readouterr().out
    assert len([line for line in said.splitlines() if "cnn-l2 " in line]) == 2
    assert "left to do" in said
    assert not (tmp_path / "new").exists()
    assert study("--out", finished, "--recipes", recipes, "--dry-run") == 0
    assert capsys.readouterr().out.count("finished") == 10


def test_the_report_alone(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shutil.copytree(finished, tmp_path / "copy")
    (out / "report.html").unlink()
    assert study("--out", out, "--report-only") == 0
    assert (out / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with (finished / "tables" / "findings.csv").open(newline="") as file:
        verdicts = [row["at 1,000 photographs"] for row in csv.DictReader(file)]
    said = capsys.readouterr().out
    assert all(said.count(verdict) >= verdicts.count(verdict) for verdict in verdicts)
    assert said.count("not run") == len(verdicts)  # at 10,000 photographs
    (out / "small" / "references.json").unlink()
    assert study("--out", out, "--report-only") == 1
    assert "not measured yet; start the study without --report-only" in capsys.readouterr().err


def test_a_damaged_result_is_named(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shutil.copytree(finished, tmp_path / "copy")
    (out / "small" / "runs" / "cnn-l2-seed1" / "result.json").write_text('{"name": "cnn-', encoding="utf-8")
    assert study("--out", out, "--report-only") == 1
    said = capsys.readouterr().err.strip()
    assert "cnn-l2-seed1/result.json: it cannot be read" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--report-only"], 1, "no run of a study is finished"),
        ([], 2, "--data"),
        (["--data", "{pictures}"], 1, "--cifar"),
        (["--data", "{cifar}", "--cifar", "{cifar}"], 1, "32"),
        (["--data", "{small}", "--cifar", "{cifar}"], 1, "24"),
        (["--data", "{pictures}", "--only", "cnn-l3"], 2, "no run called 'cnn-l3'"),
    ],
)
def test_bad_input_gets_one_line(
    arguments: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    recipes: Path,
    pictures: Path,
    cifar: Path,
    draw_pictures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"pictures": pictures, "cifar": cifar, "small": draw_pictures(tmp_path / "little", 32, 5, 16)}
    given = [text.format(**places) for text in arguments]
    assert study("--out", tmp_path / "out", "--recipes", recipes, *given) == status
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out" / "small" / "runs").exists()


def test_other_photographs_or_another_recipe_are_refused(
    finished: Path,
    tmp_path: Path,
    recipes: Path,
    pictures: Path,
    cifar: Path,
    draw_pictures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = draw_pictures(tmp_path / "other", 32, 9)
    assert study("--out", finished, "--recipes", recipes, "--data", other, "--cifar", cifar) == 2
    assert "other photographs of imagenet" in capsys.readouterr().err
    changed = shutil.copytree(recipes, tmp_path / "recipes")
    text = (changed / "cnn-l2.toml").read_text(encoding="utf-8")
    assert "lr = 1e-3" in text
    (changed / "cnn-l2.toml").write_text(text.replace("lr = 1e-3", "lr = 2e-3"), encoding="utf-8")
    assert study("--out", finished, "--recipes", changed, "--data", pictures, "--cifar", cifar) == 2
    assert "another recipe (optim.lr" in capsys.readouterr().err
