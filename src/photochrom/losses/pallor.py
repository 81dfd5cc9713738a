"""An added loss: penalises colours paler than a reference model's."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

TINT = 2.0  # Lab units: what has no more chroma than this is gray, and need not keep it


def pallor(ab: Float[Tensor, "n 2 h w"], before: Float[Tensor, "n 2 i j"]) -> Float[Tensor, ""]:
    """The share of their chroma that pictures have lost, 0 for those that have more than before.

    Args:
        ab: of each picture, Lab units.
        before: what it had, likewise; without a part in the gradient.

    Returns:
        The mean over the pictures of max(0, B - C) / (B + 2), where C and B are the mean chroma now and before.
    """
    now, then = _chroma(ab), _chroma(before.detach())
    return ((then - now).clamp(min=0) / (then + TINT)).mean()


def _chroma(ab: Float[Tensor, "n 2 h w"]) -> Float[Tensor, " n"]:
    """Mean chroma of each picture."""
    return (ab.square().sum(1) + 1e-6).sqrt().mean((1, 2))  # the root alone has no gradient at 0
