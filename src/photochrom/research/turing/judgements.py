"""What an answer means: which colouring it is about, and whether that was taken for real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from photochrom.research.turing.answers import Entry
from photochrom.research.turing.design import REAL, Kind


@dataclass(frozen=True)
class Judgement:
    """One answer that counts.

    Attributes:
        entry: as it was stored.
        model: whose colouring it is about; None for a picture that is real. In a preference, the one that won.
        loser: in a preference, the other one.
        real: whether the picture (of a pair: the colouring) was taken for real.
    """

    entry: Entry
    model: str | None
    loser: str | None = None
    real: bool = False

    @property
    def right(self) -> bool:
        """Whether the answer was right; means nothing in a preference."""
        return self.real == (self.model is None)


def judgements(kind: Kind, entries: Sequence[Entry]) -> list[Judgement]:
    """The answers that count: given, and not in practice."""
    return [_judged(kind, e) for e in entries if e.said is not None and not e.practice]


def _judged(kind: Kind, entry: Entry) -> Judgement:
    left, right = entry.left, entry.right or ""
    if kind == "single":
        return Judgement(entry, None if left == REAL else left, real=entry.said == "real")
    chosen, other = (left, right) if entry.said == "left" else (right, left)
    if kind == "preference":
        return Judgement(entry, chosen, loser=other)
    # Who points at the real picture as the coloured one was fooled.
    return Judgement(entry, other if chosen == REAL else chosen, real=chosen == REAL)
