"""The network `recurrent`: a convolutional GRU that makes another network's answers for a film agree over time.

It looks at each frame's answer and light, finds where every point was in the frame before, brings along what it
remembers of it, and decides point by point how much of the past is kept. What it gives is always a mean of the other
network's own answers along the motion: it can steady colours, and invents none. Untrained, it keeps little.

Sources: convolutional GRU, Ballas et al. 2016; a GRU whose state is moved along motion, Nilsson and Sminchisescu 2018;
motion by correlation and a refinement of dilated convolutions, Sun et al. 2018 (PWC-Net), at one resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range
from photochrom.models import models

SCORE = 8.0  # about the deviation of scores, so that the network sees small numbers
SHARPNESS = 25.0  # of the choice among shifts, at first
SHUT = -2.0  # where the gate begins, before its sigmoid


@dataclass(frozen=True)
class RecurrentSettings(Checked, where="model.settings"):
    """Settings of the network.

    Attributes:
        width: channels of the hidden state.
        features: channels by which a point is recognised in the next frame.
        reach: points of the map that something may move between frames and still be found.
        memory: frames whose mean is taken, at most. Training clips are shorter than films, so that their loss cannot
            tell when a memory is too long.
    """

    width: Annotated[int, Range(1)] = 32
    features: Annotated[int, Range(1)] = 24
    reach: Annotated[int, Range(1, 16)] = 4
    memory: Annotated[float, Range(1, 1000)] = 10.0


class Steadied(NamedTuple):
    """What the network gives for a frame.

    Attributes:
        scores: (n, c, h, w) the answer to paint.
        state: (n, s, h, w) what it remembers.
        trust: (n, 1, h, w) how likely what was brought along shows the same thing, 0..1; 0 where there is no past.
        motion: (n, 2, h, w) how far from each point (x, y) it was in the frame before, in points.
    """

    scores: Tensor
    state: Tensor
    trust: Tensor
    motion: Tensor


@models.register("recurrent")
class Recurrent(nn.Module):
    """One frame after the other; see the module.

    Args:
        settings: see `RecurrentSettings`.
        n_outputs: channels of the answers that are made steady.

    Attributes:
        state_channels: of the state. Zeros are a state without a past.
    """

    Settings = RecurrentSettings
    task = "recurrent"  # the only one that it is trained by
    multiple = 4
    stride = 4
    size = None
    outputs = ("steadied", "next", "trust", "motion")  # in a file, where inputs and outputs share their names

    def __init__(self, settings: RecurrentSettings, n_outputs: int) -> None:
        super().__init__()
        self.settings = settings
        width, features, shifts = settings.width, settings.features, (2 * settings.reach + 1) ** 2
        self.parts = (1, n_outputs, width, features)  # of the state: frames in the mean, the mean, hidden, features
        self.state_channels = sum(self.parts)
        self.see = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, features, 3, 1, 1),
        )
        self.sharpness = nn.Parameter(torch.tensor(math.log(SHARPNESS)))
        self.find = nn.Sequential(
            nn.Conv2d(shifts + features, 32, 1),
            nn.ReLU(),
            *(layer for d in (1, 2, 4) for layer in (nn.Conv2d(32, 32, 3, 1, d, d), nn.ReLU())),
            nn.Conv2d(32, 2, 3, 1, 1),
        )
        self.squeeze = nn.Conv2d(n_outputs, features, 1)
        self.mix = nn.Sequential(nn.Conv2d(4 * features + 6, 48, 1), nn.ReLU())
        self.gates = nn.Conv2d(48 + width, 2 * width, 3, 1, 1)
        self.candidate = nn.Conv2d(48 + width, width, 3, 1, 1)
        self.trust = nn.Conv2d(48 + width, 1, 3, 1, 1)
        for last, bias in ((self.find[-1], 0.0), (self.trust, SHUT)):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.constant_(last.bias, bias)  # type: ignore[arg-type]

    def forward(
        self, scores: Float[Tensor, "n c h w"], light: Float[Tensor, "n 1 4h 4w"], state: Float[Tensor, "n s h w"]
    ) -> Steadied:
        """The next frame: the network's answer for it, its (L - 50) / 50, and what was remembered."""
        features = self._features(light)
        motion, sure = self._motion(features, state[:, -self.settings.features :])
        count, past, hidden, features_then = carried(state, motion).split(self.parts, 1)
        count = count * inside(motion)
        known = (count > 0).to(count.dtype)
        hidden = hidden * known
        changed = (features - features_then) * known
        answers = [self.squeeze(scores / SCORE), self.squeeze(past / SCORE) * known]
        alike = (features * features_then).sum(1, keepdim=True) * known
        facts = [*answers, features, changed, alike, count / self.settings.memory, known, sure, motion]
        mixed = self.mix(torch.cat(facts, 1))
        reset, update = torch.sigmoid(self.gates(torch.cat([mixed, hidden], 1))).chunk(2, 1)
        candidate = torch.tanh(self.candidate(torch.cat([mixed, reset * hidden], 1)))
        hidden = update * hidden + (1 - update) * candidate
        trust = known * torch.sigmoid(self.trust(torch.cat([mixed, hidden], 1)))
        # Expected: the mean of all of them where it is the same thing, and the answer alone where it is another.
        steadied = scores + trust * count / (count + 1) * (past - scores)
        count = (trust * count + 1).clamp(max=self.settings.memory)
        return Steadied(steadied, torch.cat([count, steadied, hidden, features], 1), trust, motion)

    def example(self, height: int, width: int) -> dict[str, Tensor]:
        """Zeros for each input, for frames of `height` x `width` pixels, multiples of 4."""
        scores = torch.zeros(1, self.parts[1], height // self.stride, width // self.stride)
        return {"scores": scores, "light": torch.zeros(1, 1, height, width), "state": self.begin(scores)}

    def begin(self, scores: Float[Tensor, "n c h w"]) -> Float[Tensor, "n s h w"]:
        """The state before the first frame."""
        n, _, h, w = scores.shape
        return scores.new_zeros(n, self.state_channels, h, w)

    def _features(self, light: Tensor) -> Tensor:
        """What a point is recognised by, of length 1; about the frame's mean, so that its exposure matters little."""
        features = self.see(light)
        return F.normalize(features - features.mean((2, 3), keepdim=True), dim=1)

    def _motion(self, now: Tensor, then: Tensor) -> tuple[Tensor, Tensor]:
        """Where each point was, and how sure that is, 0..1: a soft choice among the shifts, refined."""
        reach = self.settings.reach
        h, w = now.shape[2:]
        padded = F.pad(then, (reach, reach, reach, reach))
        span = range(2 * reach + 1)
        alike = [(now * padded[:, :, y : y + h, x : x + w]).sum(1) for y in span for x in span]
        # The shifts last, where onnxruntime's softmax is fast.
        share = torch.softmax(torch.stack(alike, -1) * self.sharpness.exp(), -1)
        steps = torch.arange(-reach, reach + 1, dtype=now.dtype, device=now.device)
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        chosen = (share @ torch.stack([x.reshape(-1), y.reshape(-1)], -1)).permute(0, 3, 1, 2)
        refined = chosen + self.find(torch.cat([torch.stack(alike, 1), now], 1))
        return refined, share.amax(-1)[:, None]


def carried(maps: Float[Tensor, "n c h w"], motion: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n c h w"]:
    """Maps seen at each point displaced by `motion` (x, y), in points, linearly between points.

    Beyond the border they go on as at it. The same as `grid_sample`, which in onnxruntime takes five times as long.
    """
    n, c, h, w = maps.shape
    x, y = _places(motion)
    x, y = x.clamp(0, w - 1), y.clamp(0, h - 1)
    left, top = x.detach().floor(), y.detach().floor()
    across, down = (x - left)[..., None], (y - top)[..., None]
    right, below = (left + 1).clamp(max=w - 1), (top + 1).clamp(max=h - 1)
    rows = maps.permute(0, 2, 3, 1).reshape(n * h * w, c)
    first = torch.arange(n, device=maps.device)[:, None, None] * (h * w)

    def at(x: Tensor, y: Tensor) -> Tensor:
        return rows.index_select(0, (first + y.long() * w + x.long()).reshape(-1)).view(n, h, w, c)

    upper = at(left, top) * (1 - across) + at(right, top) * across
    lower = at(left, below) * (1 - across) + at(right, below) * across
    return (upper * (1 - down) + lower * down).permute(0, 3, 1, 2)


def inside(motion: Float[Tensor, "n 2 h w"]) -> Float[Tensor, "n 1 h w"]:
    """1 where the displaced point is on the map."""
    h, w = motion.shape[2:]
    x, y = _places(motion)
    on = (x >= -0.5) & (x <= w - 0.5) & (y >= -0.5) & (y <= h - 0.5)
    return on.to(motion.dtype)[:, None]


def _places(motion: Tensor) -> tuple[Tensor, Tensor]:
    """x and y (n, h, w) of the displaced points, the first point's middle at 0."""
    h, w = motion.shape[2:]
    columns = torch.arange(w, dtype=motion.dtype, device=motion.device)
    rows = torch.arange(h, dtype=motion.dtype, device=motion.device)
    return motion[:, 0] + columns, motion[:, 1] + rows[:, None]
