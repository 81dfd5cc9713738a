"""A CSV of what was done, a row as soon as an input is done, so that a run that is stopped leaves it true."""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from types import TracebackType

from photochrom._support.files import write_failed
from photochrom._support.text import shown
from photochrom.batch.jobs import Outcome
from photochrom.errors import WriteFailed

COLUMNS = ("time", "status", "source", "target", "width", "height", "seconds", "note")


class BatchLog:
    """Adds a row for each outcome to a file, which is created or continued.

    Rows are added whole, so that two runs may write to one file.

    Args:
        path: the file.

    Raises:
        WriteFailed: it cannot be written, or is there and is no such log.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        try:
            os.makedirs(os.path.dirname(os.fspath(path)) or ".", exist_ok=True)
            self._file = open(path, "ab+", buffering=0)  # noqa: SIM115 - closed by `__exit__`
            self._file.seek(0)
            head = self._file.readline(len(_row(COLUMNS)) + 1)
        except (OSError, ValueError) as error:
            raise write_failed(path, error) from error
        if head and head != _row(COLUMNS):
            self._file.close()
            raise WriteFailed(f"{shown(path)} exists and is not a photochrom log; choose another name")
        if not head:
            self._write(COLUMNS)
        elif not self._ends_with_a_row():
            # A run was killed within a row.
            self._append(b"\r\n")

    def __enter__(self) -> BatchLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, outcome: Outcome) -> None:
        """Write the row of an outcome.

        Raises:
            WriteFailed: the disk is full, ...
        """
        width, height = (outcome.done and outcome.done.size) or ("", "")
        self._write(
            (
                datetime.now(UTC).isoformat(timespec="seconds"),
                outcome.status,
                shown(outcome.job.source),
                shown(outcome.job.target),
                width,
                height,
                f"{outcome.seconds:.3f}",
                str(outcome.error or outcome.note),
            )
        )

    def _ends_with_a_row(self) -> bool:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1) == b"\n"

    def _write(self, values: tuple[object, ...]) -> None:
        self._append(_row(values))

    def _append(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise write_failed(self._path, error) from error


def _row(values: tuple[object, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue().encode()
