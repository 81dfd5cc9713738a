"""Chroma from the network's small map to the picture's full size, edge-aware, strip by strip.

Around each point of the map ab is fitted as a linear function of L at the map's own resolution, where both are equally
sharp; the two coefficients vary slowly and can be enlarged without harm, and at full size ab = slope * L + offset
follows L's edges. What it costs at full size is a bilinear enlargement of six small maps and a multiplication.

Source: He, Sun, "Fast Guided Filter", 2015, with one deviation: the offset is such that each point of the map keeps
its ab, where theirs averages ab over the window, which is a blur (of the true ab of photographs, at this size, it loses
to plain enlargement, and this wins).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from photochrom.painting.smooth import slopes, smooth_chroma

RADIUS = 1  # of the window, in points of the map
MARGIN = 0.25  # how far beyond the window's L the fit is trusted, as a share of its range
COLOR_MARGIN = 0.05  # how far beyond the window's ab the fit may lead, likewise
FLAT = 1e-6  # slope under which ab is the same for any L


@dataclass(frozen=True)
class GuidedChroma:
    """ab as a function of L over the picture, small enough to keep.

    Attributes:
        coefficients: (m, n, 6) slopes of a and b, their offsets, and the lowest and highest L that the fit is trusted
            for: what was seen around the point, and what gives no colour far from those around it. L is clipped to
            them, or a white strap on red would turn cyan.
    """

    coefficients: np.ndarray

    @classmethod
    def fit(
        cls, ab: np.ndarray, light: np.ndarray, covered: tuple[float, float], smooth_radius: int = 0
    ) -> GuidedChroma:
        """Fit ab (h, w, 2) to the picture's L (H, W); of ab, the first `covered` (w, h) columns and rows count.

        Args:
            ab: in Lab units.
            light: 0..100; a copy that was shrunk to `guide_size` is enough.
            covered: what of ab lies over the picture.
            smooth_radius: first make ab even where L is, in windows of this radius, points of the map; 0 does not.
        """
        size = guide_size(light.shape, covered)
        guide = resize(light, size)
        box = (0.0, 0.0, *covered)
        around = _windows(guide)
        lowest, highest = around.min((-2, -1)), around.max((-2, -1))
        margin = MARGIN * (highest - lowest)
        lowest, highest = lowest - margin, highest + margin
        planes = [resize(np.ascontiguousarray(ab[..., channel]), size, box=box) for channel in (0, 1)]
        target = np.stack(planes, -1)
        if smooth_radius:
            target = smooth_chroma(target, guide, smooth_radius)
        slope = slopes(target, guide, RADIUS)
        for c in (0, 1):
            below, above = _range_within(slope[..., c], guide, target[..., c], _windows(target[..., c]))
            lowest, highest = np.maximum(lowest, below), np.minimum(highest, above)
        parts = slope, target - slope * guide[..., None], lowest[..., None], highest[..., None]
        return cls(np.concatenate(parts, -1).astype(np.float32))

    def with_cast(self, a: float, b: float) -> GuidedChroma:
        """The same with a colour cast, as light of another colour gives: (a, b) in Lab units on white.

        What is darker gets less of it, in proportion to L + 16: that is what scaling X or Z does to a gray in Lab.
        """
        coefficients = self.coefficients.copy()
        cast = np.array([a, b], np.float32)
        coefficients[..., :2] += cast / 116
        coefficients[..., 2:4] += cast * (16 / 116)
        return GuidedChroma(coefficients)

    def strip(self, light: np.ndarray, top: int, height: int) -> np.ndarray:
        """ab (h, W, 2) for the rows of L `light` (h, W) that start at `top` of a picture `height` rows high."""
        m, n = self.coefficients.shape[:2]
        return self._within(light, (0.0, top * m / height, float(n), (top + len(light)) * m / height))

    def part(self, light: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
        """ab (h, w, 2) for L `light` (h, w) of a part of the picture: left, top, right, bottom in shares of it."""
        m, n = self.coefficients.shape[:2]
        left, top, right, bottom = box
        return self._within(light, (left * n, top * m, right * n, bottom * m))

    def _within(self, light: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
        """ab for L of a part of the picture; the box counts points of the coefficients."""
        rows, width = light.shape
        slope_a, slope_b, offset_a, offset_b, lowest, highest = (
            resize(np.ascontiguousarray(self.coefficients[..., i]), (width, rows), box=box) for i in range(6)
        )
        inside = np.clip(light, lowest, highest)
        return np.stack([slope_a * inside + offset_a, slope_b * inside + offset_b], -1)


def guide_size(shape: tuple[int, ...], covered: tuple[float, float]) -> tuple[int, int]:
    """(w, h) to which L (H, W) is shrunk for the fit: that of the map, or its own where it is smaller."""
    height, width = shape
    return min(width, max(1, round(covered[0]))), min(height, max(1, round(covered[1])))


def resize(
    plane: np.ndarray,
    size: tuple[int, int],
    how: Image.Resampling = Image.Resampling.BILINEAR,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """Resize a float32 plane (H, W) to `size` (w, h); shrinking averages, as Pillow does."""
    return np.asarray(Image.fromarray(plane.astype(np.float32, copy=False)).resize(size, how, box=box))


def _range_within(
    slope: np.ndarray, guide: np.ndarray, target: np.ndarray, around: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest L (m, n) for which the fit stays near the colours around each point."""
    least, most = around.min((-2, -1)), around.max((-2, -1))
    margin = COLOR_MARGIN * (most - least)
    steep = np.where(np.abs(slope) < FLAT, np.nan, slope)
    ends = guide + (least - margin - target) / steep, guide + (most + margin - target) / steep
    return np.nan_to_num(np.minimum(*ends), nan=-np.inf), np.nan_to_num(np.maximum(*ends), nan=np.inf)


def _windows(plane: np.ndarray) -> np.ndarray:
    """The square window around each point, (m, n, k, k); the border is repeated."""
    padded = np.pad(plane, RADIUS, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, (2 * RADIUS + 1, 2 * RADIUS + 1))
