"""A network of one convolution, and a recipe that trains it in milliseconds."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from photochrom.models import models
from photochrom.train.recipe import recipe_from_dict

torch.set_num_threads(1)


class Dot(nn.Module):
    """One convolution; a gain of 1e38 makes its answer infinite."""

    @dataclass(frozen=True)
    class Settings:
        kernel: int = 3
        gain: float = 1.0

    multiple = 4
    stride = 4

    def __init__(self, settings, n_outputs):
        super().__init__()
        self.gain = settings.gain
        self.layer = nn.Conv2d(1, n_outputs, settings.kernel, 4, padding=settings.kernel // 2)

    def forward(self, x):
        return self.layer(x) * self.gain * self.gain


@pytest.fixture
def recipe(monkeypatch):
    """The recipe of the small network, which is registered for one test."""
    len(models)
    monkeypatch.setitem(models._entries, "dot", Dot)
    return recipe_from_dict(
        {
            "model": {"name": "dot"},
            "bins": {"kind": "equal", "sigma": 0.0, "samples": 4},
            "loss": {"rebalance": 0.0},
            "data": {"size": 16, "workers": 0, "degrade": 0.0},
            "optim": {"name": "adam", "schedule": "constant", "warmup": 0},
            "run": {"batch": 4, "precision": "fp32"},
        }
    )
