"""LPIPS: how different two pictures look to a network, from weights that the user has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from photochrom.errors import BadCheckpoint, BadDataset
from photochrom.models.weight_files import read_weights

SMALLEST = 32  # pixels; of less, nothing is left after the pooling
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
# Of torchvision's `features`: the convolutions with stride and padding, in order; "pool" with size and stride; and
# after which convolutions there is a head.
_ALEXNET = ((0, 4, 2), "pool3", (3, 1, 2), "pool3", (6, 1, 1), (8, 1, 1), (10, 1, 1))
_VGG16 = (
    *((0, 1, 1), (2, 1, 1), "pool2", (5, 1, 1), (7, 1, 1), "pool2", (10, 1, 1), (12, 1, 1), (14, 1, 1), "pool2"),
    *((17, 1, 1), (19, 1, 1), (21, 1, 1), "pool2", (24, 1, 1), (26, 1, 1), (28, 1, 1)),
)
_NETWORKS = {11: (_ALEXNET, (0, 3, 6, 8, 10)), 3: (_VGG16, (2, 7, 14, 21, 28))}  # by the first kernel's side


class Lpips:
    """The distance, from the weights of AlexNet or VGG16 and the five linear heads.

    Args:
        files: what holds them, in any number of files: torchvision's state dict (`features.0.weight`) and the `lpips`
            package's heads (`lin0.model.1.weight`), or that package's whole state dict (`net.slice1.0.weight`).

    Raises:
        BadCheckpoint: a file cannot be read, or weights are missing or have another shape.

    Source: Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric", 2018; version 0.1 of the heads and the scaling of the published package.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._where = ", ".join(str(file) for file in files)
        self._weights = {_name(key): value for file in files for key, value in read_weights(file).items()}
        first = self._weight("features.0.weight")
        if first.ndim != 4 or first.shape[-1] not in _NETWORKS:
            raise BadCheckpoint(f"{self._where}: features.0.weight is {tuple(first.shape)}: no AlexNet and no VGG16")
        self._layers, self._tapped = _NETWORKS[first.shape[-1]]
        self._check()

    def __call__(self, ours: np.ndarray, theirs: np.ndarray) -> float:
        """The distance between two pictures (H, W, 3), 0..1; 0 is equal.

        Raises:
            BadDataset: they are smaller than 32 pixels.
        """
        if min(ours.shape[:2]) < SMALLEST:
            raise BadDataset(f"LPIPS needs pictures of {SMALLEST} pixels or more a side; leave smaller ones out")
        with torch.inference_mode():
            pairs = zip(self._features(ours), self._features(theirs), strict=True)
            return float(sum(self._distance(i, *pair) for i, pair in enumerate(pairs)))

    def _distance(self, layer: int, x: Tensor, y: Tensor) -> Tensor:
        return F.conv2d((_unit(x) - _unit(y)).square(), self._weight(f"lin{layer}.model.1.weight")).mean()

    def _features(self, rgb: np.ndarray) -> list[Tensor]:
        x = torch.from_numpy(np.ascontiguousarray(rgb, np.float32)).permute(2, 0, 1)[None] * 2 - 1
        x = (x - torch.tensor(_SHIFT).view(1, 3, 1, 1)) / torch.tensor(_SCALE).view(1, 3, 1, 1)
        found = []
        for layer in self._layers:
            if isinstance(layer, str):
                x = F.max_pool2d(x, int(layer[-1]), 2)
                continue
            place, stride, padding = layer
            weight, bias = (self._weight(f"features.{place}.{kind}") for kind in ("weight", "bias"))
            x = F.relu(F.conv2d(x, weight, bias, stride, padding))
            if place in self._tapped:
                found.append(x)
        return found

    def _weight(self, name: str) -> Tensor:
        if name not in self._weights:
            raise BadCheckpoint(
                f"{self._where}: there is no {name}; LPIPS needs torchvision's AlexNet or VGG16 and the heads of the "
                "lpips package: give both files"
            )
        return self._weights[name]

    def _check(self) -> None:
        """Every weight is there and fits the one before it."""
        channels = 3
        for place, *_ in (layer for layer in self._layers if not isinstance(layer, str)):
            weight, bias = self._weight(f"features.{place}.weight"), self._weight(f"features.{place}.bias")
            if weight.ndim != 4 or weight.shape[1] != channels or bias.shape != weight.shape[:1]:
                raise BadCheckpoint(f"{self._where}: features.{place} has weights of a shape that does not fit")
            channels = len(weight)
            if place in self._tapped:
                head = f"lin{self._tapped.index(place)}.model.1.weight"
                if self._weight(head).shape != (1, channels, 1, 1):
                    raise BadCheckpoint(f"{self._where}: {head} does not fit the network; heads of another one?")


def _name(key: str) -> str:
    """A weight's name in the package's whole state dict to the one in the single files."""
    key = re.sub(r"^net\.slice\d+\.(\d+)\.", r"features.\1.", key)
    return re.sub(r"^lins\.(\d+)\.", r"lin\1.", key)


def _unit(x: Tensor) -> Tensor:
    return x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)
