"""A network that makes a trained one's answers for a film agree over time, taught on clips out of stills."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from photochrom import color
from photochrom._support.settings import Checked, Range, from_dict
from photochrom.color import L_CENTER
from photochrom.data.clips import ClipConfig, Clips
from photochrom.data.entries import Entry
from photochrom.data.loader import Order, batches
from photochrom.data.mixture import Mixture
from photochrom.data.sources import list_pictures
from photochrom.errors import BadCheckpoint, BadRecipe
from photochrom.imaging.picture import to_dtype
from photochrom.inference.bins import Bins
from photochrom.inference.card import ModelCard
from photochrom.losses.steadiness import mistrust, strays, unsteadiness
from photochrom.models.recurrent import Recurrent, Steadied
from photochrom.train.build import build_loss, build_optimizer, parameter_groups
from photochrom.train.codebook import Basis
from photochrom.train.config import Recipe
from photochrom.train.export import load_model, load_state
from photochrom.train.task import Batch, Sources, Task, tasks
from photochrom.train.tasks.adversarial import refuse_parts
from photochrom.train.validate import ValidationResult

CLIPS = 16
LENGTH = 3  # times as long as the clips that are trained on: a film goes on
SHOWN = 4  # clips on a sheet, by their last frames


@dataclass(frozen=True)
class RecurrentTaskSettings(Checked, where="task.settings"):
    """Settings of the task; the recipe's [loss] is the part that is measured against the true colours.

    Attributes:
        base: the network whose answers are made steady: a packaged model's name, or a .onnx file. It stays as it is.
        steadiness: weight of the distance, in Lab units, of each point's painted colour from what it was in the frame
            before.
        motion: weight of the distance, in points of the map, between the motion found and the true one.
        trust: weight of the cross-entropy of the trust in the past against whether the past is the same thing's.
        clips: see `photochrom.data.clips.ClipConfig`.
    """

    base: str = "default"
    steadiness: Annotated[float, Range(0)] = 0.1
    motion: Annotated[float, Range(0)] = 0.5
    trust: Annotated[float, Range(0)] = 0.5
    clips: ClipConfig = field(default_factory=ClipConfig)


@tasks.register("recurrent")
class RecurrentTask(Task):
    """The recipe's recurrent network over the answers of another one.

    Attributes:
        base: the card of that one.
    """

    Settings = RecurrentTaskSettings

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        super().__init__(recipe, bins, device, center)
        refuse_parts(recipe)
        _check(recipe, self.model)
        self.answers, self.base = _answers(self.settings.base, device)
        self.loss = build_loss(recipe, bins).to(device)
        self.colors = self.decoded_colors()
        self.optimizers["model"] = build_optimizer(recipe.optim, parameter_groups(self.model))

    @staticmethod
    def basis(recipe: Recipe, entries: Sequence[Entry], init: tuple[dict[str, Tensor], Bins | None] | None) -> Basis:
        """The base's own: its scores are what the network gives."""
        _, bins, card = load_state(from_dict(RecurrentTaskSettings, recipe.task.settings, "task.settings").base)
        if bins is None:
            raise BadRecipe(
                f"task.settings.base is '{card.name}', which has no bins; it must be a model over a codebook"
            )
        return Basis(bins, card.l_center)

    def batches(self, entries: Sequence[Entry], start: int, stop: int) -> Generator[Batch]:
        run = self.recipe.run
        clips = Clips(entries, self.recipe.data, self.settings.clips, int(self.model.stride), run.seed)
        mixture = Mixture.weighted(entries, self.recipe.data.weights)
        order = Order(mixture, run.batch, run.seed, start, stop, self.process_group.share)
        return batches(clips, order, self.recipe.data.workers)

    def validation(self, sources: Sources) -> ClipValidation:
        return ClipValidation(self, sources)

    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        light, ab, motion, seen = (part.to(self.device) for part in batch)
        self.model.train()
        frames = self.unrolled(self.model, *self.answered(light))
        scores, _, trust, found = (torch.stack(parts, 1) for parts in zip(*frames, strict=True))
        wanted, parts = self.settings, {"color": self.loss(scores.flatten(0, 1), ab.flatten(0, 1))}
        parts["unsteadiness"] = unsteadiness(self.painted(scores, light), motion, seen)
        parts["astray"] = strays(found, motion, seen, self.model.settings.reach)
        parts["mistrust"] = mistrust(trust, found, motion, seen)
        weights = (1.0, wanted.steadiness, wanted.motion, wanted.trust)
        total = torch.stack([weight * part for weight, part in zip(weights, parts.values(), strict=True)]).sum()
        self.optimizers["model"].zero_grad(set_to_none=True)
        total.backward()
        parts |= {"loss": total, "trust": trust[:, 1:].mean()}
        logged = {name: value.detach().cpu() for name, value in parts.items()}
        return logged | {"gradient_norm": self.update("model", self.model)}

    def answered(self, light: Tensor) -> tuple[Tensor, Tensor]:
        """The base's answers (n, t, c, h, w) for clips, L (n, t, 1, s, s), and what it and the network see of them."""
        seen = self.normalised(light.flatten(0, 1))
        with torch.no_grad(), self.autocast():
            answers = self.answers(seen).float()
        return answers.unflatten(0, light.shape[:2]), seen.unflatten(0, light.shape[:2])

    @staticmethod
    def unrolled(model: Recurrent, answers: Tensor, seen: Tensor) -> list[Steadied]:
        """What a recurrent network gives for each frame."""
        state, frames = model.begin(answers[:, 0]), []
        for t in range(answers.shape[1]):
            frames.append(model(answers[:, t], seen[:, t], state))
            state = frames[-1].state
        return frames

    def painted(self, scores: Tensor, light: Tensor) -> Tensor:
        """Scores (n, t, c, h, w) as the colours (n, t, 2, h, w) that a person is shown with L (n, t, 1, s, s)."""
        return self.colors(scores.flatten(0, 1), light.flatten(0, 1)).unflatten(0, scores.shape[:2])

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, {"base": {"name": self.base.name, "digest": self.base.digest}}

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        if facts["base"]["digest"] != self.base.digest:
            raise BadCheckpoint(
                f"the run was started with another '{self.settings.base}' (task.settings.base); restore that one, or "
                "give another --out"
            )


def _check(recipe: Recipe, model: Any) -> None:
    if not isinstance(model, Recurrent):
        raise BadRecipe(f"model.name is '{recipe.model.name}'; the task recurrent needs 'recurrent'")
    for name in ("soften", "subtract_mean", "cache"):
        if getattr(recipe.data, name):
            raise BadRecipe(f"data.{name} is not used by the task recurrent; remove it")


def _answers(name: str, device: torch.device) -> tuple[torch.nn.Module, ModelCard]:
    """The base network, which is not trained, and its card."""
    model, card = load_model(name)
    if int(model.stride) != Recurrent.stride:  # type: ignore[arg-type]
        raise BadRecipe(
            f"task.settings.base is '{name}', whose stride is {model.stride}; it must be {Recurrent.stride}"
        )
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.requires_grad_(False), card


class ClipValidation:
    """A quick look at a recurrent network in training: clips of stills that it is not trained on, with and without it.

    Distance from the true colours and unsteadiness over long clips, always the same ones.

    Both are at the network's resolution and in Lab units; those of the base by itself are beside them ("val_frame_").

    Args:
        task: gives the base's answers and the decoding.
        sources: folders, tars or files, or entries of them.
    """

    def __init__(self, task: RecurrentTask, sources: Sources) -> None:
        long = replace(task.settings.clips, frames=LENGTH * task.settings.clips.frames)
        self.task = task
        clips = Clips(list_pictures(sources), task.recipe.data, long, int(task.model.stride), 0)
        made = [clips[0, index] for index in range(min(CLIPS, len(clips)))]
        for error in made:
            if isinstance(error, Exception):
                raise error
        self.clips = [torch.stack(part) for part in zip(*made, strict=True)]

    def __call__(self, model: Recurrent, device: torch.device) -> ValidationResult:
        """Look at a network, which is left in evaluation mode."""
        model.eval()
        task, found, rows = self.task, list[dict[str, float]](), list[np.ndarray]()
        for clip in zip(*(part.to(device).split(1) for part in self.clips), strict=True):
            light, ab, motion, seen = clip
            with torch.inference_mode():
                answers, looked = task.answered(light)
                frames = task.unrolled(model, answers, looked)
                painted = task.painted(torch.stack([frame.scores for frame in frames], 1), light)
                alone = task.painted(answers, light)
            trust, way = (torch.stack(parts, 1) for parts in list(zip(*frames, strict=True))[2:])
            values = {"val_mistrust": float(mistrust(trust, way, motion, seen))}
            for name, colors in (("val_", painted), ("val_frame_", alone)):
                values[f"{name}ab"] = float((colors - ab).square().sum(2).sqrt().mean())
                values[f"{name}unsteadiness"] = float(unsteadiness(colors, motion, seen))
            found.append(values)
            if len(rows) < SHOWN:
                shown = (alone, painted, ab)
                rows.append(np.concatenate([_picture(light[0, -1, 0], colors[0, -1]) for colors in shown]))
        mean = {name: float(np.mean([values[name] for values in found])) for name in found[0]}
        return ValidationResult(mean, np.concatenate(rows, 1))


def _picture(light: torch.Tensor, ab: torch.Tensor) -> np.ndarray:
    large = F.interpolate(ab[None], light.shape, mode="bilinear")[0]
    lab = torch.cat([light[None], large]).permute(1, 2, 0).cpu().numpy()
    return to_dtype(color.lab_to_rgb(lab), "uint8")
