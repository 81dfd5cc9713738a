"""From answers to results: what was judged, how often a colouring was taken for real, and by whom."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from photochrom.research.turing.answers import Entry
from photochrom.research.turing.bradley_terry import bradley_terry
from photochrom.research.turing.judgements import Judgement, is_hasty, judgements
from photochrom.research.turing.statistics import d_prime, d_prime_of_pairs, krippendorff_alpha, wilson
from photochrom.research.turing.study import TuringStudy

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

ENOUGH = 3  # judgements without which a colouring is not ranked


@dataclass(frozen=True)
class Share:
    """How many of how many, with a 95 % interval (Wilson)."""

    count: int
    of: int
    low: float
    high: float

    @classmethod
    def counted(cls, outcomes: Iterable[bool]) -> Share:
        found = list(outcomes)
        return cls(sum(found), len(found), *wilson(sum(found), len(found)))

    @property
    def rate(self) -> float:
        return self.count / self.of if self.of else float("nan")


@dataclass(frozen=True)
class ModelResult:
    """How a model's colourings did.

    Attributes:
        fooled: AdverSuc, the share of its colourings that were taken for real.
        d_prime: how well people told them from real pictures; 0 is not at all.
        criterion: above 0, people tend to say "real"; None for pairs, where there is nothing to tend to.
        fooled_ms, caught_ms: median response times; None where there are no such answers.
    """

    model: str
    fooled: Share
    d_prime: float
    criterion: float | None
    fooled_ms: float | None
    caught_ms: float | None


@dataclass(frozen=True)
class PictureResult:
    """How often one colouring was taken for real (in a preference: preferred)."""

    photograph: str
    model: str
    fooled: Share


@dataclass(frozen=True)
class PersonResult:
    """One person's part; `right` is None in a preference."""

    person: int
    answered: int
    of: int
    right: Share | None
    median_ms: float | None


@dataclass(frozen=True)
class RankedModel:
    """A model's place by preference.

    Attributes:
        preferred: how often, of how many comparisons.
        strength, low, high: Bradley-Terry on a logarithmic scale with mean 0, and its 95 % interval.
    """

    model: str
    preferred: Share
    strength: float
    low: float
    high: float


@dataclass(frozen=True)
class Results:
    """All that a study says.

    Attributes:
        people, finished: how many began, and how many answered all.
        answers: how many answers count; practice is left out, and so are hasty ones.
        hasty: how many answers came too fast to count.
        again: of these, how many were given after the page had been opened again.
        models: AdverSuc and its like, the most convincing first; empty in a preference.
        real: how many of the real pictures were taken for real; only for single pictures.
        ranking: of a preference, the best first.
        wins: of a preference, wins[i][j] is how often model i was preferred to model j.
        agreement: Krippendorff's alpha; None where it means nothing.
        pictures: the most convincing (most preferred) first.
        least: the least convincing first, of those that were judged often enough to be ranked.
        persons: one for each person who answered.
    """

    people: int
    finished: int
    answers: int
    hasty: int
    again: int
    models: list[ModelResult]
    real: Share | None
    ranking: list[RankedModel]
    wins: list[list[int]]
    agreement: float | None
    pictures: list[PictureResult]
    least: list[PictureResult]
    persons: list[PersonResult]


def results_of(study: TuringStudy, entries: Sequence[Entry]) -> Results:
    """Compute everything from the trials of all people, answered or not."""
    judged = judgements(study.kind, entries)
    pictures = _pictures(study.kind == "preference", judged)
    preference = study.kind == "preference"
    people = {e.person for e in entries}
    counts = _wins(study.models, judged) if preference else np.zeros((0, 0), int)
    return Results(
        people=len(people),
        finished=len(people - {e.person for e in entries if e.said is None}),
        answers=len(judged),
        hasty=sum(is_hasty(e) for e in entries if not e.practice),
        again=sum(j.entry.looks > 1 for j in judged),
        models=[] if preference else _models(study, judged),
        real=Share.counted(j.real for j in judged if j.model is None) if study.kind == "single" else None,
        ranking=_ranking(study.models, counts) if preference and judged else [],
        wins=counts.tolist(),
        agreement=_agreement(preference, judged),
        pictures=pictures,
        least=least_convincing(pictures),
        persons=_persons(preference, entries, judged),
    )


def _models(study: TuringStudy, judged: Sequence[Judgement]) -> list[ModelResult]:
    false_alarms = [not j.real for j in judged if j.model is None]
    found = []
    for model, its in _grouped(judged, lambda j: j.model).items():
        if model is None:
            continue
        fooled = Share.counted(j.real for j in its)
        caught = fooled.of - fooled.count
        if study.kind == "single":
            sensitivity, criterion = d_prime(caught, fooled.of, sum(false_alarms), len(false_alarms))
        else:
            sensitivity, criterion = d_prime_of_pairs(caught, fooled.of), None
        times = (_median_ms(j for j in its if j.real), _median_ms(j for j in its if not j.real))
        found.append(ModelResult(model, fooled, sensitivity, criterion, *times))
    return sorted(found, key=lambda r: (-r.fooled.rate, study.models.index(r.model)))


def _pictures(preference: bool, judged: Sequence[Judgement]) -> list[PictureResult]:
    outcomes: dict[tuple[str, str], list[bool]] = {}
    for j in judged:
        if j.model is not None:
            outcomes.setdefault((j.entry.photograph, j.model), []).append(j.real or preference)
        if j.loser is not None:
            outcomes.setdefault((j.entry.photograph, j.loser), []).append(False)
    found = [PictureResult(*key, Share.counted(values)) for key, values in outcomes.items()]
    # Of equal shares, the one with more judgements is surer, and nearer to its end of the list.
    return sorted(found, key=lambda r: (-r.fooled.rate, -(r.fooled.low + r.fooled.high), r.photograph, r.model))


def most_convincing(pictures: Sequence[PictureResult]) -> list[PictureResult]:
    """Colourings that were judged often enough, the most convincing first; of equals, the surest."""
    return sorted(_ranked(pictures), key=lambda r: (-r.fooled.rate, -r.fooled.low, r.photograph, r.model))


def least_convincing(pictures: Sequence[PictureResult]) -> list[PictureResult]:
    """Colourings that were judged often enough, the least convincing first; of equals, the surest."""
    return sorted(_ranked(pictures), key=lambda r: (r.fooled.rate, r.fooled.high, r.photograph, r.model))


def _ranked(pictures: Sequence[PictureResult]) -> list[PictureResult]:
    return [r for r in pictures if r.fooled.of >= ENOUGH]


def _persons(preference: bool, entries: Sequence[Entry], judged: Sequence[Judgement]) -> list[PersonResult]:
    asked = Counter(e.person for e in entries if not e.practice)
    return [
        PersonResult(
            person,
            len(its),
            asked[person],
            None if preference else Share.counted(j.right for j in its),
            _median_ms(its),
        )
        for person, its in _grouped(judged, lambda j: j.entry.person).items()
    ]


def _agreement(preference: bool, judged: Sequence[Judgement]) -> float | None:
    def thing(j: Judgement) -> tuple[str, frozenset[str | None]]:
        forms = {j.entry.left, j.entry.right} if preference else {j.model}
        return j.entry.photograph, frozenset(forms)

    units = _grouped(judged, thing).values()
    alpha = krippendorff_alpha([[j.model if preference else j.real for j in unit] for unit in units])
    return None if math.isnan(alpha) else alpha


def _wins(models: Sequence[str], judged: Sequence[Judgement]) -> np.ndarray:
    counts = np.zeros((len(models), len(models)), int)
    for j in judged:
        counts[models.index(j.model or ""), models.index(j.loser or "")] += 1
    return counts


def _ranking(models: Sequence[str], counts: np.ndarray) -> list[RankedModel]:
    fit = bradley_terry(counts)
    found = []
    for i, model in enumerate(models):
        won, lost = int(counts[i].sum()), int(counts[:, i].sum())
        preferred = Share(won, won + lost, *wilson(won, won + lost))
        found.append(RankedModel(model, preferred, float(fit.strength[i]), float(fit.low[i]), float(fit.high[i])))
    return sorted(found, key=lambda r: -r.strength)


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Lists of the items with the same key, in the order of their first."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def _median_ms(judged: Iterable[Judgement]) -> float | None:
    times = [j.entry.milliseconds for j in judged if j.entry.milliseconds is not None]
    return float(median(times)) if times else None
