"""Decoding with a gradient is decoding as at run time."""

import numpy as np
import pytest
import torch

from photochrom.errors import BadRecipe
from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.inference.decode import Decoding, scores_to_ab
from photochrom.losses.colors import DecodedColors
from photochrom.painting.smooth import smooth_chroma
from photochrom.painting.upsample import resize

LIGHT = torch.rand(1, 1, 20, 28, generator=torch.Generator().manual_seed(1)) * 100
JOINT = JointBins.grid(np.clip(np.random.default_rng(0).normal(0, 35, (2000, 2)), -100, 95), 20)


@pytest.mark.parametrize(
    "how",
    [
        Decoding(vividness=0.2, saturation=1.5),
        Decoding(decoder="mean", vividness=0.7),
        Decoding(temperature=0.4, chroma_gamma=1.5, chroma_knee=3.0, trained_rebalance=0.5, smoothing=0.75),
    ],
)
def test_a_codebook_is_decoded_as_the_runtime_does_and_lets_a_gradient_pass(how):
    scores = torch.randn(1, JOINT.n_scores, 5, 7, generator=torch.Generator().manual_seed(0)) * 3
    expected = scores_to_ab(scores[0].numpy(), JOINT, how)
    found = DecodedColors(JOINT, how, "any")(scores.requires_grad_(), LIGHT)
    np.testing.assert_allclose(found[0].detach().permute(1, 2, 0), expected, atol=2e-4)
    found.square().sum().backward()
    assert scores.grad.abs().min() > 0


@pytest.mark.parametrize("size", [(5, 7), (20, 28)])
def test_smoothing_is_the_runtimes(size):
    output = torch.randn(1, 2, *size, generator=torch.Generator().manual_seed(0)) * 0.2
    guide = resize(LIGHT[0, 0].numpy(), size[::-1])
    expected = smooth_chroma(output[0].permute(1, 2, 0).numpy() * 110, guide, 2)
    found = DecodedColors(None, Decoding(smooth_radius=2), "any")(output, LIGHT)
    np.testing.assert_allclose(found[0].permute(1, 2, 0), expected, atol=1e-3)


def test_regression_is_shown_as_it_is():
    output = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0)) * 0.2
    how = Decoding(decoder="argmax", saturation=1.5, chroma_gamma=1.6)  # of no meaning without a codebook
    shown = DecodedColors(None, how, "any")(output, LIGHT)
    np.testing.assert_allclose(shown[0].permute(1, 2, 0), scores_to_ab(output[0].numpy(), None, how), rtol=1e-5)


@pytest.mark.parametrize(
    ("bins", "how", "message"),
    [
        (ChannelBins.equal_width(10), Decoding(), r"the task 'any' needs joint bins or none; bins\.kind must be joint"),
        (JOINT, Decoding(decoder="argmax"), r"decode\.decoder is 'argmax'; with the task 'any' it must be mean or ann"),
    ],
)
def test_what_has_no_gradient_is_refused(bins, how, message):
    with pytest.raises(BadRecipe, match=message):
        DecodedColors(bins, how, "any")
