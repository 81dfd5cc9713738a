"""The added loss: what has lost chroma pays for it by the share, what has won some does not."""

import pytest
import torch

from photochrom.losses.pallor import pallor


def flat(*chroma):
    """Pictures of one colour each, of these chromas, in hues of their own."""
    angle = torch.arange(len(chroma)) * 1.3 + 0.2
    ab = torch.stack([angle.cos(), angle.sin()], 1) * torch.tensor(chroma)[:, None]
    return ab[:, :, None, None].expand(-1, -1, 3, 4)


def test_is_the_share_that_was_lost():
    assert pallor(flat(18.0), flat(18.0)).item() == 0
    assert pallor(flat(13.0), flat(18.0)).item() == pytest.approx(5 / 20, rel=1e-3)
    assert pallor(flat(0.0), flat(18.0)).item() == pytest.approx(18 / 20, rel=1e-3)


def test_what_one_picture_wins_makes_up_for_no_other_one():
    assert pallor(flat(9.0, 40.0), flat(18.0, 18.0)).item() == pytest.approx((9 / 20) / 2, rel=1e-3)


def test_another_hue_and_another_resolution_cost_nothing():
    assert pallor(flat(18.0).flip(1), flat(18.0)).item() == 0
    assert pallor(flat(18.0)[..., :2, :2], flat(18.0)).item() == 0


def test_the_gradient_gives_color_back_and_leaves_what_was_before():
    ab, before = flat(5.0, 0.0, 30.0).clone().requires_grad_(), flat(10.0, 10.0, 10.0).clone().requires_grad_()
    pallor(ab, before).backward()
    assert before.grad is None
    assert ab.grad.isfinite().all()
    assert (ab.grad[2] == 0).all()
    with torch.no_grad():
        step = ab[0] - 10 * ab.grad[0]
    assert step.norm(dim=0).mean() > 5
