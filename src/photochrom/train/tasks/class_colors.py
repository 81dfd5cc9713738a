"""Which colours a class has, asked of a classifier that knows it in colour; no photograph of the class is needed.

A network that was trained on a few ten thousand photographs has hardly seen a lemon, but a public ImageNet classifier
has seen a thousand. The network's colouring of any photograph is leant a little to red, green, yellow and blue. What
the classifier then finds likelier than before, and by how much, is written down for each of its classes, and counts as
much as the photograph looks like the class in gray: of all that looks a bit like a lemon, what is yellower is more of
a lemon. Later, a photograph's colours lean as those of the classes do that it looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from photochrom._support.settings import Range
from photochrom.color import L_CENTER
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins
from photochrom.models.encoders import encoders
from photochrom.train.config import Recipe
from photochrom.train.task import Batch, Task, tasks
from photochrom.train.tasks.recognition import Asked, refuse_without_classes
from photochrom.train.weights import fitting

LEAN = 0.035  # what a colour gains in its score for each Lab unit that it lies in the direction; a visible change
ROUNDING = 0.03  # share by which weights may differ that were stored in few bits


@dataclass(frozen=True)
class ClassColorsSettings(Asked):
    """Settings of the task.

    Attributes:
        strength: how many times `LEAN` the colours of a picture lean for each unit that the logarithm of its class's
            probability gains by it. An ensemble's member needs as many times more as there are members.
    """

    size: int = 224
    strength: Annotated[float, Range(0, 100, above=True)] = 2.5


@tasks.register("class_colors")
class ClassColorsTask(Task):
    """Fills in `photochrom.models.photochrom.ClassColors` of a trained network; nothing else of it changes.

    Attributes:
        gains: (1000, 2) sums over the pictures, weighted, of what a class's log-probability gains by a step of `LEAN`
            towards +a and +b.
        weights: (1000,) sums of the weights.
    """

    Settings = ClassColorsSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        refuse_without_classes(self)
        if bins is None:
            raise BadRecipe("the task 'class_colors' needs joint bins; bins.kind must be joint")
        self.colors = self.decoded_colors()
        self.classifier = self.settings.made(recipe, device)
        self.gains = torch.zeros(self.model.class_colors.classes.out_features, 2, device=device)
        self.weights = torch.zeros(len(self.gains), device=device)

    def load_pretrained(self) -> None:
        """Without weights to start from there is no colouring to ask about.

        Raises:
            BadRecipe: always.
        """
        raise BadRecipe("the task 'class_colors' needs a trained network; give its exported file with --init")

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a network that may know no classes yet; their public weights come with it.

        Raises:
            BadRecipe: it knows none, and its encoder is not as published any more, so that they cannot be told by it.
        """
        state = fitting(self.model, state)
        joined = self.model.class_colors.joined(state, self.model.encoder)
        super().start_from(joined)
        torch.nn.init.zeros_(self.model.class_colors.scores.weight)
        if joined.keys() != state.keys():  # the classes are the published ones
            self._check_encoder()

    def _check_encoder(self) -> None:
        published = encoders[self.model.settings.encoder]()
        published.load_pretrained()
        ours = self.model.encoder.state_dict()
        for name, public in published.state_dict().items():
            if (ours[name].cpu() - public).norm() > ROUNDING * public.norm():
                raise BadRecipe(
                    f"the encoder of the weights to start from was trained (its {name} is not the published one); the "
                    "task 'class_colors' needs one with frozen_stages = 7 and optim.encoder_lr = 0, or a run of the "
                    "task 'distillation'"
                )

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Ask about one batch.

        Returns:
            "loss": minus what the batch's classes gain, on average, by the leans known before it.
        """
        light = batch[0].to(self.device)
        self.model.eval()
        with torch.no_grad():
            with self.autocast():
                scores, world = self.model.answer(self.normalised(light))
            probabilities = self.model.class_colors.probabilities(world.float())
            gains = torch.stack([self._gain(scores.float(), light, axis) for axis in (0, 1)], -1)
            loss = -torch.einsum("nc,ncd,cd->n", probabilities, gains, self._leans()).mean()
            likeness = probabilities.sqrt()
            likeness /= likeness.sum(1, keepdim=True)
            found = [torch.einsum("nc,ncd->cd", likeness, gains), likeness.sum(0)]
            self.process_group.average(found)
            self.gains += found[0]
            self.weights += found[1]
            self.model.class_colors.scores.weight.copy_(LEAN * self.colors.values @ self._leans().T)
        return {"loss": loss.cpu()}

    def _gain(self, scores: Tensor, light: Tensor, axis: int) -> Tensor:
        """(n, 1000): what each class's log-probability gains by a step of `LEAN` along +a (0) or +b (1)."""
        lean = (LEAN * self.colors.values[:, axis])[:, None, None]
        more, less = (self.classifier(self.colors(scores + sign * lean, light), light) for sign in (1, -1))
        return (more - less) / 2

    def _leans(self) -> Tensor:
        """(1000, 2) steps of `LEAN` along +a and +b, by class; zero on average: they add no tint of their own."""
        leans = self.gains / self.weights.clamp_min(1e-9)[:, None]
        return self.settings.strength * (leans - leans.mean(0))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {"gains": self.gains, "weights": self.weights}, {}

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        self.gains, self.weights = (tensors[name].to(self.device) for name in ("gains", "weights"))
