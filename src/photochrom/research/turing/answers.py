"""People's answers in SQLite: each is on the disk before the next picture is shown."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from photochrom._support.text import either, shown
from photochrom.errors import BadDataset, BadSetting, WriteFailed
from photochrom.research.turing.design import Kind, trials
from photochrom.research.turing.study import ANSWERS, TuringStudy

SAID: dict[Kind, tuple[str, str]] = {
    "single": ("real", "coloured"),
    "pair": ("left", "right"),
    "preference": ("left", "right"),
}
"""What can be said: of one picture, what it is; of a pair, which is coloured; of a preference, which is better."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    number INTEGER PRIMARY KEY, ticket TEXT NOT NULL UNIQUE, began TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS trials (
    person INTEGER NOT NULL REFERENCES people, number INTEGER NOT NULL, practice INTEGER NOT NULL,
    photograph TEXT NOT NULL, left TEXT NOT NULL, right TEXT,
    looks INTEGER NOT NULL DEFAULT 0, said TEXT, milliseconds INTEGER, answered TEXT,
    PRIMARY KEY (person, number)
) STRICT, WITHOUT ROWID;
"""
_LONGEST = 24 * 3600 * 1000  # of an answer, in milliseconds


@dataclass(frozen=True)
class Entry:
    """One trial of one person, answered or not.

    Attributes:
        person, number: both from 1 on.
        practice: it comes before those that count.
        photograph, left, right: as `Trial`.
        looks: how often its page was opened; over 1 after a reload or when a session went on.
        said: the answer, see `SAID`; None is none yet.
        milliseconds: from the picture's appearance to the answer, as the browser measured it, or None.
        answered: when, in UTC.
    """

    person: int
    number: int
    practice: bool
    photograph: str
    left: str
    right: str | None
    looks: int = 0
    said: str | None = None
    milliseconds: int | None = None
    answered: str | None = None


class Answers:
    """The answers of a study; safe for several threads and processes.

    What people are to judge is written down when they begin, so that a session goes on as it was, whatever becomes of
    the program in between.

    Args:
        folder: the study's.
        study: its facts.
    """

    def __init__(self, folder: Path, study: TuringStudy) -> None:
        self.path, self.study = folder / ANSWERS, study

    def begin(self) -> str:
        """Enter a new person.

        Returns:
            The person's ticket: a secret by which the session goes on.

        Raises:
            WriteFailed: the database cannot be written.
        """
        ticket = secrets.token_urlsafe(24)
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            number = db.execute("INSERT INTO people (ticket, began) VALUES (?, ?)", (ticket, _now())).lastrowid or 0
            s = self.study
            plan = [(True, t) for t in trials(s.kind, s.models, s.practice, s.seed, number - 1)]
            plan += [(False, t) for t in trials(s.kind, s.models, s.photographs, s.seed, number - 1)]
            db.executemany(
                "INSERT INTO trials (person, number, practice, photograph, left, right) VALUES (?, ?, ?, ?, ?, ?)",
                [(number, i, p, t.photograph, t.left, t.right) for i, (p, t) in enumerate(plan, start=1)],
            )
            db.execute("COMMIT")
        return ticket

    def of(self, ticket: str) -> list[Entry]:
        """The trials of one person in order; none for an unknown ticket."""
        query = "SELECT t.* FROM trials t JOIN people p ON p.number = t.person WHERE p.ticket = ? ORDER BY t.number"
        return self._entries(query, ticket)

    def all(self) -> list[Entry]:
        """Everybody's trials, answered or not."""
        return self._entries("SELECT * FROM trials ORDER BY person, number")

    def look(self, entry: Entry) -> None:
        """Note that a trial's page is opened."""
        with self._opened() as db:
            db.execute(
                "UPDATE trials SET looks = looks + 1 WHERE person = ? AND number = ?", (entry.person, entry.number)
            )

    def answer(self, entry: Entry, said: str, milliseconds: int | None) -> bool:
        """Store an answer; it is on the disk when this returns, and stays as it is whatever is sent later.

        Returns:
            Whether it is new: a page that is sent twice changes nothing.

        Raises:
            BadSetting: it is not one of the possible answers.
            WriteFailed: it could not be stored.
        """
        if said not in SAID[self.study.kind]:
            raise BadSetting(f"the answer is {said!r}; it must be {either(SAID[self.study.kind])}")
        if milliseconds is not None and not 0 <= milliseconds <= _LONGEST:
            raise BadSetting(f"the answer took {milliseconds} ms; it must be between 0 and {_LONGEST}")
        with self._opened() as db:
            changed = db.execute(
                "UPDATE trials SET said = ?, milliseconds = ?, answered = ? "
                "WHERE person = ? AND number = ? AND said IS NULL",
                (said, milliseconds, _now(), entry.person, entry.number),
            )
            return changed.rowcount == 1

    def _entries(self, query: str, *values: str) -> list[Entry]:
        # A report makes no database where there are no answers, and needs no write permission.
        if not self.path.exists():
            return []
        with self._opened() as db:
            return [Entry(row[0], row[1], bool(row[2]), *row[3:]) for row in db.execute(query, values)]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection for one step, which costs less than a millisecond and needs no lock."""
        try:
            with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
                # A commit has reached the disk: neither a kill nor a power cut takes an answer back. The journal is
                # SQLite's own kind: changing it to another needs the file alone, which fails at once and does not wait.
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA foreign_keys = ON")
                db.executescript(_SCHEMA)
                yield db
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise WriteFailed(f"{shown(self.path)}: the answers cannot be stored or read ({error})") from None
            raise BadDataset(f"{shown(self.path)}: not the answers of a study, or damaged ({error})") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
