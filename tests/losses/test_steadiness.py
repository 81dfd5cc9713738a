"""Losses over clips, by hand."""

import math

import pytest
import torch

from photochrom.losses.steadiness import mistrust, strays, unsteadiness


def test_colours_that_stay_with_what_moves_cost_nothing():
    first = torch.arange(8.0).expand(1, 2, 4, 8) * 10
    painted = torch.stack([first, first + 10], 1)  # what is at x was at x + 1 in the frame before
    motion, seen = torch.zeros(1, 2, 2, 4, 8), torch.ones(1, 2, 1, 4, 8)
    assert unsteadiness(painted, motion, seen).item() == pytest.approx(200**0.5, rel=1e-5)
    motion[:, 1, 0] = 1
    seen[..., -1] = 0
    assert unsteadiness(painted, motion, seen).item() == pytest.approx(0.01, rel=1e-3)


def test_what_was_not_seen_does_not_count():
    painted, motion, seen = torch.randn(2, 3, 2, 4, 4), torch.zeros(2, 3, 2, 4, 4), torch.zeros(2, 3, 1, 4, 4)
    assert unsteadiness(painted, motion, seen).item() == 0
    seen[:, 0] = 1  # the first frame has none before it
    assert unsteadiness(painted, motion, seen).item() == 0
    painted.requires_grad_()
    seen[0, 1, 0, 0, 0] = 1
    unsteadiness(painted * 0 + 5, motion, seen).backward()
    assert painted.grad.isfinite().all()


def test_strays_within_reach():
    motion, seen = torch.zeros(1, 2, 2, 1, 3), torch.ones(1, 2, 1, 1, 3)
    motion[0, 1, 0, 0] = torch.tensor([3.0, 0.0, 9.0])
    found = torch.zeros_like(motion)
    found[0, 1, 1, 0, 1] = 4
    seen[:, 0] = 0
    assert strays(found, motion, seen, 4).item() == pytest.approx(3.5, rel=1e-4)
    assert strays(found, motion, seen, 10).item() == pytest.approx(16 / 3, rel=1e-4)


def test_trust_is_due_to_what_was_seen_and_is_found():
    trust = torch.tensor([0.5, 0.9, 0.9, 0.9]).view(1, 1, 1, 1, 4).repeat(1, 2, 1, 1, 1)
    motion, seen = torch.zeros(1, 2, 2, 1, 4), torch.ones(1, 2, 1, 1, 4)
    found = motion.clone()
    found[0, 1, 0, 0, 2] = 1.5  # missed
    seen[0, 1, 0, 0, 3] = 0
    wanted = -(math.log(0.5) + math.log(0.9) + 2 * math.log(0.1)) / 4
    assert mistrust(trust, found, motion, seen).item() == pytest.approx(wanted, rel=1e-5)
    trust[:, 0] = 0  # the first frame has no past
    assert mistrust(trust, found, motion, seen).item() == pytest.approx(wanted, rel=1e-5)
    certain = torch.zeros_like(trust).requires_grad_()
    assert mistrust(certain, found, motion, seen).isfinite()
