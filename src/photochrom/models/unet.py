"""The U-Net of the paper's conditional GAN: strided convolutions down, deconvolutions up, skip connections.

Sources: the paper, appendix 1; Ronneberger et al. 2015; Isola et al. 2017 (pix2pix). Deviations: it goes down to 2 x 2
and not 1 x 1, so that batch norm has something to average; the output is linear, since ab / 110 seldom leaves +-0.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range, check
from photochrom.models import models

MOST = 8  # the widest layers have this many times the channels of the first


@dataclass(frozen=True)
class UNetSettings(Checked, where="model.settings"):
    """Settings of the network.

    Attributes:
        size: side of the squares that it is made for, a power of two; sides are halved until 2 x 2 is left. Other sizes
            work, too.
        width: channels of the first layer; each further one has twice as many, up to eight times.
        dropout: share of the channels of the middle layers that is dropped in training, which stands for a GAN's
            noise. Whole channels: at use, a draw is then one coherent colouring (`variation`).
        dropped: how many layers on the way up, from the bottom, drop channels.
    """

    size: Literal[16, 32, 64, 128, 256, 512, 1024] = 256
    width: Annotated[int, Range(1)] = 64
    dropout: Annotated[float, Range(0, 1, below=True)] = 0.5
    dropped: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        check(0 <= self.dropped < self.depth, "model.settings.dropped", self.dropped, f"between 0 and {self.depth - 1}")

    @property
    def depth(self) -> int:
        """How often the sides are halved."""
        return self.size.bit_length() - 2


class Down(nn.Module):
    """Halve the size; the first layer, which sees the picture itself, has no batch norm."""

    def __init__(self, n_in: int, n_out: int, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 4, 2, 1, bias=not norm)
        self.norm = nn.BatchNorm2d(n_out) if norm else nn.Identity()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h/2 w/2"]:
        return F.leaky_relu(self.norm(self.conv(x)), 0.2)


class Up(nn.Module):
    """Double the size."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d 2h 2w"]:
        return F.relu(self.norm(self.conv(x)))


@models.register("unet")
class UNet(nn.Module):
    """L to ab (or scores) of the same size.

    Args:
        settings: see `UNetSettings`.
        n_outputs: channels of the result.

    Attributes:
        variation: a factor for every channel that dropout may drop; ones at use unless a variant is wanted.
    """

    Settings = UNetSettings
    stride = 1
    size = None
    variation: Tensor

    def __init__(self, settings: UNetSettings, n_outputs: int) -> None:
        super().__init__()
        self.settings = settings
        self.multiple = 2**settings.depth
        widths = [settings.width * min(2**i, MOST) for i in range(settings.depth)]
        self.downs = nn.ModuleList(Down(a, b, a > 1) for a, b in zip([1, *widths], widths, strict=False))
        sources = [widths[-1], *(2 * w for w in widths[-2:0:-1])]
        self.ups = nn.ModuleList(Up(a, b) for a, b in zip(sources, widths[-2::-1], strict=True))
        self.last = nn.ConvTranspose2d(2 * widths[0], n_outputs, 4, 2, 1)
        self.varied = widths[-2::-1][: settings.dropped]
        self.register_buffer("variation", torch.ones(sum(self.varied)))

    def forward(
        self, x: Float[Tensor, "n 1 h w"], variation: Float[Tensor, " c"] | None = None
    ) -> Float[Tensor, "n q h w"]:
        """ab of (L - 50) / 50; any size (it is padded to a multiple by repeating the border).

        Args:
            x: the pictures.
            variation: instead of the ones. Without effect in training.
        """
        h, w = x.shape[2:]
        if h % self.multiple or w % self.multiple:
            x = F.pad(x, (0, -w % self.multiple, 0, -h % self.multiple), mode="replicate")
        kept: list[Tensor] = []
        for down in self.downs:
            x = down(x)
            kept.append(x)
        factors = (self.variation if variation is None else variation).split(self.varied) if self.varied else ()
        for i, (up, skip) in enumerate(zip(self.ups, kept[-2::-1], strict=True)):
            x = torch.cat([self._dropped(up(x), factors, i), skip], 1)
        return self.last(x)[:, :, :h, :w]

    def _dropped(self, x: Tensor, factors: Sequence[Tensor], layer: int) -> Tensor:
        if layer >= len(factors):
            return x
        if self.training:
            return F.dropout2d(x, self.settings.dropout)
        return x * factors[layer][:, None, None]
