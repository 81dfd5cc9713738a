"""The server's worker processes, awaited by its event loop; a new one takes the place of one that died."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from photochrom._support.workers import Worker, WorkerDied
from photochrom.web.worker import Setup, warm

T = TypeVar("T")

START_SECONDS = 300.0  # in which the model is loaded, on a machine that is busy, too


class Lane:
    """Several workers for one kind of work; first come, first served.

    Args:
        setup: what each process loads.
        workers: how many, started when they are first needed.
        limit: seconds after which a call is stopped.
        folder: of all jobs; a worker deletes it when the server is killed and cannot.
        replaced: called when a worker died or was ended.
    """

    def __init__(self, setup: Setup, workers: int, limit: float, folder: str, replaced: Callable[[], None]) -> None:
        self._setup, self._limit, self._folder, self._replaced = setup, limit, folder, replaced
        self._workers: list[Worker | None] = [None] * workers
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for place in range(workers):
            self._free.put_nowait(place)
        # A thread waits for each process, as pipes cannot be awaited on every system.
        self._threads = ThreadPoolExecutor(workers)

    async def start(self) -> None:
        """Start all processes and load the model.

        Raises:
            PhotochromError: the model cannot be loaded.
        """
        await asyncio.gather(*(self.run(warm, limit=START_SECONDS) for _ in self._workers))

    async def run(
        self,
        function: Callable[..., T],
        *args: object,
        started: Callable[[], None] = lambda: None,
        told: Callable[..., None] | None = None,
        limit: float | None = None,
    ) -> T:
        """What `function(setup, *args)` returns in the next worker that is free.

        Args:
            function: of a module, with arguments that can be sent to a process.
            args: after the setup.
            started: called when a worker takes it up.
            told: called with what the function tells through its argument `tell`.
            limit: seconds after which the call is stopped, instead of the lane's.

        Raises:
            WorkerDied: the process crashed.
            WorkerTooSlow: it was ended for its time.
            PhotochromError: whatever the function raises.
        """
        loop = asyncio.get_running_loop()
        place = await self._free.get()
        try:
            started()
            worker = self._workers[place] = self._workers[place] or Worker(
                orphaned=partial(_delete_and_end, self._folder)
            )
            tell = partial(loop.call_soon_threadsafe, told) if told else None
            call = partial(worker.call, function, self._setup, *args, limit=limit or self._limit, told=tell)
            return await loop.run_in_executor(self._threads, call)
        except (WorkerDied, asyncio.CancelledError):
            self._end(place)
            self._replaced()
            raise
        finally:
            self._free.put_nowait(place)

    def stop(self) -> None:
        """End all processes at once."""
        for place in range(len(self._workers)):
            self._end(place)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _end(self, place: int) -> None:
        worker, self._workers[place] = self._workers[place], None
        if worker:
            worker.end(0)


def _delete_and_end(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)  # before what is under way writes into the folder again
