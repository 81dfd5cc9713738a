"""Where trials run: in this process, or several at a time in processes that end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any


@contextmanager
def executor(jobs: int) -> Iterator[Executor]:
    """An executor for `jobs` trials at a time; whatever ends the block, no process is left."""
    if jobs == 1:
        yield _Here()
        return
    # Spawned: what torch's threads hold at a fork would stay held in the child.
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with reader, ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(reader,)) as pool:
        try:
            yield pool
        except BaseException:
            # The workers end when this end of the pipe is closed, or dies with this process.
            writer.close()
            raise
    writer.close()


class _Here(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _begin(alive: Any) -> None:
    # Ctrl-C reaches every process of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Any) -> None:
    wait([alive])
    os._exit(1)
