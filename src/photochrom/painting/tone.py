"""A photograph's tones: how its lightness runs from black to white."""

from __future__ import annotations

import numpy as np

_STRENGTH = 12.0  # in L at the quarters of the scale; the curve stays monotonic up to 100 / 2 pi = 15.9


def with_contrast(L: np.ndarray, amount: float) -> np.ndarray:
    """L with more or less contrast; black, white and middle gray stay where they are.

    Args:
        L: any shape, 0..100.
        amount: -1 flat to 1 strong; 0 changes nothing.

    Returns:
        The same shape and dtype, 0..100; `L` itself where the amount is 0.

    Example:
        >>> import numpy as np
        >>> with_contrast(np.array([0.0, 25.0, 50.0, 75.0, 100.0]), 1.0).round(6).tolist()
        [0.0, 13.0, 50.0, 87.0, 100.0]
    """
    if amount == 0:
        return L
    curve = L - L.dtype.type(amount * _STRENGTH) * np.sin(L * L.dtype.type(np.pi / 50))
    return np.clip(curve, 0, 100, out=curve)
