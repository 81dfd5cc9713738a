"""A quick look at a model in training: small squares of the validation pictures, coloured as its card will say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from photochrom import color
from photochrom.data.entries import Entry
from photochrom.data.samples import decode_entry
from photochrom.data.sources import list_pictures
from photochrom.imaging.picture import to_dtype
from photochrom.inference.bins import Bins
from photochrom.inference.decode import in_agreement, scores_to_ab
from photochrom.metrics import Comparison, Rendition, measure
from photochrom.painting.painter import Painter
from photochrom.painting.upsample import GuidedChroma, resize
from photochrom.train.config import Recipe

MEASURED: tuple[str, ...] = ("ciede2000", "psnr", "colorfulness")


SHOWN = 8  # pictures on a sheet


@dataclass(frozen=True)
class ValidationResult:
    """What an evaluation found.

    Attributes:
        values: for the log.
        sheet: (h, w, 3) uint8: a column a picture; its L, the network's colours, its own.
    """

    values: dict[str, float]
    sheet: np.ndarray


class Validation:
    """CIEDE2000, PSNR and colourfulness on squares of the training size; `photochrom evaluate` measures in earnest.

    They are coloured as `photochrom colorize` does it, but for the mirror image, whose answer would double the time.

    Args:
        sources: folders, tars or files, or entries of them.
        recipe: gives the size and the decoding.
        bins: the codebook; None for regression.
        limit: pictures looked at, the first ones.
        center: what is subtracted from L before the network.
    """

    def __init__(
        self,
        sources: Sequence[Path | str | Entry],
        recipe: Recipe,
        bins: Bins | None,
        *,
        limit: int = 200,
        center: float = color.L_CENTER,
    ) -> None:
        size, self.bins, self.center = recipe.data.size, bins, center
        self.decoding = recipe.decoding()
        rgb = np.stack(
            [
                np.asarray(decode_entry(e).resize((size, size), Image.Resampling.BOX), np.float32) / 255
                for e in list_pictures(sources)[:limit]
            ]
        )
        self.lab = color.rgb_to_lab(rgb)
        self.truths = [Rendition(picture) for picture in rgb]
        self.inputs = self.given(torch.from_numpy(self.lab.astype(np.float32).transpose(0, 3, 1, 2)))

    def given(self, lab: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n k s s"]:
        """What the network sees of the pictures."""
        return (lab[:, :1] - self.center) / color.L_SCALE

    def __call__(self, model: nn.Module, device: torch.device) -> ValidationResult:
        """Look at a network, which is left in evaluation mode."""
        total = dict.fromkeys(MEASURED, 0.0)
        columns = []
        for rgb, lab, truth in zip(self._coloured(model, device), self.lab, self.truths, strict=True):
            for name, value in measure(Comparison(Rendition(rgb), truth), MEASURED).items():
                total[name] += value / len(self.truths)
            if len(columns) < SHOWN:
                columns.append(np.concatenate([color.lab_to_rgb(lab * [1, 0, 0]), rgb, truth.rgb]))
        sheet = to_dtype(np.concatenate(columns, 1), "uint8")
        return ValidationResult({f"val_{name}": value for name, value in total.items()}, sheet)

    def _coloured(self, model: nn.Module, device: torch.device) -> Iterator[np.ndarray]:
        model.eval()
        with torch.inference_mode():
            outputs = [model(part.to(device)).float().cpu() for part in self.inputs.split(16)]
        rng = np.random.default_rng(0)  # the decoder `sample` draws alike at each evaluation
        for scores, lab in zip(torch.cat(outputs).numpy(), self.lab, strict=True):
            light = lab[..., 0]
            agreed = in_agreement(scores, self.bins, self.decoding, resize(light, scores.shape[:0:-1]))
            ab = scores_to_ab(agreed, self.bins, self.decoding, rng)
            chroma = GuidedChroma.fit(ab, light, ab.shape[1::-1], self.decoding.smooth_radius)
            yield Painter(len(light), light.shape[1], chroma).strip(light, 0, light.dtype)
