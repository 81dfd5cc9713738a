"""Pictures by name and place: one, and long lists of them that take little memory."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, overload

import numpy as np
from jaxtyping import Int

from photochrom.errors import BadDataset
from photochrom.imaging.formats import FORMATS

# HEIC needs an extra that a training machine may not have.
EXTENSIONS = frozenset(e for form in FORMATS.values() if form.name != "HEIF" for e in form.extensions)


def is_picture(path: Path) -> bool:
    """Whether a file counts as a picture, by its name."""
    # A Mac leaves a "._name.jpg" that is no picture beside each file that it copies or packs.
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith("._")


@dataclass(frozen=True)
class Entry:
    """One encoded picture: `size` bytes at `offset` of the file `path`; `key` names it in messages and digests."""

    path: str
    offset: int
    size: int
    key: str

    def read(self) -> bytes:
        """The encoded bytes.

        Raises:
            BadDataset: they are not there any more.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise BadDataset(f"{self.path}: {self.key} cannot be read ({error.strerror})") from None
        return self._whole(data)

    def _whole(self, data: bytes) -> bytes:
        if len(data) != self.size:
            raise BadDataset(f"{self.path}: it became shorter while it was read; {self.key} is cut off")
        return data


class Listing(Sequence[Entry]):
    """Entries that are made when they are asked for.

    Subclasses have `__len__` and `at`.
    """

    def at(self, index: int) -> Entry:
        """The entry at an index from 0 to the length."""
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self.at(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"no entry {index} among {len(self)}")
        return self.at(int(index) % len(self))


class Stored(Listing):
    """The pictures of one file, in some 45 bytes each; see `benchmarks/listing.py`.

    Args:
        path: the file.
        offsets, sizes: (n,) where each picture begins, and its length, bytes.
        keys: what they are called.

    Attributes:
        kind: of the entries that are made.
    """

    kind: ClassVar[type[Entry]] = Entry

    def __init__(
        self, path: str, offsets: Int[np.ndarray, "n"], sizes: Int[np.ndarray, "n"], keys: Iterable[str]
    ) -> None:
        encoded = [key.encode("utf-8", "surrogateescape") for key in keys]
        self.path, self.offsets, self.sizes = path, np.asarray(offsets, np.int64), np.asarray(sizes, np.int64)
        self.text = b"".join(encoded)
        self.ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offsets)

    def at(self, index: int) -> Entry:
        key = self.text[self.ends[index] : self.ends[index + 1]].decode("utf-8", "surrogateescape")
        return self.kind(self.path, int(self.offsets[index]), int(self.sizes[index]), key)


class Joined(Listing):
    """Several lists, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Entry]]) -> None:
        self.parts = list(parts)
        self.ends = list(itertools.accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def at(self, index: int) -> Entry:
        number = bisect.bisect_right(self.ends, index)
        return self.parts[number][index - (self.ends[number - 1] if number else 0)]
