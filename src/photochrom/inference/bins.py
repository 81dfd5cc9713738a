"""Colour as classes: ab <-> bins, the weights of rare colours, and the ways to decode scores into ab; numpy only.

Networks of the classification kind answer with scores over bins, (n, q, h, w). Two kinds of bins exist: `ChannelBins`
bins a and b independently (the paper, section 4.2.2), `JointBins` bins them as a pair (its future work, section 6).
Both travel inside the model card, so that a runtime never guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from photochrom.errors import BadSetting

AB_LIMIT = 110.0  # sRGB reaches from -107.9 to 98.3


@dataclass(frozen=True)
class ChannelBins:
    """a and b binned independently into k bins each.

    Attributes:
        edges: (2, k - 1) inner edges of the a bins and of the b bins; values beyond them fall in the outermost bins.
        values: (2, k) what a bin is decoded to: the mean of the training values in it, its centre where none fell.
        frequency: (2, k) share of the training values in each bin; uniform before `fit`.
    """

    edges: np.ndarray
    values: np.ndarray
    frequency: np.ndarray

    @classmethod
    def equal_width(cls, k: int = 10, limit: float = 100.0) -> ChannelBins:
        """k bins of equal width over -limit..limit (the paper, section 4.2.2: 10 bins, each 20 wide)."""
        if k < 2:
            raise BadSetting(f"there must be at least 2 bins, not {k}")
        edges = np.linspace(-limit, limit, k + 1)
        centers = (edges[1:] + edges[:-1]) / 2
        return cls(np.stack([edges[1:-1]] * 2), np.stack([centers] * 2), np.full((2, k), 1 / k))

    @classmethod
    def quantile(cls, ab: np.ndarray, k: int = 10) -> ChannelBins:
        """k bins a channel that hold equally many of `ab` (n, 2): narrow around 0 (the paper, section 6)."""
        if k < 2:
            raise BadSetting(f"there must be at least 2 bins, not {k}")
        edges = np.quantile(ab, np.linspace(0, 1, k + 1)[1:-1], axis=0).T
        ends = np.concatenate([np.full((2, 1), -AB_LIMIT), edges, np.full((2, 1), AB_LIMIT)], 1)
        return cls(edges, (ends[:, 1:] + ends[:, :-1]) / 2, np.full((2, k), 1 / k)).fit(ab)

    @property
    def k(self) -> int:
        return self.values.shape[1]

    @property
    def n_scores(self) -> int:
        return 2 * self.k

    def fit(self, ab: np.ndarray) -> ChannelBins:
        """The same edges with values and frequencies measured on `ab` (n, 2)."""
        index = self.encode(ab).reshape(-1, 2)
        flat = ab.reshape(-1, 2)
        counts = np.stack([np.bincount(index[:, c], minlength=self.k) for c in (0, 1)])
        sums = np.stack([np.bincount(index[:, c], flat[:, c], minlength=self.k) for c in (0, 1)])
        values = np.where(counts > 0, sums / np.maximum(counts, 1), self.values)
        return replace(self, values=values, frequency=counts / max(1, len(flat)))

    def encode(self, ab: np.ndarray) -> np.ndarray:
        """(..., 2) ab to (..., 2) bin indices 0..k-1."""
        return np.stack([np.searchsorted(self.edges[c], ab[..., c], side="right") for c in (0, 1)], -1)

    def soft_encode(self, ab: np.ndarray, sigma: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
        """(..., 2) ab to the 2 nearest bins of each channel and their Gaussian weights, both (..., 2, 2)."""
        distance = np.abs(ab[..., None] - self.values)
        index = np.argsort(distance, -1, kind="stable")[..., :2]
        return index, _gaussian(np.take_along_axis(distance, index, -1), sigma)

    def log_softmax(self, scores: np.ndarray, log_weights: np.ndarray | float = 0.0) -> np.ndarray:
        """Scores (2k, h, w) to log-probabilities (2, k, h, w), with `log_weights` (2, k) added before."""
        extra = np.asarray(log_weights)
        return log_softmax(
            scores.reshape(2, self.k, *scores.shape[1:]) + (extra[..., None, None] if extra.ndim else extra), 1
        )

    def decode(self, log_probability: np.ndarray, decoder: Callable[..., np.ndarray], **how: Any) -> np.ndarray:
        """Log-probabilities (2, k, h, w) to ab (h, w, 2) by one of the `decoders`."""
        return np.concatenate([decoder(log_probability[c], self.values[c][:, None], **how) for c in (0, 1)], -1)

    def rebalancing_weights(self, smoothing: float = 0.5, sigma: float = 5.0) -> np.ndarray:
        """(2, k) weights of rare values; see `JointBins.rebalancing_weights`."""
        return np.stack([_rarity(self.frequency[c], self.values[c][:, None], smoothing, sigma) for c in (0, 1)])

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "channel"} | {n: _listed(getattr(self, n)) for n in ("edges", "values", "frequency")}


@dataclass(frozen=True)
class JointBins:
    """a and b binned as a pair: a codebook of colours and a table of the nearest one (the paper, section 6).

    Attributes:
        centers: (q, 2) the codebook; a colour belongs to the nearest centre.
        values: (q, 2) what a bin is decoded to: the mean of the training pixels in it, its centre where none fell.
        frequency: (q,) share of the training pixels in each bin.
    """

    centers: np.ndarray
    values: np.ndarray
    frequency: np.ndarray

    @classmethod
    def grid(cls, ab: np.ndarray, step: float = 10.0, least: float = 1e-5) -> JointBins:
        """The cells of a grid of `step` units that hold at least the share `least` of `ab` (n, 2).

        Source: Zhang, Isola, Efros, "Colorful Image Colorization", 2016, which takes every cell inside the gamut.
        """
        if step <= 0:
            raise BadSetting(f"the bins' step must be above 0, not {step}")
        cells, counts = np.unique(np.round(ab / step).astype(int), axis=0, return_counts=True)
        centers = cells[counts >= max(1.0, least * len(ab))] * float(step)
        if len(centers) < 2:
            raise BadSetting("the pictures hold fewer than 2 colours; a codebook needs pictures in colour")
        return cls(centers, centers, np.full(len(centers), 1 / len(centers))).fit(ab)

    @property
    def n_scores(self) -> int:
        return len(self.centers)

    def fit(self, ab: np.ndarray) -> JointBins:
        """The same centres with values and frequencies measured on `ab` (n, 2)."""
        index, q = self.encode(ab), len(self.centers)
        counts = np.bincount(index, minlength=q)
        sums = np.stack([np.bincount(index, ab[:, c], minlength=q) for c in (0, 1)], -1)
        values = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], self.centers)
        return replace(self, values=values, frequency=counts / max(1, len(ab)))

    def encode(self, ab: np.ndarray) -> np.ndarray:
        """(..., 2) ab to (...,) indices of the nearest centre."""
        return self._nearest(ab, 1)[0][..., 0]

    def soft_encode(self, ab: np.ndarray, sigma: float = 5.0, neighbours: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """(..., 2) ab to the nearest centres and their Gaussian weights, both (..., neighbours). Source: as `grid`."""
        index, distance = self._nearest(ab, min(neighbours, len(self.centers)))
        return index, _gaussian(distance, sigma)

    def _nearest(self, ab: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        flat = ab.reshape(-1, 2)
        index = np.empty((len(flat), count), np.int64)
        distance = np.empty((len(flat), count))
        for start in range(0, len(flat), 4096):
            part = slice(start, start + 4096)
            squared = ((flat[part, None, :] - self.centers) ** 2).sum(-1)
            index[part] = np.argsort(squared, -1, kind="stable")[:, :count]
            distance[part] = np.sqrt(np.take_along_axis(squared, index[part], -1))
        return index.reshape(*ab.shape[:-1], count), distance.reshape(*ab.shape[:-1], count)

    def log_softmax(self, scores: np.ndarray, log_weights: np.ndarray | float = 0.0) -> np.ndarray:
        """Scores (q, h, w) to log-probabilities (q, h, w), with `log_weights` (q,) added before."""
        extra = np.asarray(log_weights)
        return log_softmax(scores + (extra[:, None, None] if extra.ndim else extra), 0)

    def decode(self, log_probability: np.ndarray, decoder: Callable[..., np.ndarray], **how: Any) -> np.ndarray:
        """Log-probabilities (q, h, w) to ab (h, w, 2) by one of the `decoders`.

        Of `values`, the means of what fell in each bin; Zhang et al. take the bins' centres.
        """
        return decoder(log_probability, self.values, **how)

    def rebalancing_weights(self, smoothing: float = 0.5, sigma: float = 5.0) -> np.ndarray:
        """(q,) weights that make rare colours count as much as common ones.

        The frequencies are smoothed by a Gaussian of `sigma` Lab units, mixed with the uniform distribution in the
        share `smoothing` (1: no rebalancing) and inverted; the mean weight over the training pixels is 1.

        Source: Zhang et al. 2016, section 2.2 (lambda = 0.5, sigma = 5). There the mean weight is 1 under the smoothed
        frequencies, here under the raw ones, which are those of the training pixels.
        """
        return _rarity(self.frequency, self.centers, smoothing, sigma)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "joint"} | {n: _listed(getattr(self, n)) for n in ("centers", "values", "frequency")}


Bins = ChannelBins | JointBins
"""Every kind of bins; they share their methods."""


def bins_from_dict(facts: dict[str, Any]) -> Bins:
    """Rebuild bins from a model card.

    Raises:
        BadSetting: the facts describe no bins.
    """
    kinds = {
        "channel": (ChannelBins, ("edges", "values", "frequency")),
        "joint": (JointBins, ("centers", "values", "frequency")),
    }
    try:
        kind, names = kinds[facts["kind"]]
        return kind(*(np.asarray(facts[name], np.float64) for name in names))
    except (KeyError, TypeError, ValueError) as error:
        raise BadSetting(f"the model card's bins are not readable ({error!r})") from None


def _gaussian(distance: np.ndarray, sigma: float) -> np.ndarray:
    # The nearest distance is subtracted so that a colour far from every centre does not divide 0 by 0.
    weight = np.exp(-(distance**2 - distance[..., :1] ** 2) / (2 * sigma**2))
    return weight / weight.sum(-1, keepdims=True)


def _rarity(frequency: np.ndarray, centers: np.ndarray, smoothing: float, sigma: float) -> np.ndarray:
    if not 0 < smoothing <= 1:
        raise BadSetting(f"the rebalancing's smoothing must be above 0 and at most 1, not {smoothing}")
    squared = sum(np.subtract.outer(values, values) ** 2 for values in centers.T)
    kernel = np.exp(-squared / (2 * sigma**2))
    smooth = (kernel / kernel.sum(0)) @ frequency
    weights = 1 / ((1 - smoothing) * smooth / smooth.sum() + smoothing / len(frequency))
    return weights / (frequency @ weights)


def log_softmax(scores: np.ndarray, axis: int) -> np.ndarray:
    """Scores to the logarithms of what sums to 1 along the axis."""
    shifted = scores - scores.max(axis, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis, keepdims=True))
    return shifted


def _listed(array: np.ndarray) -> list[Any]:
    return np.asarray(array, np.float64).round(7).tolist()
