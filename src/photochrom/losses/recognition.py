"""Perceptual loss: the KL divergence between a classifier's outputs on the colouring and on the original."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom.color import lab_to_rgb
from photochrom.losses.colors import DecodedColors
from photochrom.models.classifier import ImageNetClassifier


class LabClassifier(nn.Module):
    """A frozen ImageNet classifier that is shown L and ab, each at its own resolution.

    It recognises best at the size that it was trained with, 224 pixels, so small samples are enlarged for it. Whether
    it then agrees better with other classifiers is within chance (see docs/experiments/default-model.md). Top-1 must be
    measured with a different one (`photochrom evaluate --top1`: lite2).

    Args:
        variant: "lite0" or "lite1".
        size: side in pixels of the square that the classifier sees.
        half: it computes in bfloat16.
    """

    def __init__(self, variant: str = "lite0", size: int = 192, half: bool = False) -> None:
        super().__init__()
        self.network = ImageNetClassifier.pretrained(variant).requires_grad_(False)
        self.size = size
        self.half_precision = half

    def forward(self, ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1000"]:
        """Logarithms of the classes' probabilities; L is 0..100, ab in Lab units."""
        lab = [F.interpolate(x, (self.size, self.size), mode="bilinear") for x in (light, ab)]
        rgb = lab_to_rgb(torch.cat(lab, 1)).to(memory_format=torch.channels_last)
        with torch.autocast(light.device.type, torch.bfloat16, enabled=self.half_precision):
            return self.network(rgb).float().log_softmax(1)


class Recognition(nn.Module):
    """Kullback-Leibler divergence between an ImageNet classifier's answers for the truth and for the colouring.

    The colouring is decoded as the recipe's [decode] says (by its mean or annealed mean, which have a gradient) and
    joined with the true L; the truth has the same L and the same resolution of colour: nothing but colour differs.

    Args:
        colors: how the network's output becomes colour.
        classifier: gives the outputs to compare.

    Source: a classifier's judgement as a loss, after Johnson et al., "Perceptual Losses", 2016; the divergence of the
    answers after Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """

    def __init__(self, colors: DecodedColors, classifier: LabClassifier) -> None:
        super().__init__()
        self.colors, self.classifier = colors, classifier

    def forward(
        self, output: Float[Tensor, "n q i j"], ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, ""]:
        """A scalar, 0 where the classifier sees no difference; L is 0..100, ab in Lab units."""
        return self.judged(self.colors(output, light), ab, light)

    def judged(
        self, ours: Float[Tensor, "n 2 i j"], ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, ""]:
        """The same for a colouring that is decoded already, `ours`, in Lab units."""
        with torch.no_grad():
            wanted = self.classifier(ab, light)
        return F.kl_div(self.classifier(ours, light), wanted, reduction="batchmean", log_target=True)
