"""The hidden folder beside a target in which a film grows, segment by segment, and from which a killed run goes on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.files import write_bytes, write_failed
from photochrom._support.npz import DAMAGED, read_arrays
from photochrom._support.text import shown
from photochrom.errors import WriteFailed

_ENDS = 1 << 20  # bytes at each end of a source that tell it from another one


@dataclass(frozen=True)
class Segment:
    """Facts about one finished part.

    Attributes:
        frames: how many it holds.
        first, last: times of its first and last frame, ticks of the source.
        last_duration: how long its last frame is shown, ticks; 0 is unknown.
        repeated: times of the frames that stand in for broken ones.
        cuts: scene cuts met since the beginning.
        colored: frames whose source is in colour.
        depth: how many places a frame may be decoded before it is shown.
    """

    frames: int
    first: int
    last: int
    last_duration: int
    repeated: tuple[int, ...] = ()
    cuts: int = 0
    colored: int = 0
    depth: int = 0


class SegmentFolder:
    """The folder of one target; one process at a time.

    Args:
        target: the result.
        job: all that the result depends on; a folder of another job is emptied.

    Raises:
        WriteFailed: the folder cannot be made, or another process works in it.
    """

    def __init__(self, target: str | os.PathLike[str], job: Mapping[str, Any]) -> None:
        # A link is followed, so that the file it names is replaced and not the link.
        self.target = Path(os.path.realpath(target))
        self.folder = self.target.with_name(_hidden_name(self.target))
        self._job = json.dumps(job, indent=2, sort_keys=True, default=str)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Work in the folder, alone; what is left of the same job is kept, and all after an error."""
        with self._naming():
            self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            with self._naming():
                self._prepare()
            yield

    @property
    def begun(self) -> bool:
        """Whether an earlier run of the same job left something."""
        note = self.folder / "job.json"
        return note.is_file() and note.read_bytes() == self._job.encode()

    @property
    def left(self) -> bool:
        """Whether an earlier run left something, of whatever job."""
        return (self.folder / "job.json").is_file()

    def mark(self) -> Path:
        """An empty file, for segments whose frames are kept elsewhere."""
        path = self.folder / "segment.part"
        path.touch()
        return path

    def remove(self) -> None:
        """Drop the folder, when the result is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, index: int) -> Path:
        """The file of a segment, its facts apart."""
        return self.folder / f"segment-{index:05d}.nut"

    def finished(self) -> list[tuple[Segment, dict[str, np.ndarray]]]:
        """Facts of the whole segments from the first on, the last one with the state in which it ended."""
        found: list[tuple[Segment, dict[str, np.ndarray]]] = []
        while self.path(len(found)).is_file():
            try:
                found.append(self._facts(len(found)))
            except (*DAMAGED, TypeError):
                break
            if len(found) > 1:
                found[-2] = (found[-2][0], {})
        return found

    def finish(self, index: int, temporary: Path, segment: Segment, state: Mapping[str, np.ndarray]) -> None:
        """Give a whole segment its name, after its facts; who finds the one finds the other."""
        buffer = io.BytesIO()
        facts = np.frombuffer(json.dumps(asdict(segment)).encode(), np.uint8)
        np.savez(buffer, allow_pickle=False, facts=facts, **state)
        write_bytes(self.path(index).with_suffix(".npz"), buffer.getvalue(), overwrite=True)
        with self._naming():
            _settle(temporary)
            os.replace(temporary, self.path(index))

    def _facts(self, index: int) -> tuple[Segment, dict[str, np.ndarray]]:
        with open(self.path(index).with_suffix(".npz"), "rb") as file:
            arrays = read_arrays(file)
        facts = json.loads(arrays.pop("facts").tobytes())
        return Segment(**facts | {"repeated": tuple(facts["repeated"])}), arrays

    def _prepare(self) -> None:
        if not self.begun:
            for path in self.folder.glob("segment-*"):
                path.unlink()
            write_bytes(self.folder / "job.json", self._job.encode(), overwrite=True)
        for path in (*self.folder.glob("*.part"), *self.folder.glob(".photochrom-*")):
            path.unlink()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        with self._naming():
            lock = open(self.folder / "lock", "w")  # noqa: SIM115 - closed below
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WriteFailed(f"{shown(self.target)} is being written by another process; wait for it") from None
            yield

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_failed(self.target, error) from error


def _hidden_name(target: Path) -> str:
    """The name of a target's folder: its own between a dot and ".photochrom", or a digest where that is too long."""
    name = f".{target.name}.photochrom"
    if len(os.fsencode(name)) <= _longest_name(target.parent):
        return name
    return f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:32]}.photochrom"


def _longest_name(folder: Path) -> int:
    """Bytes of a name on the folder's disk."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or a folder that is still to be made
        return 255


def identity(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What tells a source file from another one or a later one: size, time of change, and a digest of its ends."""
    facts = os.stat(path)
    with open(path, "rb") as file:
        ends = file.read(_ENDS)
        file.seek(max(0, facts.st_size - _ENDS))
        ends += file.read(_ENDS)
    return {
        "path": os.path.realpath(path),
        "bytes": facts.st_size,
        "changed": facts.st_mtime_ns,
        "ends": hashlib.sha256(ends).hexdigest(),
    }


def _settle(path: Path) -> None:
    """Have the disk hold it before its name says that it is whole."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
