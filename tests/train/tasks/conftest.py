"""Recipes of the adversarial tasks at their smallest."""

import pytest

from photochrom.train.recipe import recipe_from_dict

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
