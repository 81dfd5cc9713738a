"""How sure a mean over photographs is: intervals by drawing the photographs again, with replacement."""

from __future__ import annotations

import numpy as np

RESAMPLES = 10_000
_AT_ONCE = 2_000_000  # counts that are in memory at a time


def mean_intervals(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """95 % intervals of the means of columns.

    Args:
        values: (n, k), a row for each photograph.
        resamples: how often n photographs are drawn.
        seed: the same seed and n draw the same photographs.

    Returns:
        (k, 2): the 2.5 % and 97.5 % quantiles of the resampled means.

    Source: Efron, "Bootstrap methods: another look at the jackknife", 1979; the percentile interval. It tells how the
    mean would vary over other photographs of the same kind; not over other kinds, or other trainings.
    """
    n = len(values)
    rng, means = np.random.default_rng(seed), []
    # Around the mean: what does not vary stays exactly there.
    center = values.mean(0)
    step = max(1, _AT_ONCE // n)
    for start in range(0, resamples, step):
        times = rng.multinomial(n, np.full(n, 1 / n), size=min(step, resamples - start))
        means.append(times @ (values - center) / n)
    return (np.quantile(np.concatenate(means), (0.025, 0.975), axis=0) + center).T
