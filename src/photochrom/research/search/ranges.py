"""What a search draws, from TOML, checked against the recipe before anything is trained."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from photochrom._support.settings import from_dict, read_toml
from photochrom.errors import BadRecipe
from photochrom.research.search.spans import Choices, Range, Ranges
from photochrom.train.build import classifies
from photochrom.train.config import Recipe
from photochrom.train.recipe import put, recipe_dict, recipe_from_dict
from photochrom.train.task import resolved

# What a search decides itself, or what no training loss depends on.
_REFUSED = {
    "run.steps": "--steps sets the steps of each trial",
    "run.log_every": "a trial logs every step",
    "title": "it has no effect on training",
    "decode": "it has no effect on training",
}


def load_ranges(path: Path, recipe: Recipe) -> Ranges:
    """Read a TOML file whose table [ranges] has lines such as "optim.lr" = { low = 1e-5, high = 1e-1, log = true }.

    Raises:
        BadRecipe: the file is missing, no TOML, or empty; a field is not the recipe's or does not take such values.
    """
    facts = read_toml(path, "the ranges")
    others = sorted(facts.keys() - {"ranges"})
    if others:
        raise BadRecipe(f"{path}: {others[0]} is not allowed here; put ranges into the table [ranges]")
    return parse_ranges(facts.get("ranges", {}), recipe, str(path))


def parse_ranges(table: Any, recipe: Recipe, where: str) -> Ranges:
    """Ranges from plain values, as `load_ranges`; `where` is named in messages."""
    spans = dict(sorted(_flat(table).items())) if isinstance(table, dict) else {}
    if not spans:
        raise BadRecipe(f'{where}: there is nothing to search; add [ranges] "optim.lr" = {{ low = 1e-5, high = 1e-1 }}')
    base = recipe_dict(resolved(recipe))
    ranges: Ranges = {}
    for name, facts in spans.items():
        try:
            _check_name(name)
            ranges[name] = _span(name, facts, _lookup(base, name))
            _check_values(recipe, name, ranges[name].extremes())
        except BadRecipe as error:
            raise BadRecipe(f"{where}: {error}") from None
    return ranges


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with fields changed by their dotted names.

    Raises:
        BadRecipe: it has no such field, or the field does not take the value.
    """
    facts = recipe_dict(recipe)
    for name, value in values.items():
        put(facts, name, value, name)
    return recipe_from_dict(facts)


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Ranges by dotted name, whether the names stood in quotes or are TOML's own nested tables."""
    found: dict[str, Any] = {}
    for key, facts in table.items():
        nested = isinstance(facts, dict) and facts and all(isinstance(inner, dict) for inner in facts.values())
        found |= _flat(facts, f"{prefix}{key}.") if nested else {prefix + key: facts}
    return found


def _check_name(name: str) -> None:
    for refused, reason in _REFUSED.items():
        if name == refused or name.startswith(f"{refused}."):
            raise BadRecipe(f"{name} cannot be searched: {reason}")


def _check_values(recipe: Recipe, name: str, values: Sequence[Any]) -> None:
    refused: list[BadRecipe] = []
    for value in values:
        try:
            classifies(resolved(with_values(recipe, {name: value})))
        except BadRecipe as error:
            refused.append(error)
    # A network's settings depend on each other: one that the recipe's others do not bear may go with others drawn.
    if len(refused) == len(values) or (refused and not name.startswith("model.settings.")):
        raise refused[0]


def _lookup(facts: Any, name: str) -> Any:
    for part in name.split("."):
        facts = facts.get(part) if isinstance(facts, dict) else None
    return facts


@dataclass(frozen=True)
class _Facts:
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    choices: Any = None


def _span(name: str, table: Any, now: Any) -> Range | Choices:
    facts = from_dict(_Facts, table, name)
    if facts.choices is not None:
        values = facts.choices
        if len(table) > 1 or not isinstance(values, list) or not values:
            raise BadRecipe(f"{name}: choices is {values!r}; it must be a list of values, without low, high or step")
        return Choices(tuple(_storable(name, value) for value in values))
    low, high, step = facts.low, facts.high, facts.step
    if low is None or high is None:
        raise BadRecipe(f"{name} needs low and high, or choices")
    if not low < high or not math.isfinite(high - low):
        raise BadRecipe(f"{name}: low is {low:g} and high is {high:g}; low must be less than high")
    if facts.log and (low <= 0 or step is not None):
        raise BadRecipe(f"{name}: a logarithmic range starts above 0 and has no step")
    whole = isinstance(now, int) and not isinstance(now, bool)
    if step is not None:
        if not 0 < step <= high - low or (whole and step != int(step)):
            kind = "a whole number" if whole else "a number"
            raise BadRecipe(f"{name}: step is {step:g}; it must be {kind} above 0 and at most high - low")
        # In decimals, as Optuna reckons: 0.1 goes three times into 0.3.
        exact_low, exact_step = Decimal(str(low)), Decimal(str(step))
        high = float(exact_low + (Decimal(str(high)) - exact_low) // exact_step * exact_step)
    return Range(low, high, facts.log, step, whole)


def _storable(name: str, value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise BadRecipe(f"{name}: {value} cannot be a choice; numbers, text, true, false and lists can") from None
