"""Chroma made even where lightness is even, and kept where lightness has an edge: a cure for blotches."""

from __future__ import annotations

import numpy as np

from photochrom.painting.windows import window_means

RADIUS = 4  # pixels of the network's map
EPSILON = 25.0  # variance of L (0..100) under which a window counts as flat


def smooth_chroma(ab: np.ndarray, light: np.ndarray, radius: int = RADIUS, epsilon: float = EPSILON) -> np.ndarray:
    """Smooth ab along the edges of L with a guided filter.

    Args:
        ab: (h, w, 2) in Lab units.
        light: (h, w) L, 0..100.
        radius: of the window, pixels.
        epsilon: variance of L under which a window counts as flat, and its chroma becomes its mean.

    Returns:
        (h, w, 2), float64.

    Example:
        >>> noisy = np.stack([np.indices((9, 9)).sum(0) % 2 * 20.0] * 2, -1)
        >>> bool(smooth_chroma(noisy, np.full((9, 9), 50.0)).std() < 2)
        True

    Source: He, Sun, Tang, "Guided Image Filtering", 2010 (their algorithm 1, L as the guide of a and of b).
    """
    guide, target = light.astype(np.float64), ab.astype(np.float64)
    mean_guide, mean_target = _box(guide, radius), _box(target, radius)
    variance = _box(guide * guide, radius) - mean_guide**2
    covariance = _box(guide[..., None] * target, radius) - mean_guide[..., None] * mean_target
    slope = covariance / (variance + epsilon)[..., None]
    offset = mean_target - slope * mean_guide[..., None]
    return _box(slope, radius) * guide[..., None] + _box(offset, radius)


def _box(plane: np.ndarray, radius: int) -> np.ndarray:
    """Mean over the square window around each point, the border repeated."""
    margins = [(radius, radius)] * 2 + [(0, 0)] * (plane.ndim - 2)
    return window_means(np.pad(plane, margins, mode="edge"), 2 * radius + 1)
