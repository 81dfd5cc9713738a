"""A gray frame and its chroma to sRGB, by one table: what a film's pixels go through, some ten times a second."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from photochrom import color
from photochrom.painting.upsample import GuidedChroma

_STEP = 4  # Lab units between the table's colours
_REACH = 112  # beyond this, no colour of sRGB lies
_SIDE = 2 * _REACH // _STEP + 1


def paint_frame(gray: np.ndarray, chroma: GuidedChroma) -> np.ndarray:
    """The frame (H, W), uint8 or uint16, in colour: (H, W, 3) sRGB of the same type.

    The table holds, for each of 256 grays, the colours of its L on a grid of a and b, reduced into the gamut as for
    photographs; between them it is interpolated in a and b, and in L only where the frame has finer grays than that.
    """
    import cv2

    height, width = gray.shape
    slope_a, slope_b, offset_a, offset_b, lowest, highest = (
        cv2.resize(np.ascontiguousarray(chroma.coefficients[..., i]), (width, height), interpolation=cv2.INTER_LINEAR)
        for i in range(6)
    )
    light = cv2.LUT(gray, _lightness()) if gray.dtype == np.uint8 else color.srgb_to_lightness(gray)
    inside = cv2.min(cv2.max(light, lowest, dst=light), highest, dst=light)
    across = _grid(slope_a, inside, offset_a)
    down = _grid(slope_b, inside, offset_b)
    if gray.dtype == np.uint8:
        return cv2.remap(_colors(), across, cv2.add(down, cv2.LUT(gray, _tops())), cv2.INTER_LINEAR)
    below = gray // 257  # 257 steps of 65535 are one of 255
    share = (gray - 257 * below).astype(np.float32)[..., None] / 257
    darker, brighter = (
        cv2.remap(_exact_colors(), across, down + _tops()[np.minimum(place, 255)], cv2.INTER_LINEAR)
        for place in (below, below + 1)
    )
    return np.rint(65535 * (darker + share * (brighter - darker))).clip(0, 65535).astype(np.uint16)


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
    """(256,) where in the table each gray begins."""
    return (np.arange(256) * _SIDE).astype(np.float32)


@lru_cache(maxsize=1)
def _colors() -> np.ndarray:
    return np.rint(255 * _exact_colors()).astype(np.uint8)


@lru_cache(maxsize=1)
def _exact_colors() -> np.ndarray:
    """(256 * side, side, 3) float32, 0..1: the colours of each gray, b downwards and a across, below each other."""
    axis = np.arange(-_REACH, _REACH + 1, _STEP, dtype=np.float32)
    b, a = np.meshgrid(axis, axis, indexing="ij")
    labs = (np.stack([np.full_like(a, light), a, b], -1) for light in _lightness())
    return np.concatenate([color.lab_to_rgb_gently(lab) for lab in labs]).astype(np.float32)
