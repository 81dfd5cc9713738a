"""Supervised training with an added perceptual loss, see `photochrom.losses.recognition`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from photochrom._support.settings import Checked, Range, check
from photochrom.color import L_CENTER
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins
from photochrom.losses.colors import DecodedColors
from photochrom.losses.pallor import pallor
from photochrom.losses.recognition import LabClassifier, Recognition
from photochrom.train.config import Recipe
from photochrom.train.task import Task, tasks
from photochrom.train.tasks.supervised import SupervisedTask
from photochrom.train.teacher import Teacher


@dataclass(frozen=True)
class Asked(Checked, where="task.settings"):
    """The classifier of a task that asks one.

    Attributes:
        classifier: the ImageNet classifier, "lite0" or "lite1"; lite2 is the one that top-1 is measured with.
        size: side in pixels of the square, resized from the sample, that the classifier sees.
    """

    classifier: Literal["lite0", "lite1"] = "lite0"
    size: int = 192

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = self.size % 32 == 0 and 32 <= self.size <= 512
        check(fits, "task.settings.size", self.size, "a multiple of 32 between 32 and 512")

    def made(self, recipe: Recipe, device: torch.device) -> LabClassifier:
        """The classifier, on the device, in the recipe's precision."""
        asked = LabClassifier(self.classifier, self.size, recipe.run.precision == "bf16")
        return asked.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


@dataclass(frozen=True)
class ClassifierLossSettings(Asked):
    """Settings of a second loss by a classifier.

    Attributes:
        weight: how much it counts beside the recipe's loss.
    """

    weight: Annotated[float, Range(0, 100, above=True)] = 0.3


def refuse_without_classes(task: Task) -> None:
    """Some tasks are about the ImageNet classes that the network tells.

    Raises:
        BadRecipe: it tells none.
    """
    if not getattr(task.model, "class_colors", None):
        raise BadRecipe(
            f"the task '{task.recipe.task.name}' is for a network 'photochrom' with model.settings.class_colors = true"
        )


@dataclass(frozen=True)
class RecognitionSettings(ClassifierLossSettings):
    """Settings of the task "recognition".

    A classifier is pleased by paler colours, too: wrong ones mislead it, and gray things it knows well. `pallor` bars
    that way.

    Attributes:
        pallor: how much it counts that a picture's colours are paler than `reference` paints them; 0 for not at all.
        reference: a packaged model's name, or a .onnx file.
    """

    pallor: Annotated[float, Range(0, 100)] = 0.0
    reference: str = "default"


class Reference(Teacher):
    """Another model's colours for a batch, as it shows them itself; it learns nothing.

    Args:
        name: a packaged model's name, or a .onnx file.
        recipe: of the network that learns; its samples are what is painted.
        device: where the networks are.

    Raises:
        BadRecipe: the model cannot paint the recipe's samples.
    """

    def __init__(self, name: str, recipe: Recipe, device: torch.device) -> None:
        super().__init__(name, recipe, device, "task.settings.reference")
        self.colors = DecodedColors(self.card.codebook(), self.card.default_decoding(), recipe.task.name).to(device)

    @torch.no_grad()
    def __call__(self, light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 i j"]:
        """ab in Lab units for L, 0..100."""
        return self.colors(super().__call__(light), light)


@tasks.register("recognition")
class RecognitionTask(SupervisedTask):
    """The recipe's network under the recipe's loss and a classifier's judgement."""

    Settings = RecognitionSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        self.recognition = Recognition(self.decoded_colors(), self.settings.made(recipe, device))
        self.before = Reference(self.settings.reference, recipe, device) if self.settings.pallor else None

    def objective(self, output: Tensor, ab: Tensor, light: Tensor) -> dict[str, Tensor]:
        """The recipe's losses with the weighted divergence and pallor, which are logged, unweighted, as well."""
        recipes = super().objective(output, ab, light)
        ours = self.recognition.colors(output, light)
        seen = {"recognition": self.recognition.judged(ours, ab, light)}
        loss = recipes["loss"] + self.settings.weight * seen["recognition"]
        if self.before is not None:
            with self.autocast():
                before = self.before(light)
            seen["pallor"] = pallor(ours, before)
            loss = loss + self.settings.pallor * seen["pallor"]
        return recipes | seen | {"loss": loss}
