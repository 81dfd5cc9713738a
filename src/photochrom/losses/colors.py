"""A network's output as the colours that a person would be shown, so that a gradient can pass."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photochrom.bins import Bins, JointBins
from photochrom.color import AB_SCALE
from photochrom.decode import Decoding, saturated
from photochrom.errors import BadRecipe


class DecodedColors(nn.Module):
    """The same as `photochrom.decode.scores_to_ab`, in torch and in batches; smoothing is not in it.

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
            raise BadRecipe(f"the task '{task}' needs joint bins or none; bins.kind may be joint only")
        if bins is not None and decoding.decoder not in ("mean", "annealed_mean"):
            raise BadRecipe(
                f"decode.decoder is '{decoding.decoder}'; with the task '{task}' it may be mean, annealed_mean"
            )
        self.decoding = decoding
        self.temperature = decoding.temperature if decoding.decoder == "annealed_mean" else 1.0
        self.joint = bins is not None
        if bins is not None:
            weights = torch.tensor(bins.rebalancing_weights(decoding.smoothing), dtype=torch.float32)
            self.register_buffer("values", torch.tensor(bins.values, dtype=torch.float32))
            self.register_buffer("push", weights.log() * (decoding.vividness - decoding.trained_rebalance))

    def forward(self, output: Float[Tensor, "n q i j"]) -> Float[Tensor, "n 2 i j"]:
        """ab in Lab units."""
        last = output.permute(0, 2, 3, 1).float()  # so that the soft-max walks through memory in order
        if not self.joint:
            return saturated(last * AB_SCALE, self.decoding).permute(0, 3, 1, 2)
        shares = ((last + self.push) / self.temperature).softmax(-1)
        return saturated(shares @ self.values, self.decoding).permute(0, 3, 1, 2)
