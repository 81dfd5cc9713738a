"""The discriminator of the paper's GAN: a network that judges every patch of a coloured picture.

Sources: the paper, appendix 1; Isola et al. 2017 (pix2pix); spectral norm, Miyato et al. 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from photochrom._support.settings import Checked, Range

MOST = 8


@dataclass(frozen=True)
class PatchSettings(Checked, where="task.settings.discriminator"):
    """Settings of a PatchGAN.

    Attributes:
        width: channels of the first layer; each further one has twice as many, up to eight times.
        layers: how often the sides are halved before the two last convolutions. 3 sees patches of 70 x 70 pixels and
            gives 30 x 30 judgements of 256 x 256; 2 is the form for 64 x 64: patches of 34 x 34, 14 x 14 judgements.
        norm: "batch", "spectral" (every convolution's largest singular value is 1; no batch norm) or "none".
    """

    width: Annotated[int, Range(1)] = 64
    layers: Annotated[int, Range(1, 6)] = 3
    norm: Literal["batch", "spectral", "none"] = "batch"

    @property
    def smallest(self) -> int:
        """The least side of a picture, pixels: a patch must be left for the last convolution."""
        return 3 * 2**self.layers


class PatchGan(nn.Module):
    """Pictures to a judgement a patch: above 0 means real.

    Args:
        settings: see `PatchSettings`.
        channels: of the pictures, 3 for L and ab.
    """

    def __init__(self, settings: PatchSettings, channels: int = 3) -> None:
        super().__init__()
        self.settings = settings
        widths = [settings.width * min(2**i, MOST) for i in range(settings.layers + 1)]
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(zip([channels, *widths], widths, strict=False)):
            plain = i == 0 or settings.norm != "batch"
            layers.append(self._normed(nn.Conv2d(a, b, 4, 2 if i < settings.layers else 1, 1, bias=plain)))
            if not plain:
                layers.append(nn.BatchNorm2d(b))
            layers.append(nn.LeakyReLU(0.2))
        layers.append(self._normed(nn.Conv2d(widths[-1], 1, 4, 1, 1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1 i j"]:
        """Judge pictures: (L - 50) / 50 and ab / 110."""
        return self.layers(pictures)

    def _normed(self, conv: nn.Conv2d) -> nn.Module:
        return spectral_norm(conv) if self.settings.norm == "spectral" else conv
