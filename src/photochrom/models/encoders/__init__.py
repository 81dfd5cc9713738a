"""Pretrained networks that see L, by name: what the network `photochrom` builds its decoder on.

An entry makes an `Encoder` with random weights when it is called. One file adds an encoder, and a distribution can
bring its own through the entry-point group `photochrom.models.encoders`.
"""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn

from photochrom._support.registry import Registry


class Encoder(Protocol):
    """What the decoder needs of a `torch.nn.Module` that sees (L - 50) / 50.

    Its own normalisation is part of it, in its first layer or in `forward`. Its batch norms are folded or frozen: a
    batch is a few samples.

    Attributes:
        channels: of the features at strides 4, 8, 16 and 32.
        summary_channels: of the feature of the whole picture.
        parts: its layers from the input on, in groups; `frozen_stages` = n keeps the first n + 1 as they are.
    """

    channels: tuple[int, int, int, int]
    summary_channels: int

    @property
    def parts(self) -> list[nn.Module]: ...

    def __call__(self, x: Float[Tensor, "n 1 h w"]) -> tuple[list[Tensor], Float[Tensor, "n s"]]:
        """The features at strides 4, 8, 16 and 32, and that of the whole picture; h and w are multiples of 32."""
        ...

    def load_pretrained(self) -> None:
        """Take the public weights.

        Raises:
            MissingExtra: the package that carries them is not installed.
        """
        ...

    def published_classes(self) -> dict[str, Tensor] | None:
        """The public "weight" (1000, s) and "bias" (1000,) from the feature of the whole picture to the ImageNet
        classes; None where there are none."""
        ...


encoders = Registry("encoder", "photochrom.models.encoders")
