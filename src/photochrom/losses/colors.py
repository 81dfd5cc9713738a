"""A network's output as the colours that a person would be shown, so that a gradient can pass."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom.color import AB_SCALE
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins, JointBins
from photochrom.inference.decode import Decoding, saturated
from photochrom.painting.smooth import EPSILON


class DecodedColors(nn.Module):
    """`inference.decode.scores_to_ab`, then `painting.smooth.smooth_chroma`, in torch and in batches; no agreement.

    `photochrom.torch.scores_to_ab` decodes alike up to rounding, by any codebook and with `argmax`. This one holds its
    tables on the device and takes about half the time, for training.

    Args:
        bins: the codebook; None where the network gives ab / 110.
        decoding: how scores become colour.
        task: the kind of training that needs it, for the error.

    Attributes:
        values: (q, 2) the colours of the codebook in Lab units, where there is one.

    Raises:
        BadRecipe: bins a channel, or a decoder without a gradient.
    """

    values: Tensor
    push: Tensor

    def __init__(self, bins: Bins | None, decoding: Decoding, task: str) -> None:
        super().__init__()
        if bins is not None and not isinstance(bins, JointBins):
            raise BadRecipe(f"the task '{task}' needs joint bins or none; bins.kind must be joint")
        if bins is not None and decoding.decoder not in ("mean", "annealed_mean"):
            raise BadRecipe(
                f"decode.decoder is '{decoding.decoder}'; with the task '{task}' it must be mean or annealed_mean"
            )
        self.decoding = decoding
        self.temperature = decoding.temperature if decoding.decoder == "annealed_mean" else 1.0
        self.joint = bins is not None
        if bins is not None:
            weights = torch.tensor(bins.rebalancing_weights(decoding.smoothing), dtype=torch.float32)
            self.register_buffer("values", torch.tensor(bins.values, dtype=torch.float32))
            self.register_buffer("push", weights.log() * (decoding.vividness - decoding.trained_rebalance))

    def forward(self, output: Float[Tensor, "n q i j"], light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 i j"]:
        """ab in Lab units, as it is shown with L, 0..100."""
        last = output.permute(0, 2, 3, 1).float()  # so that the soft-max walks through memory in order
        ab = self._mean(last) if self.joint else last * AB_SCALE
        ab = saturated(ab, self.decoding).permute(0, 3, 1, 2)
        if not self.decoding.smooth_radius:
            return ab
        guide = F.interpolate(light, ab.shape[2:], mode="bilinear", antialias=True)
        return smoothed(ab, guide, self.decoding.smooth_radius)

    def _mean(self, scores: Tensor) -> Tensor:
        return ((scores + self.push) / self.temperature).softmax(-1) @ self.values


def smoothed(ab: Float[Tensor, "n 2 h w"], light: Float[Tensor, "n 1 h w"], radius: int) -> Float[Tensor, "n 2 h w"]:
    """`photochrom.painting.smooth.smooth_chroma`, in torch and in batches.

    Args:
        ab: in Lab units.
        light: L, 0..100.
        radius: of the window, points.
    """
    light = light - light.mean((2, 3), keepdim=True)  # variances are differences of squares, and 32 bits are few
    mean_light, mean_ab = _box(light, radius), _box(ab, radius)
    slope = _box(light * ab, radius) - mean_light * mean_ab
    slope = slope / (_box(light * light, radius) - mean_light**2 + EPSILON)
    return _box(slope, radius) * light + _box(mean_ab - slope * mean_light, radius)


def _box(planes: Tensor, radius: int) -> Tensor:
    """Mean over the square window around each point, the border repeated."""
    return F.avg_pool2d(F.pad(planes, [radius] * 4, mode="replicate"), 2 * radius + 1, stride=1)
