"""An added loss: a classifier that knows the world in colour shall see in a colouring what it sees in the truth."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom.bins import Bins, JointBins
from photochrom.color import AB_SCALE, lab_to_rgb
from photochrom.decode import Decoding, saturated
from photochrom.errors import BadRecipe
from photochrom.models.classifier import ImageNetClassifier


class Recognition(nn.Module):
    """Kullback-Leibler divergence between an ImageNet classifier's answers for the truth and for the colouring.

    The colouring is decoded as the recipe's [decode] says (by its mean or annealed mean, which have a gradient) and
    joined with the true L; the truth has the same L and the same resolution of colour: nothing but colour differs.
    The classifier is frozen; the one that top-1 is measured with must be another (`photochrom evaluate --top1`: lite2).
    It knows things best at the size that it was trained with, 224 pixels; small samples are enlarged for it, and its
    judgement then agrees better with other classifiers' (docs/default-model.md has the figures).

    Args:
        bins: the codebook; None where the network gives ab / 110.
        decoding: how scores become colour.
        variant: the classifier, "lite0" or "lite1".
        size: side in pixels of the square that the classifier sees.
        half: the classifier computes in bfloat16.

    Raises:
        BadRecipe: bins a channel, or a decoder without a gradient.

    Source: a classifier's judgement as a loss, after Johnson et al., "Perceptual Losses", 2016; the divergence of the
    answers after Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """

    values: Tensor
    push: Tensor

    def __init__(
        self, bins: Bins | None, decoding: Decoding, variant: str = "lite0", size: int = 192, half: bool = False
    ) -> None:
        super().__init__()
        if bins is not None and not isinstance(bins, JointBins):
            raise BadRecipe("the task 'recognition' needs joint bins or none; bins.kind may be joint only")
        if decoding.decoder not in ("mean", "annealed_mean"):
            raise BadRecipe(
                f"decode.decoder is '{decoding.decoder}'; with the task 'recognition' it may be mean, annealed_mean"
            )
        self.temperature = decoding.temperature if decoding.decoder == "annealed_mean" else 1.0
        self.decoding = decoding
        self.classifier = ImageNetClassifier.pretrained(variant).requires_grad_(False)
        self.size = size
        self.half_precision = half
        self.joint = bins is not None
        if bins is not None:
            push = decoding.vividness - decoding.trained_rebalance
            weights = bins.rebalancing_weights(decoding.smoothing)
            self.register_buffer("values", torch.tensor(bins.values, dtype=torch.float32))
            self.register_buffer("push", torch.log(torch.tensor(weights, dtype=torch.float32)) * push)

    def forward(
        self, output: Float[Tensor, "n q i j"], ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, ""]:
        """A scalar, 0 where the classifier sees no difference; L is 0..100, ab in Lab units."""
        with torch.no_grad():
            wanted = self.log_probabilities(ab, light)
        ours = self.log_probabilities(self.decode(output), light)
        return F.kl_div(ours, wanted, reduction="batchmean", log_target=True)

    def decode(self, output: Float[Tensor, "n q i j"]) -> Float[Tensor, "n 2 i j"]:
        """ab in Lab units; the same as `photochrom.decode.scores_to_ab`, with a gradient."""
        if not self.joint:
            ab = output.permute(0, 2, 3, 1).float() * AB_SCALE
        else:
            # Classes last, so that the soft-max walks through memory in order.
            scores = output.permute(0, 2, 3, 1).float() + self.push
            ab = (scores / self.temperature).softmax(-1) @ self.values
        return saturated(ab, self.decoding).permute(0, 3, 1, 2)

    def log_probabilities(
        self, ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n 1000"]:
        """The classifier's answer for a colouring."""
        lab = [F.interpolate(x, (self.size, self.size), mode="bilinear") for x in (light, ab)]
        rgb = lab_to_rgb(torch.cat(lab, 1)).to(memory_format=torch.channels_last)
        with torch.autocast(light.device.type, torch.bfloat16, enabled=self.half_precision):
            return self.classifier(rgb).float().log_softmax(1)
