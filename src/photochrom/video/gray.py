"""A decoded film frame as the gray picture that it is, or that its lightness gives."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from photochrom import color

NEUTRAL = 4  # how far the chroma of a gray film strays from its middle, of 255; sepia and colour go further
_PLANAR = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv440p", "yuvj440p", "nv12", "gray"}
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


def gray_of(frame: Any) -> tuple[np.ndarray, bool]:
    """The frame as (H, W) uint8 of full range, and whether it is in colour.

    A gray film's luma is its gray, sample for sample. Where there is colour, sepia included, the gray is that of equal
    CIE L.
    """
    if frame.format.name in _PLANAR and _is_neutral(frame):
        luma = _plane(frame, 0)
        full = frame.color_range == _FULL_RANGE or frame.format.name.startswith(("yuvj", "gray"))
        return (luma.copy() if full else _widened()[luma]), False
    rgb = frame.to_ndarray(format="rgb24")
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red), False
    return gray_of_rgb(rgb), True


def gray_of_rgb(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 sRGB to the (H, W) uint8 gray that has its CIE L.

    Example:
        >>> gray_of_rgb(np.array([[[255, 0, 0], [77, 77, 77]]], np.uint8)).tolist()
        [[127, 77]]
    """
    of_channel, of_luminance = _tables()
    luminance = of_channel[0][rgb[..., 0]]
    luminance += of_channel[1][rgb[..., 1]]
    luminance += of_channel[2][rgb[..., 2]]
    return of_luminance[luminance.astype(np.uint16)]


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """What each sample adds to the luminance (3, 256), in steps of a fine scale; and the gray of each step."""
    fine = 65535
    linear = color.srgb_to_linear(np.arange(256) / 255)
    # Rows of the matrix from sRGB to XYZ: what is white has the luminance 1.
    weights = np.array([0.212671, 0.715160, 0.072169])
    parts = (weights[:, None] * linear * fine).astype(np.float32)
    grays = np.rint(255 * color.linear_to_srgb(np.arange(fine + 1) / fine)).astype(np.uint8)
    return parts, grays


@lru_cache(maxsize=1)
def _widened() -> np.ndarray:
    """(256,) uint8: luma of 16..235 as gray of 0..255."""
    return np.rint(np.clip((np.arange(256) - 16) * (255 / 219), 0, 255)).astype(np.uint8)


def _is_neutral(frame: Any) -> bool:
    for plane in range(1, len(frame.planes)):
        # Every few samples tell a film's tint as well as all of them.
        chroma = _plane(frame, plane)[::4, ::2].astype(np.int16)
        if chroma.size and np.abs(chroma - 128).max() > NEUTRAL:
            return False
    return True


def _plane(frame: Any, index: int) -> np.ndarray:
    plane = frame.planes[index]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    width = plane.width * (2 if frame.format.name == "nv12" and index else 1)
    return rows[: plane.height, :width]
