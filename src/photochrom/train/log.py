"""The training log: a CSV that survives a kill, and the trackers beside it."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from photochrom.errors import PhotochromError, WriteFailed
from photochrom.train.trackers import Tracker, trackers

COLUMNS: tuple[str, ...] = ("step", "name", "value")


class TrainingLog:
    """Rows (step, name, value); rows after `step` are dropped first, since a resumed run writes them again.

    Args:
        run: the run folder.
        step: that the run has reached.
        recipe: resolved, as plain values, for the trackers.
        shown_by: the trackers' names.

    Raises:
        UnknownName: no such tracker.
        WriteFailed: a file cannot be written.
    """

    def __init__(
        self, run: Path, step: int, recipe: dict[str, Any] | None = None, shown_by: Sequence[str] = ("tensorboard",)
    ) -> None:
        self._trackers: dict[str, Tracker] = {}
        self.path = run / "log.csv"
        # A run that starts anew says anew what the model was worth before its first step.
        kept = [r for r in rows(run) if int(r["step"]) <= step] if step else []
        try:
            # Beside and renamed: a kill in between must not cost the rows of the steps before.
            temporary = self.path.with_name(f".{self.path.name}.tmp")
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(kept)
            os.replace(temporary, self.path)
            self._file = self.path.open("a", newline="", encoding="utf-8")
        except OSError as error:
            raise self._failed(error) from None
        self._writer = csv.DictWriter(self._file, COLUMNS)
        try:
            for name in shown_by:
                with self._naming(name):
                    self._trackers[name] = trackers[name](run, step, recipe or {})
        except BaseException:
            self.close()
            raise

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append the values of one step.

        Raises:
            WriteFailed: the disk is full, or a tracker failed.
        """
        try:
            for name, value in values.items():
                self._writer.writerow({"step": step, "name": name, "value": f"{value:.6g}"})
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from None
        for name, tracker in self._trackers.items():
            with self._naming(name):
                tracker.write(step, values)

    def draw(self, step: int, name: str, picture: np.ndarray) -> None:
        """Show a picture (h, w, 3), uint8, by the trackers.

        Raises:
            WriteFailed: the disk is full, or a tracker failed.
        """
        for called, tracker in self._trackers.items():
            with self._naming(called):
                tracker.draw(step, name, picture)

    def close(self) -> None:
        """Let all files go; a full disk has been reported by `write`."""
        for file in (self._file, *self._trackers.values()):
            # What was learned is in the checkpoint; a server that is gone must not turn the end into a failure.
            with contextlib.suppress(Exception):
                file.close()

    @contextlib.contextmanager
    def _naming(self, tracker: str) -> Iterator[None]:
        try:
            yield
        except PhotochromError:
            raise
        except Exception as error:  # other libraries' errors share no base but Exception
            reason = " ".join(str(error).split())[:160]
            raise WriteFailed(
                f"{self.path}: the tracker '{tracker}' failed ({reason}); the same command resumes, "
                "without it with --set run.trackers=[]"
            ) from error

    def _failed(self, error: OSError) -> WriteFailed:
        return WriteFailed(f"{self.path}: the log cannot be written ({error.strerror or error})")


def series(run: Path, name: str) -> list[tuple[int, float]]:
    """What the log of a run folder says of a value: (step, value), in the order of the steps."""
    return [(int(row["step"]), float(row["value"])) for row in rows(run) if row["name"] == name]


def rows(run: Path) -> list[dict[str, str]]:
    """The log of a run folder: step, name and value of each row, as text; none where there is no log."""
    path = run / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        # A kill may have cut the last row short.
        rows = csv.DictReader(line.replace("\0", "") for line in file)
        return [row for row in rows if all(row.get(c) for c in COLUMNS) and row["step"].isdecimal()]
