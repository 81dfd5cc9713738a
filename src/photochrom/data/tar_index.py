"""What is in a tar, kept beside it: the next run need not read through gigabytes to find where pictures begin."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photochrom._support.files import write_bytes
from photochrom._support.npz import DAMAGED, read_arrays
from photochrom.data.entries import Stored, is_picture
from photochrom.errors import BadDataset, PhotochromError

LEAST = 1000  # pictures; smaller tars are read through faster than anybody notices
FORMAT = 1
ANY_TIME = 0  # in the place of the time of change: the tar was written with its index, and may be copied


def path_of(tar: str | Path) -> Path:
    """Where the index of a tar lies."""
    return Path(f"{tar}.index")


def read(tar: Path) -> Stored | None:
    """The tar's pictures; None where there is no index, or it is older than the tar, or damaged."""
    try:
        with open(path_of(tar), "rb") as file:
            known = parsed(file.read(), str(tar))
        facts = _facts(tar)
    except OSError:
        return None
    return known[1] if known and known[0] in (facts, [*facts[:2], ANY_TIME]) else None


def parsed(index: bytes, tar: str, kind: type[Stored] = Stored) -> tuple[list[int], Stored] | None:
    """What an index says of a tar: its format, size and time, and its pictures; None where it is damaged.

    Args:
        index: the index's bytes.
        tar: the path or address of the tar.
        kind: of the list that is returned.
    """
    try:
        kept = read_arrays(io.BytesIO(index), ("facts", "keys", "offsets", "sizes"))
        facts = kept["facts"].tolist()
        keys = kept["keys"].tobytes().decode("utf-8", "surrogateescape").split("\0")
        found = kind(tar, kept["offsets"], kept["sizes"], keys)
    except DAMAGED:
        return None
    whole = len(facts) == 3 and facts[0] == FORMAT and len(found.offsets) == len(found.sizes) == len(keys)
    return (facts, found) if whole else None


def packed(pictures: Stored, size: int, time: int = ANY_TIME, **more: np.ndarray) -> bytes:
    """The index of a tar of `size` bytes, as `parsed` takes it; `more` is kept in it by name."""
    keys = "\0".join(entry.key for entry in pictures).encode("utf-8", "surrogateescape")
    buffer = io.BytesIO()
    kept = {"offsets": pictures.offsets, "sizes": pictures.sizes, "keys": np.frombuffer(keys, np.uint8)}
    np.savez_compressed(buffer, facts=np.array([FORMAT, size, time], np.int64), **kept, **more)  # type: ignore[arg-type]
    return buffer.getvalue()


def keep(pictures: Stored) -> None:
    """Write the index of a tar, unless it is small or its folder is not to be written to."""
    if len(pictures) < LEAST:
        return
    # An index that cannot be kept is only slower the next time.
    with contextlib.suppress(PhotochromError, OSError):
        index = packed(pictures, *_facts(Path(pictures.path))[1:])
        write_bytes(path_of(pictures.path), index, overwrite=True)


def members(archive: tarfile.TarFile, place: str) -> list[tarfile.TarInfo]:
    """The files in a tar.

    Raises:
        BadDataset: it is damaged.
    """
    found = [member for member in archive if member.isfile()]
    # tarfile takes a damaged header behind the first for the end; a true end is zeros, or that of the file.
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise BadDataset(f"{place}: the tar is damaged at byte {archive.offset}; get it again")
    return found


def pictures(files: Sequence[tarfile.TarInfo], place: str, kind: type[Stored] = Stored) -> Stored:
    """Those of a tar's files that are pictures."""
    found = [member for member in files if is_picture(Path(member.name))]
    offsets, sizes = (np.array([getattr(m, n) for m in found], np.int64) for n in ("offset_data", "size"))
    return kind(place, offsets, sizes, (member.name for member in found))


def _facts(tar: Path) -> list[int]:
    """What changes when the tar does."""
    stat = os.stat(tar)
    return [FORMAT, stat.st_size, stat.st_mtime_ns]
