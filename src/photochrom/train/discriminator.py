"""A discriminator in training: what every adversarial task does with one, and how a lost game is noticed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from photochrom._support.settings import Checked, Range, check
from photochrom.errors import BadRecipe
from photochrom.losses import adversarial as game
from photochrom.models.patchgan import PatchGan, PatchSettings
from photochrom.train.build import build_optimizer
from photochrom.train.task import Task

CERTAIN = 0.999  # share of right judgements from which on a discriminator has nothing more to learn


@dataclass(frozen=True)
class GameSettings(Checked, where="task.settings"):
    """Settings of every adversarial task.

    Attributes:
        objective: "bce" or "least_squares".
        discriminator: see `photochrom.models.patchgan.PatchSettings`.
        discriminator_rate: its learning rate as a share of `optim.lr`.
        instance_noise: deviation of noise on what the discriminator sees, real and generated (1 is 110 Lab units of
            colour), at the first step; it fades to 0 over the run (Sonderby et al. 2017).
        r1: weight of the gradient penalty on real pictures; 0 takes none.
        r1_every: steps between two penalties, whose weight grows with it (Karras et al. 2020).
        patience: steps that a discriminator may judge every patch right before the run is stopped as diverged; 0 never
            stops.
    """

    objective: Literal["bce", "least_squares"] = "bce"
    discriminator: PatchSettings = field(default_factory=PatchSettings)
    discriminator_rate: Annotated[float, Range(0, above=True)] = 1.0
    instance_noise: Annotated[float, Range(0)] = 0.0
    r1: Annotated[float, Range(0)] = 0.0
    r1_every: Annotated[int, Range(1)] = 16
    patience: Annotated[int, Range(0)] = 2000


class DiscriminatorTraining:
    """A PatchGAN that belongs to a task, and its optimiser.

    Args:
        task: takes network and optimiser in, under `name`.
        name: begins the names of what is logged, too.
        side: of the pictures, pixels.
        channels: of the pictures.

    Attributes:
        streak: updates in a row in which every patch was judged right; part of the task's state.

    Raises:
        BadRecipe: no patch fits into the pictures.
    """

    def __init__(self, task: Task, name: str, side: int, channels: int = 3) -> None:
        self.task, self.name, self.how = task, name, task.settings
        patch = self.how.discriminator
        check(side >= patch.smallest, "task.settings.discriminator.layers", patch.layers, f"lower for {side} pixels")
        self.network = task.add(name, PatchGan(patch, channels))
        group = {"params": list(self.network.parameters()), "role": name, "share": self.how.discriminator_rate}
        task.optimizers[name] = build_optimizer(task.recipe.optim, [group])
        self.streak = 0

    def learn(
        self, real: Float[Tensor, "n c h w"], generated: Float[Tensor, "n c h w"], step: int
    ) -> dict[str, Tensor]:
        """Update the network; returns what to log.

        Raises:
            BadRecipe: it has judged every patch right for too long.
        """
        judge = self.network.train().requires_grad_(True)
        with self.task.autocast():
            judged = judge(self._noisy(real, step)), judge(self._noisy(generated.detach(), step))
        loss = game.judging(*judged, self.how.objective)
        logged, total = {"loss": loss.detach()}, loss
        if self.how.r1 and step % self.how.r1_every == 0:
            penalty = game.gradient_penalty(judge, real)
            logged["r1"], total = penalty.detach(), total + self.how.r1 * self.how.r1_every * penalty
        self.task.optimizers[self.name].zero_grad(set_to_none=True)
        total.backward()
        logged["gradient_norm"] = self.task.update(self.name, judge)
        logged["right_real"], logged["right_generated"] = game.shares_right(*judged, self.how.objective)
        self._watch(min(float(logged["right_real"]), float(logged["right_generated"])), step)
        return {f"{self.name}_{key}": value for key, value in logged.items()}

    def fooled(self, generated: Float[Tensor, "n c h w"], step: int) -> Float[Tensor, ""]:
        """What the generator of these pictures has to lower; the gradient passes the judge, which learns nothing."""
        judge = self.network.requires_grad_(False)
        with self.task.autocast():
            judged = judge(self._noisy(generated, step))
        return game.fooling(judged, self.how.objective)

    def _noisy(self, pictures: Tensor, step: int) -> Tensor:
        deviation = self.how.instance_noise * max(0.0, 1 - step / self.task.recipe.run.steps)
        return pictures + deviation * torch.randn_like(pictures) if deviation else pictures

    def _watch(self, right: float, step: int) -> None:
        self.streak = self.streak + 1 if right >= CERTAIN else 0
        if self.how.patience and self.streak >= self.how.patience:
            raise BadRecipe(
                f"the {self.name} has judged every patch right for {self.streak} steps, at step {step}: training "
                "diverged; lower task.settings.discriminator_rate, or set instance_noise, r1 or a spectral norm"
            )


def streaks(*judges: DiscriminatorTraining) -> dict[str, Any]:
    """For the state of a task."""
    return {"streaks": {judge.name: judge.streak for judge in judges}}


def put_back(facts: dict[str, Any], *judges: DiscriminatorTraining) -> None:
    """The same, back from a checkpoint."""
    for judge in judges:
        judge.streak = facts["streaks"][judge.name]
