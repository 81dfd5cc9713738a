"""Layers, weights and work of a network, against numbers by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from photochrom import color
from photochrom.errors import BadRecipe, UnknownName
from photochrom.models import models
from photochrom.train.build import build_model
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.summary import Layer, count_outputs, default_recipe, layers_of, summary


def made(**sections):
    model = {"name": "baseline", "settings": {"size": 16, "channels": [2, 3, 1], "kernel": 3}}
    return recipe_from_dict({"model": model, "data": {"size": 16}, "loss": {"name": "l2"}} | sections)


def test_every_layer_by_hand():
    found = summary(made())
    assert found.layers == (
        Layer("layers.0.conv", "Conv2d", (2, 14, 14), 9 * 2 + 2, 9 * 2 * 14 * 14),
        Layer("layers.0.act", "ReLU", (2, 14, 14), 0, 0),
        Layer("layers.0.norm", "BatchNorm2d", (2, 14, 14), 4, 0),
        Layer("layers.1.conv", "Conv2d", (3, 12, 12), 9 * 2 * 3 + 3, 9 * 2 * 3 * 12 * 12),
        Layer("layers.1.act", "ReLU", (3, 12, 12), 0, 0),
        Layer("layers.1.norm", "BatchNorm2d", (3, 12, 12), 6, 0),
        Layer("layers.2.conv", "Conv2d", (1, 10, 10), 9 * 3 + 1, 9 * 3 * 10 * 10),
        Layer("layers.2.act", "ReLU", (1, 10, 10), 0, 0),
        Layer("layers.2.norm", "BatchNorm2d", (1, 10, 10), 2, 0),
        Layer("head.full", "Linear", (512,), 512 * 100 + 512, 512 * 100),
    )
    assert (found.size, found.outputs) == (16, 2)
    assert found.parameters == 20 + 4 + 57 + 6 + 28 + 2 + 51_712
    assert found.multiply_adds == 3528 + 7776 + 2700 + 51_200


def test_strides_groups_and_modules_that_run_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Conv2d(1, 4, 3, 2, 1)
            self.each = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)

        def forward(self, x):
            return self.each(self.each(self.down(x)))

    down, each = layers_of(Twice(), 8)
    assert (down.shape, down.parameters, down.multiply_adds) == ((4, 4, 4), 40, 9 * 4 * 16)
    assert (each.shape, each.parameters, each.multiply_adds) == ((4, 4, 4), 36, 2 * 9 * 4 * 16)


@pytest.mark.parametrize("name", list(models))
def test_every_network_by_default(name):
    recipe = default_recipe(name)
    found = summary(recipe)
    assert found.outputs == 2
    assert found.size == getattr(models[name].Settings(), "size", 128)
    if name != "paper_cnn":
        assert found.parameters == sum(p.numel() for p in build_model(recipe, None).parameters())
    assert sum(layer.parameters for layer in found.layers) == found.parameters


def test_it_leaves_no_hooks():
    model = build_model(made(), None)
    layers_of(model, 16)
    assert not any(module._forward_hooks for module in model.modules())
    assert model(torch.zeros(1, 1, 16, 16)).shape == (1, 2, 16, 16)


def test_the_number_of_outputs():
    entropy = {"name": "cross_entropy"}
    assert count_outputs(made()) == 2
    for kind in ("equal", "quantile"):
        assert count_outputs(made(loss=entropy, bins={"kind": kind, "count": 30})) == 60
    levels = np.linspace(0, 1, 40)
    ab = color.rgb_to_lab(np.stack(np.meshgrid(levels, levels, levels), -1))[..., 1:].reshape(-1, 2)
    for step in (25.0, 50.0):
        cells = len({tuple(cell) for cell in np.round(ab / step).astype(int).tolist()})
        assert 0 <= count_outputs(made(loss=entropy, bins={"kind": "joint", "step": step})) - cells <= 1


def test_what_cannot_be_shown():
    with pytest.raises(UnknownName, match="no model is called 'paper_cn'; did you mean 'paper_cnn'"):
        default_recipe("paper_cn")
    with pytest.raises(BadRecipe, match=r"data\.size is 32; for this model it must be 16"):
        summary(made(data={"size": 32}))
