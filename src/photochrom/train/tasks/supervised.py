"""One network that learns ab from L, by regression or over bins."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from photochrom.color import L_CENTER
from photochrom.inference.bins import Bins
from photochrom.train.added import AddedLosses
from photochrom.train.build import build_loss, build_optimizer, parameter_groups
from photochrom.train.config import Recipe
from photochrom.train.task import Batch, Task, tasks


@tasks.register("supervised")
class SupervisedTask(Task):
    """The recipe's network under the recipe's loss and its added ones.

    Attributes:
        loss: see `photochrom.losses`.
        added: likewise, beside it.
    """

    takes_added = True

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        self.loss = build_loss(recipe, bins).to(device)
        self.added = AddedLosses(recipe, bins).to(device)
        self.optimizers["model"] = build_optimizer(recipe.optim, self.trained())

    def trained(self) -> list[dict[str, Any]]:
        """What the optimizer gets of the network; see `build.parameter_groups`."""
        return parameter_groups(self.model)

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        light, ab = batch
        run = self.recipe.run
        self.model.train()
        self.let_encoder_learn(step)
        self.optimizers["model"].zero_grad(set_to_none=True)
        seen: dict[str, Tensor] = {}
        for part_light, part_ab in zip(light.chunk(run.accumulate), ab.chunk(run.accumulate), strict=True):
            with self.autocast():
                output = self.answer(part_light)
            parts = self.objective(output, part_ab.to(self.device), part_light.to(self.device))
            share = len(part_light) / len(light)
            (parts["loss"] * share).backward()
            for name, value in parts.items():
                seen[name] = seen.get(name, torch.zeros(())) + value.detach().cpu() * share
        return seen | {"gradient_norm": self.update("model", self.model)}

    def answer(self, light: Float[Tensor, "n 1 h w"]) -> Any:
        """What `objective` is asked about: the network's output for L, 0..100."""
        return self.model(self.normalised(light))

    def objective(
        self, output: Float[Tensor, "n q i j"], ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]
    ) -> dict[str, Tensor]:
        """What is minimised ("loss"), and its parts for the log; scalars, means over the pictures.

        Args:
            output: of the network.
            ab: the truth, Lab units.
            light: L, 0..100.
        """
        return self.added.joined(self.loss(output, ab), self.added(output, ab, light))
