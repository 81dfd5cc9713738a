"""How often each picture is shown: collections of very different size and quality, each with a weight of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from photochrom._support.text import closest
from photochrom.data.entries import Entry
from photochrom.errors import BadDataset


@dataclass(frozen=True)
class Mixture:
    """The pictures of an epoch.

    Attributes:
        groups: for each collection, the indices of its pictures and how often each is shown in an epoch, on average:
            at 0.25 an epoch shows another quarter of them, at 3 each one three times.
    """

    groups: tuple[tuple[np.ndarray, float], ...]

    @classmethod
    def even(cls, count: int) -> Mixture:
        """Each of `count` pictures once an epoch."""
        return cls(((np.arange(count), 1.0),))

    @classmethod
    def weighted(cls, entries: Sequence[Entry], weights: Mapping[str, float]) -> Mixture:
        """Pictures weighed by the name of the folder or archive that they are in; all others count once.

        The archives `flowers.tar`, `flowers-000.tar`, `flowers-001.tar`, ... are all called `flowers`. Where several
        folders on a picture's path have a weight, the innermost counts.

        Raises:
            BadDataset: a weight is for a collection that is not there, or no picture is left.
        """
        if not weights:
            return cls.even(len(entries))
        named: dict[str, list[str]] = {}  # by the file, which thousands of entries share
        chosen = np.ones(len(entries))
        for index, entry in enumerate(entries):
            names = named.get(entry.path)
            if names is None:
                names = named[entry.path] = [_collection(part) for part in Path(entry.path).parts]
            chosen[index] = next((weights[name] for name in reversed(names) if name in weights), 1.0)
        there = {name for names in named.values() for name in names}
        for name in weights.keys() - there:
            hint = closest(name, there, "name a folder or an archive of --data")
            raise BadDataset(
                f"data.weights has '{name}', but no pictures are in a folder or archive of that name; {hint}"
            )
        groups = tuple((np.flatnonzero(chosen == weight), float(weight)) for weight in np.unique(chosen) if weight)
        mixture = cls(groups)
        if not mixture.count:
            raise BadDataset("data.weights leaves no picture to train on; raise a weight")
        return mixture

    @property
    def count(self) -> int:
        """Samples in an epoch."""
        return sum(_shown(indices, weight) for indices, weight in self.groups)

    def epoch(self, number: int, seed: int) -> Int[np.ndarray, "n 2"]:
        """The samples of epoch `number`, shuffled, as (time, index): how often a picture was shown before, and which.

        What is chosen follows from the seed and the number alone. No pair comes twice in a run.
        """
        if len(self.groups) == 1 and self.groups[0][1] == 1:
            # The order of runs that were begun before there were weights.
            indices = self.groups[0][0]
            order = np.random.default_rng((seed, number)).permutation(len(indices))
            return np.stack([np.full(len(order), number), indices[order]], 1)
        parts = [_stretch(seed, i, indices, weight, number) for i, (indices, weight) in enumerate(self.groups)]
        return np.random.default_rng((seed, number)).permutation(np.concatenate(parts))


def _stretch(seed: int, group: int, indices: np.ndarray, weight: float, number: int) -> np.ndarray:
    """A group's samples in an epoch: the next ones of an endless series of permutations."""
    size, shown = len(indices), _shown(indices, weight)
    places = np.arange(number * shown, (number + 1) * shown)
    times = places // size
    found = np.empty((shown, 2), np.int64)
    for time in np.unique(times):
        order = np.random.default_rng((seed, group, int(time))).permutation(size)
        now = times == time
        found[now, 0], found[now, 1] = time, indices[order[places[now] % size]]
    return found


def _shown(indices: np.ndarray, weight: float) -> int:
    return round(weight * len(indices))


def _collection(part: str) -> str:
    """What a folder or an archive is called.

    Example:
        >>> [_collection(part) for part in ("flowers", "flowers.tar", "flowers-012.tar", "photo-1.jpg")]
        ['flowers', 'flowers', 'flowers', 'photo-1.jpg']
    """
    return re.sub(r"(-\d+)?\.tar$", "", part)
