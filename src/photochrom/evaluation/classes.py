"""How often a classifier that learnt on colour photographs finds the class: colours that are wrong mislead it.

The class is the ImageNet synset in the file's name or a folder's ("n01560419-bulbul.webp", "n01560419/1.jpg").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from photochrom.errors import BadDataset
from photochrom.evaluation.sample import Sample

_SYNSET = re.compile(r"(?<![0-9A-Za-z])n\d{8}(?!\d)")


class Classifier(Protocol):
    """Names what is in a picture."""

    def __call__(self, rgb: np.ndarray, /) -> str:
        """Return the synset ("n01560419") for rgb (H, W, 3), floating, 0..1."""
        ...


@dataclass(frozen=True)
class Top1:
    """Of `pictures` photographs whose class is known, in how many it was found, by version."""

    pictures: int
    truth: int
    gray: int
    ours: int
    unnamed: int = 0
    """Photographs without a synset in their path, which were left out."""

    @property
    def shares(self) -> dict[str, float]:
        """The same as shares, 0..1: {"truth", "gray", "ours"}."""
        return {name: getattr(self, name) / self.pictures for name in ("truth", "gray", "ours")}


class Top1Counter:
    """Counts sample by sample; it is made to be the `each` of `evaluate`.

    Args:
        classifier: called three times for each sample that has a synset.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self._found = {"truth": 0, "gray": 0, "ours": 0}
        self._pictures = 0
        self._unnamed = 0

    def __call__(self, sample: Sample) -> None:
        synset = synset_of(sample.path)
        if synset is None:
            self._unnamed += 1
            return
        self._pictures += 1
        for name in self._found:
            self._found[name] += self.classifier(getattr(sample, name).rgb) == synset

    def result(self) -> Top1:
        """Return the counts so far.

        Raises:
            BadDataset: no photograph had a synset.
        """
        if not self._pictures:
            raise BadDataset(
                f"none of the {self._unnamed} pictures has an ImageNet synset such as n01560419 in its file's or a "
                "folder's name, so top-1 cannot be counted"
            )
        return Top1(self._pictures, **self._found, unnamed=self._unnamed)


def synset_of(path: Path | str) -> str | None:
    """Return the synset in a path, the file's name before the nearest folder's.

    Example:
        >>> synset_of("val/n01560419/n02123045-tabby.webp"), synset_of("val/n01560419/1.jpg"), synset_of("1.jpg")
        ('n02123045', 'n01560419', None)
    """
    for part in reversed(Path(path).parts):
        if found := _SYNSET.search(part):
            return found[0]
    return None
