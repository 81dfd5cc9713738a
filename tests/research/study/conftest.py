"""A study in miniature: drawn photographs of four classes, and recipes that shrink the real ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RECIPES = Path(__file__).parents[3] / "recipes"
RUNS = ("baseline-cifar", "cnn-l2", "cnn-l2-dropout", "cnn-smooth-l1", "cnn-ce10")
PLAN = """
title = "tiny"
seeds = [1, 2]
[photographs]
train = 16
val = 4
test = 12
baseline_train = 8
baseline_test = 6
[overrides.paper_cnn]
"model.settings.channels" = [2, 2, 2, 2, 2, 2, 2, 2, 1]
"model.settings.kernel" = 3
"model.settings.size" = 24
"data.size" = 24
"data.workers" = 0
"run.steps" = 2
"run.batch" = 4
"run.log_every" = 1
"run.precision" = "fp32"
[overrides.baseline]
"model.settings.size" = 24
"model.settings.channels" = [2, 2, 1]
"data.size" = 24
"data.workers" = 0
"run.steps" = 2
"run.batch" = 4
"run.log_every" = 1
"run.precision" = "fp32"
[runs]
baseline-cifar = {}
cnn-l2 = {}
cnn-l2-dropout = {}
cnn-smooth-l1 = {}
cnn-ce10 = {}
"""
SYNSETS = ("n09193705", "n03179701", "n01443537", "n02123045")  # alp: outdoor; desk: indoor; goldfish; tabby: indoor


def draw(folder: Path, count: int, seed: int, side: int = 24) -> Path:
    """Different pictures of a coloured disc on a coloured ground, in a folder a class."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side))
    for i in range(count):
        ground, disc = rng.integers(0, 256, (2, 3))
        inside = np.hypot(y - side / 2, x - side / 2) < rng.integers(4, 10)
        picture = np.where(inside[..., None], disc, ground) + rng.integers(-8, 9, (side, side, 1))
        target = folder / SYNSETS[i % 4] / f"{i:03d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(target)
    return folder


@pytest.fixture
def draw_pictures() -> Callable[..., Path]:
    return draw


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("imagenet"), 32, 0)


@pytest.fixture(scope="session")
def gan_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("larger"), 16, 3, side=32)


@pytest.fixture(scope="session")
def held_out_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("held-out"), 12, 4, side=32)


@pytest.fixture(scope="session")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("cifar"), 14, 1)


@pytest.fixture(scope="session")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    for name in RUNS:
        shutil.copy(RECIPES / f"{name}.toml", folder)
    (folder / "study").mkdir()
    (folder / "study" / "small.toml").write_text(PLAN, encoding="utf-8")
    return folder
