"""A small mark in the lower right corner, for those who want to see that a photograph was coloured: a disc, half gray
and half the hues."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from photochrom import color
from photochrom.imaging.picture import Pixels, to_dtype
from photochrom.painting.upsample import resize

_SHARE = 1 / 26  # of the shorter side
_LEAST_SIDE, _MOST_SIDE = 10, 400  # pixels
_OPACITY = 0.8
_OVERSAMPLED = 8


@dataclass(frozen=True)
class Mark:
    """Where the mark goes in a picture of H x W pixels; `side` is 0 where the picture has no room for it.

    Example:
        >>> import numpy as np
        >>> strip = np.zeros((100, 200, 3), np.uint8)
        >>> Mark(100, 200).draw(strip)
        >>> rows, columns = np.nonzero(strip.any(-1))
        >>> bool(rows.min() > 80), bool(columns.min() > 180)
        (True, True)
    """

    height: int
    width: int

    @property
    def side(self) -> int:
        """Of the square that holds it, in pixels."""
        shorter = min(self.height, self.width)
        side = min(_MOST_SIDE, max(_LEAST_SIDE, round(shorter * _SHARE)))
        return side if 3 * side <= shorter else 0

    def draw(self, rgb: Pixels, first: int = 0) -> None:
        """Lay it over rows of the picture, in place.

        Args:
            rgb: (h, W, 3), whole rows; uint8, uint16, or floating 0..1.
            first: the row of the picture that is the first of `rgb`.
        """
        side = self.side
        margin = side // 2
        top, left = self.height - margin - side, self.width - margin - side
        begin, end = max(top, first), min(top + side, first + len(rgb))
        if begin >= end:
            return
        _lay(rgb[begin - first : end - first, left : left + side], _disc(side)[begin - top : end - top])

    def draw_part(self, rgb: Pixels, box: tuple[int, int, int, int]) -> None:
        """Lay it over a part of the picture that is as sharp as the picture, or smaller, in place.

        Args:
            rgb: (h, w, 3), the part; uint8, uint16, or floating 0..1.
            box: its left, top, width and height in pixels of the picture.
        """
        side = self.side
        margin = side // 2
        corner = self.width - margin - side - box[0], self.height - margin - side - box[1]
        spans = []
        for at, pixels, shown in zip(corner, box[2:], rgb.shape[1::-1], strict=True):
            scale = shown / pixels
            first, last = max(0, math.floor(at * scale)), min(shown, math.ceil((at + side) * scale))
            if first >= last:
                return
            spans.append((first, last, first / scale - at, last / scale - at))
        (x, x_end, left, right), (y, y_end, top, bottom) = spans
        # What is seen of the mark may begin between its pixels, and end beyond it.
        room = math.ceil(max(box[2] / rgb.shape[1], box[3] / rgb.shape[0]))
        padded = np.pad(_disc(side), ((room, room), (room, room), (0, 0)))
        padded[..., :3] *= padded[..., 3:]
        around = left + room, top + room, right + room, bottom + room
        size = x_end - x, y_end - y
        drawn = np.stack([resize(padded[..., channel], size, Image.Resampling.BOX, around) for channel in range(4)], -1)
        drawn[..., :3] /= np.maximum(drawn[..., 3:], 1e-6)
        _lay(rgb[y:y_end, x:x_end], drawn)


def _lay(part: Pixels, drawn: np.ndarray) -> None:
    """Mix sRGB with opacity (h, w, 4) into (h, w, 3)."""
    opacity = drawn[..., 3:]
    mixed = to_dtype(part, "float32") * (1 - opacity) + drawn[..., :3] * opacity
    part[...] = to_dtype(mixed, part.dtype.name)


@lru_cache(maxsize=4)
def _disc(side: int) -> np.ndarray:
    """(side, side, 4) float32: sRGB and opacity."""
    n = side * _OVERSAMPLED
    y, x = (np.mgrid[:n, :n] + 0.5) * 2 / n - 1
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    chroma = np.where(x > 0, 46.0, 0.0)
    lab = np.stack(
        [np.where(x > 0, 66.0, 42 + 18 * (y + 1)), chroma * np.cos(2 * angle), chroma * np.sin(2 * angle)], -1
    )
    rgb = np.where((radius > 0.84)[..., None], 1.0, color.lab_to_rgb_gently(lab))
    inside = (radius <= 1).astype(float)[..., None]
    blocks = np.concatenate([rgb * inside, inside], -1)
    small = blocks.reshape(side, _OVERSAMPLED, side, _OVERSAMPLED, 4).mean((1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    small[..., 3] *= _OPACITY
    return small.astype(np.float32)
