"""What an answer means: which colouring it is about, and whether that was taken for real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from photochrom.research.turing.answers import Entry
from photochrom.research.turing.design import REAL, Kind

FASTEST_MS = 300
"""Milliseconds after which an answer counts. The page takes none before; simple reactions to pictures take 200 to 300
(R. D. Luce, Response Times, 1986), and a choice takes longer."""


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
    """The answers that count: given, not in practice, and not too fast to have looked."""
    return [judged(kind, e) for e in entries if e.said is not None and not e.practice and not is_hasty(e)]


def is_hasty(entry: Entry) -> bool:
    """Whether an answer came faster than anybody can see a picture, decide and press, such as a second press."""
    return entry.milliseconds is not None and entry.milliseconds < FASTEST_MS


def judged(kind: Kind, entry: Entry) -> Judgement:
    """What an answer means."""
    left, right = entry.left, entry.right or ""
    if kind == "single":
        return Judgement(entry, None if left == REAL else left, real=entry.said == "real")
    chosen, other = (left, right) if entry.said == "left" else (right, left)
    if kind == "preference":
        return Judgement(entry, chosen, loser=other)
    # Who points at the real picture as the coloured one was fooled.
    return Judgement(entry, other if chosen == REAL else chosen, real=chosen == REAL)
