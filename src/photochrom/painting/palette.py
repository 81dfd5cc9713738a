"""A palette: a picture's colours are drawn towards a few that a person has chosen.

Every point of the network's map takes one of the palette's colours, or gray, or a mixture: those that the network
thinks likely there, while each colour of the palette also wants its share of the picture. That is optimal transport
from the points to the colours, with a cost by the network's distribution, and with shares that may be missed at a price
(a forest does not turn red because red is in the palette).

Source: optimal transport with an entropy, Cuturi 2013; shares that may be missed, Chizat et al., "Scaling algorithms
for unbalanced optimal transport problems", 2018.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from photochrom._support.text import shown
from photochrom.color import lab_to_rgb, rgb_to_lab
from photochrom.errors import BadSetting, PhotochromError
from photochrom.imaging import io
from photochrom.imaging.formats import SNIFF_BYTES, known_by
from photochrom.imaging.picture import to_dtype
from photochrom.inference.bins import Bins, JointBins, log_softmax
from photochrom.painting.hints import as_hex, rgb_of

MOST = 64
FROM_PICTURE = 8  # colours that are taken from a picture
HUE = 4.0  # how much it costs to take the opposite hue, half of it for a right angle
LIGHT = 40.0  # difference of L that costs 1/2: of two colours of one hue the one that is as light is taken
NEUTRAL = 6.0  # chroma under which a colour of a picture is none
STRONG = 0.8  # of a map's points have less chroma than the one that gets a colour of the palette in full
BLUR = 0.3  # how much points mix colours: the entropy's weight, against a cost in units of log-likelihood
LOYALTY = 0.6  # the price of a missed share, likewise
ROUNDS = 60


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours, and how much of a picture each wants.

    Attributes:
        colors: (k, 3) Lab.
        shares: (k,) of the coloured part of a picture; they add up to 1.

    Raises:
        BadSetting: none, too many, or what is no colour.
    """

    colors: np.ndarray
    shares: np.ndarray

    def __post_init__(self) -> None:
        if not 1 <= len(self.colors) <= MOST:
            raise BadSetting(f"the palette has {len(self.colors)} colours; it must have between 1 and {MOST}")

    @classmethod
    def of(cls, colors: Sequence[str]) -> Palette:
        """Colours such as "#7a1f10" or "navy", each with the same share."""
        named = [rgb_of(color.strip() if isinstance(color, str) else color) for color in colors]
        return cls.of_rgb(np.array(named).reshape(-1, 3) / 255)

    @classmethod
    def of_rgb(cls, rgb: np.ndarray, shares: np.ndarray | None = None) -> Palette:
        """Colours (k, 3) in sRGB, 0..1."""
        shares = np.ones(len(rgb)) if shares is None else shares
        return cls(rgb_to_lab(rgb), shares / max(shares.sum(), 1e-12))

    @classmethod
    def read(cls, text: str | os.PathLike[str]) -> Palette:
        """The palette that an argument names: colours with commas between them, or a file.

        A file is a picture, of which the main colours are taken with their shares, a GIMP palette (.gpl) or an Adobe
        Swatch Exchange file (.ase); what it is shows in its content.

        Raises:
            BadSetting: it is neither, or holds no colour.

        Example:
            >>> Palette.read("#7a1f10, navy").colors.round().astype(int).tolist()
            [[27, 38, 32], [13, 48, -65]]
        """
        if not isinstance(text, str | os.PathLike):
            raise BadSetting(f"a palette is colours such as '#7a1f10,navy' or a file, not {type(text).__name__}")
        if not os.path.isfile(text) and isinstance(text, str) and ("," in text or text.startswith("#")):
            return cls.of(text.split(","))
        name = shown(text)
        try:
            data = Path(text).read_bytes() if os.path.exists(text) else None
        except OSError as error:
            raise BadSetting(f"{name}: the palette cannot be read ({error.strerror})") from None
        if data is None:
            try:
                return cls.of([os.fspath(text)])
            except BadSetting:
                raise BadSetting(
                    f"'{name}' is neither a file nor a colour; give colours such as '#7a1f10,navy', a picture, a .gpl "
                    "or an .ase file"
                ) from None
        try:
            if data.startswith(b"GIMP Palette"):
                return cls.of_rgb(_gimp(data))
            if data.startswith(b"ASEF"):
                return cls.of_rgb(_swatches(data))
            return _main_colors(Path(text), name)
        except BadSetting as error:
            raise error if name in str(error) else BadSetting(f"{name}: {error}") from None

    def __str__(self) -> str:
        """The colours as `read` takes them."""
        return ",".join(map(as_hex, to_dtype(lab_to_rgb(self.colors), "uint8")))

    def drawn(self, ab: np.ndarray, light: np.ndarray, log_p: np.ndarray | None, bins: Bins | None) -> np.ndarray:
        """ab (h, w, 2) of a map, drawn towards the palette.

        Args:
            ab: as the network's answer was decoded, Lab units.
            light: (h, w) L, 0..100. A thing that is darker than a colour gets its chroma in proportion.
            log_p: (q, h, w) the network's log-probabilities over `bins`; None draws by `ab` alone.
        """
        chroma = np.hypot(ab[..., 0], ab[..., 1]).reshape(-1, 1)
        # What the network has left pale stays pale: only the hue of its tint is the palette's.
        strength = np.minimum(1, chroma / max(float(np.quantile(chroma, STRONG)), NEUTRAL))
        plan = strength * transport(self._costs(ab, light, strength, log_p, bins), self.shares)
        shade = np.minimum(1, light.reshape(-1, 1) / np.maximum(self.colors[:, 0], 1))
        return ((plan * shade) @ self.colors[:, 1:]).reshape(ab.shape).astype(np.float32)

    def _costs(
        self, ab: np.ndarray, light: np.ndarray, strength: np.ndarray, log_p: np.ndarray | None, bins: Bins | None
    ) -> np.ndarray:
        """(n, k) of each point for each colour, in units of log-likelihood."""
        hues = _directions(self.colors[:, 1:])
        # Both count: what is shown, so that points of one thing stay together, and what else is likely.
        cost = HUE / 2 * (1 - _directions(ab.reshape(-1, 2)) @ hues.T) / 2
        if log_p is not None and isinstance(bins, JointBins):
            colored = np.hypot(*bins.values.T) > NEUTRAL
            p = np.exp(log_p.reshape(len(log_p), -1)[colored]).T
            speaks = np.exp(HUE * (_directions(bins.values[colored]) @ hues.T - 1))
            cost = cost - np.log((p @ speaks + 1e-3) / (p.sum(1, keepdims=True) + 1e-3)) / 2
        cost += ((light.reshape(-1, 1) - self.colors[:, 0]) / LIGHT) ** 2 / 2
        # A gray of the palette has no hue: it is for what is pale.
        gray = np.hypot(*self.colors[:, 1:].T) <= NEUTRAL
        return np.where(gray, HUE / 2 * strength, cost)


def transport(cost: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """How each point divides itself among the colours, (n, k); a row adds up to 1.

    Args:
        cost: (n, k) of a point for a colour.
        shares: (k,) of the points that each colour wants.

    Example:
        >>> transport(np.array([[0.0, 9.0], [9.0, 0.0]]), np.array([0.5, 0.5])).round(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    log_kernel, wanted = -cost / BLUR, np.log(shares + 1e-12)
    pull = np.zeros(len(shares))
    yielding = LOYALTY / (LOYALTY + BLUR)
    for _ in range(ROUNDS):
        taken = log_softmax(log_kernel + pull, 1)
        mass = np.log(np.exp(taken).mean(0) + 1e-12)
        pull = yielding * (pull + wanted - mass)
    return np.exp(log_softmax(log_kernel + pull, 1))


def _gimp(data: bytes) -> np.ndarray:
    rows = re.findall(rb"^\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s|$)", data, re.M)
    rgb = np.array([[int(number) for number in row] for row in rows], float).reshape(-1, 3)
    if len(rgb) == 0 or rgb.max() > 255:
        raise BadSetting("the GIMP palette holds no colours of 0 to 255")
    return rgb / 255


def _swatches(data: bytes) -> np.ndarray:
    """Colours of an Adobe Swatch Exchange file, sRGB in 0..1; those in CMYK are converted without a profile."""
    found, at = [], 12
    while at + 6 <= len(data):
        kind, length = struct.unpack(">HI", data[at : at + 6])
        body, at = data[at + 6 : at + 6 + length], at + 6 + length
        if kind != 1 or len(body) < 2:
            continue
        values = body[2 + 2 * struct.unpack(">H", body[:2])[0] :]
        space, count = values[:4], {b"RGB ": 3, b"CMYK": 4, b"LAB ": 3, b"Gray": 1}.get(values[:4], 0)
        if not count or len(values) < 4 + 4 * count:
            continue
        numbers = np.array(struct.unpack(f">{count}f", values[4 : 4 + 4 * count]))
        if space == b"CMYK":
            numbers = (1 - numbers[:3]) * (1 - numbers[3])
        elif space == b"LAB ":
            numbers = lab_to_rgb(numbers * (100, 1, 1))
        found.append(np.broadcast_to(numbers, 3))
    if not found:
        raise BadSetting("the swatch file holds no colours in RGB, CMYK, Lab or gray")
    return np.clip(np.nan_to_num(np.stack(found)), 0, 1)


def _main_colors(path: Path, name: str) -> Palette:
    """The main colours of a picture, by median cut of a small copy, with their shares."""
    with open(path, "rb") as file:
        if known_by(file.read(SNIFF_BYTES)) is None:
            raise BadSetting(f"{name}: the palette is not a picture, a GIMP palette or a swatch file")
    try:
        pixels = to_dtype(io.read(path).pixels, "uint8")
    except PhotochromError as error:
        raise BadSetting(str(error)) from error
    small = Image.fromarray(pixels).convert("RGB")
    small.thumbnail((128, 128))
    rgb = np.asarray(small).reshape(-1, 3) / 255
    lab = rgb_to_lab(rgb)
    colored = np.hypot(lab[:, 1], lab[:, 2]) > NEUTRAL
    if not colored.any():
        raise BadSetting(f"{name}: the picture is gray; take colours from one that has some")
    strip = Image.fromarray(to_dtype(rgb[colored], "uint8")[None])
    places = np.asarray(strip.quantize(FROM_PICTURE, Image.Quantize.MEDIANCUT, kmeans=2))[0]
    counts = np.bincount(places)
    means = np.stack([rgb[colored][places == i].mean(0) for i in np.flatnonzero(counts)])
    return Palette.of_rgb(means, counts[counts > 0].astype(float))


def _directions(ab: np.ndarray) -> np.ndarray:
    """Hues as unit vectors (n, 2)."""
    return ab / (np.linalg.norm(ab, axis=1, keepdims=True) + 1e-6)
