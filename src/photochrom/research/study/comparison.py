"""One inequality of a claim and its verdict: over the seeds, and over the photographs with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photochrom.evaluation.bootstrap import mean_intervals

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "does not hold", "undecided", "not tested"
_NORMAL = 1.96  # standard errors to either side of a 95 % interval

Side = tuple[str, Mapping[int | None, float]]
"""A name and its values by seed; a value that no seed changes has the key None."""


@dataclass(frozen=True)
class Inequality:
    """One inequality of a claim: `left` is smaller than `right`.

    Attributes:
        what: the measure, in words.
        left, right: what is compared, by seed.
        values: the same for each photograph (n,) and (m,), means over the seeds; None where there is no such thing.
        paired: whether both are of the same photographs, in the same order.
        error: standard error of the difference, where it is known otherwise than by photograph.
    """

    what: str
    left: Side
    right: Side
    values: tuple[np.ndarray, np.ndarray] | None = None
    paired: bool = True
    error: float | None = None

    def pairs(self) -> list[tuple[float, float]]:
        (_, left), (_, right) = self.left, self.right
        if None in right:
            return [(value, right[None]) for value in left.values()]
        if None in left:
            return [(left[None], value) for value in right.values()]
        return [(left[seed], right[seed]) for seed in left if seed in right]

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of left minus right over photographs of this kind: by bootstrap where they are paired."""
        if self.error is not None and (pairs := self.pairs()):
            return _around(float(np.mean([a - b for a, b in pairs])), self.error)
        if self.values is None or not min(map(len, self.values)):
            return None
        left, right = self.values
        if self.paired:
            low, high = mean_intervals((left - right)[:, None])[0]
            return float(low), float(high)
        few = min(map(len, self.values)) < 2
        error = np.inf if few else np.sqrt(sum(each.var(ddof=1) / len(each) for each in (left, right)))
        return _around(float(left.mean() - right.mean()), float(error))

    @property
    def verdict(self) -> str:
        """Holds if so for every seed and for the whole interval, does not hold if for none of either, else undecided.

        Three seeds agree by chance one time in four, so they alone do not decide where there is an interval; one seed
        without an interval decides nothing.
        """
        smaller = [a < b for a, b in self.pairs()]
        if not smaller:
            return UNTESTED
        if len(smaller) == 1 and self.interval is None and not (None in self.left[1] and None in self.right[1]):
            return UNDECIDED
        low, high = self.interval or (-np.inf, np.inf)
        if all(smaller) and (self.interval is None or high < 0):
            return HOLDS
        return FAILS if not any(smaller) and (self.interval is None or low >= 0) else UNDECIDED

    @property
    def difference(self) -> str:
        """Left minus right in numbers, with its interval."""
        pairs = self.pairs()
        if not pairs:
            return ""
        mean = float(np.mean([a - b for a, b in pairs]))
        return f"{mean:+.4g}" + (f" ({self.interval[0]:+.4g} to {self.interval[1]:+.4g})" if self.interval else "")

    def __str__(self) -> str:
        missing = [name for name, values in (self.left, self.right) if not values]
        if missing:
            return f"{self.what}: {' and '.join(missing)} not run"
        return f"{self.what}: {number(*self.left)} < {number(*self.right)}: {self.verdict}"


def _around(difference: float, error: float) -> tuple[float, float]:
    return difference - _NORMAL * error, difference + _NORMAL * error


def number(name: str, by_seed: Mapping[int | None, float]) -> str:
    """A side's mean over the seeds, with half their range."""
    values = list(by_seed.values())
    return f"{name} {np.mean(values):.4g}" + (f" ±{np.ptp(values) / 2:.2g}" if len(values) > 1 else "")


@dataclass(frozen=True)
class Finding:
    """A claim of the paper with the comparisons that test it.

    Attributes:
        claim, section: what the paper says, and where.
        comparisons: what tests it.
        reading: how it was read, where it leaves that open.
        paper: the paper's own number, where it gives one.
        cause: what it likely comes from, as far as it is known.
    """

    claim: str
    section: str
    comparisons: tuple[Inequality, ...]
    reading: str = ""
    paper: str = ""
    cause: str = ""

    @property
    def verdict(self) -> str:
        """Of all comparisons: one that fails refutes the claim."""
        verdicts = [c.verdict for c in self.comparisons]
        if FAILS in verdicts:
            return FAILS
        if not verdicts or UNTESTED in verdicts:
            return UNTESTED
        return UNDECIDED if UNDECIDED in verdicts else HOLDS
