"""Cross-entropy over bins, against torch's own and the formula."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.losses.classification import CrossEntropy

AB = np.clip(np.random.default_rng(0).normal(0, 35, (2000, 2)), -100, 95)
JOINT = JointBins.grid(AB, 20)
CHANNEL = ChannelBins.equal_width(10).fit(AB)


def pixels(bins, whole):
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(2, bins.n_scores, 5, 7, generator=generator)
    ab = torch.randn(2, 2, 5, 7, generator=generator).mul(45).clamp(-105, 105)
    return output, ab.round() if whole else ab


def numpy_ab(ab):
    return ab.permute(0, 2, 3, 1).double().numpy()


def test_hard_joint_is_torchs_cross_entropy():
    output, ab = pixels(JOINT, whole=True)
    expected = F.cross_entropy(output, torch.from_numpy(JOINT.encode(numpy_ab(ab))))
    torch.testing.assert_close(CrossEntropy(JOINT, 0.0)(output, ab), expected)


def test_hard_channels_are_torchs_cross_entropy_each():
    output, ab = pixels(CHANNEL, whole=False)
    ab[0, :, 0, :3] = torch.tensor([20.0, -80.0, 80.0])  # on the edges
    classes = torch.from_numpy(CHANNEL.encode(numpy_ab(ab)))
    expected = sum(F.cross_entropy(output[:, 10 * c : 10 * c + 10], classes[..., c]) for c in (0, 1)) / 2
    torch.testing.assert_close(CrossEntropy(CHANNEL, 0.0)(output, ab), expected)


@pytest.mark.parametrize("rebalanced", [False, True])
def test_soft_joint_is_the_formula(rebalanced):
    output, ab = pixels(JOINT, whole=True)
    weights = JOINT.rebalancing_weights(0.5) if rebalanced else None
    log_p = F.log_softmax(output.double(), 1).permute(0, 2, 3, 1).numpy()
    index, share = JOINT.soft_encode(numpy_ab(ab), 5.0)
    loss = -(np.take_along_axis(log_p, index, -1) * share).sum(-1)
    if rebalanced:
        loss *= weights[index[..., 0]]
    assert CrossEntropy(JOINT, 5.0, weights)(output, ab).item() == pytest.approx(loss.mean(), rel=1e-5)


@pytest.mark.parametrize("rebalanced", [False, True])
def test_soft_channels_are_the_formula(rebalanced):
    output, ab = pixels(CHANNEL, whole=True)
    weights = CHANNEL.rebalancing_weights(0.5) if rebalanced else None
    index, share = CHANNEL.soft_encode(numpy_ab(ab), 8.0)
    total = 0
    for c in (0, 1):
        log_p = F.log_softmax(output[:, 10 * c : 10 * c + 10].double(), 1).permute(0, 2, 3, 1).numpy()
        loss = -(np.take_along_axis(log_p, index[..., c, :], -1) * share[..., c, :]).sum(-1)
        total += (loss * (weights[c][index[..., c, 0]] if rebalanced else 1)).mean() / 2
    assert CrossEntropy(CHANNEL, 8.0, weights)(output, ab).item() == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("bins", [JOINT, CHANNEL], ids=["joint", "channel"])
def test_between_the_places_of_the_table_the_loss_moves_little(bins):
    output, ab = pixels(bins, whole=False)
    loss = CrossEntropy(bins, 5.0)
    assert loss(output, ab).item() == pytest.approx(loss(output, ab.round()).item(), rel=0.02)


def test_rare_colors_pull_harder():
    weights = JOINT.rebalancing_weights(0.5)
    loss = CrossEntropy(JOINT, 0.0, weights)
    rare, common = JOINT.centers[weights.argmax()], JOINT.centers[weights.argmin()]
    output = torch.zeros(1, JOINT.n_scores, 1, 1)
    for color, weight in ((rare, weights.max()), (common, weights.min())):
        ab = torch.tensor(color, dtype=torch.float32).reshape(1, 2, 1, 1)
        assert loss(output, ab).item() == pytest.approx(weight * np.log(JOINT.n_scores), rel=1e-5)
