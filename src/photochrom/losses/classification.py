"""Cross-entropy over colour bins, hard or soft, with rare colours weighted up."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom.inference.bins import AB_LIMIT, Bins, ChannelBins, JointBins
from photochrom.losses import losses


@losses.register("cross_entropy")
class CrossEntropy(nn.Module):
    """Cross-entropy of the scores against the bin of each pixel's colour, or against its neighbouring bins too.

    Args:
        bins: the codebook.
        sigma: width of the soft encoding in Lab units; 0 takes the one bin a colour falls in. For joint bins ab is
            rounded to whole units first, so that a colour near an edge may count to the bin beyond; for bins a channel
            the class is exact.
        weights: the bins' rebalancing weights; None weighs all alike. A pixel weighs as its nearest bin; the mean is
            over pixels, not over weights, so that a batch of rare colours pulls harder.

    Sources: the paper, section 4.2.4; soft targets and rebalancing, Zhang et al. 2016.
    """

    classifies = True
    weights: Tensor | None
    edges: Tensor | None
    index: Tensor
    share: Tensor

    def __init__(self, bins: Bins, sigma: float = 5.0, weights: np.ndarray | None = None) -> None:
        super().__init__()
        self.joint = isinstance(bins, JointBins)
        self.k = bins.n_scores if self.joint else bins.n_scores // 2
        self.step = 1.0 if self.joint else 0.5
        index, share = _joint_table(bins, sigma) if isinstance(bins, JointBins) else _channel_table(bins, sigma)
        self.register_buffer("weights", None if weights is None else torch.tensor(weights, dtype=torch.float32))
        self.register_buffer("index", torch.tensor(index, dtype=torch.int64))
        self.register_buffer("share", torch.tensor(share, dtype=torch.float32))
        # A hard class is found exactly: a table would move the colours next to an edge into the neighbouring bin.
        hard_edges = torch.tensor(bins.edges) if isinstance(bins, ChannelBins) and sigma == 0 else None
        self.register_buffer("edges", hard_edges)

    def forward(self, output: Float[Tensor, "n q h w"], ab: Float[Tensor, "n 2 h w"]) -> Float[Tensor, ""]:
        return self._joint(output, ab) if self.joint else self._channels(output, ab)

    def _joint(self, output: Tensor, ab: Tensor) -> Tensor:
        # Classes last, so that the soft-max walks through memory in order.
        log_p = F.log_softmax(output.permute(0, 2, 3, 1).reshape(-1, self.k).float(), 1)
        place = self._place(ab.permute(0, 2, 3, 1).reshape(-1, 2))
        index, share = self.index[place[:, 0], place[:, 1]], self.share[place[:, 0], place[:, 1]]
        return _mean(log_p, index, share, self.weights)

    def _channels(self, output: Tensor, ab: Tensor) -> Tensor:
        # Pixels last: the soft-max over so few classes takes them many at a time.
        log_p = F.log_softmax(output.unflatten(1, (2, self.k)).flatten(3).float(), 2)
        parts = []
        for c in (0, 1):
            values = ab[:, c].flatten(1)
            if self.edges is None:
                place = self._place(values)
                index, share = self.index[c][place].movedim(2, 1), self.share[c][place].movedim(2, 1)
            else:
                index = torch.bucketize(values.to(self.edges.dtype), self.edges[c].contiguous(), right=True)[:, None]
                share = torch.ones_like(index, dtype=torch.float32)
            weights = None if self.weights is None else self.weights[c]
            parts.append(_mean(log_p[:, c], index, share, weights))
        return (parts[0] + parts[1]) / 2

    def _place(self, values: Tensor) -> Int[Tensor, "..."]:
        return ((values + AB_LIMIT) / self.step).round().long().clamp(0, self.index.shape[-2] - 1)


def _mean(log_p: Tensor, index: Tensor, share: Tensor, weights: Tensor | None) -> Tensor:
    """The loss from log-probabilities (n, k, ...) of the classes, and index and share (n, m, ...) of the true ones."""
    loss = -(log_p.gather(1, index) * share).sum(1)
    return (loss if weights is None else loss * weights[index[:, 0]]).mean()


def _joint_table(bins: JointBins, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Soft codes of every whole (a, b): indices and shares (221, 221, k); a rounding of half a unit at most."""
    axis = np.arange(-AB_LIMIT, AB_LIMIT + 1)
    pairs = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    return bins.soft_encode(pairs, sigma) if sigma else bins.soft_encode(pairs, 1.0, neighbours=1)


def _channel_table(bins: ChannelBins, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Soft codes of every half unit of a and of b: indices and shares (2, 441, 2)."""
    axis = np.arange(-AB_LIMIT, AB_LIMIT + 0.25, 0.5)
    index, share = bins.soft_encode(np.stack([axis, axis], -1), sigma or 1.0)
    return index.transpose(1, 0, 2), share.transpose(1, 0, 2)
