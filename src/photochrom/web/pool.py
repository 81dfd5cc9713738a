"""Worker processes: one thing at a time in each, and a new one in the place of one that died."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from photochrom.errors import PhotochromError
from photochrom.web.worker import Setup, live_with_parent, warm

T = TypeVar("T")


class WorkerDied(PhotochromError):
    """The process that did the work ended in the middle of it."""


class WorkerTooSlow(WorkerDied):
    """The process was ended because it took longer than it may."""


class Worker:
    """One process, started when it is first needed.

    Args:
        setup: what it loads.
        folder: of all jobs; it deletes it when the server is killed and cannot.
        replaced: called when it died or was ended.
    """

    def __init__(self, setup: Setup, folder: str, replaced: Callable[[], None]) -> None:
        self._setup, self._folder, self._replaced = setup, folder, replaced
        self._executor: ProcessPoolExecutor | None = None
        self._pid = 0

    async def start(self) -> None:
        """Start the process and load the model.

        Raises:
            PhotochromError: the model cannot be loaded.
        """
        if self._executor is None:
            # Spawned: a fork would copy the server's threads in whatever state they are.
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(1, context, initializer=live_with_parent, initargs=(self._folder,))
            self._pid = await asyncio.wrap_future(self._executor.submit(warm, self._setup))

    async def run(self, function: Callable[..., T], *args: object, limit: float) -> T:
        """What `function(setup, *args)` gives in the process.

        Args:
            function: of a module, with arguments that can be sent to a process.
            limit: seconds after which the process is ended.

        Raises:
            WorkerDied: it crashed.
            WorkerTooSlow: it was ended for its time.
            PhotochromError: whatever the function raises.
        """
        try:
            await self.start()
            assert self._executor is not None
            future = self._executor.submit(function, self._setup, *args)
            async with asyncio.timeout(limit):
                return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            self._replace()
            raise WorkerDied("the worker process crashed; other jobs are not affected") from None
        except TimeoutError:
            self._replace()
            raise WorkerTooSlow(f"this took longer than {limit:g} seconds and was stopped") from None
        except asyncio.CancelledError:
            self._replace()
            raise

    def stop(self) -> None:
        """End the process at once."""
        if self._executor is not None:
            executor, self._executor = self._executor, None
            if self._pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
            executor.shutdown(wait=False, cancel_futures=True)

    def _replace(self) -> None:
        self.stop()
        self._replaced()


class Lane:
    """Several workers for one kind of work; who comes first is served first."""

    def __init__(self, workers: list[Worker], limit: float) -> None:
        self._workers, self._limit = workers, limit
        self._free: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in workers:
            self._free.put_nowait(worker)

    async def start(self) -> None:
        """Start all processes."""
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def run(self, function: Callable[..., T], *args: object, started: Callable[[], None] = lambda: None) -> T:
        """`Worker.run` on the next worker that is free.

        Args:
            function: what to run.
            args: after the setup.
            started: called when a worker takes it up.
        """
        worker = await self._free.get()
        try:
            started()
            return await worker.run(function, *args, limit=self._limit)
        finally:
            self._free.put_nowait(worker)

    def stop(self) -> None:
        """End all processes at once."""
        for worker in self._workers:
            worker.stop()
