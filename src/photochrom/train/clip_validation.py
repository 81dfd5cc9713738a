"""A quick look at a recurrent network in training: clips of stills that it is not trained on, with and without it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from photochrom import color
from photochrom.data.clips import Clips
from photochrom.data.sources import list_pictures
from photochrom.losses.steadiness import mistrust, unsteadiness
from photochrom.models.recurrent import Recurrent
from photochrom.train.validate import Look

if TYPE_CHECKING:
    from photochrom.train.task import Sources
    from photochrom.train.tasks.recurrent import RecurrentTask

CLIPS = 16
LENGTH = 3  # times as long as the clips that are trained on: a film goes on
SHOWN = 4  # clips on a sheet, by their last frames


class ClipValidation:
    """Distance from the true colours and unsteadiness over long clips, always the same ones.

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

    def __call__(self, model: Recurrent, device: torch.device) -> Look:
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
        return Look(mean, np.concatenate(rows, 1))


def _picture(light: torch.Tensor, ab: torch.Tensor) -> np.ndarray:
    large = F.interpolate(ab[None], light.shape, mode="bilinear")[0]
    lab = torch.cat([light[None], large]).permute(1, 2, 0).cpu().numpy()
    return np.rint(color.lab_to_rgb(lab) * 255).astype(np.uint8)
