"""The colour bins of a run, measured on its training pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photochrom.bins import Bins, ChannelBins, JointBins, bins_from_dict
from photochrom.data.samples import decode, small_ab
from photochrom.data.sources import Entry
from photochrom.train.config import BinsConfig


def fit_bins(config: BinsConfig, entries: Sequence[Entry], seed: int) -> Bins:
    """Bins with values and frequencies measured on some of the training pictures."""
    chosen = np.random.default_rng(seed).permutation(len(entries))[: config.samples]
    parts = []
    for index in chosen:
        entry = entries[index]
        parts.append(small_ab(decode(entry.read(), entry.key), (32, 32)).reshape(-1, 2))
    ab = np.concatenate(parts).astype(np.float64)
    if config.kind == "equal":
        bins: Bins = ChannelBins.equal_width(config.count).fit(ab)
    else:
        bins = ChannelBins.quantile(ab, config.count) if config.kind == "quantile" else JointBins.grid(ab, config.step)
    # With the digits that a checkpoint and a card keep, so that a resumed run weighs and decodes to the last bit alike.
    return bins_from_dict(bins.to_dict())
