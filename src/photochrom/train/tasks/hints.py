"""Training of a network's hint branch on hints that are drawn at random from the true colours.

In half of the samples one thing has another colour than it had, hints included: people also ask for colours that the
photograph did not have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range
from photochrom.color import AB_SCALE, L_CENTER
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins
from photochrom.train.config import Recipe
from photochrom.train.task import Batch, Sources, tasks
from photochrom.train.tasks.supervised import SupervisedTask
from photochrom.train.validate import Validation

ALIKE = 12.0  # Lab units of ab within which neighbours count as one thing
WALK = 24  # steps of a stroke at most
COLORFUL = 50.0  # chroma up to which a thing is painted anew
VALIDATED = 20  # points in a validation picture at most
STRIDE = 4  # of the map on which hints are drawn


@dataclass(frozen=True)
class HintsTaskSettings(Checked, where="task.settings"):
    """Settings of the task.

    Attributes:
        most: hints in a sample; their number is drawn from 1 to this, evenly on a logarithmic scale.
        strokes: share of the hints that are strokes; the others are points and small squares.
        recolored: share of the samples in which one thing has another colour.
        spread: deviation of a hint's a and b from the truth, Lab units; nobody chooses exactly.
    """

    most: Annotated[int, Range(1, 1000)] = 50
    strokes: Annotated[float, Range(0, 1)] = 0.3
    recolored: Annotated[float, Range(0, 1)] = 0.5
    spread: Annotated[float, Range(0, 50)] = 2.0


@tasks.register("hints")
class HintsTask(SupervisedTask):
    """The recipe's loss, for a network that was trained already and whose `HintBranch` learns.

    Source: Zhang et al., "Real-Time User-Guided Image Colorization with Learned Deep Priors", 2017, section 3.1: points
    at random, most of them near the middle, in squares of several sizes.
    """

    Settings = HintsTaskSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        if getattr(self.model, "channels", 1) == 1:
            raise BadRecipe("the task 'hints' trains a network that takes hints; set model.settings.hints = true")

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        light, ab = batch
        hints = torch.empty(len(ab), 3, *ab.shape[2:])
        truth = ab.clone()
        for each, (own, colors) in enumerate(zip(light, truth, strict=True)):
            if torch.rand(()) < self.settings.recolored:
                colors.copy_(recolored(own, colors))
            hints[each] = drawn(colors, self.settings)
        return super().step((torch.cat([light, enlarged(hints)], 1), truth), step)

    def answer(self, light: Float[Tensor, "n 4 h w"]) -> Tensor:
        # The network around the branch stays as it is, the means and deviations of its batch norms too.
        self.model.eval()
        return self.model(torch.cat([self.normalised(light[:, :1]), light[:, 1:].to(self.device)], 1))

    def objective(self, output: Tensor, ab: Tensor, light: Tensor) -> dict[str, Tensor]:
        return super().objective(output, ab, light[:, :1])

    def validation(self, sources: Sources) -> HintValidation:
        return HintValidation(sources, self.recipe, self.bins, center=self.center)


class HintValidation(Validation):
    """The same pictures with 1 to `VALIDATED` points each in their true colours, the same ones each time."""

    def given(self, lab: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 4 s s"]:
        points = HintsTaskSettings(most=VALIDATED, strokes=0.0, spread=0.0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            maps = F.avg_pool2d(lab[:, 1:], STRIDE)
            hints = torch.stack([drawn(ab, points) for ab in maps])
        return torch.cat([super().given(lab), enlarged(hints)], 1)


def enlarged(hints: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 4*h 4*w"]:
    """Hints on the network's map at the size of its input."""
    return hints.repeat_interleave(STRIDE, 2).repeat_interleave(STRIDE, 3)


def drawn(ab: Float[Tensor, "2 h w"], settings: HintsTaskSettings) -> Float[Tensor, "3 h w"]:
    """Hints in the true colours `ab`, as the network takes them: a / 110, b / 110, and 1 where they are."""
    h, w = ab.shape[1:]
    hints = torch.zeros(3, h, w)
    for _ in range(max(1, round(math.exp(float(torch.rand(())) * math.log(settings.most + 0.49))))):
        row, column = _place(h), _place(w)
        if torch.rand(()) < settings.strokes:
            covered = _stroke(ab, row, column)
        else:
            size = int(torch.randint(1, 4, ()))
            covered = torch.zeros(h, w, dtype=torch.bool)
            covered[row : row + size, column : column + size] = True
        color = ab[:, covered].mean(1) + torch.randn(2) * settings.spread
        hints[:2, covered] = (color / AB_SCALE)[:, None]
        hints[2, covered] = 1
    return hints


def _place(side: int) -> int:
    """Half of the points lie anywhere, half around the middle."""
    at = torch.rand(()) * side if torch.rand(()) < 0.5 else side / 2 + torch.randn(()) * side / 4
    return int(at.clamp(0, side - 1))


def _stroke(ab: Float[Tensor, "2 h w"], row: int, column: int) -> Bool[Tensor, "h w"]:
    """A line from a point, as long as the colour stays nearly the same: people do not paint over edges."""
    covered = torch.zeros(ab.shape[1:], dtype=torch.bool)
    covered[row, column] = True
    angle = float(torch.rand(())) * 2 * math.pi
    for step in range(1, int(torch.randint(3, WALK, ()))):
        angle += float(torch.randn(())) * 0.2
        r, c = round(row + step * math.sin(angle)), round(column + step * math.cos(angle))
        inside = 0 <= r < ab.shape[1] and 0 <= c < ab.shape[2]
        if not inside or (ab[:, r, c] - ab[:, row, column]).norm() > ALIKE:
            break
        covered[r, c] = True
    return covered


def recolored(light: Float[Tensor, "1 s s"], ab: Float[Tensor, "2 h w"]) -> Float[Tensor, "2 h w"]:
    """The colours with those that are like one point's, and as light, drawn anew; what is between moves in part.

    Args:
        light: L, 0..100, finer than `ab` by a whole number.
        ab: Lab units.
    """
    h, w = ab.shape[1:]
    row, column = int(torch.randint(h, ())), int(torch.randint(w, ()))
    small = F.adaptive_avg_pool2d(light, (h, w))[0]
    chosen = ab[:, row, column]
    unlike = ((ab - chosen[:, None, None]).norm(dim=0) / ALIKE) ** 2 + ((small - small[row, column]) / 40) ** 2
    angle, chroma = float(torch.rand(())) * 2 * math.pi, float(torch.rand(())) * COLORFUL
    wanted = torch.tensor([math.cos(angle), math.sin(angle)]) * chroma
    shift = (wanted - chosen)[:, None, None] * torch.exp(-unlike)
    return (ab + shift).clamp(-AB_SCALE, AB_SCALE)
