"""The training log: a CSV that survives a kill, and TensorBoard beside it."""

from __future__ import annotations

import contextlib
import csv
import os
from pathlib import Path

import numpy as np
from torch.utils.tensorboard.writer import SummaryWriter

from photochrom.errors import WriteFailed

COLUMNS: tuple[str, ...] = ("step", "name", "value")


class TrainingLog:
    """Rows (step, name, value); rows after `step` are dropped first, since a resumed run writes them again."""

    def __init__(self, run: Path, step: int) -> None:
        self.path = run / "log.csv"
        kept = [r for r in rows(run) if int(r["step"]) <= step]
        try:
            # Beside and renamed: a kill in between must not cost the rows of the steps before.
            temporary = self.path.with_name(f".{self.path.name}.tmp")
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(kept)
            os.replace(temporary, self.path)
            self._file = self.path.open("a", newline="", encoding="utf-8")
            self._board = SummaryWriter(str(run), purge_step=step + 1)
        except OSError as error:
            raise self._failed(error) from None
        self._writer = csv.DictWriter(self._file, COLUMNS)

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append the values of one step.

        Raises:
            WriteFailed: the disk is full.
        """
        try:
            for name, value in values.items():
                self._writer.writerow({"step": step, "name": name, "value": f"{value:.6g}"})
                self._board.add_scalar(name, value, step)
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from None

    def draw(self, step: int, name: str, picture: np.ndarray) -> None:
        """Add a picture (h, w, 3), uint8, to TensorBoard's pages.

        Raises:
            WriteFailed: the disk is full.
        """
        try:
            self._board.add_image(name, picture, step, dataformats="HWC")
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Let both files go; a full disk has been reported by `write`."""
        for file in (self._file, self._board):
            with contextlib.suppress(OSError):
                file.close()

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
