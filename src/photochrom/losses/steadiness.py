"""Losses over clips: colours that stay with what moves, motion that is found, and trust where it is due."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from photochrom.models.recurrent import carried

SMALL = 1e-4  # under a root, which has no gradient at 0


def unsteadiness(
    painted: Float[Tensor, "n t 2 h w"], motion: Float[Tensor, "n t 2 h w"], seen: Float[Tensor, "n t 1 h w"]
) -> Float[Tensor, ""]:
    """Mean distance of the colours from those of the frame before, followed along the true motion.

    Args:
        painted: (n, t, 2, h, w) ab.
        motion, seen: of the clips, see `photochrom.data.clips.Clip`.
    """
    before = carried(painted[:, :-1].flatten(0, 1), motion[:, 1:].flatten(0, 1))
    seen = seen[:, 1:].flatten(0, 1)
    distance = ((painted[:, 1:].flatten(0, 1) - before).square().sum(1, keepdim=True) + SMALL).sqrt()
    return (distance * seen).sum() / seen.sum().clamp_min(1)


def strays(
    found: Float[Tensor, "n t 2 h w"],
    motion: Float[Tensor, "n t 2 h w"],
    seen: Float[Tensor, "n t 1 h w"],
    reach: float,
) -> Float[Tensor, ""]:
    """Mean distance of the motion found (n, t, 2, h, w) from the true one, where that is within reach."""
    near = seen * (motion.abs().amax(2, keepdim=True) <= reach)
    distance = ((found - motion).square().sum(2, keepdim=True) + SMALL).sqrt()
    return (distance * near).sum() / near.sum().clamp_min(1)


def mistrust(
    trust: Float[Tensor, "n t 1 h w"],
    found: Float[Tensor, "n t 2 h w"],
    motion: Float[Tensor, "n t 2 h w"],
    seen: Float[Tensor, "n t 1 h w"],
) -> Float[Tensor, ""]:
    """Cross-entropy, in nats, of trust against whether it is due: the point was seen, and is found within one point."""
    due = seen * ((found.detach() - motion).square().sum(2, keepdim=True) < 1)
    share = trust[:, 1:].clamp(SMALL, 1 - SMALL)
    return F.binary_cross_entropy(share, due[:, 1:])
