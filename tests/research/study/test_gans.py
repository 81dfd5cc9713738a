"""The scale of the GANs in miniature: trained, measured, and set beside L2."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from photochrom.cli import main
from photochrom.research.study.findings import findings
from photochrom.research.study.results import Results

RECIPES = Path(__file__).parents[3] / "recipes"
PLAN = """
title = "tiny"
seeds = [1]
[photographs]
train = 16
val = 4
test = 8
[overrides.unet]
"model.settings.size" = 32
"model.settings.width" = 4
"model.settings.dropped" = 2
"data.size" = 32
"run.steps" = 3
"run.batch" = 4
"run.log_every" = 1
"run.precision" = "fp32"
[overrides.cyclegan]
"model.settings.width" = 4
"model.settings.blocks" = 1
"task.settings.discriminator.width" = 4
"data.size" = 32
"run.steps" = 2
"run.batch" = 4
"run.log_every" = 1
"run.precision" = "fp32"
[overrides.photochrom]
"data.size" = 64
"data.workers" = 0
"decode.render_size" = 32
"run.steps" = 2
"run.batch" = 2
"run.log_every" = 1
"run.precision" = "fp32"
[runs]
unet-l2-small = {}
cgan-small = { "task.settings.warmup" = 1, "task.settings.discriminator.width" = 4 }
cyclegan-small = {}
photochrom-adversarial = { init = "default", size = 32 }
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, gan_pictures: Path, held_out_pictures: Path) -> Path:
    recipes, out = tmp_path_factory.mktemp("recipes"), tmp_path_factory.mktemp("study")
    for name in ("unet-l2-small", "cgan-small", "cyclegan-small", "photochrom-adversarial"):
        shutil.copy(RECIPES / f"{name}.toml", recipes)
    (recipes / "study").mkdir()
    (recipes / "study" / "adversarial.toml").write_text(PLAN, encoding="utf-8")
    arguments = ["--scale", "adversarial", "--out", out, "--recipes", recipes]
    arguments += ["--data", gan_pictures, "--held-out", held_out_pictures]
    with pytest.raises(SystemExit) as stop:
        main(["study", *map(str, arguments)])
    assert not stop.value.code
    return out


def test_they_stand_beside_l2(finished: Path) -> None:
    with (finished / "tables" / "realism-adversarial.csv").open(newline="") as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["cgan-small", "cyclegan-small", "photochrom-adversarial", "unet-l2-small", "gray", "truth"]
    results = Results(finished / "adversarial")
    for name in list(rows)[:4]:
        run = results.first(name)
        assert float(rows[name]["frechet"]) == pytest.approx(run["realism"]["frechet"], rel=1e-3)
        assert float(rows[name]["ciede2000"]) == pytest.approx(run["test"]["ciede2000"], rel=1e-3)
    drawn = {f.stem.removesuffix("-adversarial") for f in (finished / "figures").glob("*.png")}
    assert drawn == {"gans", "game", "trade", "figure3", "figure9", "verdicts"}


def test_the_claim_about_gans_is_tested(finished: Path) -> None:
    (claim,) = [f for f in findings(Results(finished / "adversarial")) if "GAN" in f.claim]
    results = Results(finished / "adversarial")
    ours, plain = results.first("cgan-small"), results.first("unet-l2-small")
    difference = plain["realism"]["kernel"] - ours["realism"]["kernel"]
    error = 1.96 * (plain["realism"]["kernel_error"] ** 2 + ours["realism"]["kernel_error"] ** 2) ** 0.5
    verdict = "holds" if difference < -error else "does not hold" if difference > error else "undecided"
    assert claim.comparisons[1].verdict == verdict
    assert claim.comparisons[0].what == "colorfulness error"
