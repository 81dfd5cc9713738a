"""How sure the network is of a colour: the probability that the true one is near what is shown."""

from __future__ import annotations

import numpy as np

from photochrom.inference.bins import JointBins
from photochrom.inference.decode import Decoding, log_probabilities

NEAR = 20.0  # Lab units, in the plane of a and b, within which a colour counts as right
RAMP = 5.0  # over which a bin stops to count, so that no step of the codebook shows


def confidence(scores: np.ndarray, ab: np.ndarray, bins: JointBins, how: Decoding) -> np.ndarray:
    """The probability, 0..1, that each point's true a and b are within `NEAR` of what is shown.

    Args:
        scores: (q, h, w) over `bins`.
        ab: (h, w, 2) what is shown, Lab units.
        how: the decoding; the rebalancing that went into training is taken back.

    Returns:
        (h, w)
    """
    sure = np.zeros(ab.shape[:2], np.float32)
    for value, p in zip(bins.values, np.exp(log_probabilities(scores, bins, how)), strict=True):
        away = np.hypot(ab[..., 0] - value[0], ab[..., 1] - value[1])
        sure += p * np.clip((NEAR + RAMP - away) / (2 * RAMP), 0, 1)
    return sure


def unsure_places(sure: np.ndarray, count: int = 3, radius: float = 0.12) -> list[tuple[float, float]]:
    """Where a hint would help most: the (x, y), as shares of width and height, around which least is sure.

    Args:
        sure: (h, w) of `confidence`.
        count: how many places.
        radius: of what one hint is taken to settle, as a share of the longer side.
    """
    h, w = sure.shape
    doubt = 1 - sure.astype(np.float64)
    y, x = np.mgrid[:h, :w]
    sigma = radius * max(h, w)
    places = []
    for _ in range(count):
        across = np.exp(-((np.arange(w)[:, None] - np.arange(w)) ** 2) / (2 * sigma**2))
        down = np.exp(-((np.arange(h)[:, None] - np.arange(h)) ** 2) / (2 * sigma**2))
        # What a hint there would settle, and, of equal ones, the least sure point.
        around = down @ doubt @ across + 1e-3 * doubt
        row, column = np.unravel_index(around.argmax(), around.shape)
        places.append(((column + 0.5) / w, (row + 0.5) / h))
        doubt = doubt * (1 - np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * sigma**2)))
    return places
