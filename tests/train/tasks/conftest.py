"""Recipes of the adversarial tasks at their smallest, and what holds for the runs of any task."""

import csv

import pytest
import torch

from photochrom.models.photochrom import Photochrom, PhotochromSettings
from photochrom.train import checkpoint
from photochrom.train.loop import Trainer
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.runs import CHECKPOINT

BASE = {
    "loss": {"name": "l1"},
    "data": {"size": 32, "workers": 0},
    "optim": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999], "warmup": 0, "schedule": "constant", "clip": 0.0},
    "run": {"steps": 6, "batch": 4, "precision": "fp32", "log_every": 1, "eval_every": 100, "ema": 0.9},
}
CGAN = {"model": {"name": "unet", "settings": {"size": 32, "width": 4, "dropped": 2}}}
CYCLE = {"model": {"name": "cyclegan", "settings": {"width": 4, "blocks": 1, "lightness": "free"}}}
DISCRIMINATOR = {"width": 4, "layers": 2}


def maker(task, base):
    def make(settings=None, **sections):
        discriminator = DISCRIMINATOR | (settings or {}).get("discriminator", {})
        facts = {name: dict(table) for name, table in (BASE | base).items()}
        facts["task"] = {"name": task, "settings": (settings or {}) | {"discriminator": discriminator}}
        for name, table in sections.items():
            facts[name] = facts.get(name, {}) | table
        return recipe_from_dict(facts)

    return make


@pytest.fixture
def cgan():
    """cgan(settings of the task, section={...})."""
    return maker("adversarial", CGAN)


@pytest.fixture
def cycle():
    return maker("cyclegan", CYCLE)


@pytest.fixture(scope="session")
def classless():
    """classless(settings, n_outputs): weights of a `photochrom` that knows no classes, its encoder as published."""

    def make(settings, n_outputs):
        torch.manual_seed(0)
        model = Photochrom(PhotochromSettings(**settings), n_outputs)
        model.load_pretrained()
        torch.nn.init.normal_(model.scores.weight, std=0.5)
        return model.state_dict()

    return make


@pytest.fixture
def values():
    """values(run folder, name): what was logged under a name, by step."""

    def read(run, name):
        with (run / "log.csv").open() as file:
            return {int(r["step"]): float(r["value"]) for r in csv.DictReader(file) if r["name"] == name}

    return read


@pytest.fixture
def resumed(folder, tmp_path):
    """resumed(recipe, stop): trains whole/, and parts/ with a stop; asserts that both end alike; gives the tensors."""

    def train(recipe, stop):
        Trainer(recipe, [folder], tmp_path / "whole").run()
        Trainer(recipe, [folder], tmp_path / "parts", max_steps=stop).run()
        torch.rand(3)
        Trainer(recipe, [folder], tmp_path / "parts").run()
        (one, facts), (two, other) = (checkpoint.load(tmp_path / r / CHECKPOINT) for r in ("whole", "parts"))
        assert one.keys() == two.keys()
        assert [k for k in one if not torch.equal(one[k], two[k])] == []
        assert facts | {"seconds": 0} == other | {"seconds": 0}
        return one

    return train
