"""How often a classifier that learnt on colour photographs finds the class: colours that are wrong mislead it.

The class is the ImageNet synset in the file's name or a folder's ("n01560419-bulbul.webp", "n01560419/1.jpg").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from photochrom.errors import BadDataset
from photochrom.evaluation.sample import Sample

VERSIONS = ("truth", "gray", "ours")
_SYNSET = re.compile(r"(?<![0-9A-Za-z])n\d{8}(?!\d)")


class Classifier(Protocol):
    """Judges what is in a picture."""

    @property
    def synsets(self) -> Collection[str]:
        """Those that it knows."""
        ...

    def finds(self, rgb: np.ndarray, synset: str, /) -> tuple[bool, float]:
        """Whether it names this synset for rgb (H, W, 3), floating, 0..1, and the log-probability that it gives it."""
        ...


@dataclass(frozen=True)
class Top1:
    """Of `pictures` photographs whose class is known, in how many it was found, by version.

    Attributes:
        gained, lost: of those whose class was found in one of ours and gray only, how many in ours, and in gray.
        log_p: mean log-probability of the class, by version; it tells more than the count, which a photograph enters
            with a yes or no.
        unnamed: photographs without a synset that the classifier knows in their path, which were left out.
    """

    pictures: int
    truth: int
    gray: int
    ours: int
    gained: int
    lost: int
    log_p: dict[str, float]
    unnamed: int = 0

    @property
    def shares(self) -> dict[str, float]:
        """The counts as shares, 0..1: {"truth", "gray", "ours"}."""
        return {name: getattr(self, name) / self.pictures for name in VERSIONS}


class Top1Counter:
    """Counts sample by sample; it is made to be the `each` of `evaluate`.

    Args:
        classifier: called three times for each sample that has a synset.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self._answers: list[list[tuple[bool, float]]] = []
        self._unnamed = 0

    def __call__(self, sample: Sample) -> None:
        if (synset := self._known(sample.path)) is None:
            self._unnamed += 1
            return
        self._answers.append([self.classifier.finds(getattr(sample, name).rgb, synset) for name in VERSIONS])

    def check(self, paths: Sequence[Path | str]) -> None:
        """Refuse files of which none can be counted, before any is measured.

        Raises:
            BadDataset: no path has a synset that the classifier knows.
        """
        if not any(map(self._known, paths)):
            raise _nothing_to_count(len(paths))

    def result(self) -> Top1:
        """Return the counts so far.

        Raises:
            BadDataset: no photograph had a synset.
        """
        if not self._answers:
            raise _nothing_to_count(self._unnamed)
        found, log_p = np.moveaxis(np.array(self._answers), -1, 0)
        _, gray, ours = found.T > 0
        return Top1(
            len(found),
            *(int(count) for count in found.sum(0)),
            gained=int((ours & ~gray).sum()),
            lost=int((gray & ~ours).sum()),
            log_p=dict(zip(VERSIONS, log_p.mean(0).tolist(), strict=True)),
            unnamed=self._unnamed,
        )

    def _known(self, path: Path | str) -> str | None:
        synset = synset_of(path)
        return synset if synset in self.classifier.synsets else None


def _nothing_to_count(pictures: int) -> BadDataset:
    return BadDataset(
        f"none of the {pictures} pictures has an ImageNet synset such as n01560419 in its file's or a folder's name, "
        "so top-1 cannot be counted"
    )


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
