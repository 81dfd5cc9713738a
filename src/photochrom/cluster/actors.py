"""What an actor does: it loads the model once, and colours batch after batch."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from photochrom._support.files import sweep
from photochrom._support.text import shown
from photochrom._support.version import __version__
from photochrom.batch.kinds import kind_of, note_of
from photochrom.cluster.beside import Beside, Watch
from photochrom.cluster.ledger import Book, Row
from photochrom.cluster.manifest import SCHEMA, row
from photochrom.cluster.places import Place, Unreached, reading
from photochrom.colorizer import Colorizer
from photochrom.errors import OutOfMemory, PhotochromError, UnreadableImage, UnsupportedFormat, WriteFailed
from photochrom.imaging import io
from photochrom.imaging.formats import format_for
from photochrom.imaging.picture import Picture
from photochrom.imaging.reading import RAW_REFUSED
from photochrom.imaging.result_names import errors_naming, picture_name
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.network import Scores
from photochrom.photographs import PhotographReport, colorize_file, encoded

_PIXELS_AT_ONCE = 40_000_000  # of the pictures that wait for others of their shape
_TEMPORARY = (Unreached, WriteFailed, OutOfMemory, OSError)  # faults of a machine or a store, not of the picture


@dataclass(frozen=True)
class Duty:
    """What an actor is told once.

    Attributes:
        output: URL of the folder of the results.
        model, where: the model's file and its name; so no machine needs the file.
        settings: of `Colorizer`, but for the model.
        at_once: pictures of like shape that the network sees together.
        threads: that read, paint and write beside the network; 0 does one thing after the other.
        tries: how often a picture may end its process.
        timeout_s: seconds after which a picture counts as hanging.
        version: of photochrom, on the machine that started the run.
    """

    output: str
    model: bytes
    where: str
    settings: dict[str, Any]
    _: KW_ONLY
    at_once: int = 1
    threads: int = 0
    tries: int = 2
    timeout_s: float = 600.0
    version: str = __version__


@dataclass(frozen=True)
class _Ready:
    """A picture that was read and waits for the network."""

    given: dict[str, Any]
    path: Path
    target: str
    picture: Picture
    L: np.ndarray
    digest: str
    seconds: float


class Colouring:
    """Colours batches of pictures; one stays in each actor.

    Args:
        duty: what to do.
        book: who remembers what is in work.
    """

    def __init__(self, duty: Duty, book: Book) -> None:
        self._duty, self._book = duty, book
        self._output = Place(duty.output)
        self._swept: set[str] = set()
        self._refused = self._session = None
        if duty.version != __version__:
            self._refused = (
                f"a machine of the cluster ({os.uname().nodename}) has photochrom {__version__}, "
                f"this one {duty.version}; install one version on all"
            )
            return
        try:
            backend = OnnxBackend(duty.model, duty.where, duty.settings["device"], duty.settings["threads"])
            self._session = Colorizer(backend, **duty.settings)
        except PhotochromError as error:
            self._refused = f"{os.uname().nodename}: {error}"
            return
        album = self._session.album
        if album and not os.path.isdir(album.folder):  # what is like a picture is read there
            self._refused = (
                f"{os.uname().nodename}: {shown(album.folder)} does not exist; "
                "put the pictures of --like on a disk that all machines share"
            )

    def __call__(self, given: pa.Table) -> Iterator[pa.Table]:
        """Rows of the schema `sources.READ` to rows of the manifest."""
        rows = given.to_pylist()
        if self._refused:
            found: Iterable[Row] = [row("", "", "refused", error=self._refused)]
        else:
            found = self._all(rows)
        yield pa.Table.from_pylist(list(found), SCHEMA)

    def _all(self, rows: list[dict[str, Any]]) -> Iterator[Row]:
        done, deaths = self._book.seen([each["source"] for each in rows])
        yield from done.values()
        left = [each for each in rows if each["source"] not in done]
        for each in left:
            if deaths.get(each["source"], 0) >= self._duty.tries:
                yield self._ended(self._poisonous(each))
        left = [each for each in left if deaths.get(each["source"], 0) < self._duty.tries]
        # Where a batch died before, its pictures go one by one, so that the one that kills is found.
        for batch in [[each] for each in left] if deaths else [left]:
            self._book.begin([each["source"] for each in batch], alone=bool(deaths))
            with tempfile.TemporaryDirectory(prefix="photochrom-") as scratch, Watch(self._duty.timeout_s) as watch:
                for outcome in self._batch(batch, Path(scratch), watch):
                    yield self._ended(outcome)

    def _ended(self, outcome: Row) -> Row:
        self._book.end([outcome])
        return outcome

    def _poisonous(self, given: dict[str, Any]) -> Row:
        error = (
            f"{given['source']}: it ended or held up the process that coloured it, {self._duty.tries} times; "
            "colour it by itself to see why"
        )
        return row(given["source"], shown(os.fsdecode(given["target"])), "failed", error=error)

    # ---- one batch

    def _batch(self, rows: list[dict[str, Any]], scratch: Path, watch: Watch) -> Iterator[Row]:
        waiting: dict[tuple[int, ...], list[_Ready]] = {}
        pixels = 0
        with Beside(self._duty.threads, watch) as beside:
            calls = [(given, scratch / str(number)) for number, given in enumerate(rows)]
            for ready in beside.ahead(self._read, calls):
                if not isinstance(ready, _Ready):
                    yield ready
                    continue
                shape = self._shape(ready.L.shape)
                waiting.setdefault(shape, []).append(ready)
                pixels += ready.L.size
                if len(waiting[shape]) >= self._duty.at_once:
                    group = waiting.pop(shape)
                    pixels -= sum(each.L.size for each in group)
                    yield from self._finished(group, beside)
                elif pixels > _PIXELS_AT_ONCE:
                    for group in waiting.values():
                        yield from self._finished(group, beside)
                    waiting, pixels = {}, 0
            for group in waiting.values():
                yield from self._finished(group, beside)
            yield from beside.rest()

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of what the network sees, with padding: what is alike in it can be seen together."""
        assert self._session
        multiple = self._session.card.multiple
        return tuple(-(-side // multiple) for side in self._session.network.seen(shape, self._session.render_size))

    def _read(self, given: dict[str, Any], scratch: Path) -> _Ready | Row:
        """A picture that waits for the network, or the row of one that is done: refused, kept, or a TIFF."""
        assert self._session
        start = time.perf_counter()
        digest, target = "", os.fsdecode(given["target"])
        path = scratch
        try:
            if given["error"]:
                raise (Unreached if given["unreached"] else UnreadableImage)(given["error"])
            path, digest = self._file(given, scratch)
            target = _named(target, path)
            kind = kind_of(target)
            if kind and kind.name == "raw":
                raise UnsupportedFormat(f"{shown(path)} {RAW_REFUSED}")
            if format_for(target).name == "TIFF":
                return self._by_strips(given, path, target, scratch, digest, start)
            picture = io.read(path, self._session.max_pixels, self._session.strict)
            with errors_naming(path):
                if self._session.keep_color and picture.toning == "color":
                    return self._write(given, path, target, picture, picture, digest, start)
                L = picture.lightness()
            return _Ready(given, path, target, picture, L, digest, time.perf_counter() - start)
        except Exception as error:  # a fault of ours costs one picture, too
            return self._failed(given, path, target, digest, error, time.perf_counter() - start)

    def _finished(self, group: list[_Ready], beside: Beside) -> Iterator[Row]:
        assert self._session
        yield from beside.rest(self._duty.threads)  # no more than the threads are busy with wait to be painted
        beside.watch.begin(len(group) + beside.waiting)
        start = time.perf_counter()
        try:
            answers: Sequence[Scores | None] = scores_of(self._session, [ready.L for ready in group])
        except PhotochromError:
            answers = [None] * len(group)  # each by itself, so that the error is its own
        shared = (time.perf_counter() - start) / len(group)
        for ready, scores in zip(group, answers, strict=True):
            yield from beside.do(self._painted, ready, scores, shared)

    def _painted(self, ready: _Ready, scores: Scores | None, shared: float) -> Row:
        """The row of a picture whose network took `shared` seconds."""
        assert self._session
        begun = time.perf_counter() - ready.seconds - shared
        try:
            with errors_naming(ready.path):
                coloured = self._session.colorize_picture(ready.picture, scores=scores, lightness=ready.L)
            return self._write(ready.given, ready.path, ready.target, ready.picture, coloured, ready.digest, begun)
        except Exception as error:  # a fault of ours costs one picture, too
            seconds = time.perf_counter() - begun
            return self._failed(ready.given, ready.path, ready.target, ready.digest, error, seconds)

    # ---- files

    def _file(self, given: dict[str, Any], scratch: Path) -> tuple[Path, str]:
        """The source as a file of this machine, under its own name, and its SHA-256."""
        place = Place(os.fsdecode(given["url"])) if given["url"] else None
        if place and place.is_local:
            path = Path(place.path)
        else:
            scratch.mkdir()
            path = scratch / Path(os.fsdecode(given["target"])).name
            if place:
                with reading(place.url):
                    place.fs.get_file(place.path, str(path))
            else:
                path.write_bytes(given["data"])
        with reading(str(path)), open(path, "rb") as file:
            return path, hashlib.file_digest(file, "sha256").hexdigest()

    def _by_strips(
        self, given: dict[str, Any], path: Path, target: str, scratch: Path, digest: str, start: float
    ) -> Row:
        assert self._session
        place = self._place(target)
        if place.is_local:
            report = colorize_file(self._session, path, place.path, overwrite=True)
            return self._row(given, target, report, digest, os.stat(place.path).st_size, start)
        result = scratch.with_name(f"{scratch.name}-result.tif")
        report = colorize_file(self._session, path, result, overwrite=True)
        data = result.read_bytes()
        place.write(data)
        return self._row(given, target, report, digest, len(data), start)

    def _write(
        self,
        given: dict[str, Any],
        path: Path,
        target: str,
        picture: Picture,
        coloured: Picture,
        digest: str,
        start: float,
    ) -> Row:
        data, report = encoded(picture, coloured, path, format_for(target).name)
        self._place(target).write(data)
        return self._row(given, target, report, digest, len(data), start)

    def _place(self, target: str) -> Place:
        place = self._output.at(target)
        if place.is_local and (folder := os.path.dirname(place.path)) not in self._swept:
            sweep(folder)
            self._swept.add(folder)
        return place

    def _row(
        self, given: dict[str, Any], target: str, report: PhotographReport, digest: str, size: int, start: float
    ) -> Row:
        assert self._session
        return row(
            given["source"],
            shown(target),
            "kept" if report.kept else "coloured",
            note=note_of(report) or None,
            digest=digest,
            model=self._session.card.digest,
            width=report.size[0],
            height=report.size[1],
            bytes=size,
            seconds=time.perf_counter() - start,
        )

    def _failed(
        self, given: dict[str, Any], path: Path, target: str, digest: str, error: Exception, seconds: float
    ) -> Row:
        assert self._session
        if isinstance(error, PhotochromError):
            # What was fetched has a name of its own in messages, which nobody knows.
            text = str(error).replace(shown(path), given["source"])
        else:
            text = f"{given['source']}: it cannot be coloured ({type(error).__name__}: {error})"
        return row(
            given["source"],
            shown(target),
            "unwritten" if isinstance(error, _TEMPORARY) else "failed",
            error=" ".join(text.split()),
            digest=digest or None,
            model=self._session.card.digest,
            seconds=seconds,
        )


def scores_of(session: Colorizer, pictures: Sequence[np.ndarray]) -> list[Scores]:
    """The network's answers to L (H, W) of pictures that it sees in one shape, with padding; several at once.

    Beside others a picture's sums are rounded in another order, so only one alone has exactly what `scores` gives.
    """
    if len(pictures) == 1:
        return [session.scores(pictures[0])]
    return session.network.scores_of_all([session.shrunk(L) for L in pictures])


def _named(target: str, path: Path) -> str:
    """A result's name with an ending that says its format, as `picture_name` gives it."""
    return target if kind_of(target) else str(Path(target).with_name(picture_name(path)))
