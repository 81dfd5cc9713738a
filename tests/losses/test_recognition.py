"""The added loss: 0 for the truth, larger the more the classifier is misled."""

import numpy as np
import pytest
import torch

from photochrom.inference.bins import JointBins
from photochrom.inference.decode import Decoding
from photochrom.losses.colors import DecodedColors
from photochrom.losses.recognition import LabClassifier, Recognition

AB = np.clip(np.random.default_rng(0).normal(0, 35, (2000, 2)), -100, 95)
JOINT = JointBins.grid(AB, 20)
HOW = Decoding(vividness=0.2, saturation=1.5)


@pytest.fixture(scope="module")
def joint():
    return Recognition(DecodedColors(JOINT, HOW, "recognition"), LabClassifier(size=64))


@pytest.fixture(scope="module")
def plain():
    return Recognition(DecodedColors(None, Decoding(), "recognition"), LabClassifier(size=64))


@pytest.fixture(scope="module")
def scene():
    """L (2, 1, 64, 64) and ab (2, 2, 16, 16): something with edges, in saturated colours."""
    generator = torch.Generator().manual_seed(3)
    light = torch.rand(2, 1, 8, 8, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3) * 70 + 15
    ab = (torch.rand(2, 2, 4, 4, generator=generator) - 0.5).repeat_interleave(4, 2).repeat_interleave(4, 3) * 90
    return light, ab


def test_the_truth_costs_nothing_and_wrong_colors_do(plain, scene):
    light, ab = scene
    costs = [float(plain(share * ab / 110, ab, light)) for share in (1.0, 0.5, -1.0)]
    assert costs[0] == pytest.approx(0, abs=1e-6)
    assert 1e-3 < costs[1] < costs[2]


@pytest.mark.parametrize("size", [64, 96])
def test_is_the_divergence_of_the_answers_at_the_size_that_is_asked_for(scene, size):
    from photochrom.color import lab_to_rgb

    light, ab = scene
    loss = Recognition(DecodedColors(None, Decoding(), "recognition"), LabClassifier(size=size))

    def seen(colors):
        lab = torch.cat([torch.nn.functional.interpolate(x, (size, size), mode="bilinear") for x in (light, colors)], 1)
        return loss.classifier.network(lab_to_rgb(lab)).double().softmax(1)

    with torch.no_grad():
        truth, ours = seen(ab), seen(torch.zeros_like(ab))
        expected = (truth * (truth.log() - ours.log())).sum(1).mean()
        assert loss(torch.zeros_like(ab), ab, light).item() == pytest.approx(expected.item(), rel=1e-3)


def test_descending_is_recognised_better(joint, scene):
    light, ab = scene
    output = torch.zeros(2, JOINT.n_scores, 16, 16, requires_grad=True)
    before = joint(output, ab, light)
    before.backward()
    assert output.grad.isfinite().all()
    with torch.no_grad():
        better = output - 0.02 * output.grad / output.grad.abs().max()
        assert joint(better, ab, light) < before


def test_the_classifier_learns_nothing(joint):
    assert not [p for p in joint.parameters() if p.requires_grad]
    assert not joint.classifier.network.training
