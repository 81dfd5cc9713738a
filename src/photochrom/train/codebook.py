"""What a run measures on its training pictures before it begins: the colour bins, and the mean of L."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from photochrom import color
from photochrom.data.entries import Entry
from photochrom.data.mixture import Mixture
from photochrom.data.samples import decode_entry, small_ab
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins, ChannelBins, JointBins, bins_from_dict
from photochrom.train.build import classifies
from photochrom.train.config import BinsConfig, Recipe

LOOK = (32, 32)  # pixels of a picture that are looked at


@dataclass(frozen=True)
class Basis:
    """What a network's input and output mean.

    Attributes:
        bins: the codebook of its scores; None for regression.
        center: what is subtracted from L.
    """

    bins: Bins | None
    center: float = color.L_CENTER

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"bins": self.bins.to_dict() if self.bins else None, "center": self.center}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Basis:
        """Of a checkpoint."""
        return cls(bins_from_dict(facts["bins"]) if facts["bins"] else None, facts["center"])


def measure_basis(
    recipe: Recipe, entries: Sequence[Entry], init: tuple[dict[str, Tensor], Bins | None] | None = None
) -> Basis:
    """The bins and center for a new run: measured, or the bins of the weights that it starts from.

    Raises:
        BadRecipe: those weights were trained for another kind of loss.
    """
    seed = recipe.run.seed
    if recipe.data.weights:
        order = Mixture.weighted(entries, recipe.data.weights).epoch(0, seed)[: recipe.bins.samples, 1]
        entries = [entries[index] for index in order]
    center = fit_center(recipe.bins, entries, seed) if recipe.data.subtract_mean else color.L_CENTER
    if not init:
        return Basis(fit_bins(recipe.bins, entries, seed) if classifies(recipe) else None, center)
    if classifies(recipe) != (init[1] is not None):
        raise BadRecipe(f"the weights to start from were trained for another kind of loss than {recipe.loss.name}")
    return Basis(bins_from_dict(init[1].to_dict()) if init[1] else None, center)


def fit_bins(config: BinsConfig, entries: Sequence[Entry], seed: int) -> Bins:
    """Bins with values and frequencies measured on some of the training pictures."""
    parts = [small_ab(image, LOOK).reshape(-1, 2) for image in _chosen(config, entries, seed)]
    ab = np.concatenate(parts).astype(np.float64)
    if config.kind == "equal":
        bins: Bins = ChannelBins.equal_width(config.count).fit(ab)
    else:
        bins = ChannelBins.quantile(ab, config.count) if config.kind == "quantile" else JointBins.grid(ab, config.step)
    # With the digits that a checkpoint and a card keep, so that a resumed run weighs and decodes to the last bit alike.
    return bins_from_dict(bins.to_dict())


def fit_center(config: BinsConfig, entries: Sequence[Entry], seed: int) -> float:
    """The mean L, 0..100, of the training pictures that the bins are measured on (the paper, section 4.2.1)."""
    means = [
        color.srgb_to_lightness(np.asarray(image.resize(LOOK, Image.Resampling.BOX))).mean(dtype=np.float64)
        for image in _chosen(config, entries, seed)
    ]
    return float(np.mean(means))


def _chosen(config: BinsConfig, entries: Sequence[Entry], seed: int) -> Iterator[Image.Image]:
    for index in np.random.default_rng(seed).permutation(len(entries))[: config.samples]:
        entry = entries[index]
        yield decode_entry(entry)
