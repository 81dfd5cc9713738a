"""The game's losses, against their formulas."""

import math

import pytest
import torch

from photochrom.losses.adversarial import fooling, gradient_penalty, judging, shares_right


def test_bce_by_hand():
    real, generated = torch.tensor([[[[2.0]]]]), torch.tensor([[[[-1.0]]]])
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))) / 2
    assert judging(real, generated, "bce").item() == pytest.approx(expected)
    assert fooling(generated, "bce").item() == pytest.approx(math.log(1 + math.exp(1)))


def test_least_squares_by_hand():
    real, generated = torch.tensor([[[[0.5, 1.5]]]]), torch.tensor([[[[0.25, 0.0]]]])
    assert judging(real, generated, "least_squares").item() == pytest.approx((0.25 + 0.25**2 / 2) / 2)
    assert fooling(generated, "least_squares").item() == pytest.approx((0.75**2 + 1) / 2)


@pytest.mark.parametrize("objective", ["bce", "least_squares"])
def test_each_side_wants_the_opposite(objective):
    judgement = torch.zeros(1, 1, 2, 2, requires_grad=True)
    (fools,) = torch.autograd.grad(fooling(judgement, objective), judgement)
    (judges,) = torch.autograd.grad(judging(torch.ones(1, 1, 2, 2), judgement + 0.5, objective), judgement)
    assert (fools < 0).all(), "descending raises the judgement"
    assert (judges > 0).all()


def test_shares_right():
    real, generated = torch.tensor([0.4, 0.6, -1.0, 2.0]), torch.tensor([0.4, 0.6, -1.0, -2.0])
    assert [share.item() for share in shares_right(real, generated, "bce")] == [0.75, 0.5]
    assert [share.item() for share in shares_right(real, generated, "least_squares")] == [0.5, 0.75]


def test_the_penalty_of_a_linear_judge_is_half_its_squared_slope():
    slope = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)

    def judge(pictures):
        return (pictures * slope[:, None, None]).sum((1, 2, 3))

    penalty = gradient_penalty(judge, torch.rand(5, 3, 2, 2))
    assert penalty.item() == pytest.approx(4 * (1 + 4 + 9) / 2)
    penalty.backward()
    torch.testing.assert_close(slope.grad, 4 * slope.detach())
