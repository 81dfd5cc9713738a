"""The paper's baseline: three convolutions and a fully connected layer, on CIFAR-10 (section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from photochrom._support.settings import Checked, Range
from photochrom.models import models
from photochrom.models.plain import ConvLayer, LinearHead, PlainCnn, check, check_maps, check_shape, map_sides


@dataclass(frozen=True)
class BaselineSettings(Checked, where="model.settings"):
    """Settings of the baseline.

    Attributes:
        size: side of the squares that it takes, pixels.
        channels: of the three convolutions. The last is narrow, because the fully connected layer has
            side^2 x channels x size^2 x outputs weights: 6.6 million by default.
        kernel: side of the convolutions' windows; they are not padded.
    """

    size: Annotated[int, Range(16, 2048)] = 32
    channels: tuple[int, ...] = (32, 64, 8)
    kernel: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shape(self.size, self.channels, self.kernel)
        check(len(self.channels) == 3, "channels", self.channels, "three numbers above 0")
        check_maps(self.size, len(self.channels), self.kernel)


@models.register("baseline")
class Baseline(PlainCnn):
    """Convolution, ReLU and batch norm three times, then a fully connected layer to every pixel.

    Args:
        settings: see `BaselineSettings`.
        n_outputs: channels of the result.

    Source: the paper, section 4.1. It names neither channels nor kernel; here they are settings.
    """

    Settings = BaselineSettings

    def __init__(self, settings: BaselineSettings, n_outputs: int) -> None:
        channels = (1, *settings.channels)
        layers = [ConvLayer(channels[i], channels[i + 1], settings.kernel) for i in range(len(settings.channels))]
        side = map_sides(settings.size, len(layers), settings.kernel)[-1]
        super().__init__(layers, LinearHead(channels[-1], side, n_outputs, settings.size), settings.size)
        self.settings = settings
