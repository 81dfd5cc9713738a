"""What is in a tar, kept beside it: the next run need not read through gigabytes to find where pictures begin."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np

from photochrom._support.files import write_bytes
from photochrom.data.entries import Stored
from photochrom.errors import PhotochromError

LEAST = 1000  # pictures; smaller tars are read through faster than anybody notices
FORMAT = 1


def path_of(tar: str | Path) -> Path:
    """Where the index of a tar lies."""
    return Path(f"{tar}.index")


def read(tar: Path) -> Stored | None:
    """The tar's pictures; None where there is no index, or it is older than the tar, or damaged."""
    try:
        with path_of(tar).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if kept["facts"].tolist() != _facts(tar):
                return None
            keys = kept["keys"].tobytes().decode("utf-8", "surrogateescape").split("\0")
            found = Stored(str(tar), kept["offsets"], kept["sizes"], keys)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return found if len(found.offsets) == len(found.sizes) == len(keys) else None


def keep(pictures: Stored) -> None:
    """Write the index of a tar, unless it is small or its folder is not to be written to."""
    if len(pictures) < LEAST:
        return
    keys = "\0".join(entry.key for entry in pictures).encode("utf-8", "surrogateescape")
    buffer = io.BytesIO()
    # An index that cannot be kept is only slower the next time.
    with contextlib.suppress(PhotochromError, OSError):
        facts = np.array(_facts(Path(pictures.path)), np.int64)
        kept = {"offsets": pictures.offsets, "sizes": pictures.sizes, "keys": np.frombuffer(keys, np.uint8)}
        np.savez_compressed(buffer, facts=facts, **kept)
        write_bytes(path_of(pictures.path), buffer.getvalue(), overwrite=True)


def _facts(tar: Path) -> list[int]:
    """What changes when the tar does."""
    stat = os.stat(tar)
    return [FORMAT, stat.st_size, stat.st_mtime_ns]
