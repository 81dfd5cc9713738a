"""Means over sliding windows, which smoothing, upsampling and the measure of blotches share."""

from __future__ import annotations

import numpy as np


def window_means(x: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of every window that fits.

    Args:
        x: (H, W, ...).
        side: of the window, pixels; a picture that is smaller has one window across.

    Returns:
        (H - side + 1, W - side + 1, ...).

    Example:
        >>> window_means(np.array([[1.0, 3.0, 5.0], [1.0, 3.0, 5.0]]), 2).tolist()
        [[2.0, 4.0]]
    """
    for axis in (0, 1):
        width = min(side, x.shape[axis])
        last = x.shape[axis] - width + 1
        # Whole pictures, shifted and added: for small windows quicker than running sums, and without their drift.
        parts = [x[i : i + last] if axis == 0 else x[:, i : i + last] for i in range(width)]
        x = sum(parts[1:], start=parts[0]) / width
    return x


def means_around(x: np.ndarray, radius: int) -> np.ndarray:
    """The mean of the square window around each point of x (H, W, ...), the border repeated; float64.

    In 64 bits, since variances are differences of such means.
    """
    margins = [(radius, radius)] * 2 + [(0, 0)] * (x.ndim - 2)
    return window_means(np.pad(x.astype(np.float64), margins, mode="edge"), 2 * radius + 1)
