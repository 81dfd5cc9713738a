"""Losses on ab itself: the network's 2 channels are ab / 110."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support.settings import Range, check_fields
from photochrom.color import AB_SCALE
from photochrom.errors import BadRecipe
from photochrom.losses import losses


class Regression(nn.Module):
    """Base of the losses on ab; both sides are brought to the network's scale."""

    classifies = False

    def forward(self, output: Float[Tensor, "n 2 h w"], ab: Float[Tensor, "n 2 h w"]) -> Float[Tensor, ""]:
        return self.distance(output, ab / AB_SCALE)

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError


@losses.register("l2")
class L2(Regression):
    """Mean squared error. Source: the paper, section 4.2.4."""

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(x, y)


@losses.register("l1")
class L1(Regression):
    """Mean absolute error. Source: the paper, appendix 1, second term of the cGAN's loss."""

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        return F.l1_loss(x, y)


@dataclass(frozen=True)
class SmoothL1Settings:
    """Settings of `smooth_l1`.

    Attributes:
        bend: the difference, in Lab units, up to which the error is squared.
    """

    bend: Annotated[float, Range(0, 110, above=True)] = 1.0

    def __post_init__(self) -> None:
        check_fields(self, "smooth_l1's {}".format, BadRecipe)


@losses.register("smooth_l1")
class SmoothL1(Regression):
    """Squared under one Lab unit, absolute above. Source: the paper, section 4.2.4, divided by 110.

    On the network's own scale no difference reaches 1, and it would be half the squared error everywhere.

    Args:
        settings: where it bends instead.
    """

    Settings = SmoothL1Settings

    def __init__(self, settings: SmoothL1Settings | None = None) -> None:
        super().__init__()
        self.bend = (settings or SmoothL1Settings()).bend / AB_SCALE

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        return F.smooth_l1_loss(x, y, beta=self.bend)
