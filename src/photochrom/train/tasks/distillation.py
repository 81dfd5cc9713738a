"""Supervised training with distillation, so that the encoder keeps the ImageNet classes that it recognises.

An encoder fine-tuned on a few ten thousand photographs forgets much of the million that it was trained on. Here it also
has to predict, from L alone and through the published class layer, what a classifier predicts for the same sample in
colour. It forgets classes that its photographs do not show all the same (see docs/experiments/default-model.md).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from photochrom.color import L_CENTER
from photochrom.inference.bins import Bins
from photochrom.train.config import Recipe
from photochrom.train.task import tasks
from photochrom.train.tasks.recognition import ClassifierLossSettings, refuse_without_classes
from photochrom.train.tasks.supervised import SupervisedTask
from photochrom.train.weights import fitting


@tasks.register("distillation")
class DistillationTask(SupervisedTask):
    """The recipe's network under the recipe's loss and under the divergence of its classes from a classifier's.

    The network is a `photochrom` with `class_colors`, whose layer of the classes stays as it is; what the classes add
    to the scores has no part in the training.

    Source: Li and Hoiem, "Learning without Forgetting", 2016; the divergence after Hinton et al., "Distilling the
    Knowledge in a Neural Network", 2015.
    """

    Settings = ClassifierLossSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        refuse_without_classes(self)
        self.classifier = self.settings.made(recipe, device)

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a network that may know no classes yet; their public weights come with it."""
        super().start_from(self.model.class_colors.joined(fitting(self.model, state), self.model.encoder))

    def answer(self, light: Tensor) -> tuple[Tensor, Tensor]:
        """The scores without what the classes add, and the logarithms of the classes' probabilities."""
        scores, world = self.model.answer(self.normalised(light))
        return scores, self.model.class_colors.classes(world).float().log_softmax(1)

    def objective(self, output: Any, ab: Tensor, light: Tensor) -> dict[str, Tensor]:
        """The recipe's losses and the weighted divergence; the latter is logged as "distillation" too."""
        scores, ours = output
        recipes = super().objective(scores, ab, light)
        with torch.no_grad():
            wanted = self.classifier(ab, light)
        distillation = F.kl_div(ours, wanted, reduction="batchmean", log_target=True)
        loss = recipes["loss"] + self.settings.weight * distillation
        return recipes | {"loss": loss, "distillation": distillation}
