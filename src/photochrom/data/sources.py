"""Folders, tar archives, shards, array files and tables of pictures, listed once and read at random."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from photochrom.data import arrays, remote, tables, tar_index
from photochrom.data.entries import EXTENSIONS, Entry, Joined, is_picture
from photochrom.errors import BadDataset, OutOfMemory
from photochrom.imaging.folders import files_in


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

    Of a folder, what is hidden or a system's (see `photochrom.imaging.folders`) is passed over, and so are results that
    lie beside what they were made of, since a model learns nothing from its own colours.

    A source that is named twice counts twice, which is how one makes it weigh more. A file may also be a batch of
    CIFAR-10, CIFAR-100 or downsampled ImageNet (pickle or npz, recognised by its content), which is loaded whole and
    stays in memory as long as its entries do. A folder or tar without pictures gives its batches in the order of
    their names, but not `test_batch`, `test`, `val_data` and `*.meta`: name these files themselves to use them.

    Arrow and Parquet files with a column of pictures, and folders of them such as a Hugging Face dataset that was saved
    to disk, are read too (see `photochrom.data.tables`); test and validation splits count only if they are named.

    Args:
        sources: paths, patterns of shards (`photos-{000000..000999}.tar`), addresses of tars or such patterns
            (`s3://bucket/...`, see `photochrom.data.remote`), and entries that are listed already.

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
        parts += _list_source(os.fspath(source))
    return Joined(parts)


def _list_source(source: str) -> list[Sequence[Entry]]:
    """The lists of a source's shards, or of the one file or folder that it is."""
    places = [source]
    if "{" in source and (remote.is_address(source) or not os.path.exists(source)):
        places = remote.expanded(source)
    lists: Sequence[Sequence[Entry]] = (
        remote.list_shards(places) if remote.is_address(source) else [_list_one(Path(place)) for place in places]
    )
    for place, found in zip(places, lists, strict=True):
        if not found:
            raise BadDataset(
                f"{place}: there are no pictures in it ({', '.join(sorted(EXTENSIONS))}) and no training batches"
            )
    return list(lists)


def _list_one(source: Path) -> Sequence[Entry]:
    try:
        if source.is_dir():
            return _list_folder(source)
        if source.suffix.lower() in EXTENSIONS:
            return [Entry(str(source), 0, source.stat().st_size, source.name)]
        if tables.is_table(source):
            return tables.list_tables([source])
        with source.open("rb") as file:
            if arrays.is_batch(file):
                return _list_batch(file, str(source), source.name)
        return _list_tar(source)
    except tarfile.TarError as error:
        raise BadDataset(f"{source}: not a folder and not an uncompressed tar ({error})") from None
    except OSError as error:
        raise BadDataset(f"{source}: it cannot be read ({error.strerror})") from None


def _list_folder(folder: Path) -> Sequence[Entry]:
    files = sorted(files_in(folder, results=False))
    found = [Entry(str(f), 0, f.stat().st_size, str(f.relative_to(folder))) for f in files if is_picture(f)]
    if not found and any(tables.is_table(path) for path in files):
        return tables.list_tables([path for path in files if tables.is_for_training(path)])
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
        members = tar_index.members(archive, str(source))
        pictures = tar_index.pictures(members, str(source))
        if len(pictures):
            tar_index.keep(pictures)
            return pictures
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


def digest(entries: Sequence[Entry]) -> str:
    """A short fingerprint of names and sizes: what a run was trained on, without reading every picture."""
    sha = hashlib.sha256()
    for entry in entries:
        sha.update(f"{entry.key}\0{entry.size}\n".encode())
    return sha.hexdigest()[:16]
