"""The training log: a CSV that survives a kill, and TensorBoard beside it."""

from __future__ import annotations

import csv
from pathlib import Path

from torch.utils.tensorboard.writer import SummaryWriter

from photochrom.errors import WriteFailed

COLUMNS = ("step", "name", "value")


class Log:
    """Rows (step, name, value); rows after `step` are dropped first, since a resumed run writes them again."""

    def __init__(self, run: Path, step: int) -> None:
        self.path = run / "log.csv"
        kept = [r for r in _rows(self.path) if int(r["step"]) <= step]
        try:
            self._file = self.path.open("w", newline="")
        except OSError as error:
            raise WriteFailed(f"{self.path}: the log cannot be written ({error.strerror})") from None
        self._writer = csv.DictWriter(self._file, COLUMNS)
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._file.flush()
        self._board = SummaryWriter(str(run), purge_step=step + 1 if step else None)

    def write(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.writerow({"step": step, "name": name, "value": f"{value:.6g}"})
            self._board.add_scalar(name, value, step)
        self._file.flush()

    def close(self) -> None:
        self._file.close()
        self._board.close()


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        # A kill may have cut the last row short.
        return [row for row in csv.DictReader(file) if all(row.get(c) for c in COLUMNS)]
