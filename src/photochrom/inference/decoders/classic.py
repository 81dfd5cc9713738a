"""The decoders of the literature: the best class, the mean, the annealed mean, and a draw.

Each takes log-probabilities (q, h, w), the bins' values (q, d), a temperature and a random generator (only `sample`
uses it), and returns (h, w, d).
"""

from __future__ import annotations

import numpy as np

from photochrom.errors import BadSetting
from photochrom.inference.decoders import TEMPERATURE, decoders


@decoders.register("argmax")
def argmax(
    log_probability: np.ndarray, values: np.ndarray, *, temperature: float = 1.0, rng: np.random.Generator | None = None
) -> np.ndarray:
    """The value of the most likely bin (the paper, section 4.2.2). Vivid, blotchy. The temperature has no effect."""
    return values[log_probability.argmax(0)]


@decoders.register("mean")
def mean(
    log_probability: np.ndarray, values: np.ndarray, *, temperature: float = 1.0, rng: np.random.Generator | None = None
) -> np.ndarray:
    """The expected value: the least squared error, and the brown that comes with it. The temperature has no effect."""
    return _expected(np.exp(log_probability), values)


@decoders.register("annealed_mean")
def annealed_mean(
    log_probability: np.ndarray,
    values: np.ndarray,
    *,
    temperature: float = TEMPERATURE,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """The mean of the distribution sharpened by `temperature`: 1 is the mean, towards 0 it becomes argmax.

    Source: Zhang et al. 2016, equation 5 (T = 0.38).
    """
    sharp = _sharpened(log_probability, temperature)
    return _expected(sharp, values) / sharp.sum(0)[..., None]


@decoders.register("sample")
def sample(
    log_probability: np.ndarray, values: np.ndarray, *, temperature: float = 1.0, rng: np.random.Generator | None = None
) -> np.ndarray:
    """One draw of the distribution (at `temperature`) for the whole picture: every pixel takes the same quantile.

    Pixels drawn by themselves would be noise; a shared quantile along the order of the bins gives one coherent variant.
    """
    probability = _sharpened(log_probability, temperature)
    level = (rng or np.random.default_rng()).random()
    cumulative = np.cumsum(probability / probability.sum(0), 0)
    return values[np.minimum((cumulative < level).sum(0), len(values) - 1)]


def _expected(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums (h, w, d) of values (q, d) with weights (q, h, w)."""
    # Not a matrix product: the threads of BLAS take longer to meet than this little takes, and then wait busily.
    return np.stack([np.einsum("qhw,q->hw", weights, value) for value in values.astype(weights.dtype).T], -1)


def _sharpened(log_probability: np.ndarray, temperature: float) -> np.ndarray:
    if not temperature > 0:
        raise BadSetting(f"the temperature must be above 0, not {temperature}")
    # The largest is subtracted first, so that a small temperature overflows towards probability 0 only.
    with np.errstate(over="ignore"):
        return np.exp((log_probability - log_probability.max(0)) / temperature)
