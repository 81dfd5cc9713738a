"""What can be measured of a coloured picture against its truth; each metric is one registered function.

Example:
    >>> import numpy as np
    >>> rgb = np.full((4, 5, 3), 0.5)
    >>> pair = Comparison(Rendition(rgb), Rendition(rgb))
    >>> facts("ciede2000")(pair)
    0.0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from photochrom._support.registry import Registry
from photochrom.metrics.comparison import Better, Comparison, Metric, Rendition

__all__ = ["Comparison", "Metric", "Rendition", "facts", "measure", "metric", "metrics"]

metrics = Registry("metric", "photochrom.metrics")


def metric(
    name: str, *, meaning: str, unit: str, better: Better
) -> Callable[[Callable[[Comparison], float]], Callable[[Comparison], float]]:
    """Return a decorator that registers a function as a metric with its facts, and leaves the function as it is.

    Args:
        name: the column's name in every table, `snake_case`.
        meaning: one line for the docs and `--help`.
        unit: "dB", "Lab units", ... or "" for a bare ratio.
        better: "higher", "lower", or "truth": nearest to what the truth itself measures.
    """

    def enter(function: Callable[[Comparison], float]) -> Callable[[Comparison], float]:
        metrics.register(name)(Metric(name, meaning, unit, better, function))
        return function

    return enter


def facts(name: str) -> Metric:
    """Return the metric of this name: callable, and with its meaning, unit and direction.

    Raises:
        UnknownName: it is not registered.
    """
    return cast(Metric, metrics[name])


def measure(pair: Comparison, names: Sequence[str] | None = None) -> dict[str, float]:
    """Measure one picture with the named metrics, or with all of them.

    Raises:
        UnknownName: a name that is not registered.
    """
    return {name: facts(name)(pair) for name in (metrics if names is None else names)}
