"""Ranges of values: what is drawn from them, and how a first round's best trials narrow them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution


@dataclass(frozen=True)
class Range:
    """Numbers of a field from `low` to `high`, both included.

    Attributes:
        low: the smallest.
        high: the largest; with a step, the largest that steps from `low` reach.
        log: draw evenly in the logarithm.
        step: distance of the numbers that may be drawn; None draws any.
        whole: the field takes whole numbers.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def distribution(self) -> BaseDistribution:
        """What Optuna draws from."""
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def value(self, drawn: Any) -> int | float:
        """What the recipe gets for what Optuna drew."""
        return int(drawn) if self.whole else float(drawn)

    def extremes(self) -> tuple[Any, ...]:
        """The values that a recipe has to accept."""
        return tuple(int(x) if self.whole and x == int(x) else x for x in (self.low, self.high))

    def narrowed(self, values: Sequence[Any]) -> Range | Choices:
        """What `values` span, drawn as before; one value alone becomes a choice."""
        low, high = min(values), max(values)
        return Choices((low,)) if low == high else replace(self, low=float(low), high=float(high))

    def plain(self) -> dict[str, Any]:
        """What a TOML file says of it."""
        facts: dict[str, Any] = dict(zip(("low", "high"), self.extremes(), strict=True))
        return facts | ({"log": True} if self.log else {}) | ({"step": self.value(self.step)} if self.step else {})


@dataclass(frozen=True)
class Choices:
    """The values of a field, one as likely as the other; anything that a recipe can hold."""

    values: tuple[Any, ...]

    def distribution(self) -> BaseDistribution:
        """What Optuna draws from: JSON texts, since it takes no lists."""
        return CategoricalDistribution([json.dumps(value) for value in self.values])

    def value(self, drawn: Any) -> Any:
        """What the recipe gets for what Optuna drew."""
        return json.loads(drawn)

    def extremes(self) -> tuple[Any, ...]:
        """The values that a recipe has to accept: all."""
        return self.values

    def narrowed(self, values: Sequence[Any]) -> Choices:
        """Those that occur in `values`."""
        return Choices(tuple(value for value in self.values if value in values))

    def plain(self) -> dict[str, Any]:
        """What a TOML file says of it."""
        return {"choices": list(self.values)}


Ranges = dict[str, Range | Choices]
"""By the field's dotted name, sorted, so that what is drawn does not depend on the order in a file."""


def narrowed(ranges: Ranges, best: Sequence[Mapping[str, Any]]) -> Ranges:
    """The ranges of a second round: the span of the first round's best trials (the paper, section 4.2.8)."""
    return {name: span.narrowed([values[name] for values in best]) for name, span in ranges.items()}
