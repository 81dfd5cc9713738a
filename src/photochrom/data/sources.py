"""Folders, tar archives and array files of pictures, listed once and read at random."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from photochrom.data import arrays, tar_index
from photochrom.data.entries import Entry, Joined, Stored
from photochrom.errors import BadDataset, OutOfMemory
from photochrom.imaging.formats import FORMATS

# HEIC needs an extra that a training machine may not have.
EXTENSIONS = frozenset(e for form in FORMATS.values() if form.name != "HEIF" for e in form.extensions)


@dataclass(frozen=True)
class Row(Entry):
    """One picture of an array file, the `offset`-th, encoded (PPM) when it is read.

    Attributes:
        planes: those of the whole file, (n, 3, s, s) uint8, shared by its rows.
    """

    planes: np.ndarray = field(repr=False, compare=False)

    def read(self) -> bytes:
        return _ppm_header(self.planes) + self.planes[self.offset].transpose(1, 2, 0).tobytes()


def _ppm_header(planes: np.ndarray) -> bytes:
    return b"P6 %d %d 255\n" % (planes.shape[3], planes.shape[2])


def list_pictures(sources: Sequence[Path | str | Entry]) -> Joined:
    """Every picture in the folders (recursively), tar archives and files, in a fixed order.

    A source that is named twice counts twice, which is how one makes it weigh more. A file may also be a batch of
    CIFAR-10, CIFAR-100 or downsampled ImageNet (pickle or npz, recognised by its content), which is loaded whole and
    stays in memory as long as its entries do. A folder or tar without pictures gives its batches in the order of
    their names, but not `test_batch`, `test`, `val_data` and `*.meta`: name these files themselves to use them.

    Args:
        sources: paths, and entries that are listed already, which are passed on.

    Returns:
        The key of a picture in a folder or tar is its path inside; in a batch "label/batch-index". A tar of more than
        a thousand pictures gets an index beside it (`NAME.tar.index`, where its folder can be written to), so that
        it opens at once the next time (`benchmarks/listing.py`).

    Raises:
        BadDataset: a source is missing, damaged, or holds no picture.
    """
    if not sources:
        raise BadDataset("no pictures to train on; name a folder or a tar with --data")
    parts: list[Sequence[Entry]] = []
    given: list[Entry] = []  # entries that follow each other are one part
    for source in sources:
        if isinstance(source, Entry):
            if not parts or parts[-1] is not given:
                given = []
                parts.append(given)
            given.append(source)
            continue
        found = _list_one(Path(source))
        if not found:
            raise BadDataset(
                f"{source}: there are no pictures in it ({', '.join(sorted(EXTENSIONS))}) and no training batches"
            )
        parts.append(found)
    return Joined(parts)


def _list_one(source: Path) -> Sequence[Entry]:
    try:
        if source.is_dir():
            return _list_folder(source)
        if source.suffix.lower() in EXTENSIONS:
            return [Entry(str(source), 0, source.stat().st_size, source.name)]
        with source.open("rb") as file:
            if arrays.is_batch(file):
                return _list_batch(file, str(source), source.name)
        return _list_tar(source)
    except tarfile.TarError as error:
        raise BadDataset(f"{source}: not a folder and not an uncompressed tar ({error})") from None
    except OSError as error:
        raise BadDataset(f"{source}: it cannot be read ({error.strerror})") from None


def _list_folder(folder: Path) -> list[Entry]:
    files = sorted(Path(root, name) for root, _, names in os.walk(folder) for name in names)
    found = [Entry(str(f), 0, f.stat().st_size, str(f.relative_to(folder))) for f in files if _is_picture(f)]
    for path in files if not found else ():
        if arrays.is_for_training(path.name) and path.is_file():
            with path.open("rb") as file:
                found += _list_batch(file, str(path), path.name)
    return found


def _list_tar(source: Path) -> Sequence[Entry]:
    known = tar_index.read(source)
    if known is not None:
        return known
    with tarfile.open(source, "r:") as archive:
        members = [member for member in archive if member.isfile()]
        _check_end(archive, source)
        pictures = [member for member in members if _is_picture(Path(member.name))]
        if pictures:
            offsets, sizes = (np.array(n) for n in zip(*((m.offset_data, m.size) for m in pictures), strict=True))
            found = Stored(str(source), offsets, sizes, (m.name for m in pictures))
            tar_index.keep(found)
            return found
        batches: list[Entry] = []
        for member in sorted(members, key=lambda m: m.name):
            file = archive.extractfile(member)
            if file and arrays.is_for_training(member.name):
                batches += _list_batch(file, str(source), member.name)
        return batches


def _list_batch(file: IO[bytes], path: str, name: str) -> list[Entry]:
    """The rows of a batch; none where the file is something else."""
    if not arrays.is_batch(file):
        return []
    try:
        batch = arrays.read_batch(file, path if Path(path).name == name else f"{path}: {name}")
    except MemoryError:
        raise OutOfMemory(f"{path}: {name} does not fit in memory; name fewer batches") from None
    name, size = Path(name).name, len(_ppm_header(batch.planes)) + batch.planes[0].size
    return [Row(path, i, size, f"{label}/{name}-{i}", batch.planes) for i, label in enumerate(batch.labels)]


def _is_picture(path: Path) -> bool:
    # A Mac leaves a "._name.jpg" that is no picture beside each file that it copies or packs.
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith("._")


def _check_end(archive: tarfile.TarFile, source: Path) -> None:
    """tarfile takes a damaged header behind the first for the end; a true end is zeros, or that of the file."""
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise BadDataset(f"{source}: the tar is damaged at byte {archive.offset}; get it again")


def digest(entries: Sequence[Entry]) -> str:
    """A short fingerprint of names and sizes: what a run was trained on, without reading every picture."""
    sha = hashlib.sha256()
    for entry in entries:
        sha.update(f"{entry.key}\0{entry.size}\n".encode())
    return sha.hexdigest()[:16]
