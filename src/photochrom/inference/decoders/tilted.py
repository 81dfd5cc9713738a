"""One coherent draw for a whole picture: what could have any colour leans to one, what could not stays as it is."""

from __future__ import annotations

import numpy as np

from photochrom.inference.decoders import TEMPERATURE, decoders
from photochrom.inference.decoders.classic import annealed_mean

LEAN = 0.03  # logarithm of how much likelier a colour becomes for each Lab unit in the drawn direction


@decoders.register("tilted")
def tilted(
    log_probability: np.ndarray,
    values: np.ndarray,
    *,
    temperature: float = TEMPERATURE,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """The annealed mean of the distribution tilted towards a direction of colour that is drawn once a picture.

    A pixel whose colour is certain keeps it; where several are likely, the one in that direction wins, and in the same
    way for all pixels of a thing. Drawing each pixel's colour by itself, or one quantile for all, gives patches.
    """
    direction = (rng or np.random.default_rng()).normal(size=values.shape[1])
    direction *= LEAN / np.linalg.norm(direction)
    lean = (values @ direction).astype(log_probability.dtype)
    return annealed_mean(log_probability + lean[:, None, None], values, temperature=temperature)
