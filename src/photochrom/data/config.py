"""The [data] section of a recipe: how pictures become samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from photochrom._support.settings import Checked, Range, check
from photochrom.errors import BadRecipe


@dataclass(frozen=True)
class DataConfig(Checked, where="data"):
    """How pictures become samples.

    Attributes:
        size: side of the square samples, pixels.
        weights: by the name of a folder or archive, how often an epoch shows each of its pictures: 0.25 shows another
            quarter of them each time, 3 each one three times; what is not named counts once. See
            `photochrom.data.mixture.Mixture`.
        scale: smallest and largest share of a picture's area in a sample. A scale of [1, 1] with a ratio of 1 takes
            the whole picture, pressed into a square, as validation does.
        ratio: largest aspect ratio of the piece that is cut out.
        flip: mirror half of the samples.
        degrade: share of samples whose L is degraded as old photographs are (fading, gamma, noise, blur); the colours
            to be learned stay those of the clean picture.
        soften: share of samples that are shrunk and enlarged again. Collections of different resolution then look
            alike, and sharpness does not give away which one's colours to expect.
        cutmix: share of samples into which a rectangle of another picture is pasted, with its colours (Yun et al.
            2019): against overfitting.
        subtract_mean: subtract the mean L of the training pictures from the network's input instead of 50 (the paper,
            section 4.2.1: our reading of "subtracting the mean pixel value").
        cache: true keeps every sample in memory after its first use, 4 to 12 bytes a pixel in each worker; only where
            the settings above leave nothing to chance. "memory" decodes every picture once, keeps it in the memory of
            the device, and makes the samples there; see `photochrom.data.memory`.
        workers: processes that decode; 0 decodes in the training process.
    """

    size: Annotated[int, Range(16, 2048)] = 128
    weights: dict[str, Any] = field(default_factory=dict)
    scale: tuple[float, float] = (0.4, 1.0)
    ratio: Annotated[float, Range(1, 4)] = 1.33
    flip: bool = True
    degrade: Annotated[float, Range(0, 1)] = 0.3
    soften: Annotated[float, Range(0, 1)] = 0.0
    cutmix: Annotated[float, Range(0, 1)] = 0.0
    subtract_mean: bool = False
    cache: bool | Literal["memory"] = False
    workers: Annotated[int, Range(0, 256)] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, weight in self.weights.items():
            Range(0, 100).check(f"data.weights.{name}", weight, BadRecipe)
        check(
            0 < self.scale[0] <= self.scale[1] <= 1, "data.scale", self.scale, "two rising shares above 0 and at most 1"
        )
        plain = {"scale": (1.0, 1.0), "ratio": 1.0, "flip": False, "degrade": 0.0, "soften": 0.0, "cutmix": 0.0}
        check(self.cache in (True, False, "memory"), "data.cache", self.cache, "true, false or 'memory'")
        for name, value in plain.items() if self.cache is True else ():
            found = getattr(self, name)
            check(found == value, f"data.{name}", found, f"{value!r} where data.cache is true")

    @property
    def whole(self) -> bool:
        """Whether a sample is the whole picture, so that no piece has to be chosen."""
        return self.scale == (1.0, 1.0) and self.ratio == 1.0
