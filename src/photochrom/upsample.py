"""Chroma from the network's small map to the picture's full size, edge-aware, strip by strip.

Source: He, Sun, "Fast Guided Filter", 2015: around each point ab is fitted as a linear function of L at a middle size;
the two coefficients vary slowly and can be enlarged without harm, and at full size ab = slope * L + offset follows
L's edges. What it costs at full size is one bilinear enlargement of four small maps and one multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

MIDDLE = 448  # side of the square whose area the coefficients are fitted at
RADIUS = 0.016  # of that side: about one pixel of the network's output
EPSILON = 12.0  # variance of L (0..100) under which a window counts as flat; noise must not become colour


@dataclass(frozen=True)
class GuidedChroma:
    """ab as a function of L over the picture, small enough to keep: (m, n, 4) slopes and offsets of a and b."""

    coefficients: np.ndarray

    @classmethod
    def fit(cls, ab: np.ndarray, light: np.ndarray, covered: tuple[float, float]) -> GuidedChroma:
        """Fit ab (h, w, 2) to the picture's L (H, W); the first `covered` (w, h) of ab's columns and rows are the picture."""
        height, width = light.shape
        scale = min(1.0, MIDDLE / (height * width) ** 0.5)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        guide = resize(light, size)
        box = (0.0, 0.0, *covered)
        target = [resize(np.ascontiguousarray(ab[..., c]), size, box=box) for c in (0, 1)]
        radius = max(1, round(RADIUS * (size[0] * size[1]) ** 0.5))
        mean = _box(guide, radius)
        variance = _box(guide * guide, radius) - mean * mean + EPSILON
        slopes, offsets = [], []
        for channel in target:
            average = _box(channel, radius)
            slope = (_box(guide * channel, radius) - mean * average) / variance
            slopes.append(_box(slope, radius))
            offsets.append(_box(average - slope * mean, radius))
        return cls(np.stack([*slopes, *offsets], -1).astype(np.float32))

    def strip(self, light: np.ndarray, top: int, height: int) -> np.ndarray:
        """ab (h, W, 2) for the rows of L `light` (h, W) that start at `top` of a picture `height` rows high."""
        m, n = self.coefficients.shape[:2]
        rows, width = light.shape
        box = (0.0, top * m / height, float(n), (top + rows) * m / height)
        slope_a, slope_b, offset_a, offset_b = (
            resize(np.ascontiguousarray(self.coefficients[..., i]), (width, rows), box=box) for i in range(4)
        )
        return np.stack([slope_a * light + offset_a, slope_b * light + offset_b], -1)


def resize(
    plane: np.ndarray,
    size: tuple[int, int],
    how: Image.Resampling = Image.Resampling.BILINEAR,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """Resize a float32 plane (H, W) to `size` (w, h); shrinking averages, as Pillow does."""
    return np.asarray(Image.fromarray(plane.astype(np.float32, copy=False)).resize(size, how, box=box))


def _box(plane: np.ndarray, radius: int) -> np.ndarray:
    """Mean over a square window, the border repeated."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(plane.astype(np.float64), pad, mode="edge"), axis)
        low = total[: -2 * radius - 1] if axis == 0 else total[:, : -2 * radius - 1]
        high = total[2 * radius + 1 :] if axis == 0 else total[:, 2 * radius + 1 :]
        plane = (high - low) / (2 * radius + 1)
    return plane
