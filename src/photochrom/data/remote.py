"""Addresses such as s3://bucket/photos-000000.tar: listed, read by ranges and written, by way of fsspec.

A picture in a remote tar is read by a range request of its own, from an index of the tar, as local tars are. Streaming
whole shards, as webdataset does it, would need fewer requests, but a sample would then depend on what a buffer held
before it: a run could be resumed in the middle of an epoch only by reading the epoch's beginning again, and another
number of workers would give other batches. By index, `photochrom.data.loader.Order` holds for shards as for
folders: every epoch is shuffled as a whole, the samples depend on the seed and the step alone, and processes share
each batch without overlap or loss. To hide the latency, all pictures of a batch are asked for at once (`fetch`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from photochrom._support.files import write_bytes, writing
from photochrom._support.optional_packages import needing
from photochrom._support.text import one_line
from photochrom.data import tar_index
from photochrom.data.entries import Entry, Stored
from photochrom.errors import BadDataset, MissingExtra, PhotochromError

EXTRA = "shards"
_CONNECTIONS = 16  # shards that are looked at, at once
_BLOCK = 8 * 2**20  # bytes; an unindexed tar is read through in pieces of this size


@dataclass(frozen=True)
class RemoteEntry(Entry):
    """A picture in a remote tar; `path` is the tar's address."""

    def read(self) -> bytes:
        with reaching(self.path):
            system, path = _system(self.path)
            return self._whole(system.cat_file(path, start=self.offset, end=self.offset + self.size))


class RemoteStored(Stored):
    """The pictures of one remote tar."""

    kind = RemoteEntry


def is_address(source: str | os.PathLike[str]) -> bool:
    """Whether this names something elsewhere, and not a local path.

    Example:
        >>> is_address("s3://bucket/a.tar"), is_address("photos/a.tar")
        (True, False)
    """
    return "://" in os.fspath(source)


def expanded(pattern: str) -> list[str]:
    """The names that a pattern with braces stands for, as a shell would expand it.

    Raises:
        BadDataset: it stands for no list of names.
        MissingExtra: the package that expands it is missing.
    """
    with needing("a pattern with braces", EXTRA):
        from braceexpand import braceexpand
    try:
        names = list(braceexpand(pattern, escape=False))
    except ValueError:  # braces without their partner
        names = []
    if not names or names == [pattern]:
        raise BadDataset(f"{pattern}: the pattern names no shard; write a range such as {{000000..000009}}")
    return names


def list_shards(addresses: Sequence[str]) -> list[Stored]:
    """The pictures of remote tars, several tars at once; see `list_shard`."""
    with ThreadPoolExecutor(min(_CONNECTIONS, len(addresses))) as pool:
        return list(pool.map(list_shard, addresses))


def list_shard(address: str) -> Stored:
    """The pictures of a remote tar.

    The index beside it (`NAME.tar.index`, as `photochrom shards` writes it) is used. Without one the tar is read
    through once, and the index is kept in the user's cache folder.

    Raises:
        BadDataset: the bucket or the file is missing, not allowed, cut off or no tar.
        MissingExtra: the packages for this kind of address are missing.
    """
    with reaching(address):
        system, path = _system(address)
        size = int(system.info(path)["size"])
        for index in (_beside(system, path), _cached(address)):
            known = index and tar_index.parsed(index, address, RemoteStored)
            if known and known[0][1] > size:
                raise BadDataset(f"{address}: it is cut off at byte {size} of {known[0][1]}; write it again")
            if known and known[0][1] == size:
                return known[1]
        with system.open(path, "rb", block_size=_BLOCK, cache_type="readahead") as file:
            found = _read_through(file, address)
    with contextlib.suppress(PhotochromError, OSError):
        write_bytes(_cache_of(address), tar_index.packed(found, size), overwrite=True)
    return found


def fetch(entries: Sequence[Entry]) -> list[bytes | None]:
    """The bytes of entries, those of remote ones asked for at once.

    Returns:
        None for a local entry, and for one that could not be read: its own `read` tries again and says why.
    """
    found: list[bytes | None] = [None] * len(entries)
    groups: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        if isinstance(entry, RemoteEntry):
            groups.setdefault(entry.path.split("://")[0], []).append(place)
    for places in groups.values():
        ours = [entries[place] for place in places]
        with contextlib.suppress(BadDataset), reaching(ours[0].path):
            system = _system(ours[0].path)[0]
            paths = [system._strip_protocol(entry.path) for entry in ours]
            starts, ends = [entry.offset for entry in ours], [entry.offset + entry.size for entry in ours]
            answers = system.cat_ranges(paths, starts, ends, on_error="return")
            for place, entry, data in zip(places, ours, answers, strict=True):
                found[place] = data if isinstance(data, bytes) and len(data) == entry.size else None
    return found


def exists(place: str) -> bool:
    """Whether a file is there, local or remote."""
    if not is_address(place):
        return os.path.exists(place)
    with reaching(place):
        system, path = _system(place)
        system.invalidate_cache()
        return bool(system.exists(path))


def read(place: str) -> bytes | None:
    """A small file, local or remote; None where there is none."""
    if not exists(place):
        return None
    if not is_address(place):
        return Path(place).read_bytes()
    with reaching(place):
        system, path = _system(place)
        return system.cat_file(path)


def write(place: str, content: IO[bytes]) -> None:
    """Write a file, local or remote, that is there whole or not at all; one that is there is replaced.

    Raises:
        WriteFailed, BadDataset: it cannot be written.
    """
    content.seek(0)
    if not is_address(place):
        with writing(place, overwrite=True) as out:
            shutil.copyfileobj(content, out, _BLOCK)
        return
    with reaching(place):
        system, path = _system(place)
        # Within a transaction a file takes its name when all of it is there; an object store knows no other way.
        with system.transaction, system.open(path, "wb") as out:
            shutil.copyfileobj(content, out, _BLOCK)


@contextlib.contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn whatever a remote file system raises into one line.

    Raises:
        BadDataset: it is not there, not allowed, or not to be reached.
        MissingExtra: its packages are missing.
    """
    try:
        yield
    except PhotochromError:
        raise
    except FileNotFoundError:
        raise BadDataset(f"{address}: there is no such bucket or file") from None
    except ImportError as error:
        if address.startswith(("s3://", "s3a://")):
            raise MissingExtra("reading from s3://", EXTRA) from None
        raise BadDataset(f"{address}: {one_line(error)}") from None
    # Each backend has errors of its own: of botocore, aiohttp, paramiko; they share no base but this.
    except Exception as error:
        if isinstance(error, PermissionError) or type(error).__name__ == "NoCredentialsError":
            advice = "check the credentials, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            raise BadDataset(f"{address}: access is not allowed ({one_line(error)}); {advice}") from None
        raise BadDataset(f"{address}: it cannot be reached ({one_line(error)})") from None


def _system(address: str) -> tuple[Any, str]:
    with needing("an address such as s3://", EXTRA):
        from fsspec.core import url_to_fs
    # fsspec keeps one file system for each kind of address and process, and makes it anew after a fork.
    return url_to_fs(address)


def _beside(system: Any, path: str) -> bytes | None:
    # To whom a bucket's list is closed, a missing file is one that is not allowed.
    with contextlib.suppress(FileNotFoundError, PermissionError):
        return system.cat_file(f"{path}.index")
    return None


def _cached(address: str) -> bytes | None:
    with contextlib.suppress(OSError):
        return _cache_of(address).read_bytes()
    return None


def _cache_of(address: str) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root, "photochrom", "indexes", hashlib.sha256(address.encode()).hexdigest()[:32])


def _read_through(file: IO[bytes], address: str) -> Stored:
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            members = tar_index.members(archive, address)
    except tarfile.TarError as error:
        raise BadDataset(f"{address}: not an uncompressed tar, or cut off ({one_line(error)})") from None
    return tar_index.pictures(members, address, RemoteStored)
