"""What a metric is given and what it is: two renditions of one picture, and a function of them with its facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from photochrom import color
from photochrom.errors import BadSetting

Better = Literal["higher", "lower", "truth"]


@dataclass(frozen=True, eq=False)
class Rendition:
    """One version of a picture, whose Lab is computed once however many comparisons ask for it.

    Args:
        rgb: (H, W, 3) sRGB, floating, 0..1. It is not copied: leave it unchanged.

    Raises:
        BadSetting: another shape, no pixels, or not floating (uint8 read as 0..1 would give nonsense silently).
    """

    rgb: np.ndarray

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[-1] != 3 or self.rgb.size == 0 or self.rgb.dtype.kind != "f":
            raise BadSetting(
                f"a rendition is a floating (H, W, 3) picture in 0..1, not {self.rgb.dtype} {self.rgb.shape}"
            )

    @cached_property
    def lab(self) -> np.ndarray:
        """(H, W, 3) CIE Lab, float64: L 0..100, a and b about -128..128."""
        return color.rgb_to_lab(self.rgb.astype(np.float64))

    @property
    def ab(self) -> np.ndarray:
        """(H, W, 2), the last two channels of `lab`."""
        return self.lab[..., 1:]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A prediction and the truth it is measured against.

    Raises:
        BadSetting: the two differ in size.
    """

    predicted: Rendition
    truth: Rendition

    def __post_init__(self) -> None:
        if self.predicted.rgb.shape != self.truth.rgb.shape:
            raise BadSetting(
                f"a prediction of shape {self.predicted.rgb.shape} cannot be compared with a truth of shape "
                f"{self.truth.rgb.shape}; bring both to one size"
            )


@dataclass(frozen=True)
class Metric:
    """A registered metric: a function of a Comparison, and what its number means."""

    name: str
    meaning: str
    unit: str
    better: Better
    function: Callable[[Comparison], float]

    def __call__(self, pair: Comparison) -> float:
        """Return the number for one picture; always finite."""
        return float(self.function(pair))
