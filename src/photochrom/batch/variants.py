"""Several colourings of each photograph: every job of a plan, done once for each variant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from photochrom._support.text import shown
from photochrom.batch.jobs import BatchJob
from photochrom.batch.planning import Plan
from photochrom.errors import UnsupportedFormat


@dataclass(frozen=True)
class Variants:
    """A plan's jobs `count` times each; the results are NAME.color-1.EXT, NAME.color-2.EXT, and so on.

    Attributes:
        plan: the jobs.
        count: variants of each photograph.
    """

    plan: Plan
    count: int

    def __len__(self) -> int:
        return len(self.plan) * self.count

    def __iter__(self) -> Iterator[BatchJob]:
        for job in self.plan:
            if job.error or job.kind != "photograph":
                yield job if job.error else replace(job, error=_unsuitable(job))
                continue
            for number in range(1, self.count + 1):
                yield replace(job, target=numbered(job.target, number), variant=number)


def numbered(target: Path, number: int) -> Path:
    """Where a variant goes; never to the name that a photograph itself may have.

    Example:
        >>> numbered(Path("a/portrait.color.jpg"), 2).name, numbered(Path("out/portrait.jpg"), 1).name
        ('portrait.color-2.jpg', 'portrait.color-1.jpg')
    """
    return target.with_name(f"{target.stem.removesuffix('.color')}.color-{number}{target.suffix}")


def _unsuitable(job: BatchJob) -> UnsupportedFormat:
    return UnsupportedFormat(f"{shown(job.source)}: only photographs have variants; colour it without --variants")
