"""Jobs done one after the other or in several processes; what fails is reported and the others go on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial

from photochrom._support.files import sweep
from photochrom._support.processes import usable_cores
from photochrom._support.text import shown
from photochrom._support.workers import Done, Failed, Pool, WorkerDied
from photochrom.batch.jobs import BatchJob, Outcome
from photochrom.batch.kinds import attempt
from photochrom.colorizer import Colorizer
from photochrom.errors import OutOfMemory, PhotochromError, UnreadableFilm, UnreadableImage
from photochrom.imaging.moving import moving_kind, numbered, numbered_path

log = logging.getLogger(__name__)

MOST_PROCESSES = 8  # that are started unasked: each holds the model and a photograph
# A process takes half a second to start, in which a core colours several photographs.
_JOBS_A_PROCESS = 4


def run(
    colorizer: Colorizer,
    jobs: Iterable[BatchJob],
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    processes: int = 1,
    preserve: bool = False,
    tell: Callable[[BatchJob, int, int | None], None] = lambda *_: None,
) -> Generator[Outcome, None, None]:
    """Colour each input; one that fails is reported and the others go on.

    Jobs are taken as the work goes on and outcomes forgotten once they are given, so that memory does not grow with
    their number. Closing the iterator ends the processes.

    Args:
        colorizer: the session. Each process loads its model once more, with its share of the threads.
        jobs: from `plan`.
        overwrite: replace results that are there.
        skip_existing: skip inputs that have a result, to resume a run that was stopped.
        processes: how many inputs to colour at once, each in its own process; 1 colours them in this one. A script
            that asks for several has to start under `if __name__ == "__main__":`.
        preserve: give each result its source's modification time and permissions.
        tell: called during a long input: the job, parts done, parts in all (None if unknown).

    Yields:
        What became of each, in the order in which they end.
    """
    items = _triaged(jobs, skip_existing)
    outcomes = _outcomes(colorizer, items, overwrite, skip_existing, processes, tell)
    # Closed with this iterator, as it may hold processes.
    with contextlib.closing(outcomes):
        for outcome in outcomes:
            yield _like_its_source(outcome) if preserve and outcome.done else outcome


def _outcomes(
    colorizer: Colorizer,
    items: Iterator[BatchJob | Outcome],
    overwrite: bool,
    skip_existing: bool,
    processes: int,
    tell: Callable[[BatchJob, int, int | None], None],
) -> Generator[Outcome, None, None]:
    # Each process loads the model once more, with its share of the threads.
    threads = max(1, (colorizer.settings["threads"] or usable_cores()) // processes)
    another = partial(Colorizer, **{**colorizer.settings, "threads": threads})
    with Pool[BatchJob](processes, tell, another if processes > 1 else lambda: colorizer) as pool:
        while True:
            while pool.is_free and (item := next(items, None)):
                if isinstance(item, Outcome):
                    yield item
                else:
                    pool.begin(item, attempt, item, overwrite, skip_existing)
            if not pool.is_busy:
                return
            match pool.next_ended():
                case _, Done(outcome):
                    yield outcome
                case job, Failed(error):
                    yield Outcome(job, _death(job, error))


def _death(job: BatchJob, error: Exception) -> PhotochromError:
    """What to say of a photograph whose process failed.

    Raises:
        PhotochromError: the process could not load the model.
    """
    if isinstance(error, PhotochromError) and not isinstance(error, WorkerDied):
        raise error
    if isinstance(error, WorkerDied) and error.code == -getattr(signal, "SIGKILL", 9):
        return OutOfMemory(
            f"{shown(job.source)}: the process colouring it was killed, probably because memory ran out; "
            "use fewer --jobs"
        )
    if not isinstance(error, WorkerDied):
        log.error("%s: a mistake in photochrom", shown(job.source), exc_info=error)
    return UnreadableImage(f"{shown(job.source)}: it could not be coloured ({error}); the file may be damaged")


def _like_its_source(outcome: Outcome) -> Outcome:
    """Give a result its source's modification time and permissions; a note says where that is refused."""
    assert outcome.done
    source, target = outcome.job.source, outcome.job.target
    pairs = [(source, target)]
    try:
        if outcome.job.kind == "film" and moving_kind(source) == "sequence":  # no photograph is opened again for it
            pairs = [(numbered_path(source, number), numbered_path(target, number)) for number in numbered(source)]
        for each, result in pairs:
            facts = os.stat(each)
            os.utime(result, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            os.chmod(result, stat.S_IMODE(facts.st_mode))
    except (OSError, UnreadableFilm) as error:
        reason = getattr(error, "strerror", None) or error
        note = f"it could not be given its source's time and permissions ({reason})"
        return replace(outcome, done=replace(outcome.done, note="; ".join(filter(None, [outcome.note, note]))))
    return outcome


def sensible_processes(jobs: int) -> int:
    """How many processes colour so many photographs soonest: one a core, but one alone for a handful."""
    return max(1, min(usable_cores(), MOST_PROCESSES, jobs // _JOBS_A_PROCESS))


def _triaged(jobs: Iterable[BatchJob], skip_existing: bool) -> Iterator[BatchJob | Outcome]:
    """What is to be done, as jobs, and between them what is not, as outcomes."""
    swept = None
    for job in jobs:
        if not job.error and job.target.parent != swept:
            swept = job.target.parent
            sweep(swept)
        if job.error:
            yield Outcome(job, job.error)
        elif skip_existing and os.path.lexists(job.target):
            yield Outcome(job)
        else:
            yield job
