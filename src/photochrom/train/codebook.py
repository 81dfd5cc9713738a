"""What a run measures on its training pictures before it begins: the colour bins, and the mean of L."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from photochrom import color
from photochrom.bins import Bins, ChannelBins, JointBins, bins_from_dict
from photochrom.data.samples import decode, small_ab
from photochrom.data.sources import Entry
from photochrom.train.config import BinsConfig

LOOK = (32, 32)  # pixels of a picture that are looked at


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
    """The mean L, 0..100, of the training pictures, over those that the bins are measured on as well (P2)."""
    means = [
        color.srgb_to_lightness(np.asarray(image.resize(LOOK, Image.Resampling.BOX))).mean(dtype=np.float64)
        for image in _chosen(config, entries, seed)
    ]
    return float(np.mean(means))


def _chosen(config: BinsConfig, entries: Sequence[Entry], seed: int) -> Iterator[Image.Image]:
    for index in np.random.default_rng(seed).permutation(len(entries))[: config.samples]:
        entry = entries[index]
        yield decode(entry.read(), entry.key)
