"""Training, validation and test pictures: chosen by a seed, even across classes, and never the same picture twice."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice, zip_longest

import numpy as np

from photochrom.data.entries import Entry
from photochrom.data.samples import dimensions
from photochrom.errors import BadDataset, BadSetting

_log = logging.getLogger(__name__)


def group_of(entry: Entry) -> str:
    """The class of a picture, as far as its place tells: the last folder of its key, or "".

    Example:
        >>> group_of(Entry("a.tar", 0, 1, "train/n01443537/1.JPEG")), group_of(Entry("1.png", 0, 1, "1.png"))
        ('n01443537', '')
    """
    return os.path.basename(os.path.dirname(entry.key))


def distinct(entries: Sequence[Entry]) -> list[Entry]:
    """The pictures without those whose encoded bytes came before, under whatever name."""
    first: dict[tuple[int, bytes], Entry] = {}
    for entry, content in zip(entries, _contents(entries), strict=True):
        first.setdefault(content, entry)
    return list(first.values())


def split(entries: Sequence[Entry], counts: Mapping[str, int], seed: int) -> dict[str, list[Entry]]:
    """Choose pictures for each part, of every class as many as of any other as far as there are enough.

    Duplicates are left out first; how many there are is logged (INFO) and is `len(entries) - len(distinct(entries))`.

    Args:
        entries: where to choose from; their order counts.
        counts: pictures wanted, by the part's name.
        seed: decides the choice.

    Returns:
        The parts; in each, the first few are as even across classes as the whole. A class that is too small for all
        of them is missing in the largest.

    Raises:
        BadDataset: there are too few pictures, or one cannot be read.
        BadSetting: a count is negative.

    Source: the paper, section 4.2.1.
    """
    if min(counts.values(), default=0) < 0:
        raise BadSetting(f"each part of a split needs 0 or more pictures, not {dict(counts)}")
    unique = distinct(entries)
    twice, wanted = len(entries) - len(unique), sum(counts.values())
    if twice:
        _log.info("%d of %d pictures are duplicates and are left out", twice, len(entries))
    if len(unique) < wanted:
        parts = " + ".join(f"{count} {name}" for name, count in counts.items())
        raise BadDataset(
            f"the split needs {parts} = {wanted} pictures, but there are {len(unique)}"
            + (f" (and {twice} duplicates)" if twice else "")
            + "; name more, or lower the counts"
        )
    dealt = iter(_dealt(unique, np.random.default_rng(seed)))
    # The small parts first: what is rare should be missing in training rather than where it is measured.
    chosen = {name: list(islice(dealt, counts[name])) for name in sorted(counts, key=lambda name: counts[name])}
    return {name: chosen[name] for name in counts}


def check_disjoint(parts: Mapping[str, Sequence[Entry]]) -> None:
    """Refuse parts that share a picture, by the content of their files.

    Raises:
        BadDataset: names the first two files that are the same.
    """
    places = [(name, entry) for name, entries in parts.items() for entry in entries]
    seen: dict[tuple[int, bytes], tuple[str, Entry]] = {}
    for (name, entry), content in zip(places, _contents([entry for _, entry in places]), strict=True):
        other, first = seen.setdefault(content, (name, entry))
        if other != name:
            raise BadDataset(f"{_named(first)} ({other}) and {_named(entry)} ({name}) are the same picture; remove one")


def check_size(entries: Sequence[Entry], least: int) -> None:
    """Refuse pictures that would have to be enlarged; only their headers are decoded.

    Args:
        entries: the pictures.
        least: pixels that their shorter side may have.

    Raises:
        BadDataset: names the first that is smaller, or that is no picture.
    """
    for entry in entries:
        width, height = dimensions(entry.read(), _named(entry))
        if min(width, height) < least:
            raise BadDataset(f"{_named(entry)}: it is {width} x {height}; each side must have at least {least} pixels")


def _named(entry: Entry) -> str:
    return f"{entry.path}: {entry.key}"


def _contents(entries: Sequence[Entry]) -> list[tuple[int, bytes]]:
    """A fingerprint each; files that are alone in their size need not be read for it."""
    sizes = Counter(entry.size for entry in entries)
    return [(e.size, hashlib.sha256(e.read()).digest() if sizes[e.size] > 1 else b"") for e in entries]


def _dealt(entries: Sequence[Entry], rng: np.random.Generator) -> list[Entry]:
    """All of them shuffled, in rounds: one of every class, then another of every class that has more."""
    groups: dict[str, list[Entry]] = {}
    for index in rng.permutation(len(entries)):
        groups.setdefault(group_of(entries[index]), []).append(entries[index])
    names = sorted(groups)
    rounds = zip_longest(*(groups[names[i]] for i in rng.permutation(len(names))))
    return [entry for one_each in rounds for entry in one_each if entry is not None]
