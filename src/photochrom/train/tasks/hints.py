"""Training of a network's hint branch on hints that are drawn at random from the true colours.

In half of the samples one thing has another colour than it had, hints included: people also ask for colours that the
photograph did not have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range
from photochrom.color import AB_SCALE
from photochrom.data.entries import Entry
from photochrom.data.loader import Pictures
from photochrom.data.samples import Sampler
from photochrom.errors import BadDataset, BadRecipe
from photochrom.train.task import Sources, tasks
from photochrom.train.tasks.supervised import SupervisedTask
from photochrom.train.validate import Validation

ALIKE = 12.0  # Lab units of ab within which neighbours count as one thing
WALK = 24  # steps of a stroke at most
DARKER = 40.0  # and the step of L
EVEN = 10.0  # step of L to the next point that is no edge yet
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

    def trained(self) -> list[dict[str, Any]]:
        if getattr(self.model, "channels", 1) == 1:
            raise BadRecipe("the task 'hints' trains a network that takes hints; set model.settings.hints = true")
        if self.recipe.data.cache == "memory":
            raise BadRecipe("data.cache is 'memory', but hints are drawn by the processes that decode; set it to false")
        return [{"params": self.model.hint_parameters(), "role": "decoder"}]  # type: ignore[operator]

    def pictures(self, entries: Sequence[Entry], sampler: Sampler) -> Hinted:
        return Hinted(entries, sampler, self.recipe.run.seed, self.settings)

    def answer(self, light: Float[Tensor, "n 4 h w"]) -> Tensor:
        # The network around the branch stays as it is, the means and deviations of its batch norms too.
        self.model.eval()
        return self.model(torch.cat([self.normalised(light[:, :1]), light[:, 1:].to(self.device)], 1))

    def objective(self, output: Tensor, ab: Tensor, light: Tensor) -> dict[str, Tensor]:
        return super().objective(output, ab, light[:, :1])

    def validation(self, sources: Sources) -> HintValidation:
        return HintValidation(sources, self.recipe, self.bins, center=self.center)


class Hinted(Pictures):
    """Samples with hints: L and the hints (4, s, s), and ab as the hints say (2, s/4, s/4)."""

    def __init__(self, entries: Sequence[Entry], sampler: Sampler, seed: int, settings: HintsTaskSettings) -> None:
        super().__init__(entries, sampler, seed)
        self.settings = settings

    def __getitem__(self, where: tuple[int, int]) -> tuple[Tensor, Tensor] | BadDataset:  # type: ignore[override]
        sample = super().__getitem__(where)
        if isinstance(sample, BadDataset):
            return sample
        light, ab = (x.numpy() for x in sample)
        # Other numbers than those that chose the piece.
        rng = np.random.default_rng((self.seed, *where, 1))
        truth = recolored(light, ab, rng) if rng.random() < self.settings.recolored else ab
        known = enlarged(torch.from_numpy(drawn(truth, self.settings, rng))[None])[0]
        return torch.cat([sample[0], known]), torch.from_numpy(truth)


class HintValidation(Validation):
    """The same pictures with 1 to `VALIDATED` points each in their true colours, the same ones each time."""

    def given(self, lab: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 4 s s"]:
        points, rng = HintsTaskSettings(most=VALIDATED, strokes=0.0, spread=0.0), np.random.default_rng(0)
        hints = [drawn(ab, points, rng) for ab in F.avg_pool2d(lab[:, 1:], STRIDE).numpy()]
        return torch.cat([super().given(lab), enlarged(torch.from_numpy(np.stack(hints)))], 1)


def enlarged(hints: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 4*h 4*w"]:
    """Hints on the network's map at the size of its input."""
    return hints.repeat_interleave(STRIDE, 2).repeat_interleave(STRIDE, 3)


def drawn(
    ab: Float[np.ndarray, "2 h w"], settings: HintsTaskSettings, rng: np.random.Generator
) -> Float[np.ndarray, "3 h w"]:
    """Hints in the true colours `ab`, as the network takes them: a / 110, b / 110, and 1 where they are."""
    h, w = ab.shape[1:]
    hints = np.zeros((3, h, w), np.float32)
    for _ in range(max(1, round(math.exp(rng.random() * math.log(settings.most + 0.49))))):
        row, column = _place(h, rng), _place(w, rng)
        if rng.random() < settings.strokes:
            covered = _stroke(ab, row, column, rng)
        else:
            size = rng.integers(1, 4)
            covered = np.zeros((h, w), bool)
            covered[row : row + size, column : column + size] = True
        color = ab[:, covered].mean(1) + rng.normal(0, settings.spread, 2)
        hints[:2, covered] = (color / AB_SCALE)[:, None]
        hints[2, covered] = 1
    return hints


def _place(side: int, rng: np.random.Generator) -> int:
    """Half of the points lie anywhere, half around the middle."""
    at = rng.uniform(0, side) if rng.random() < 0.5 else rng.normal(side / 2, side / 4)
    return int(min(max(at, 0), side - 1))


def _stroke(ab: Float[np.ndarray, "2 h w"], row: int, column: int, rng: np.random.Generator) -> Bool[np.ndarray, "h w"]:
    """A line from a point, as long as the colour stays nearly the same: people do not paint over edges."""
    covered = np.zeros(ab.shape[1:], bool)
    covered[row, column] = True
    angles = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, 0.2, rng.integers(2, WALK)))
    for step, angle in enumerate(angles, start=1):
        r, c = round(row + step * math.sin(angle)), round(column + step * math.cos(angle))
        inside = 0 <= r < ab.shape[1] and 0 <= c < ab.shape[2]
        if not inside or math.dist(ab[:, r, c], ab[:, row, column]) > ALIKE:
            break
        covered[r, c] = True
    return covered


def recolored(
    light: Float[np.ndarray, "1 s s"], ab: Float[np.ndarray, "2 h w"], rng: np.random.Generator
) -> Float[np.ndarray, "2 h w"]:
    """The colours with one thing's drawn anew: what is like one point, as light, and connected with it.

    Only what is connected: the colour of one thing says little about another that merely looks like it, and a network
    that is taught otherwise lets a hint run over half the picture.

    Args:
        light: L, 0..100, finer than `ab` by a whole number.
        ab: Lab units.
        rng: decides which point, and the colour.
    """
    h, w = ab.shape[1:]
    row, column = rng.integers(h), rng.integers(w)
    small = light[0].reshape(h, light.shape[1] // h, w, -1).mean((1, 3))
    chosen = ab[:, row, column]
    unlike = ((ab - chosen[:, None, None]) ** 2).sum(0) / ALIKE**2 + ((small - small[row, column]) / DARKER) ** 2
    thing = _connected(unlike < 1, small, row, column)
    angle, chroma = rng.uniform(0, 2 * math.pi), rng.uniform(0, COLORFUL)
    wanted = np.array([math.cos(angle), math.sin(angle)], np.float32) * np.float32(chroma)
    shift = (wanted - chosen)[:, None, None] * (np.exp(-unlike) * thing)
    return np.clip(ab + shift, -AB_SCALE, AB_SCALE).astype(np.float32)


def _connected(
    alike: Bool[np.ndarray, "h w"], light: Float[np.ndarray, "h w"], row: int, column: int
) -> Bool[np.ndarray, "h w"]:
    """The points that are reached from one over neighbours that are `alike` and nearly as light as each other."""
    reached = np.zeros_like(alike)
    reached[row, column] = True
    ways = []
    for axis in (0, 1):
        even = np.abs(np.diff(light, axis=axis)) < EVEN
        first, second = (slice(None, -1), slice(1, None)) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        ways += [(first, second, even & alike[second]), (second, first, even & alike[first])]
    count = 0
    while count != (count := int(reached.sum())):
        for start, end, open_ in ways:
            reached[end] |= reached[start] & open_
    return reached
