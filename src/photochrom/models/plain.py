"""What the paper's networks are made of: convolutions over a square of one size, and a head with all its pixels.

Both `baseline` and `paper_cnn` are such a stack; what they leave open is in their settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support import settings
from photochrom.errors import BadRecipe, BadSetting


class RReLU(nn.RReLU):
    """A ReLU whose slope below 0 is drawn for each value in training, and is the mean slope afterwards."""

    def forward(self, input: Tensor) -> Tensor:
        # torch computes the same afterwards, but its ONNX exporter knows no RReLU.
        mean = (self.lower + self.upper) / 2
        return super().forward(input) if self.training else F.leaky_relu(input, mean)


ORDERS = ("act-norm", "norm-act", "act", "norm", "none")
ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "relu": lambda channels: nn.ReLU(inplace=True),
    "leaky_relu": lambda channels: nn.LeakyReLU(0.01, inplace=True),
    "prelu": lambda channels: nn.PReLU(channels),
    "rrelu": lambda channels: RReLU(1 / 8, 1 / 3),
    "elu": lambda channels: nn.ELU(inplace=True),
    "tanh": lambda channels: nn.Tanh(),
}
LEAST_SIDE = 2  # of the last map; batch norm needs more than one value a channel


class ConvLayer(nn.Sequential):
    """A convolution, then activation, batch norm and dropout as `order` has them; dropout comes right after batch norm.

    Args:
        n_in, n_out: channels.
        kernel, stride, padding: of the convolution.
        order: one of `ORDERS`.
        activation: one of `ACTIVATIONS`.
        dropout: share that is dropped; without a batch norm at the layer's end. 0 has no such module.
        follows: the order of the layer before, "none" for the first. Whether an activation ends it decides by how much
            the weights have to make up for what it cuts off (He et al. 2015).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        order: str = "act-norm",
        activation: str = "relu",
        dropout: float = 0.0,
        follows: str = "none",
    ) -> None:
        super().__init__()
        # Batch norm subtracts what a bias before it adds.
        conv = nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=not order.startswith("norm"))
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu" if follows.endswith("act") else "linear")
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
        self.add_module("conv", conv)
        for part in order.split("-"):
            if part == "act":
                self.add_module("act", ACTIVATIONS[activation](n_out))
            if part == "norm":
                self.add_module("norm", nn.BatchNorm2d(n_out))
                if dropout:
                    self.add_module("dropout", nn.Dropout(dropout))
        if dropout and "norm" not in order:
            self.add_module("dropout", nn.Dropout(dropout))


class LinearHead(nn.Module):
    """The map flattened, one fully connected layer, and a value for each output and pixel.

    Args:
        n_in, side: channels and side of the map.
        n_outputs, size: channels and side of the answer.
    """

    def __init__(self, n_in: int, side: int, n_outputs: int, size: int) -> None:
        super().__init__()
        self.shape = (n_outputs, size, size)
        self.full = nn.Linear(n_in * side * side, n_outputs * size * size)
        # A tenth of what goes in: training starts from almost gray, or from almost equal scores.
        nn.init.normal_(self.full.weight, std=0.1 / self.full.in_features**0.5)
        nn.init.zeros_(self.full.bias)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n q s s"]:
        return self.full(x.flatten(1)).unflatten(1, self.shape)


class ConvHead(nn.Module):
    """A 1 x 1 convolution, its answer enlarged to the square: few weights, for many outputs.

    What unpadded convolutions cut off the border is not made up for: their map, the square's middle, is stretched over
    all of it. With a padding of half the kernel every pixel keeps its place.

    Args:
        n_in: channels of the map.
        n_outputs, size: channels and side of the answer.
    """

    def __init__(self, n_in: int, n_outputs: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.scores = nn.Conv2d(n_in, n_outputs, 1)
        nn.init.normal_(self.scores.weight, std=0.1 / n_in**0.5)
        nn.init.zeros_(self.scores.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n q s s"]:
        return F.interpolate(self.scores(x), (self.size, self.size), mode="bilinear")


class PlainCnn(nn.Module):
    """Layers one after the other and a head, for squares of one size.

    Args:
        layers: see `ConvLayer`.
        head: from their last map to (n, q, size, size).
        size: side of the squares, pixels.
    """

    multiple = 1
    stride = 1

    def __init__(self, layers: Sequence[ConvLayer], head: nn.Module, size: int) -> None:
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(*layers)
        self.head = head

    def forward(self, x: Float[Tensor, "n 1 s s"]) -> Float[Tensor, "n q s s"]:
        """Scores, or ab / 110, of (L - 50) / 50.

        Raises:
            BadSetting: the input has another size.
        """
        if x.shape[2:] != torch.Size((self.size, self.size)):
            h, w = x.shape[2:]
            raise BadSetting(f"the network needs squares of {self.size} pixels, not {w} x {h}; bring them to that size")
        return self.head(self.layers(x))


def map_sides(size: int, layers: int, kernel: int, stride: int = 1, padding: int = 0) -> list[int]:
    """The side of each layer's map; 0 where nothing is left.

    Example:
        >>> map_sides(64, 9, 5)
        [60, 56, 52, 48, 44, 40, 36, 32, 28]
    """
    sides = []
    for _ in range(layers):
        size = max(0, (size + 2 * padding - kernel) // stride + 1) if size else 0
        sides.append(size)
    return sides


def check_maps(size: int, layers: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
    """Refuse convolutions that leave no map.

    Raises:
        BadRecipe: names the layer and the largest kernel that goes.
    """
    sides = map_sides(size, layers, kernel, stride, padding)
    if sides[-1] >= LEAST_SIDE:
        return
    at = next(i for i, side in enumerate(sides, 1) if side < LEAST_SIDE)
    fitting = [k for k in range(1, kernel) if map_sides(size, layers, k, stride, padding)[-1] >= LEAST_SIDE]
    allowed = f"at most {fitting[-1]} here" if fitting else "at least 1, with a smaller stride or fewer layers"
    raise BadRecipe(
        f"model.settings.kernel is {kernel}; at size {size}, stride {stride} and padding {padding} the map shrinks to "
        f"nothing (under {LEAST_SIDE} x {LEAST_SIDE}) by layer {at} of {layers}; it must be {allowed}"
    )


def check(ok: bool, name: str, value: object, allowed: str) -> None:
    """Refuse a model's setting.

    Raises:
        BadRecipe: names it and what is allowed.
    """
    settings.check(ok, f"model.settings.{name}", value, allowed)


def check_shape(size: int, channels: Sequence[int], kernel: int) -> None:
    """Refuse what neither network can be built from.

    Raises:
        BadRecipe: as `check`.
    """
    check(len(channels) > 0 and min(channels) >= 1, "channels", channels, "one number above 0 for each layer")
    check(1 <= kernel <= size, "kernel", kernel, f"between 1 and {size}, the size")
