"""Supervised training with a second loss: what a classifier sees in the colouring is what it sees in the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from photochrom.bins import Bins
from photochrom.color import L_CENTER
from photochrom.errors import BadRecipe
from photochrom.losses.recognition import LabClassifier, Recognition
from photochrom.settings import check
from photochrom.train.config import Recipe
from photochrom.train.task import Task
from photochrom.train.tasks import tasks
from photochrom.train.tasks.supervised import SupervisedTask


@dataclass(frozen=True)
class Asked:
    """The classifier of a task that asks one.

    Attributes:
        classifier: the ImageNet classifier, "lite0" or "lite1"; lite2 is the one that top-1 is measured with.
        size: side in pixels of the square, resized from the sample, that the classifier sees.
    """

    classifier: str = "lite0"
    size: int = 192

    def __post_init__(self) -> None:
        check(self.classifier in ("lite0", "lite1"), "task.settings.classifier", self.classifier, "lite0, lite1")
        fits = self.size % 32 == 0 and 32 <= self.size <= 512
        check(fits, "task.settings.size", self.size, "32 to 512, a multiple of 32")

    def made(self, recipe: Recipe, device: torch.device) -> LabClassifier:
        """The classifier, on the device, in the recipe's precision."""
        asked = LabClassifier(self.classifier, self.size, recipe.run.precision == "bf16")
        return asked.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Settings(Asked):
    """Settings of a second loss by a classifier.

    Attributes:
        weight: how much it counts beside the recipe's loss.
    """

    weight: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check(0 < self.weight <= 100, "task.settings.weight", self.weight, "above 0 to 100")


def refuse_without_classes(task: Task) -> None:
    """Some tasks are about the ImageNet classes that the network tells.

    Raises:
        BadRecipe: it tells none.
    """
    if not getattr(task.model, "class_colors", None):
        raise BadRecipe(
            f"the task '{task.recipe.task.name}' is for a network 'photochrom' with model.settings.class_colors = true"
        )


@tasks.register("recognition")
class RecognitionTask(SupervisedTask):
    """The recipe's network under the recipe's loss and a classifier's judgement."""

    Settings = Settings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        self.recognition = Recognition(self.decoded_colors(), self.settings.made(recipe, device))

    def objective(self, output: Tensor, ab: Tensor, light: Tensor) -> dict[str, Tensor]:
        """The recipe's loss and the weighted divergence; the latter is logged as "recognition" too."""
        recognition = self.recognition(output, ab, light)
        return {"loss": self.loss(output, ab) + self.settings.weight * recognition, "recognition": recognition}
