"""The two sides of a GAN's game, over a discriminator's judgements (above 0: real).

Sources: Goodfellow et al. 2014 in its non-saturating form ("bce"); least squares, Mao et al. 2017; R1, Mescheder et al.
2018. These are no entries of the table of losses: they take judgements, not colours.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def judging(real: Float[Tensor, "n 1 i j"], generated: Float[Tensor, "n 1 i j"], objective: str) -> Float[Tensor, ""]:
    """What the discriminator minimises.

    Example:
        >>> certain = torch.full((1, 1, 2, 2), 1.0)
        >>> judging(certain, 1 - certain, "least_squares").item()
        0.0
    """
    return (_distance(real, 1.0, objective) + _distance(generated, 0.0, objective)) / 2


def fooling(generated: Float[Tensor, "n 1 i j"], objective: str) -> Float[Tensor, ""]:
    """What the generator minimises: its pictures are to be judged real."""
    return _distance(generated, 1.0, objective)


def _distance(judgement: Tensor, target: float, objective: str) -> Tensor:
    wanted = torch.full_like(judgement, target, dtype=torch.float32)
    if objective == "bce":
        return F.binary_cross_entropy_with_logits(judgement.float(), wanted)
    return F.mse_loss(judgement.float(), wanted)


def shares_right(real: Tensor, generated: Tensor, objective: str) -> tuple[Tensor, Tensor]:
    """The discriminator's accuracy on real and on generated patches, 0 to 1."""
    middle = 0.0 if objective == "bce" else 0.5
    return (real > middle).float().mean(), (generated <= middle).float().mean()


def gradient_penalty(judge: Callable[[Tensor], Tensor], real: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """R1: half the mean squared norm of the judgement's gradient at real pictures; descending it keeps a discriminator
    from growing ever steeper.

    Args:
        judge: from pictures to judgements, in 32 bits.
        real: pictures.
    """
    real = real.detach().requires_grad_()
    (slope,) = torch.autograd.grad(judge(real).sum(), real, create_graph=True)
    return slope.square().flatten(1).sum(1).mean() / 2
