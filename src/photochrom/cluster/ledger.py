"""Which pictures are in work, and what became of those whose batch was lost before it was handed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Row = dict[str, Any]  # a row of the manifest


class Book(Protocol):
    """A `Ledger`, here or in an actor of its own."""

    def seen(self, sources: Sequence[str]) -> tuple[dict[str, Row], dict[str, int]]: ...

    def begin(self, sources: Sequence[str], alone: bool) -> None: ...

    def end(self, rows: Sequence[Row]) -> None: ...


class Ledger:
    """Outlives the actors that colour, so that a picture that kills them is known.

    A picture that was in work when its actor died is suspect. Suspects are coloured one by one, and only what dies
    alone is counted against a picture: the others of its batch are innocent.
    """

    def __init__(self) -> None:
        self._deaths: Counter[str] = Counter()
        self._begun: set[str] = set()
        self._done: dict[str, Row] = {}

    def seen(self, sources: Sequence[str]) -> tuple[dict[str, Row], dict[str, int]]:
        """Of a batch: the rows of those that are done, and how often each that was begun died alone."""
        done = {source: self._done[source] for source in sources if source in self._done}
        return done, {source: self._deaths[source] for source in sources if source in self._begun}

    def begin(self, sources: Sequence[str], alone: bool) -> None:
        """These are in work from now on; `alone`, it counts against them until they end."""
        self._begun.update(sources)
        if alone:
            self._deaths.update(sources)

    def end(self, rows: Sequence[Row]) -> None:
        """These are done; kept until they are handed over."""
        for row in rows:
            self._done[row["source"]] = row
            self._begun.discard(row["source"])
            del self._deaths[row["source"]]

    def forget(self, sources: Iterable[str]) -> None:
        """These stand in the manifest."""
        for source in sources:
            self._done.pop(source, None)
