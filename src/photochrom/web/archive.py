"""Many results at once: a ZIP archive that is sent while it is made, so that neither memory nor the disk holds it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import anyio.to_thread
from pathvalidate import sanitize_filename
from pydantic import BaseModel, Field

from photochrom.errors import PhotochromError
from photochrom.web import exports, films
from photochrom.web.jobs import ColoringJob
from photochrom.web.look import Look
from photochrom.web.problems import Problem, problem_of
from photochrom.web.studio import Studio, present

MEDIA_TYPE = "application/zip"
MOST = 1000
MISSING = "not in this archive.txt"
_UNNAMED = "photograph"
_LONGEST = 100  # of a name without its ending; every file system has room for it
_CHUNK = 1 << 20


class WishedLook(Look, frozen=True, extra="forbid"):
    """A look that stands by itself. Elsewhere it is part of a query, whose other names are not its own."""


class Wish(exports.Export, frozen=True, extra="forbid"):
    """One photograph or film of an archive; of a film, there is only the result."""

    id: str = Field(max_length=100, description="The job's.")
    name: str | None = Field(
        None,
        max_length=1000,
        description="What its file was called, where that is not the job's name; NAME.jpg is NAME.color.jpg then.",
    )
    look: WishedLook = Field(default=WishedLook(), description="Of a photograph; a film has the one it was sent with.")


class Selection(BaseModel, extra="forbid"):
    """What an archive holds."""

    photographs: list[Wish] = Field(min_length=1, max_length=MOST)


async def stream(studio: Studio, client: str, selection: Selection) -> AsyncIterator[bytes]:
    """The archive, piece by piece, the first one with the first photograph.

    Files are stored as they are, since photographs are compressed already, each behind its length and checksum, so that
    every program can read them. What can't be had any more, once sending has begun, is named in a text file.

    Args:
        studio: whose jobs they are.
        client: whose archive it is; it counts as one job of theirs.
        selection: which; all of them are done.

    Raises:
        Problem: 429 or 503, before the first piece.
    """
    taken = {MISSING}
    missing: list[str] = []
    with (
        studio.admit(client),
        contextlib.closing(_Growing(tempfile.TemporaryFile(dir=studio.jobs.folder))) as growing,
        zipfile.ZipFile(growing, "w") as archive,
    ):
        for wish in selection.photographs:
            called = wish.name or _UNNAMED
            try:
                job = studio.jobs.get(wish.id)
                called = wish.name or job.name or _UNNAMED
                await _add(archive, studio, job, wish, called, taken)
            except (Problem, PhotochromError) as error:
                detail = error.detail if isinstance(error, Problem) else problem_of(error).detail
                missing.append(f"{' '.join(called.split())}: {detail}\n")
            for piece in growing.take():
                yield piece
        if missing:
            archive.writestr(MISSING, "".join(missing))
        archive.close()
        for piece in growing.take():
            yield piece


async def _add(
    archive: zipfile.ZipFile, studio: Studio, job: ColoringJob, wish: Wish, called: str, taken: set[str]
) -> None:
    if job.film and wish.kind == exports.Kind.PHOTOGRAPH:
        name = entry_name(called, (job.film,), taken)
        with present():
            await anyio.to_thread.run_sync(archive.write, films.result_of(job.folder, job.film), name)
        return
    path, format = await _exported(studio, job, wish)
    try:
        name = entry_name(called, exports.endings_of(format), taken, exports.MARKS[wish.kind])
        await anyio.to_thread.run_sync(archive.write, path, name)
    finally:
        path.unlink(missing_ok=True)


async def _exported(studio: Studio, job: ColoringJob, wish: Wish) -> tuple[Path, str]:
    # A client that goes away ends its archive, and not the process that paints for it.
    exporting = asyncio.create_task(studio.export(job, wish.look, wish))
    try:
        return await asyncio.shield(exporting)
    except asyncio.CancelledError:
        exporting.add_done_callback(_discard)
        raise


def _discard(exporting: asyncio.Task[tuple[Path, str]]) -> None:
    if not exporting.cancelled() and exporting.exception() is None:
        exporting.result()[0].unlink(missing_ok=True)


def entry_name(name: str, extensions: tuple[str, ...], taken: set[str], mark: str = ".color") -> str:
    """What a result is called in an archive: no path, nothing that some system forbids, and no name twice.

    Args:
        name: what the client calls its photograph; any text.
        extensions: of the result's format, the usual one first; the client's own is kept where it is among them.
        taken: names that are in the archive, case folded; the new one is added.
        mark: before the ending.

    Example:
        >>> taken = set()
        >>> [entry_name(name, (".jpg", ".jpeg"), taken) for name in ("a/b.JPEG", "B.jpg", "../b.png")]
        ['b.color.JPEG', 'B.color.jpg', 'b-2.color.jpg']
    """
    path = PurePosixPath(re.split(r"[/\\]", name)[-1])
    ending = path.suffix if path.suffix.lower() in extensions else extensions[0]
    stem = sanitize_filename(path.stem, platform="universal", max_len=_LONGEST).strip(". ") or _UNNAMED
    for number in itertools.count(1):
        found = f"{stem}{f'-{number}' if number > 1 else ''}{mark}{ending}"
        key = unicodedata.normalize("NFC", found).casefold()
        if key not in taken:
            taken.add(key)
            return found
    raise AssertionError


class _Growing:
    """A file for `ZipFile`: what is whole is taken from its front, and positions go on as if it were still there."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._gone = file, 0

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def tell(self) -> int:
        return self._gone + self._file.tell()

    def seek(self, position: int, whence: int = 0) -> int:
        assert whence == 0
        return self._gone + self._file.seek(position - self._gone)

    def take(self) -> Iterator[bytes]:
        """All that was written, in pieces; then it is gone."""
        length = self._file.seek(0, 2)
        self._file.seek(0)
        while piece := self._file.read(_CHUNK):
            yield piece
        self._file.seek(0)
        self._file.truncate()
        self._gone += length
