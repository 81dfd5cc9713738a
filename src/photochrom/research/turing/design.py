"""Who sees what: each person sees a photograph in one form only, and each form is seen equally often.

A Latin square: the forms of a photograph are a cycle, and the person's number is added to the photograph's place in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, get_args

import numpy as np

REAL = "real"
"""The form of a photograph in its own colours; the other forms are called by their model."""

Kind = Literal["single", "pair", "preference"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_PLACES, _ORDER = 1, 2  # what a random stream is for


@dataclass(frozen=True)
class Trial:
    """One thing to judge: a photograph in one form, or in two side by side.

    Attributes:
        photograph: its name.
        left: the form that is shown, or shown on the left.
        right: the form on the right; None where there is one picture only.
    """

    photograph: str
    left: str
    right: str | None = None


def cycle(kind: Kind, models: Sequence[str]) -> list[tuple[str, ...]]:
    """The ways in which a photograph is shown, each equally often.

    Example:
        >>> cycle("single", ["a", "b"])
        [('real',), ('real',), ('a',), ('b',)]
        >>> cycle("pair", ["a"])
        [('real', 'a'), ('a', 'real')]
        >>> cycle("preference", ["a", "b"])
        [('a', 'b'), ('b', 'a')]
    """
    if kind == "single":
        return [(REAL,)] * len(models) + [(model,) for model in models]
    if kind == "pair":
        return [pair for model in models for pair in ((REAL, model), (model, REAL))]
    return list(permutations(models, 2))


def trials(kind: Kind, models: Sequence[str], photographs: Sequence[str], seed: int, person: int) -> list[Trial]:
    """What one person judges, in order: every photograph once.

    Within a person the ways of the cycle are balanced (exactly, where the number of photographs is a multiple of
    them); over as many people in a row as the cycle is long, every photograph is seen in each way once.

    Args:
        kind, models: what is asked, and about which colourings.
        photographs: their names.
        seed: the study's.
        person: a number from 0 on.
    """
    ways = cycle(kind, models)
    block, place = divmod(person, len(ways))
    # Each block of people starts elsewhere, so that the same photographs are not coloured together for everyone.
    starts = np.random.default_rng((_PLACES, seed, block)).permutation(len(photographs))
    order = np.random.default_rng((_ORDER, seed, person)).permutation(len(photographs))
    return [Trial(photographs[i], *ways[(starts[i] + place) % len(ways)]) for i in map(int, order)]
