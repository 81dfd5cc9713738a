"""A trained network on the study's photographs: predictions as pictures, and every metric over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from photochrom import color
from photochrom.backends import Backend
from photochrom.bins import ChannelBins
from photochrom.data.samples import decode
from photochrom.data.sources import Entry
from photochrom.decode import scores_to_ab
from photochrom.evaluation.report import Numbers, mean, truth_numbers
from photochrom.metrics import Comparison, Rendition, measure
from photochrom.smooth import smooth_chroma

BATCH = 50
VIEW_METRICS = ("blotchiness", "colorfulness", "mean_saturation", "ciede2000", "closeness_ab", "accuracy_10")


@dataclass(frozen=True)
class Photographs:
    """Small squares with known colours.

    Attributes:
        keys: their names.
        rgb: (n, s, s, 3) uint8.
    """

    keys: tuple[str, ...]
    rgb: np.ndarray

    @classmethod
    def load(cls, entries: Sequence[Entry], size: int) -> Photographs:
        """Decode pictures and bring them to `size`."""
        pictures = [
            np.asarray(decode(e.read(), f"{e.path}: {e.key}").resize((size, size), Image.Resampling.BOX))
            for e in entries
        ]
        return cls(tuple(e.key for e in entries), np.stack(pictures))

    @cached_property
    def renditions(self) -> list[Rendition]:
        return [Rendition(picture / 255.0) for picture in self.rgb]

    @cached_property
    def L(self) -> np.ndarray:
        """(n, s, s) float32, 0..100."""
        return np.stack([each.lab[..., 0] for each in self.renditions]).astype(np.float32)

    def joined(self, ab: np.ndarray, index: int) -> Rendition:
        """The picture with its own L and the ab (s, s, 2) given, values out of gamut clipped as the paper does (P1)."""
        lab = np.concatenate([self.renditions[index].lab[..., :1], ab.astype(np.float64)], -1)
        return Rendition(np.round(255 * color.lab_to_rgb(lab)) / 255)

    def gray(self, index: int) -> Rendition:
        """The picture without its colours."""
        return self.joined(np.zeros((*self.rgb.shape[1:3], 2)), index)

    def references(self) -> dict[str, Numbers]:
        """What no network is needed for: the metrics of the gray pictures, and the truth's own."""
        gray = [measure(Comparison(self.gray(i), truth)) for i, truth in enumerate(self.renditions)]
        return {"gray": mean(gray), "truth": mean([truth_numbers(truth) for truth in self.renditions])}


@dataclass(frozen=True)
class Measured:
    """What one network did: a dict of metrics for each photograph, and the pictures themselves."""

    rows: list[Numbers]
    rgb: np.ndarray

    @property
    def means(self) -> Numbers:
        return mean(self.rows)


def scores(backend: Backend, photographs: Photographs) -> Iterator[np.ndarray]:
    """The network's answer (c, s, s) for each photograph."""
    for start in range(0, len(photographs.keys), BATCH):
        x = (photographs.L[start : start + BATCH, None] - backend.card.l_center) / backend.card.l_scale
        yield from backend.run(x.astype(np.float32))


def measured(backend: Backend, photographs: Photographs) -> Measured:
    """Every metric for every photograph, decoded as the network's card says."""
    rows, pictures = [], []
    for ours, truth in zip(colored(backend, photographs), photographs.renditions, strict=True):
        rows.append(measure(Comparison(ours, truth)))
        pictures.append(as_bytes(ours))
    return Measured(rows, np.stack(pictures))


def colored(backend: Backend, photographs: Photographs) -> Iterator[Rendition]:
    """Each photograph coloured, decoded as the network's card says."""
    bins, how = backend.card.codebook(), backend.card.default_decoding()
    for index, answer in enumerate(scores(backend, photographs)):
        yield photographs.joined(scores_to_ab(answer, bins, how, ab_scale=backend.card.ab_scale), index)


def as_bytes(picture: Rendition) -> np.ndarray:
    """(s, s, 3) uint8."""
    return np.rint(picture.rgb * 255).astype(np.uint8)


def views(backend: Backend, photographs: Photographs) -> dict[str, Numbers]:
    """The same network decoded in several ways, with and without smoothing along edges (P27): the metrics' means."""
    bins, how = backend.card.codebook(), backend.card.default_decoding()
    decoders = {"ab": how} if bins is None else {d: replace(how, decoder=d) for d in ("argmax", "annealed_mean")}
    found: dict[str, list[Numbers]] = {}
    for index, answer in enumerate(scores(backend, photographs)):
        truth = photographs.renditions[index]
        for name, decoding in decoders.items():
            plain = scores_to_ab(answer, bins, decoding, ab_scale=backend.card.ab_scale)
            for label, ab in ((name, plain), (f"{name}, smoothed", smooth_chroma(plain, photographs.L[index]))):
                pair = Comparison(photographs.joined(ab, index), truth)
                found.setdefault(label, []).append(measure(pair, VIEW_METRICS))
    return {label: mean(rows) for label, rows in found.items()}


def quantised(photographs: Photographs, counts: Sequence[int]) -> dict[int, Numbers]:
    """The truth itself after bin() and unbin() with few and many bins: what the bins alone cost, without a network."""
    ab = np.stack([truth.ab for truth in photographs.renditions])
    result = {}
    for k in counts:
        bins = ChannelBins.equal_width(k).fit(ab.reshape(-1, 2))
        index = bins.encode(ab)
        rounded = np.stack([bins.values[c][index[..., c]] for c in (0, 1)], -1)
        pairs = [Comparison(photographs.joined(r, i), photographs.renditions[i]) for i, r in enumerate(rounded)]
        result[k] = mean([measure(pair, VIEW_METRICS) for pair in pairs])
    return result
