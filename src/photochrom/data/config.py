"""The [data] section of a recipe: how pictures become samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from photochrom._support.settings import check


@dataclass(frozen=True)
class DataConfig:
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
        cache: keep every sample in memory after its first use, 4 to 12 bytes a pixel in each worker; only where the
            settings above leave nothing to chance.
        workers: processes that decode; 0 decodes in the training process.
    """

    size: int = 128
    weights: dict[str, Any] = field(default_factory=dict)
    scale: tuple[float, float] = (0.4, 1.0)
    ratio: float = 1.33
    flip: bool = True
    degrade: float = 0.3
    soften: float = 0.0
    cutmix: float = 0.0
    subtract_mean: bool = False
    cache: bool = False
    workers: int = 1

    def __post_init__(self) -> None:
        check(16 <= self.size <= 2048, "data.size", self.size, "16 to 2048")
        for name, weight in self.weights.items():
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            check(number and 0 <= weight <= 100, f"data.weights.{name}", weight, "0 to 100")
        check(0 < self.scale[0] <= self.scale[1] <= 1, "data.scale", self.scale, "two rising shares above 0 to 1")
        check(1 <= self.ratio <= 4, "data.ratio", self.ratio, "1 to 4")
        check(0 <= self.degrade <= 1, "data.degrade", self.degrade, "0 to 1")
        check(0 <= self.soften <= 1, "data.soften", self.soften, "0 to 1")
        check(0 <= self.cutmix <= 1, "data.cutmix", self.cutmix, "0 to 1")
        check(0 <= self.workers <= 256, "data.workers", self.workers, "0 to 256")
        plain = {"scale": (1.0, 1.0), "ratio": 1.0, "flip": False, "degrade": 0.0, "soften": 0.0, "cutmix": 0.0}
        for name, value in plain.items() if self.cache else ():
            found = getattr(self, name)
            check(found == value, f"data.{name}", found, f"{value!r} only, where data.cache is true")

    @property
    def whole(self) -> bool:
        """Whether a sample is the whole picture, so that no piece has to be chosen."""
        return self.scale == (1.0, 1.0) and self.ratio == 1.0
