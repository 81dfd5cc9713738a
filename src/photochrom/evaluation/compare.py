"""Several methods on the same photographs: means with intervals, and differences photograph by photograph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from photochrom import color
from photochrom._support.text import counted, shown
from photochrom.errors import BadDataset, BadSetting, MissingExtra, UnreadableImage, UnsupportedFormat
from photochrom.evaluation.bootstrap import RESAMPLES, mean_intervals
from photochrom.evaluation.methods import Method
from photochrom.evaluation.per_photograph import Numbers, truth_numbers
from photochrom.evaluation.sample import Progress, Skipped, Truth, join, measuring, truths
from photochrom.metrics import Comparison, Metric, Rendition, facts, metrics

GRAY, TRUTH = "gray", "truth"


@dataclass(frozen=True, eq=False)
class Compared:
    """One photograph in all versions, for whoever draws it.

    Attributes:
        renditions: by "gray", the methods' names, and "truth".
        numbers: of each version by metric; the truth has those whose best value is its own.
        disagreement: mean CIEDE2000 between the methods, pair by pair; with one method, between it and the truth.
    """

    path: Path
    renditions: Mapping[str, Rendition]
    numbers: Mapping[str, Numbers]
    disagreement: float


@dataclass(frozen=True)
class Score:
    """A mean over the photographs and its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.mean)} ({_short(self.low)} to {_short(self.high)})"


@dataclass(frozen=True)
class Difference:
    """Of a method's number minus the first method's: its mean, and on which share of the photographs it is better.

    Attributes:
        better: 0..1.
    """

    score: Score
    better: float


@dataclass(frozen=True)
class MethodsReport:
    """What `compare` found, over the photographs that every method has coloured.

    Attributes:
        names: the methods, gray last.
        paths: the photographs.
        values: by version and metric, a number for each photograph.
        facts: the metrics by name.
        disagreement: of each photograph, see `Compared`.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    values: Mapping[str, Mapping[str, np.ndarray]]
    facts: Mapping[str, Metric]
    disagreement: tuple[float, ...]
    skipped: tuple[Skipped, ...] = ()
    resamples: int = RESAMPLES
    seed: int = 0

    @cached_property
    def scores(self) -> dict[str, dict[str, Score]]:
        """By version (the truth's too) and metric."""
        return {name: self._scored(columns) for name, columns in self.values.items()}

    @cached_property
    def differences(self) -> dict[str, dict[str, Difference]]:
        """Of each method but the first, and of gray, from the first method, by metric."""
        first, found = self.values[self.names[0]], {}
        for name in self.names[1:]:
            ours = self.values[name]
            scores = self._scored({metric: ours[metric] - first[metric] for metric in ours})
            found[name] = {m: Difference(score, self._better(m, ours[m], first[m])) for m, score in scores.items()}
        return found

    def _scored(self, columns: Mapping[str, np.ndarray]) -> dict[str, Score]:
        if not columns:
            return {}
        values = np.stack(list(columns.values()), -1)
        ends = mean_intervals(values, self.resamples, self.seed)
        return {
            metric: Score(float(mean), float(low), float(high))
            for metric, mean, (low, high) in zip(columns, values.mean(0), ends, strict=True)
        }

    def _better(self, metric: str, ours: np.ndarray, first: np.ndarray) -> float:
        """Where both are equal, neither is better."""
        sign = {"higher": -1, "lower": 1, "truth": 1}[self.facts[metric].better]
        if self.facts[metric].better == "truth":
            truth = self.values[TRUTH][metric]
            ours, first = abs(ours - truth), abs(first - truth)
        return float(np.mean(sign * ours < sign * first))


def compare(
    methods: Sequence[Method],
    paths: Iterable[Path | str],
    *,
    further: Sequence[Metric] = (),
    each: Callable[[Compared], object] | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> MethodsReport:
    """Measure methods on the photographs that all of them have coloured; gray is always one of them.

    Args:
        methods: differences are from the first.
        paths: the photographs' files. One that cannot be measured, or whose picture by some method cannot be read, is
            listed in `skipped`; one that a method has no picture of is left out.
        further: metrics besides the registered ones.
        each: called with each photograph.
        progress: called after each file.
        seed, resamples: of the intervals.

    Raises:
        BadDataset: not one photograph could be measured.
        BadSetting: no method, two of one name, or one called "gray" or "truth".
        OutOfMemory: a photograph is too large to be measured.
    """
    names = [method.name for method in methods]
    if not names or len({*names, GRAY, TRUTH}) != len(names) + 2:
        raise BadSetting(
            f"methods need different names other than gray and truth, not: {', '.join(names)}; NAME=DIR names a folder"
        )
    wanted = [*(facts(name) for name in metrics), *further]
    files = [Path(path) for path in paths]
    common = [path for path in files if all(method.has(path) for method in methods)]
    if files and not common:
        raise BadDataset(f"there is no photograph of which all methods have a picture ({', '.join(names)})")
    skipped: list[Skipped] = []
    found: list[tuple[Path, Mapping[str, Numbers], float]] = []
    for truth in truths(common, skipped, progress):
        try:
            with measuring(truth.path):
                seen = _compared(truth, methods, wanted)
        except (BadDataset, UnreadableImage, UnsupportedFormat, MissingExtra) as error:
            reason = str(error)
            known = truth.path.stem in reason  # a picture's own error names its file
            skipped.append(Skipped(truth.path, reason if known else f"{shown(truth.path)}: {reason}"))
            continue
        found.append((seen.path, seen.numbers, seen.disagreement))
        if each:
            each(seen)
    if not found:
        raise BadDataset(f"nothing could be measured ({counted(len(common), 'file')}): {skipped[-1].reason}")
    columns = {
        name: {metric: np.array([numbers[name][metric] for _, numbers, _ in found]) for metric in found[0][1][name]}
        for name in (*names, GRAY, TRUTH)
    }
    return MethodsReport(
        (*names, GRAY),
        tuple(path for path, _, _ in found),
        columns,
        {metric.name: metric for metric in wanted},
        tuple(each_disagreement for _, _, each_disagreement in found),
        tuple(skipped),
        resamples,
        seed,
    )


def _compared(truth: Truth, methods: Sequence[Method], wanted: Sequence[Metric]) -> Compared:
    ours = {method.name: method.rendition(truth) for method in methods}
    renditions = {GRAY: join(truth.L, 0), **ours, TRUTH: truth.rendition}
    pairs = {name: Comparison(version, truth.rendition) for name, version in renditions.items() if name != TRUTH}
    numbers = {name: {metric.name: metric(pair) for metric in wanted} for name, pair in pairs.items()}
    numbers[TRUTH] = truth_numbers(truth.rendition)
    alike = list(ours.values()) if len(ours) > 1 else [*ours.values(), truth.rendition]
    apart = [color.ciede2000(a.lab, b.lab).mean() for a, b in itertools.combinations(alike, 2)]
    return Compared(truth.path, renditions, numbers, float(np.mean(apart)))


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3f}"
