"""Chroma made even where lightness is even, and kept where lightness has an edge: a cure for blotches."""

from __future__ import annotations

import numpy as np

from photochrom.painting.windows import means_around

RADIUS = 4  # pixels of the network's map
EPSILON = 25.0  # variance of L (0..100) under which a window counts as flat; noise must not become colour


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
    slope = slopes(ab, light, radius, epsilon)
    offset = means_around(ab, radius) - slope * means_around(light, radius)[..., None]
    return means_around(slope, radius) * light[..., None] + means_around(offset, radius)


def slopes(ab: np.ndarray, light: np.ndarray, radius: int, epsilon: float = EPSILON) -> np.ndarray:
    """How ab changes with L in the window around each point, by least squares: the core of a guided filter.

    Args:
        ab, light, radius, epsilon: as for `smooth_chroma`.

    Returns:
        (h, w, 2), float64.
    """
    ab, light = ab.astype(np.float64), light.astype(np.float64)
    mean = means_around(light, radius)
    variance = means_around(light * light, radius) - mean * mean
    covariance = means_around(light[..., None] * ab, radius) - mean[..., None] * means_around(ab, radius)
    return covariance / (variance + epsilon)[..., None]
