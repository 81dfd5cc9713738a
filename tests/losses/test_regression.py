"""The losses on ab, by hand."""

import pytest
import torch

from photochrom.losses import losses

OUTPUT = torch.tensor([0.0, 0.5, -1.0, 2.0]).reshape(1, 2, 1, 2)
AB = torch.tensor([0.0, 110.0, 0.0, -110.0]).reshape(1, 2, 1, 2)  # 0, 1, 0, -1 in the network's scale


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("l2", (0 + 0.25 + 1 + 9) / 4),
        ("l1", (0 + 0.5 + 1 + 3) / 4),
        ("smooth_l1", (0 + 54.5 + 109.5 + 329.5) / 4 / 110),  # in Lab units the differences are 0, 55, 110, 330
    ],
)
def test_by_hand(name, expected):
    assert losses[name]()(OUTPUT, AB).item() == pytest.approx(expected)


def test_smooth_l1_bends_at_one_lab_unit():
    x = (torch.tensor([0.999, 1.001]) / 110).requires_grad_()
    losses["smooth_l1"]()(x.reshape(1, 2, 1, 1), torch.zeros(1, 2, 1, 1)).backward()
    torch.testing.assert_close(x.grad * 2, torch.tensor([0.999, 1.0]))
