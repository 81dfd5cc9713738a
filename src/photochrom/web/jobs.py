"""Jobs: what was uploaded, how far it is, and what is kept of it; and the limits on all of that."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from photochrom.web import storage
from photochrom.web.look import Look
from photochrom.web.problems import Problem, full
from photochrom.web.settings import ServeSettings
from photochrom.web.worker import Facts

RETRY = {"Retry-After": "2"}
SWEEP_SECONDS = 10.0


class Status(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class ColoringJob:
    """One upload and what became of it.

    Attributes:
        id: unguessable; who knows it may see the job.
        client: whose it is, for the limit on each.
        folder: its files; private.
        film: the ending of its result, where it moves.
        look: of a film; a photograph may be asked for in any.
        status, progress: how far it is; progress goes from 0 to 1.
        facts: of the photograph, once it has been read.
        problem: why it failed.
        touched: when it was last asked for, or was over (monotonic seconds).
        size: bytes on disk.
        name: what the client called its file, or "".
        keep_seconds: how long it is kept after it was last asked for.
    """

    id: str
    client: str
    folder: Path
    film: str | None = None
    look: Look = field(default_factory=Look)
    status: Status = Status.QUEUED
    progress: float = 0.0
    facts: Facts | None = None
    problem: Problem | None = None
    touched: float = field(default_factory=time.monotonic)
    size: int = 0
    name: str = ""
    keep_seconds: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in (Status.DONE, Status.FAILED)

    @property
    def expires(self) -> datetime | None:
        """When it will be removed if nobody asks for it again; None while it is under way."""
        if not self.is_over:
            return None
        left = self.touched + self.keep_seconds - time.monotonic()
        return (datetime.now(UTC) + timedelta(seconds=left)).replace(microsecond=0)

    def update(self, status: Status, progress: float) -> None:
        """Say how far it is; who follows `changes` hears of it. What is over is kept for a while from then on."""
        self.status, self.progress = status, progress
        if self.is_over:
            self.touched = time.monotonic()
        self._changed.set()
        self._changed = asyncio.Event()

    async def changes(self) -> AsyncIterator[None]:
        """Yields now, and whenever the status or the progress has changed, until the job is over."""
        while True:
            # Taken before the state is told: the job may end while it is told, and that has to be told too.
            changed, over = self._changed, self.is_over
            yield
            if over:
                return
            await changed.wait()


class Admission:
    """How much work may be under way, in all and for one client."""

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most, self._most_per_client = most, most_per_client
        self._of: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How much is under way."""
        return self._of.total()

    def limits(self, client: str) -> dict[str, str]:
        """Headers that say how many jobs a client may have at a time, how many more now, and when to ask again."""
        left = min(self._most_per_client - self._of[client], self._most - self.count)
        reset = RETRY["Retry-After"] if left <= 0 else "0"
        most = str(self._most_per_client)
        return {"RateLimit-Limit": most, "RateLimit-Remaining": str(max(0, left)), "RateLimit-Reset": reset}

    def check(self, client: str) -> None:
        """Refuse where `enter` would, without taking a place.

        Raises:
            Problem: 429 where the client has as much as it may, 503 where all have.
        """
        if self._of[client] >= self._most_per_client:
            line = f"you have {self._most_per_client} jobs under way; wait for one to finish"
            raise Problem(429, line, {**self.limits(client), **RETRY})
        if self.count >= self._most:
            raise Problem(503, "the queue is full; try again in a moment", RETRY)

    @contextlib.contextmanager
    def enter(self, client: str) -> Iterator[None]:
        """Let one piece of work in while the context lasts.

        Raises:
            Problem: see `check`.
        """
        self.check(client)
        self._of[client] += 1
        try:
            yield
        finally:
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]


class Jobs:
    """All jobs, each with a folder inside one that only this process's user can enter and that goes with it."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._jobs: dict[str, ColoringJob] = {}
        self._root = tempfile.TemporaryDirectory(prefix="photochrom-", ignore_cleanup_errors=True)
        folder = Path(self._root.name)
        self.most = storage.default_kept(folder) if settings.max_kept is None else settings.max_kept

    @property
    def folder(self) -> str:
        """Where all files are."""
        return self._root.name

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, identity: str) -> bool:
        return identity in self._jobs

    @property
    def kept(self) -> int:
        """Bytes on disk."""
        return sum(job.size for job in self._jobs.values())

    def counts(self) -> Counter[Status]:
        """How many there are of each status."""
        return Counter(job.status for job in self._jobs.values())

    def new(self, client: str) -> ColoringJob:
        """A job with an empty folder."""
        identity = secrets.token_urlsafe(16)
        folder = Path(self._root.name, identity)
        folder.mkdir(mode=0o700)
        job = self._jobs[identity] = ColoringJob(identity, client, folder)
        job.keep_seconds = 60 * self._settings.keep_minutes
        return job

    def get(self, identity: str) -> ColoringJob:
        """The job, whose time to live restarts.

        Raises:
            Problem: 404.
        """
        job = self._jobs.get(identity)
        if job is None:
            raise Problem(404, "there is no such job; uploads are removed some time after their last use")
        job.touched = time.monotonic()
        return job

    def measure(self, job: ColoringJob) -> None:
        """Note what the job takes on disk, and make room by removing the oldest others.

        Raises:
            Problem: 507 where the others are all under way.
        """
        job.size = sum(file.stat().st_size for file in job.folder.iterdir())
        self.make_room(0)

    def make_room(self, size: int) -> None:
        """Remove the oldest jobs that are over until so many bytes more fit, by the limit and on the disk.

        Raises:
            Problem: 507 where they do not.
        """
        while self.kept + size > self.most or storage.free(Path(self.folder)) < size:
            self.free_some()

    def free_some(self, spare: ColoringJob | None = None) -> int:
        """Remove the oldest job that is over, but `spare`; gives its size.

        Raises:
            Problem: 507 where there is none.
        """
        over = [job for job in self._jobs.values() if job.is_over and job.size and job is not spare]
        if not over:
            raise full()
        oldest = min(over, key=lambda job: job.touched)
        self.remove(oldest)
        return oldest.size

    def empty(self, job: ColoringJob) -> None:
        """Delete the files of a job that failed; what became of it is still told."""
        job.size = 0
        shutil.rmtree(job.folder, ignore_errors=True)

    def remove(self, job: ColoringJob) -> None:
        """Forget a job and delete its files."""
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove the jobs that are over and have not been asked for in the time that they are kept."""
        oldest = time.monotonic() - 60 * self._settings.keep_minutes
        for job in [job for job in self._jobs.values() if job.is_over and job.touched < oldest]:
            self.remove(job)

    async def sweep_for_ever(self) -> None:
        """`sweep` again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, max(0.1, 60 * self._settings.keep_minutes)))
            self.sweep()

    def close(self) -> None:
        """Delete everything."""
        self._jobs.clear()
        self._root.cleanup()
