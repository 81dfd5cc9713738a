"""What every registered loss keeps: a finite scalar, a finite gradient, in both precisions and wherever colours lie."""

import numpy as np
import pytest
import torch

from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.losses import losses
from photochrom.train.build import build_loss
from photochrom.train.config import BinsConfig, LossConfig, Recipe

AB = np.clip(np.random.default_rng(0).normal(0, 30, (500, 2)), -100, 90)
KINDS = {
    "joint": JointBins.grid(AB, 20),
    "equal": ChannelBins.equal_width(5).fit(AB),
    "quantile": ChannelBins.quantile(AB, 6),
}
CASES = [(name, kind) for name in losses for kind in (KINDS if losses[name].classifies else ["none"])]


def case(name, kind, sigma=5.0, rebalance=0.5):
    recipe = Recipe(bins=BinsConfig(sigma=sigma), loss=LossConfig(name, rebalance))
    bins = KINDS.get(kind)
    return build_loss(recipe, bins), bins.n_scores if bins else 2


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("sigma", [0.0, 5.0])
def test_loss_and_gradient_are_finite(name, kind, dtype, sigma):
    loss, channels = case(name, kind, sigma)
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(2, channels, 3, 5, generator=generator).to(dtype).requires_grad_()
    ab = torch.randn(2, 2, 3, 5, generator=generator) * 60
    ab[0, 0, 0, 0], ab[0, 1, 0, 0] = 127, -128  # outside every bin
    value = loss(output, ab)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value > 0
    value.backward()
    assert output.grad.isfinite().all()
    assert (output.grad != 0).any()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_descending_comes_nearer(name, kind):
    loss, channels = case(name, kind)
    output = torch.zeros(1, channels, 4, 4, requires_grad=True)
    ab = torch.full((1, 2, 4, 4), 25.0)
    before = loss(output, ab)
    before.backward()
    with torch.no_grad():
        output -= output.grad
    assert loss(output, ab) < before


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_loss_is_a_mean_over_pictures(name, kind):
    loss, channels = case(name, kind)
    generator = torch.Generator().manual_seed(1)
    output = torch.randn(4, channels, 3, 3, generator=generator)
    ab = torch.randn(4, 2, 3, 3, generator=generator) * 30
    halves = (loss(output[:2], ab[:2]) + loss(output[2:], ab[2:])) / 2
    torch.testing.assert_close(loss(output, ab), halves)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_nothing_of_a_loss_is_trained(name, kind):
    assert list(case(name, kind)[0].parameters()) == []
