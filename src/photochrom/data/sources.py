"""Folders and tar archives of pictures, listed once and read at random."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photochrom.errors import BadDataset
from photochrom.formats import FORMATS

# HEIC needs an extra that a training machine may not have.
EXTENSIONS = frozenset(e for form in FORMATS.values() if form.name != "HEIF" for e in form.extensions)


@dataclass(frozen=True)
class Entry:
    """One encoded picture: `size` bytes at `offset` of the file `path`; `key` names it in messages and digests."""

    path: str
    offset: int
    size: int
    key: str

    def read(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise BadDataset(f"{self.path}: {self.key} cannot be read ({error.strerror})") from None
        if len(data) != self.size:
            raise BadDataset(f"{self.path}: it became shorter while it was read; {self.key} is cut off")
        return data


def list_pictures(sources: Sequence[Path | str]) -> list[Entry]:
    """Every picture in the folders (recursively), tar archives and files, in a fixed order.

    A source that is named twice counts twice, which is how one makes it weigh more.

    Raises:
        BadDataset: a source is missing, damaged, or holds no picture.
    """
    if not sources:
        raise BadDataset("no pictures to train on; name a folder or a tar with --data")
    entries: list[Entry] = []
    for source in map(Path, sources):
        found = _list_one(source)
        if not found:
            raise BadDataset(f"{source}: there are no pictures in it ({', '.join(sorted(EXTENSIONS))})")
        entries += found
    return entries


def _list_one(source: Path) -> list[Entry]:
    try:
        if source.is_dir():
            files = sorted(Path(root, name) for root, _, names in os.walk(source) for name in names)
            return [Entry(str(f), 0, f.stat().st_size, str(f.relative_to(source))) for f in files if _is_picture(f)]
        if source.suffix.lower() in EXTENSIONS:
            return [Entry(str(source), 0, source.stat().st_size, source.name)]
        with tarfile.open(source, "r:") as archive:
            found = [
                Entry(str(source), member.offset_data, member.size, member.name)
                for member in archive
                if member.isfile() and _is_picture(Path(member.name))
            ]
            _check_end(archive, source)
            return found
    except tarfile.TarError as error:
        raise BadDataset(f"{source}: not a folder and not an uncompressed tar ({error})") from None
    except OSError as error:
        raise BadDataset(f"{source}: it cannot be read ({error.strerror})") from None


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
