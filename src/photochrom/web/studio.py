"""Where requests meet the workers: jobs go through, previews are painted, and everything is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from photochrom._support.processes import usable_cores
from photochrom._support.workers import WorkerTooSlow
from photochrom.errors import PhotochromError
from photochrom.web import exports, films, worker
from photochrom.web.jobs import Admission, ColoringJob, Jobs, Status
from photochrom.web.look import Look
from photochrom.web.metrics import Metrics
from photochrom.web.pool import Lane
from photochrom.web.problems import Problem, full, problem_of
from photochrom.web.protocol import Keys
from photochrom.web.settings import MEGABYTE, ServeSettings
from photochrom.web.storage import is_full

log = logging.getLogger(__name__)

PREVIEW_SECONDS = 30.0
FILM_SECONDS = 3600.0
PREVIEWS, PREVIEWS_PER_CLIENT = 64, 16
UPLOADS, UPLOADS_PER_CLIENT = 256, 64
ROOM_TRIES = 3
ROOM_AT_ONCE = 64 * MEGABYTE  # a disk that is full is emptied by so much before work is done again

T = TypeVar("T")


class Studio:
    """The jobs, the workers and the limits of one server.

    Previews have a worker of their own, so that a slider does not wait for the photographs in the queue. Films have a
    worker and places of their own, so that photographs do not wait for them. An upload takes a place when it has come.
    """

    def __init__(self, settings: ServeSettings, metrics: Metrics) -> None:
        self.jobs = Jobs(settings)
        self._admission = Admission(settings.queue, settings.jobs_per_client)
        self._films_admission = Admission(settings.queue, settings.jobs_per_client)
        self.keys = Keys()
        self.uploads = Admission(UPLOADS, UPLOADS_PER_CLIENT)
        self._previews_admission = Admission(PREVIEWS, PREVIEWS_PER_CLIENT)
        setup = worker.Setup(settings.model, settings.max_pixels, min(2, usable_cores()))

        def lane(workers: int, limit: float) -> Lane:
            return Lane(setup, workers, limit, self.jobs.folder, metrics.replaced)

        self.photographs = lane(settings.processes, settings.max_job_seconds)
        self._previews = lane(1, PREVIEW_SECONDS)
        self.films = lane(1, FILM_SECONDS)  # its process starts with the first film
        self._max_seconds, self._max_job_seconds = settings.max_seconds, settings.max_job_seconds
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def under_way(self) -> int:
        """How many jobs wait or run."""
        return self._admission.count + self._films_admission.count

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Start the workers; stop them and delete all files in the end."""
        sweeper = asyncio.create_task(self.jobs.sweep_for_ever())
        try:
            await asyncio.gather(self.photographs.start(), self._previews.start())
            yield
        finally:
            for task in (sweeper, *self._running.values()):
                task.cancel()
            self.photographs.stop()
            self._previews.stop()
            self.films.stop()
            self.jobs.close()

    def places(self, film: bool = False) -> Admission:
        """The places for photographs, or for films."""
        return self._films_admission if film else self._admission

    def admit(self, client: str, film: bool = False) -> contextlib.AbstractContextManager[None]:
        """Count one job of a client while the context lasts; see `Admission.enter`."""
        return self.places(film).enter(client)

    def submit(self, job: ColoringJob, admitted: contextlib.ExitStack) -> None:
        """Let a job run by itself; `admitted` is closed when it is over."""
        task = self._running[job.id] = asyncio.create_task(self._run(job, admitted))
        task.add_done_callback(lambda _: self._running.pop(job.id))

    def cancel(self, job: ColoringJob) -> None:
        """End a job, whatever it is doing, and delete what is kept of it."""
        if job.id in self._running:
            self._running[job.id].cancel()
        _fail(job, Problem(410, "the job was removed"))
        self.jobs.remove(job)

    async def _run(self, job: ColoringJob, admitted: contextlib.ExitStack) -> None:
        with admitted:
            try:
                job.facts = await (self._film(job) if job.film else self._photograph(job))
                self.jobs.measure(job)
                job.update(Status.DONE, 1.0)
                return
            except Problem as problem:
                reason = problem
            except PhotochromError as error:
                reason = problem_of(error)
            except Exception:
                # Whoever follows the job must hear of its end, whatever that is.
                log.exception("a job failed because of a bug")
                reason = Problem(500, "internal error; see the server's log")
            self.jobs.empty(job)
            _fail(job, reason)

    async def _photograph(self, job: ColoringJob) -> worker.Facts:
        return await self._fitting(job, self._bounded, worker.prepare, str(job.folder), started=_starts(job))

    async def _film(self, job: ColoringJob) -> worker.Facts:
        def told(share: float) -> None:
            if job.status == Status.RUNNING:  # and not removed meanwhile
                job.update(Status.RUNNING, share)

        arguments = (str(job.folder), job.look, job.film, self._max_seconds)
        started = _starts(job)
        return await self._fitting(job, self.films.run, films.colour, *arguments, started=started, told=told)

    async def _bounded(self, function: Callable[..., T], *args: object, **named: Any) -> T:
        """`Lane.run` for a photograph, whose time is bounded."""
        with _in_time(self._max_job_seconds):
            return await self.photographs.run(function, *args, **named)

    async def _fitting(self, job: ColoringJob, run: Callable[..., Awaitable[T]], *args: object, **named: Any) -> T:
        """What `run` gives, again once finished jobs, but its own, have made room where the disk is full.

        Raises:
            Problem: 507 where that does not help.
        """
        for _ in range(ROOM_TRIES):
            try:
                return await run(*args, **named)
            except OSError as error:
                if not is_full(error):
                    raise
                freed = self.jobs.free_some(job)
                while freed < ROOM_AT_ONCE:
                    try:
                        freed += self.jobs.free_some(job)
                    except Problem:
                        break
        raise full()

    async def colorize(self, job: ColoringJob, look: Look, format: str | None) -> tuple[Path, str]:
        """A photograph coloured at once: the result's file and its format."""
        name, written = await self._fitting(job, self._bounded, worker.colorize, str(job.folder), look, format)
        return job.folder / name, written

    async def render(self, job: ColoringJob, look: Look | None, format: str | None) -> Path:
        """The whole photograph of a job in a look; the file is the caller's to delete, and the admission to ask for."""
        with present():
            return job.folder / await self._fitting(job, self._bounded, worker.render, str(job.folder), look, format)

    async def export(self, job: ColoringJob, look: Look, wanted: exports.Export) -> tuple[Path, str]:
        """A photograph of a job that is done as a file for somewhere else, and what that is written as.

        The file is the caller's to delete, and the admission to ask for.

        Raises:
            Problem: 422 for a film.
        """
        if job.film:
            raise Problem(422, "this is a film; its result is all there is")
        assert job.facts is not None
        format = wanted.written_as(job.facts.format)
        with present():
            arguments = (str(job.folder), look, wanted, format)
            return job.folder / await self._fitting(job, self._bounded, exports.export, *arguments), format

    async def preview(self, job: ColoringJob, look: Look | None, side: int, format: str) -> bytes:
        """A job's photograph at `side` pixels in a look."""
        return await self.ask(job, worker.preview, look, side, format)

    async def ask(self, job: ColoringJob, function: Callable[..., T], *args: object) -> T:
        """What `function(setup, folder, *args)` gives in the worker for previews."""
        with self._previews_admission.enter(job.client), present(), _in_time(PREVIEW_SECONDS):
            return await self._previews.run(function, str(job.folder), *args)


@contextlib.contextmanager
def _in_time(seconds: float) -> Iterator[None]:
    """Say it as a problem where a worker was stopped after so long."""
    try:
        yield
    except WorkerTooSlow:
        raise Problem(
            413, f"the photograph took longer than {seconds:g} s and was stopped; send a smaller one"
        ) from None


@contextlib.contextmanager
def present() -> Iterator[None]:
    """Say it as a problem where a job's files are gone."""
    try:
        yield
    except FileNotFoundError:
        raise Problem(404, "the job was removed meanwhile") from None


def _starts(job: ColoringJob) -> Callable[[], None]:
    return lambda: job.update(Status.RUNNING, 0.0)


def _fail(job: ColoringJob, problem: Problem) -> None:
    job.problem = problem
    job.update(Status.FAILED, 1.0)
