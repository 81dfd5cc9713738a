"""A model of two layers and a recipe for it, small enough to train in a test."""

import sys
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from photochrom.models import models
from photochrom.train.recipe import recipe_from_dict

torch.set_num_threads(1)


class Tiny(nn.Module):
    """Two convolutions with dropout between them; the first counts as the pretrained part."""

    @dataclass(frozen=True)
    class Settings:
        width: int = 6
        dropout: float = 0.25

    multiple = 4
    stride = 4

    def __init__(self, settings, n_outputs):
        super().__init__()
        self.settings = settings
        self.first = nn.Conv2d(1, settings.width, 4, 4)
        self.dropout = nn.Dropout(settings.dropout)
        self.last = nn.Conv2d(settings.width, n_outputs, 3, padding=1)

    def forward(self, x):
        return self.last(self.dropout(torch.relu(self.first(x))))

    def parameter_groups(self):
        return {"encoder": list(self.first.parameters()), "decoder": list(self.last.parameters())}


@pytest.fixture(autouse=True)
def _traced_once(traced_once):
    with traced_once():
        yield


@pytest.fixture
def tiny(monkeypatch):
    """Registers the tiny model for one test, and makes recipes for it: tiny(run={"steps": 3}, ...)."""
    len(models)
    monkeypatch.setitem(models._entries, "tiny", Tiny)
    return recipe_maker({"name": "tiny"})


@pytest.fixture
def plugged_in(tmp_path, monkeypatch):
    """Installs another distribution for one test: plugged_in(registry, the text of the module that it adds)."""

    def install(registry, text):
        len(registry)
        site = tmp_path / "site"
        info = site / "outside-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.package}]\nextra = part_of_a_test\n")
        (site / "part_of_a_test.py").write_text(text)
        monkeypatch.syspath_prepend(site)
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
        monkeypatch.setattr(registry, "_plugged", False)
        monkeypatch.delitem(sys.modules, "part_of_a_test", raising=False)

    return install


@pytest.fixture
def small():
    """Makes recipes of the real network at its smallest."""
    settings = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False, "dropout": 0.2}
    return recipe_maker({"name": "photochrom", "settings": settings})


@pytest.fixture
def paper():
    """Makes recipes of the paper's network at its smallest, on squares of 24 pixels."""
    settings = {"size": 24, "channels": [2, 2, 2, 2, 2, 2, 2, 2, 1], "kernel": 3}
    make = recipe_maker({"name": "paper_cnn", "settings": settings})

    def made(data=None, **sections):
        return make(data={"size": 24} | (data or {}), **sections)

    return made


def recipe_maker(model):
    base = {
        "model": model,
        "bins": {"samples": 6, "step": 20.0},
        "data": {"size": 32, "workers": 0},
        "optim": {"warmup": 3, "lr": 0.01},
        "run": {"steps": 6, "batch": 2, "precision": "fp32", "log_every": 1, "eval_every": 100},
    }

    def make(**sections):
        facts = {s: base.get(s, {}) | sections.get(s, {}) for s in base.keys() | sections.keys()}
        return recipe_from_dict(facts)

    return make


@pytest.fixture
def changed():
    """changed(recipe, "run", steps=3): the recipe with fields of one section replaced."""

    def change(recipe, section, **fields):
        return replace(recipe, **{section: replace(getattr(recipe, section), **fields)})

    return change
