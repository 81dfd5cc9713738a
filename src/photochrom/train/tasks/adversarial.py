"""The paper's conditional GAN (appendix 1): the recipe's network colours, and a PatchGAN judges the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from photochrom._support.settings import Range
from photochrom.color import AB_SCALE, L_CENTER
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins
from photochrom.train.build import build_loss, build_optimizer, parameter_groups
from photochrom.train.config import Recipe
from photochrom.train.discriminator import DiscriminatorTraining, GameSettings, put_back, streaks
from photochrom.train.task import Batch, Task, tasks


@dataclass(frozen=True)
class AdversarialSettings(GameSettings):
    """Settings of the adversarial task; the recipe's [loss] is the part that is measured against the truth.

    Attributes:
        content: weight of the recipe's loss beside the adversarial one (the paper: 100 x L1).
        warmup: steps in which only the recipe's loss is learned; the game then starts from pictures that are right on
            the whole.
    """

    content: Annotated[float, Range(0)] = 100.0
    warmup: Annotated[int, Range(0)] = 0


@tasks.register("adversarial")
class AdversarialTask(Task):
    """Generator and discriminator, updated in turn on the same pictures.

    The discriminator sees L and the colours as they would be decoded for a person, at the network's own resolution; so
    the generator may be of any kind, one over a joint codebook included.
    """

    Settings = AdversarialSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        refuse_parts(recipe)
        self.loss = build_loss(recipe, bins).to(device)
        self.colors = self.decoded_colors()
        self.optimizers["model"] = build_optimizer(recipe.optim, parameter_groups(self.model))
        self.judge = DiscriminatorTraining(self, "discriminator", recipe.data.size // int(self.model.stride))

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        light, ab = (part.to(self.device) for part in batch)
        x = self.normalised(light)
        self.model.train()
        self.let_encoder_learn(step)
        with self.autocast():
            output = self.model(x)
        content = self.loss(output, ab)
        logged, total = {"content": content.detach()}, self.settings.content * content
        if step >= self.settings.warmup:
            small = F.avg_pool2d(x, int(self.model.stride))
            painted = torch.cat([small, self.colors(output, light) / AB_SCALE], 1)
            logged |= self.judge.learn(torch.cat([small, ab / AB_SCALE], 1), painted, step)
            fooled = self.judge.fooled(painted, step)
            logged["adversarial"], total = fooled.detach(), total + fooled
        self.optimizers["model"].zero_grad(set_to_none=True)
        total.backward()
        return logged | {"loss": total.detach(), "gradient_norm": self.update("model", self.model)}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, streaks(self.judge)

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        put_back(facts, self.judge)


def refuse_parts(recipe: Recipe) -> None:
    """Batches in parts are for one network that learns alone.

    Raises:
        BadRecipe: the recipe asks for them.
    """
    if recipe.run.accumulate != 1:
        raise BadRecipe(f"run.accumulate is {recipe.run.accumulate}; it must be 1 for the task {recipe.task.name}")
