"""CycleGAN's generators: ResNets that translate between gray and colour (the paper, section 6).

Sources: Zhu et al. 2017; the architecture is Johnson et al.'s (2016). Deviation: Lab instead of RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range
from photochrom.models import models


@dataclass(frozen=True)
class GeneratorSettings(Checked, where="model.settings"):
    """Settings of the network.

    Attributes:
        width: channels of the first layer; the two halvings double them.
        blocks: residual blocks at a quarter of the size; Zhu et al. take 6 for 128 pixels, 9 for 256.
        lightness: "pinned" keeps the picture's own L and gives ab only; "free" gives L, too, as CycleGAN does. What is
            shown to a person has its own L in both cases.
    """

    width: Annotated[int, Range(1)] = 64
    blocks: Annotated[int, Range(1)] = 9
    lightness: Literal["pinned", "free"] = "pinned"


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width, 3), _conv(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + _norm(self.second(F.relu(_norm(self.first(x)))))


class Translator(nn.Module):
    """Pictures of one kind to pictures of another, of the same size.

    Args:
        settings: width and blocks.
        n_in, n_out: channels.
    """

    def __init__(self, settings: GeneratorSettings, n_in: int, n_out: int) -> None:
        super().__init__()
        width = settings.width
        self.first = _conv(n_in, width, 7)
        self.downs = nn.ModuleList(nn.Conv2d(a, 2 * a, 3, 2, 1, bias=False) for a in (width, 2 * width))
        self.blocks = nn.Sequential(*(Residual(4 * width) for _ in range(settings.blocks)))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, a // 2, 3, 2, 1, output_padding=1, bias=False) for a in (4 * width, 2 * width)
        )
        self.last = nn.Conv2d(width, n_out, 7, padding=3, padding_mode="reflect")

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        x = F.relu(_norm(self.first(x)))
        for down in self.downs:
            x = F.relu(_norm(down(x)))
        x = self.blocks(x)
        for up in self.ups:
            x = F.relu(_norm(up(x)))
        return self.last(x)


@models.register("cyclegan")
class ColorGenerator(nn.Module):
    """From gray to colour.

    Args:
        settings: see `GeneratorSettings`.
        n_outputs: channels of the result beside L.
    """

    Settings = GeneratorSettings
    multiple = 8
    stride = 1
    size = None

    def __init__(self, settings: GeneratorSettings, n_outputs: int) -> None:
        super().__init__()
        self.settings, self.n_outputs = settings, n_outputs
        self.net = Translator(settings, 1 + n_outputs, n_outputs + (settings.lightness == "free"))

    def forward(self, x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n q h w"]:
        """ab of (L - 50) / 50; any size (it is padded to a multiple of 8 by repeating the border)."""
        h, w = x.shape[2:]
        if h % self.multiple or w % self.multiple:
            x = F.pad(x, (0, -w % self.multiple, 0, -h % self.multiple), mode="replicate")
        return self.net(gray_picture(x, self.n_outputs))[:, : self.n_outputs, :h, :w]

    def translate(self, pictures: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """L and ab of pictures of L and ab, gray or not: what CycleGAN's losses are about."""
        out = self.net(pictures)
        light = out[:, self.n_outputs :] if self.settings.lightness == "free" else pictures[:, :1]
        return torch.cat([light, out[:, : self.n_outputs]], 1)


def gray_picture(light: Float[Tensor, "n 1 h w"], n_colors: int = 2) -> Float[Tensor, "n c h w"]:
    """L with colours that are 0."""
    return torch.cat([light, light.new_zeros(light.shape[0], n_colors, *light.shape[2:])], 1)


def _conv(n_in: int, n_out: int, kernel: int) -> nn.Conv2d:
    # No bias: the norm behind it would take it away again.
    return nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, padding_mode="reflect", bias=False)


def _norm(x: Tensor) -> Tensor:
    return F.instance_norm(x)
