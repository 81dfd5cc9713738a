"""Several processes that colour one input each at a time; a crash fails only that process's input."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from photochrom._support.processes import usable_cores
from photochrom._support.text import shown
from photochrom.batch.jobs import Job, Outcome
from photochrom.batch.kinds import attempt
from photochrom.colorizer import Colorizer
from photochrom.errors import OutOfMemory, PhotochromError, UnreadableImage

_PATIENCE_S = 10.0  # for a process to put away what it has in hand


@dataclass(frozen=True)
class _Duty:
    """What a process needs to know once."""

    settings: dict[str, Any]
    overwrite: bool
    skip_existing: bool


@dataclass(frozen=True)
class _Parts:
    """Word from a long job: parts done, and of how many."""

    done: int
    total: int | None


class _Member:
    """A process, the pipe to it, and the job that it has in hand."""

    def __init__(self, duty: _Duty) -> None:
        # Forking would copy onnxruntime's threads in whatever state they are.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, duty), daemon=True)
        with _ctrl_c_is_ours():
            self.process.start()
        theirs.close()
        self.job: Job | None = None

    def end(self) -> None:
        """Stop it; a result that is half written is put away."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(_PATIENCE_S)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.process.close()


def run_in_processes(
    colorizer: Colorizer,
    items: Iterator[Job | Outcome],
    overwrite: bool,
    skip_existing: bool,
    processes: int,
    tell: Callable[[Job, int, int | None], None],
) -> Iterator[Outcome]:
    """`run` for more than one process: hands out jobs as processes become free.

    Raises:
        PhotochromError: a process cannot even load the model.
    """
    threads = max(1, (colorizer.settings["threads"] or usable_cores()) // processes)
    duty = _Duty({**colorizer.settings, "threads": threads}, overwrite, skip_existing)
    crew: list[_Member] = []
    has_started = False
    try:
        while True:
            yield from _taken(items, crew, duty, processes)
            busy = [member for member in crew if member.job]
            if not busy:
                return
            heard = wait([member.pipe for member in busy])
            for member in (member for member in busy if member.pipe in heard):
                message = _heard(member, crew)
                if isinstance(message, Outcome) and not has_started:
                    raise _cannot_start(message)
                if isinstance(message, Outcome):
                    yield message
                elif isinstance(message, _Parts) and member.job:
                    tell(member.job, message.done, message.total)
                elif isinstance(message, PhotochromError):
                    raise message
                has_started = True
    finally:
        for member in crew:
            member.end()


def _taken(items: Iterator[Job | Outcome], crew: list[_Member], duty: _Duty, processes: int) -> Iterator[Outcome]:
    """Give each free process a job, starting those that are not there yet; yields what needs no process."""
    while len(crew) < processes or any(member.job is None for member in crew):
        item = next(items, None)
        if item is None:
            return
        if isinstance(item, Outcome):
            yield item
            continue
        member = next((member for member in crew if member.job is None), None)
        if member is None:
            member = _Member(duty)
            crew.append(member)
        member.job = item
        with contextlib.suppress(OSError):  # it died meanwhile, as `_heard` will find
            member.pipe.send(item)


def _heard(member: _Member, crew: list[_Member]) -> Any:
    """Take one message; a pipe that is closed means that the process is dead."""
    job = member.job
    assert job is not None
    try:
        message = member.pipe.recv()
    except (EOFError, OSError):
        member.process.join(_PATIENCE_S)
        code = member.process.exitcode
        crew.remove(member)
        member.end()
        return Outcome(job, _death(job, code))
    if isinstance(message, Outcome):
        member.job = None
    return message


def _cannot_start(outcome: Outcome) -> PhotochromError:
    return PhotochromError(
        f"no process could be started ({outcome.error}); use --jobs 1, and in a script start under "
        'if __name__ == "__main__"'
    )


def _death(job: Job, code: int | None) -> PhotochromError:
    if code == -getattr(signal, "SIGKILL", 9):
        return OutOfMemory(
            f"{shown(job.source)}: the process that coloured it was killed, as the system does when memory runs out; "
            "use fewer --jobs"
        )
    return UnreadableImage(
        f"{shown(job.source)}: the process that coloured it died ({_how(code)}); the file may be damaged"
    )


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"status {code}"


@contextlib.contextmanager
def _ctrl_c_is_ours() -> Iterator[None]:
    """Ctrl-C goes to every process of a terminal; those started in here never see it, and are ended by this one."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, duty: _Duty) -> None:
    """What a process does: colour what comes through the pipe until it is closed."""
    # As an exception, so that what is half written is put away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            colorizer = Colorizer(**duty.settings)
        except PhotochromError as error:
            pipe.send(error)
            return
        pipe.send("ready")
        while True:
            job = pipe.recv()
            pipe.send(
                attempt(colorizer, job, duty.overwrite, duty.skip_existing, lambda *parts: pipe.send(_Parts(*parts)))
            )
