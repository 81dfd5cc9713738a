"""CycleGAN: gray photographs on one side, colour ones on the other, and no pairs (the paper, section 6).

Two generators translate, one discriminator a side judges; there and back again shall be the same picture. Source: Zhu
et al. 2017. Deviation: a gray picture is L alone, so the way back to gray has one channel.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from photochrom._support.settings import Range, check
from photochrom.color import AB_SCALE, L_CENTER
from photochrom.data.entries import Entry
from photochrom.data.loader import Halves
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins
from photochrom.models.cyclegan import ColorGenerator, Translator, gray_picture
from photochrom.train.build import build_optimizer, parameter_groups
from photochrom.train.config import Recipe
from photochrom.train.discriminator import DiscriminatorTraining, GameSettings, put_back, streaks
from photochrom.train.task import Batch, Task, tasks
from photochrom.train.tasks.adversarial import refuse_parts


@dataclass(frozen=True)
class CycleGanSettings(GameSettings):
    """Settings of the task; the recipe's [loss] has no part in it.

    Attributes:
        objective: as for every adversarial task, here "least_squares" by default.
        cycle: weight of the mean absolute difference after there and back.
        identity: weight of that between a picture of the wanted kind and what a generator makes of it.
        pool: how many generated pictures are kept, half of which the discriminators are shown instead of the newest, so
            that they do not forget.
    """

    objective: Literal["bce", "least_squares"] = "least_squares"
    cycle: Annotated[float, Range(0)] = 10.0
    identity: Annotated[float, Range(0)] = 5.0
    pool: Annotated[int, Range(0)] = 50


class ImagePool:
    """Generated pictures of earlier steps. Source: Shrivastava et al. 2017.

    Args:
        size: how many are kept; 0 keeps none.

    Attributes:
        pictures: (n, c, h, w) with n up to `size`; None before the first.
    """

    def __init__(self, size: int) -> None:
        self.size, self.pictures = size, None

    def exchange(self, fresh: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Fresh pictures, half of them swapped for kept ones once the pool is full."""
        if not self.size:
            return fresh
        shown = []
        for picture in fresh.detach().split(1):
            if self.pictures is None or len(self.pictures) < self.size:
                self.pictures = picture.clone() if self.pictures is None else torch.cat([self.pictures, picture])
            elif torch.rand(()) < 0.5:
                place = int(torch.randint(self.size, ()))
                old = self.pictures[place : place + 1].clone()
                self.pictures[place : place + 1] = picture
                picture = old
            shown.append(picture)
        return torch.cat(shown)


@tasks.register("cyclegan")
class CycleGanTask(Task):
    """Colours and back without pairs: the first half of a batch is gray, the second other pictures in colour."""

    Settings = CycleGanSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        refuse_parts(recipe)
        if not isinstance(self.model, ColorGenerator) or bins is not None:
            raise BadRecipe("the task cyclegan needs model.name 'cyclegan' and a loss on ab, such as 'l1'")
        check(recipe.run.batch % 2 == 0, "run.batch", recipe.run.batch, "an even number for the task cyclegan")
        check(not recipe.data.weights, "data.weights", recipe.data.weights, "empty for the task cyclegan")
        self.back = self.add("back", Translator(self.model.settings, 3, 1))
        self.optimizers["model"] = build_optimizer(recipe.optim, parameter_groups(self.model))
        self.optimizers["back"] = build_optimizer(
            recipe.optim, [{"params": list(self.back.parameters()), "role": "back"}]
        )
        side = recipe.data.size
        self.judges = {
            "color": DiscriminatorTraining(self, "judge_color", side),
            "gray": DiscriminatorTraining(self, "judge_gray", side, 1),
        }
        self.pools = {"color": ImagePool(self.settings.pool), "gray": ImagePool(self.settings.pool)}

    def batches(self, entries: Sequence[Entry], start: int, stop: int) -> Generator[Batch]:
        recipe = self.recipe
        order = Halves(len(entries), recipe.run.batch, recipe.run.seed, start, stop, self.process_group.share)
        return self.samples(entries, order)

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        light, ab = self.normalised(batch[0]), batch[1].to(self.device) / AB_SCALE
        half = len(light) // 2
        gray, color = light[:half], torch.cat([light[half:], ab[half:]], 1)
        self.model.train()
        self.back.train()
        with self.autocast():
            painted, bleached = self.model.translate(gray_picture(gray)), self.back(color)
            there_and_back = self.back(painted), self.model.translate(gray_picture(bleached))
            same = (self.back(gray_picture(gray)), self.model.translate(color)) if self.settings.identity else None
        parts = {
            "fooled_color": self.judges["color"].fooled(painted.float(), step),
            "fooled_gray": self.judges["gray"].fooled(bleached.float(), step),
            "cycle": self.settings.cycle * _distance(there_and_back, (gray, color)),
        }
        if same:
            parts["identity"] = self.settings.identity * _distance(same, (gray, color))
        total = torch.stack(list(parts.values())).sum()
        for name in ("model", "back"):
            self.optimizers[name].zero_grad(set_to_none=True)
        total.backward()
        logged = {name: part.detach() for name, part in parts.items()} | {"loss": total.detach()}
        logged["gradient_norm"] = self.update("model", self.model)
        logged["back_gradient_norm"] = self.update("back", self.back)
        for kind, real, generated in (("color", color, painted), ("gray", gray, bleached)):
            logged |= self.judges[kind].learn(real, self.pools[kind].exchange(generated.float()), step)
        return logged

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        kept = {f"pool.{kind}": pool.pictures for kind, pool in self.pools.items() if pool.pictures is not None}
        return kept, streaks(*self.judges.values())

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        for kind, pool in self.pools.items():
            kept = tensors.get(f"pool.{kind}")
            pool.pictures = None if kept is None else kept.to(self.device)
        put_back(facts, *self.judges.values())


def _distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Tensor:
    """The mean absolute differences, summed over both ways."""
    return torch.stack([F.l1_loss(a.float(), b) for a, b in zip(ours, theirs, strict=True)]).sum()
