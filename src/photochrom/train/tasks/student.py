"""Supervised training with knowledge distillation: a small network also learns to answer as a larger model does.

A photograph shows one colour at each point; the larger model says how likely each colour is there, which teaches more
from as many photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range, from_dict
from photochrom.color import L_CENTER
from photochrom.data.entries import Entry
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins, JointBins
from photochrom.train.codebook import Basis, measure_basis
from photochrom.train.config import Recipe
from photochrom.train.export import load_state
from photochrom.train.task import tasks
from photochrom.train.tasks.supervised import SupervisedTask
from photochrom.train.teacher import Teacher

FIELD = "task.settings.teacher"


@dataclass(frozen=True)
class StudentSettings(Checked, where="task.settings"):
    """Settings of the task.

    Attributes:
        teacher: a packaged model's name, a .onnx file or a run folder. Its bins are the student's.
        weight: how much the divergence from the teacher counts beside the recipe's loss.
    """

    teacher: str = "default"
    weight: Annotated[float, Range(0, 100, above=True)] = 1.0


@tasks.register("student")
class StudentTask(SupervisedTask):
    """The recipe's network under the recipe's loss and the divergence of its distributions from a teacher's.

    Raises:
        BadRecipe: the teacher has other bins, or its map has another size.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, at a temperature of 1.
    """

    Settings = StudentSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        name = self.settings.teacher
        self.teacher = Teacher(name, recipe, device, FIELD)
        theirs = self.teacher.card.codebook()
        if bins is None or theirs is None or bins.to_dict() != theirs.to_dict():
            raise BadRecipe(f"{FIELD} is '{name}', whose bins are not those of the network")
        if self.teacher.card.stride != self.model.stride:
            raise BadRecipe(
                f"{FIELD} '{name}' answers at 1/{self.teacher.card.stride} of a picture's size, the network "
                f"'{recipe.model.name}' at 1/{self.model.stride}"
            )

    @staticmethod
    def basis(recipe: Recipe, entries: Sequence[Entry], init: tuple[dict[str, Tensor], Bins | None] | None) -> Basis:
        """The teacher's bins.

        Raises:
            BadRecipe: it has no joint ones, or the weights to start from have others.
        """
        teacher = from_dict(StudentSettings, recipe.task.settings, "task.settings").teacher
        bins = load_state(teacher)[1]
        if not isinstance(bins, JointBins):
            raise BadRecipe(f"{FIELD} is '{teacher}', which has no joint bins")
        if init and (init[1] is None or init[1].to_dict() != bins.to_dict()):
            raise BadRecipe(f"the weights to start from do not have the bins of {FIELD} '{teacher}'")
        return measure_basis(recipe, entries, ({}, bins))

    def objective(self, output: Any, ab: Tensor, light: Tensor) -> dict[str, Tensor]:
        """The recipe's losses and the weighted divergence, which is logged, unweighted, as "divergence" too."""
        parts = super().objective(output, ab, light)
        with self.autocast():
            wanted = self.teacher(light).float().log_softmax(1)
        ours = output.float().log_softmax(1)
        divergence = F.kl_div(ours, wanted, reduction="none", log_target=True).sum(1).mean()
        return parts | {"loss": parts["loss"] + self.settings.weight * divergence, "divergence": divergence}
