"""From an encoded picture to a training sample: cut, resize, mirror, degrade L, keep the colours."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from photochrom import color
from photochrom._support.text import one_line
from photochrom.data.config import DataConfig
from photochrom.data.entries import Entry
from photochrom.errors import BadDataset, PhotochromError
from photochrom.imaging import io as photographs
from photochrom.imaging.picture import to_dtype

# What Pillow's readers let through, besides its own errors, when the bytes are damaged.
_UNDECODABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

PASTED = (0.1, 0.5)  # smallest and largest share of a sample that comes from another


def decode(data: bytes, key: str, least: int = 512) -> Image.Image:
    """The picture as 8-bit sRGB, upright.

    Args:
        data: an encoded picture.
        key: its name, for messages.
        least: a large JPEG may be decoded at an eighth to a half of its size, as long as no side falls below this.

    Raises:
        BadDataset: the bytes are no picture.
    """
    with _opened(data, key) as image:
        if image.mode.startswith(("I", "F")) or "icc_profile" in image.info or image.has_transparency_data:
            return _careful(data)
        image.draft("RGB", (least, least))
        return ImageOps.exif_transpose(image).convert("RGB")


def decode_entry(entry: Entry, least: int = 512, data: bytes | None = None) -> Image.Image:
    """The picture of a dataset's entry, as `decode` gives it; its file and its name in there are in the message.

    `data` are its bytes, where they have been read already.
    """
    return decode(entry.read() if data is None else data, f"{entry.path}: {entry.key}", least)


def dimensions(data: bytes, key: str) -> tuple[int, int]:
    """Width and height as the header has them, before it is turned upright; nothing is decoded.

    Raises:
        BadDataset: the bytes are no picture.
    """
    with _opened(data, key) as image:
        return image.size


@contextmanager
def _opened(data: bytes, key: str) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            # Pillow's remarks on transparency and large sizes; its limit on the size is an error below.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                yield image
    except (*_UNDECODABLE, PhotochromError) as error:
        raise BadDataset(f"{key}: not a picture that can be decoded ({one_line(error)})") from None


def _careful(data: bytes) -> Image.Image:
    """The way of the runtime, slower: 16 bits, profiles other than sRGB, and transparency, which is laid over white."""
    picture = photographs.read(data)
    image = Image.fromarray(to_dtype(picture.pixels, "uint8")).convert("RGB")
    if picture.alpha is None:
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=Image.fromarray(to_dtype(picture.alpha, "uint8")))
    return paper


def small_ab(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """ab (h, w, 2) of the picture shrunk to `size` (w, h) by averaging."""
    rgb = np.asarray(image.resize(size, Image.Resampling.BOX), np.float32) / 255
    return color.rgb_to_lab(rgb)[..., 1:].astype(np.float32)


@dataclass(frozen=True)
class Piece:
    """What is chosen of a picture for a sample, but for the noise.

    Attributes:
        box: left, top, right, bottom of what is cut out, pixels.
        mirrored: whether it is mirrored.
        soft: width and height to which it is shrunk before it is enlarged again; None leaves it sharp.
        wear: what is done to L; None leaves it as it is.
    """

    box: tuple[float, float, float, float]
    mirrored: bool
    soft: tuple[int, int] | None
    wear: Wear | None


@dataclass(frozen=True)
class Sampler:
    """Makes samples of one size.

    Attributes:
        config: sizes and augmentation.
        stride: the network's stride; the colours are given at that resolution.
    """

    config: DataConfig
    stride: int

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return L (1, s, s) in 0..100, perhaps degraded, and ab (2, s/stride, s/stride)."""
        size, chosen = self.config.size, self.choose(image.size, rng)
        piece = image.resize((size, size), Image.Resampling.BILINEAR, box=chosen.box, reducing_gap=2.0)
        if chosen.mirrored:
            piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if chosen.soft:
            piece = piece.resize(chosen.soft, Image.Resampling.BILINEAR).resize(piece.size, Image.Resampling.BICUBIC)
        ab = small_ab(piece, (size // self.stride, size // self.stride))
        light = chosen.wear.light(piece, rng) if chosen.wear else color.srgb_to_lightness(np.asarray(piece))
        return light[None], np.ascontiguousarray(ab.transpose(2, 0, 1))

    def choose(self, size: tuple[int, int], rng: np.random.Generator) -> Piece:
        """The piece of a picture of `size` (w, h) that a sample shows, and what is done to it."""
        config = self.config
        box = self._box(size, rng)
        mirrored = config.flip and rng.random() < 0.5
        soft = None
        if rng.random() < config.soften:
            width, height = (max(1, round(config.size * rng.uniform(0.35, 0.9))) for _ in "wh")
            soft = width, height
        return Piece(box, mirrored, soft, Wear.drawn(rng) if rng.random() < config.degrade else None)

    def _box(self, size: tuple[int, int], rng: np.random.Generator) -> tuple[float, float, float, float]:
        width, height = size
        if self.config.whole:
            return 0, 0, width, height
        area = width * height * rng.uniform(*self.config.scale)
        aspect = math.exp(rng.uniform(-1, 1) * math.log(self.config.ratio))
        w, h = min(width, math.sqrt(area * aspect)), min(height, math.sqrt(area / aspect))
        x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
        return x, y, x + w, y + h


def paste(sample: tuple[Any, Any], other: tuple[Any, Any], rng: np.random.Generator) -> None:
    """Put a rectangle of another sample into the same place of a sample, both as `Sampler` makes them.

    Args:
        sample: L (1, s, s) and ab (2, h, w), arrays or tensors; changed in place.
        other: likewise.
        rng: decides where, and of which shape; the edges lie between points of ab.

    Source: Yun et al., "CutMix", 2019, with the labels of each point instead of one mixed label.
    """
    h, w = sample[1].shape[1:]
    share, aspect = rng.uniform(*PASTED), 2 ** rng.uniform(-1, 1)
    height, width = max(1, round(h * math.sqrt(share / aspect))), max(1, round(w * math.sqrt(share * aspect)))
    top, left = rng.integers(h - height + 1), rng.integers(w - width + 1)
    for into, source in zip(sample, other, strict=True):
        stride = into.shape[1] // h
        rows, columns = (slice(stride * a, stride * (a + n)) for a, n in ((top, height), (left, width)))
        into[:, rows, columns] = source[:, rows, columns]


@dataclass(frozen=True)
class Wear:
    """What an old print or a poor scan does to L: another film's grays, soft, faded, bent, noisy.

    Attributes:
        blur: radius, pixels; 0 leaves it sharp.
        plate: weights of red, green and blue in the gray of an early emulsion, which is mixed in; None mixes in none.
        gamma: exponent on L / 100.
        low, high: what black and white become.
        noise: deviation, in units of L.
    """

    blur: float = 0.0
    plate: np.ndarray | None = None
    gamma: float = 1.0
    low: float = 0.0
    high: float = 100.0
    noise: float = 0.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Wear:
        """Another one for each draw."""
        blur = rng.uniform(0.3, 1.2) if rng.random() < 0.3 else 0.0
        # Early emulsions were blind to red: mix in the gray of a blue-sensitive plate.
        plate = rng.dirichlet((1.0, 1.5, 1.5)).astype(np.float32) if rng.random() < 0.4 else None
        gamma, low, high = rng.uniform(0.7, 1.4), rng.uniform(0, 15), rng.uniform(80, 100)
        return cls(blur, plate, gamma, low, high, rng.uniform(0.5, 4) if rng.random() < 0.5 else 0.0)

    def light(self, image: Image.Image, rng: np.random.Generator) -> np.ndarray:
        """L (h, w) of the picture; the noise is drawn each time."""
        if self.blur:
            image = image.filter(ImageFilter.GaussianBlur(self.blur))
        rgb = np.asarray(image)
        light = color.srgb_to_lightness(rgb)
        if self.plate is not None:
            light = light * 0.4 + 0.6 * color.gray_to_lightness((rgb @ self.plate) / 255)
        light = 100 * np.clip(light / 100, 0, 1) ** self.gamma
        light = self.low + light * ((self.high - self.low) / 100)
        if self.noise:
            light = light + rng.normal(0, self.noise, light.shape)
        return np.clip(light, 0, 100).astype(np.float32)
