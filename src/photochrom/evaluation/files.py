"""Result files: a place for them that is found before the work begins, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from photochrom._support.files import check_free, write_bytes
from photochrom._support.text import shown
from photochrom.errors import WriteFailed


def claim(folder: Path | str, names: Sequence[str], overwrite: bool) -> list[Path]:
    """Create the folder and return the files' paths in it.

    Raises:
        WriteFailed: the folder cannot be made, or a file is there and `overwrite` is False.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed(f"{shown(folder)}: the folder cannot be made: {error.strerror or error}") from error
    paths = [folder / name for name in names]
    for path in paths:
        check_free(path, overwrite)
    return paths


def write_csv(path: Path, rows: Sequence[dict[str, object]], overwrite: bool) -> None:
    """Write rows that have the same keys, the keys as heading; floats with 6 significant digits.

    Raises:
        WriteFailed: as `photochrom._support.files.write_bytes`.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(rows[0])
    for row in rows:
        table.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row.values()])
    write_bytes(path, text.getvalue().encode(), overwrite)
