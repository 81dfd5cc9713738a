"""A gray frame and its chroma to sRGB, by one table: what a film's pixels go through, some ten times a second."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from photochrom import color
from photochrom.upsample import GuidedChroma

_STEP = 4  # Lab units between the table's colours
_REACH = 112  # beyond this, no colour of sRGB lies
_SIDE = 2 * _REACH // _STEP + 1


def paint_frame(gray: np.ndarray, chroma: GuidedChroma) -> np.ndarray:
    """The frame (H, W) uint8 in colour, (H, W, 3) uint8 sRGB.

    The table holds, for each of the 256 grays, the colours of its L on a grid of a and b, reduced into the gamut as
    for photographs; between them it is interpolated in a and b, and never in L.
    """
    import cv2

    height, width = gray.shape
    slope_a, slope_b, offset_a, offset_b, lowest, highest = (
        cv2.resize(np.ascontiguousarray(chroma.coefficients[..., i]), (width, height), interpolation=cv2.INTER_LINEAR)
        for i in range(6)
    )
    light = cv2.LUT(gray, _lightness())
    inside = cv2.min(cv2.max(light, lowest, dst=light), highest, dst=light)
    across = _grid(slope_a, inside, offset_a)
    # The tables of the grays lie below each other.
    down = cv2.add(_grid(slope_b, inside, offset_b), cv2.LUT(gray, _tops()))
    return cv2.remap(_colors(), across, down, cv2.INTER_LINEAR)


def _grid(slope: np.ndarray, light: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Where on the grid slope * light + offset lies, 0 to its end; the slope is used up."""
    slope *= light
    slope += offset
    slope *= 1 / _STEP
    slope += _REACH / _STEP
    return np.clip(slope, 0, _SIDE - 1.001, out=slope)


@lru_cache(maxsize=1)
def _lightness() -> np.ndarray:
    return color.srgb_to_lightness(np.arange(256, dtype=np.uint8)[None])[0]


@lru_cache(maxsize=1)
def _tops() -> np.ndarray:
    return (np.arange(256) * _SIDE).astype(np.float32)


@lru_cache(maxsize=1)
def _colors() -> np.ndarray:
    """(256 * side, side, 3) uint8: the colours of each gray, b downwards and a across."""
    axis = np.arange(-_REACH, _REACH + 1, _STEP, dtype=np.float32)
    b, a = np.meshgrid(axis, axis, indexing="ij")
    rows = []
    for light in _lightness():
        lab = np.stack([np.full_like(a, light), a, b], -1)
        rows.append(np.rint(255 * color.lab_to_rgb_gently(lab)).astype(np.uint8))
    return np.concatenate(rows)
