"""The branch of a network that knows hints: colours given at some points become scores at all points.

Each point of the map at stride 8 asks the points with a hint how alike they are to it, by the network's own features
and by how near they lie, and takes their colours accordingly, or none. So a hint reaches the whole of a thing, its
second part behind a pole as well. The rest of the network stays as it was trained, and where nothing is hinted its
scores come out unchanged to the last bit.

Sources: hints as further input channels and as simulated points, Zhang et al., "Real-Time User-Guided Image
Colorization with Learned Deep Priors", 2017; attention from all points to the hinted ones, Yun et al., "iColoriT",
2023.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

HEADS, HEAD_WIDTH = 4, 32
TAKEN = 32  # channels of what a point takes of the hints
WIDTH = 64  # channels of the two convolutions
NEVER = -1e4  # the logarithm of what a point without a hint counts
UNIT = 16.0  # points of the map; the distance that counts as 1 in `nearness`


class HintBranch(nn.Module):
    """Scores to be added to a network's own.

    Args:
        w8, w4: channels of the network's decoder at strides 8 and 4.
        n_outputs: how many scores.
    """

    def __init__(self, w8: int, w4: int, n_outputs: int) -> None:
        super().__init__()
        inner = HEADS * HEAD_WIDTH
        self.norm = nn.LayerNorm(w8)
        self.query = nn.Linear(w8, inner)
        self.key = nn.Linear(w8, inner)
        self.none = nn.Parameter(torch.randn(HEADS, HEAD_WIDTH, 1) * 0.1)  # the key of taking no hint
        self.nearness = nn.Parameter(torch.tensor([-2.0, 0.0, 1.0, 3.0]))  # logarithms, one a head
        self.colors = nn.Sequential(nn.Linear(2, 64), nn.GELU(), nn.Linear(64, inner))
        self.taken = nn.Conv2d(inner, TAKEN, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(w4 + TAKEN + HEADS + 3, WIDTH, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.GELU(),
        )
        self.scores = nn.Conv2d(WIDTH, n_outputs, 1)
        nn.init.zeros_(self.scores.weight)
        nn.init.zeros_(self.scores.bias)  # type: ignore[arg-type]

    def forward(
        self, hints: Float[Tensor, "n 3 h w"], at8: Float[Tensor, "n c h/8 w/8"], at4: Float[Tensor, "n d h/4 w/4"]
    ) -> Float[Tensor, "n q h/4 w/4"]:
        """What the hints add to the scores.

        Args:
            hints: a and b, scaled as the network's input is, and 1 where a hint is; 0 in all elsewhere.
            at8, at4: the network's features.
        """
        local = F.avg_pool2d(hints, 4)
        taken, share = self.spread(F.avg_pool2d(hints, 8), at8)
        taken, share = (F.interpolate(each, scale_factor=2.0, mode="nearest") for each in (taken, share))
        local = torch.cat([_mean(local), local[:, 2:].sign()], 1)
        mixed = self.scores(self.mix(torch.cat([at4, taken, share, local], 1)))
        return mixed * torch.maximum(share.amax(1, keepdim=True), local[:, 2:])

    def spread(
        self, hints: Float[Tensor, "n 3 h w"], features: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n e h w"], Float[Tensor, "n k h w"]]:
        """What each point takes of the hints' colours, and how much of its attention each head gives to any."""
        n, _, h, w = features.shape
        points = self.norm(features.flatten(2).transpose(1, 2))
        query, key = (part(points).view(n, h * w, HEADS, HEAD_WIDTH).transpose(1, 2) for part in (self.query, self.key))
        scale = 1 / math.sqrt(HEAD_WIDTH)
        hinted = hints[:, 2].flatten(1).sign()
        alike = (query @ key.transpose(2, 3)) * scale
        alike = alike - self.nearness.exp()[:, None, None] * _squared_distances(h, w, features)
        alike = alike + (1 - hinted)[:, None, None] * NEVER
        attention = torch.cat([alike, query @ self.none * scale], 3).softmax(3)[..., :-1]
        colors = self.colors(_mean(hints).flatten(2).transpose(1, 2)).view(n, h * w, HEADS, HEAD_WIDTH)
        taken = attention @ colors.transpose(1, 2)
        share = attention.sum(3)
        return self.taken(taken.transpose(2, 3).reshape(n, -1, h, w)), share.view(n, HEADS, h, w)


def _mean(hints: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 2 h w"]:
    """The hints' mean a and b, from sums that count points without a hint as well."""
    return hints[:, :2] / hints[:, 2:].clamp_min(1e-3)


def _squared_distances(h: int, w: int, like: Tensor) -> Float[Tensor, "p p"]:
    """Of all points of a map from each other, in `UNIT`s."""
    rows = torch.arange(h, device=like.device, dtype=like.dtype)[:, None].expand(h, w).reshape(-1) / UNIT
    columns = torch.arange(w, device=like.device, dtype=like.dtype)[None].expand(h, w).reshape(-1) / UNIT
    return (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
