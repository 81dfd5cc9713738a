"""The paper's network: nine convolutions and a fully connected layer, with every ablation as a setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from torch import nn

from photochrom._support.settings import Checked, Range
from photochrom._support.text import either
from photochrom.models import models
from photochrom.models.plain import (
    ACTIVATIONS,
    ORDERS,
    ConvHead,
    ConvLayer,
    LinearHead,
    PlainCnn,
    check,
    check_maps,
    check_shape,
    map_sides,
)


@dataclass(frozen=True)
class PaperCnnSettings(Checked, where="model.settings"):
    """Settings of the network; the defaults are the paper's final model as far as it says.

    Attributes:
        size: side of the squares that it takes, pixels.
        channels: of each convolution. The last has one by default, because the fully connected layer has
            side^2 x channels x size^2 x outputs weights: with one channel 64 million for the 20 scores of 10 bins, and
            321 million for 50 bins; an optimiser keeps up to four times that.
        kernel, stride, padding: of every convolution.
        order: what follows each convolution: "act-norm" (activation, then batch norm), "norm-act", "act", "norm" or
            "none"; one for all layers, or one a layer with commas between them.
        activation: "relu", "leaky_relu" (slope 0.01), "prelu" (a learned slope a channel), "rrelu" (slopes drawn from
            1/8 to 1/3 in training, their mean afterwards), "elu" or "tanh".
        dropout: share that is DROPPED right after each batch norm (the paper names the share that is kept, 0.4).
        head: "linear" (a fully connected layer) or "conv" (a 1 x 1 convolution, enlarged to the size).
    """

    size: Annotated[int, Range(16, 2048)] = 64
    channels: tuple[int, ...] = (32, 64, 64, 64, 64, 64, 32, 16, 1)
    kernel: int = 5
    stride: int = 1
    padding: int = 0
    order: str = "act-norm"
    activation: str = "relu"
    dropout: Annotated[float, Range(0, 1, below=True)] = 0.0
    head: Literal["linear", "conv"] = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shape(self.size, self.channels, self.kernel)
        check(1 <= self.stride <= self.size, "stride", self.stride, f"between 1 and {self.size}, the size")
        check(
            0 <= self.padding < self.kernel,
            "padding",
            self.padding,
            f"between 0 and {self.kernel - 1}, less than the kernel",
        )
        orders, count = self.order.split(","), len(self.channels)
        check(all(o.strip() in ORDERS for o in orders), "order", self.order, either(ORDERS))
        check(len(orders) in (1, count), "order", self.order, f"one text, or {count} separated by commas")
        check(self.activation in ACTIVATIONS, "activation", self.activation, either(ACTIVATIONS))
        check_maps(self.size, count, self.kernel, self.stride, self.padding)

    @property
    def orders(self) -> list[str]:
        """The order of each layer."""
        orders = [order.strip() for order in self.order.split(",")]
        return orders * len(self.channels) if len(orders) == 1 else orders


@models.register("paper_cnn")
class PaperCnn(PlainCnn):
    """Convolutions without pooling or enlarging, then a fully connected layer to every pixel and output.

    Args:
        settings: see `PaperCnnSettings`.
        n_outputs: channels of the result.

    Source: the paper, sections 4.2.3 to 4.2.7 and figure 4. Its channels were in a picture; ours are a setting.
    It does not name the padding; "the only down sampling is done through the convolutional layers themselves"
    with stride 1 means none: 64 pixels become 28. Deviation: He et al.'s first weights, where the paper names none.
    """

    Settings = PaperCnnSettings

    def __init__(self, settings: PaperCnnSettings, n_outputs: int) -> None:
        channels, orders = (1, *settings.channels), ("none", *settings.orders)
        layers = [
            ConvLayer(
                channels[i],
                channels[i + 1],
                settings.kernel,
                stride=settings.stride,
                padding=settings.padding,
                order=orders[i + 1],
                activation=settings.activation,
                dropout=settings.dropout,
                follows=orders[i],
            )
            for i in range(len(settings.channels))
        ]
        super().__init__(layers, _head(settings, n_outputs), settings.size)
        self.settings = settings


def _head(settings: PaperCnnSettings, n_outputs: int) -> nn.Module:
    if settings.head == "conv":
        return ConvHead(settings.channels[-1], n_outputs, settings.size)
    sides = map_sides(settings.size, len(settings.channels), settings.kernel, settings.stride, settings.padding)
    return LinearHead(settings.channels[-1], sides[-1], n_outputs, settings.size)
