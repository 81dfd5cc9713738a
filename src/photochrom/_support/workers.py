"""Worker processes: calls that run elsewhere, say how far they are, and can crash or be stopped alone.

Every process is spawned, as a fork would copy the threads of torch and onnxruntime in whatever state they are. It
never sees Ctrl-C, which a terminal sends to all, and it ends when the process that started it is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from photochrom.errors import PhotochromError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Key = TypeVar("Key")

PATIENCE_S = 10.0  # for a process to put away what it has in hand


class WorkerDied(PhotochromError):
    """A worker's process ended in the middle of a call; `code` is its exit status, None where it was killed."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class WorkerTooSlow(WorkerDied):
    """A worker's process was killed because a call took longer than its limit."""


@dataclass(frozen=True)
class Told:
    """What a call says of its progress: the arguments that it gave to `tell`."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Done:
    """What a call returned."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """What a call raised, or `WorkerDied`."""

    error: Exception


class Worker:
    """One process that makes one call at a time. Once it has died it stays dead; make another one.

    Functions, arguments and results have to be picklable.

    Args:
        prepare: called in the process before its first call; all functions get what it returns as their first argument.
        orphaned: called in the process when the one that started it is gone, before it ends.
        daemon: a process that is no daemon may start processes of its own, and has to be ended with `end`.
        once: the process ends after its first call, and with it whatever connections the call has left open.
    """

    def __init__(
        self,
        prepare: Callable[[], Any] | None = None,
        orphaned: Callable[[], None] | None = None,
        daemon: bool = True,
        once: bool = False,
    ) -> None:
        # Imported late, as what colours a single photograph needs neither.
        from multiprocessing import get_context, resource_tracker

        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, prepare, orphaned, once), daemon=daemon)
        if sys.platform == "win32":
            self._process.start()
        else:
            resource_tracker.ensure_running()  # the first start of a process would do it, and let Ctrl-C through
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self.has_started = False
        self._lock, self._has_ended, self._code = threading.Lock(), False, None

    def begin(self, function: Callable[..., Any], *args: Any, tells: bool = False) -> None:
        """Hand over a call; `hear` says what becomes of it.

        Args:
            function, args: what is called. With `tells` it also gets the argument `tell`, a function for its progress.
            tells: whether it says how far it is.
        """
        with contextlib.suppress(OSError):  # it is dead, as `hear` will find
            self.pipe.send((function, args, tells))

    def hear(self) -> Told | Done | Failed | None:
        """Wait for the next word from the process; the first one, None, says that it has started."""
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            code = self._reap(PATIENCE_S)
            message = f"the worker process crashed ({_how(code)})"
            if not self.has_started:
                message = f'no process could be started ({_how(code)}); start a script under if __name__ == "__main__"'
            return Failed(WorkerDied(message, code))
        self.has_started = True
        return said

    def call(
        self,
        function: Callable[..., Any],
        *args: Any,
        limit: float | None = None,
        told: Callable[..., None] | None = None,
    ) -> Any:
        """What a function returns or raises in the process.

        Args:
            function, args: as for `begin`.
            limit: seconds after which the process is killed.
            told: called with what the function tells; without it, the function gets no `tell`.

        Raises:
            WorkerDied: the process crashed.
            WorkerTooSlow: it was killed for its time.
        """
        self.begin(function, *args, tells=told is not None)
        end = None if limit is None else time.monotonic() + limit
        while True:
            if end is not None and not self.pipe.poll(max(0.0, end - time.monotonic())):
                self.end(0)
                raise WorkerTooSlow(f"this took longer than {limit:g} seconds and was stopped")
            said = self.hear()
            if isinstance(said, Done):
                return said.value
            if isinstance(said, Failed):
                raise said.error
            if said and told:
                told(*said.values)

    def end(self, patience: float = PATIENCE_S) -> None:
        """Stop the process; what is half written is put away.

        Any thread may do so at any time, and more than once: a call that runs in another one fails.

        Args:
            patience: seconds until it is killed; 0 kills it at once.
        """
        with contextlib.suppress(ValueError):  # it has ended
            self._process.terminate() if patience else self._process.kill()
        self._reap(patience)

    def _reap(self, patience: float) -> int | None:
        with self._lock:
            if not self._has_ended:
                self._process.join(patience)
                if self._process.exitcode is None:
                    self._process.kill()
                    self._process.join()
                self._code, self._has_ended = self._process.exitcode, True
                self._process.close()
        return self._code


class Pool(Generic[Key]):
    """Several calls at a time, each in a worker of its own; a context that leaves no process behind.

    A worker starts when there is work for it, and one that died is replaced. All methods belong to one thread.

    Args:
        size: how many calls at a time; a single one is made in this process, and what fails there is raised.
        told: called with a call's key and what it tells; the functions then get the argument `tell`.
        prepare, daemon: see `Worker`.
    """

    def __init__(
        self,
        size: int,
        told: Callable[..., None] | None = None,
        prepare: Callable[[], Any] | None = None,
        daemon: bool = True,
    ) -> None:
        self._size, self._told, self._prepare, self._daemon = size, told, prepare, daemon
        self._idle: list[Worker] = []
        self._busy: dict[Worker | None, tuple[Key, Callable[..., Any], tuple[Any, ...]]] = {}
        self._has_started = False

    @property
    def is_busy(self) -> bool:
        """Whether there is a call to wait for."""
        return bool(self._busy)

    @property
    def is_free(self) -> bool:
        """Whether another call can begin."""
        return len(self._busy) < self._size

    def begin(self, key: Key, function: Callable[..., Any], *args: Any) -> None:
        """Make a call; `next_ended` gives its end with the key."""
        worker = None
        if self._size > 1:
            worker = self._idle.pop() if self._idle else Worker(self._prepare, daemon=self._daemon)
            worker.begin(function, *args, tells=self._told is not None)
        self._busy[worker] = key, function, args

    def next_ended(self) -> tuple[Key, Done | Failed]:
        """Wait for the next call that ends.

        Raises:
            WorkerDied: not one process could be started.
        """
        if None in self._busy:
            key, function, args = self._busy.pop(None)
            prepared = [self._prepare()] if self._prepare else []
            how = {"tell": partial(self._told, key)} if self._told else {}
            return key, Done(function(*prepared, *args, **how))
        from multiprocessing.connection import wait

        while True:
            workers = [worker for worker in self._busy if worker]
            heard = wait([worker.pipe for worker in workers])[0]
            worker = next(worker for worker in workers if worker.pipe is heard)
            key = self._busy[worker][0]
            said = worker.hear()
            self._has_started |= worker.has_started
            if not isinstance(said, Done | Failed):
                if said and self._told:
                    self._told(key, *said.values)
                continue
            del self._busy[worker]
            if not (isinstance(said, Failed) and isinstance(said.error, WorkerDied)):
                self._idle.append(worker)
            elif not self._has_started:
                raise said.error
            return key, said

    def __enter__(self) -> Pool[Key]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in (*self._idle, *self._busy):
            if worker:
                worker.end()


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"status {code}"


def _serve(
    pipe: Connection, prepare: Callable[[], Any] | None, orphaned: Callable[[], None] | None, once: bool
) -> None:
    """What a process does: make the calls that come through the pipe."""
    # As an exception, so that what is half written is put away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, args=(orphaned,), daemon=True).start()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(None)
        prepared: list[Any] = []
        while True:
            function, args, tells = pipe.recv()
            how = {"tell": lambda *values: pipe.send(Told(values))} if tells else {}
            try:
                if prepare and not prepared:
                    prepared.append(prepare())
                said = Done(function(*prepared, *args, **how))
            except PhotochromError as error:
                said = Failed(error)
            except Exception as error:
                # Only the text of the traceback can be sent.
                error.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
                said = Failed(error)
            pipe.send(said)
            if once:
                return


def _end_with_parent(orphaned: Callable[[], None] | None) -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    if orphaned:
        orphaned()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os._exit(1)
