"""The baseline: its layers, its weights by hand, and its settings."""

import pytest
import torch
from torch import nn

from photochrom.errors import BadRecipe
from photochrom.models.baseline import Baseline, BaselineSettings


def test_three_convolutions_with_relu_and_batch_norm_then_a_fully_connected_layer():
    model = Baseline(BaselineSettings(size=16, channels=(2, 3, 1), kernel=5), 2)
    kinds = [[type(m) for m in layer] for layer in model.layers]
    assert kinds == [[nn.Conv2d, nn.ReLU, nn.BatchNorm2d]] * 3
    # 16 -> 12 -> 8 -> 4
    assert model.head.full.weight.shape == (2 * 16 * 16, 1 * 4 * 4)
    convolutions = (25 + 1) * 2 + (2 * 25 + 1) * 3 + (3 * 25 + 1) * 1
    norms = 2 * (2 + 3 + 1)
    assert sum(p.numel() for p in model.parameters()) == convolutions + norms + 512 * (16 + 1)
    assert model(torch.zeros(5, 1, 16, 16)).shape == (5, 2, 16, 16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": (4, 1)}, r"model.settings.channels is \(4, 1\); it must be three numbers above 0"),
        (
            {"channels": (4, 0, 1)},
            r"model.settings.channels is \(4, 0, 1\); it must be one number above 0 for each layer",
        ),
        ({"size": 8}, "model.settings.size is 8; it must be between 16 and 2048"),
        ({"kernel": 0}, "model.settings.kernel is 0; it must be between 1 and 32, the size"),
        ({"kernel": 12}, "the map shrinks to nothing .* by layer 3 of 3; it must be at most 11 here"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(BadRecipe, match=message):
        BaselineSettings(**settings)
