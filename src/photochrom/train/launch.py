"""A run by itself, or by several processes that torch's elastic launcher starts: torchrun, or `launch` with the same.

The launcher starts all processes again when one crashes, and they go on from the last checkpoint. Bad input is no
crash: `launch` raises what any of them raised.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from photochrom._support.files import write_bytes
from photochrom._support.processes import usable_cores
from photochrom._support.version import __version__
from photochrom.errors import BadSetting, DeviceUnavailable, PhotochromError
from photochrom.train.build import pick_device
from photochrom.train.config import Recipe
from photochrom.train.distributed import ALONE, MemberLost, ProcessGroup, joined
from photochrom.train.export import starting_point
from photochrom.train.loop import Trainer
from photochrom.train.runs import alone_in

RESTARTS = 3  # of all processes, in one run of the command
NOTICED = 5.0  # seconds that the launcher gets to see which process crashed; it looks every tenth of one
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class TrainingJob:
    """What each process makes its `Trainer` from.

    Attributes:
        recipe, data, out, validation, max_steps: see `Trainer`.
        init: the model whose weights it starts from.
        device: "auto", "cpu" or "cuda".
    """

    recipe: Recipe
    data: Sequence[Path | str]
    out: Path
    validation: Sequence[Path | str] = ()
    init: str | None = None
    device: str = "auto"
    max_steps: int | None = None

    def trainer(self, process_group: ProcessGroup = ALONE) -> Trainer:
        """Set the run up, or go on with it."""
        device = str(process_group.device) if process_group.size > 1 else pick_device(self.device)
        start = starting_point(self.init) if self.init else {}
        how = {
            "validation": self.validation,
            "device": device,
            "max_steps": self.max_steps,
            "process_group": process_group,
        }
        return Trainer(self.recipe, self.data, self.out, **how, **start)


@dataclass(frozen=True)
class Launched:
    """This process among those that a launcher started.

    Attributes:
        rank, size: of this one, and how many there are on all machines.
        local_rank, local_size: likewise, on this machine.
        restarts: how often all have been started again.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    restarts: int


def launched() -> Launched | None:
    """What torchrun, or another launcher that tells its processes alike, says of this process; None without one.

    Raises:
        BadSetting: its environment holds no numbers.
    """
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        return None
    try:
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        local_rank, local_size = int(os.environ.get("LOCAL_RANK", rank)), int(os.environ.get("LOCAL_WORLD_SIZE", size))
        restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    except ValueError as error:
        raise BadSetting(f"RANK, WORLD_SIZE and LOCAL_RANK must be numbers ({error}); start with torchrun") from None
    return Launched(rank, size, local_rank, local_size, restarts)


@contextmanager
def together(job: TrainingJob) -> Iterator[Trainer]:
    """The run's trainer in this process, which shares it with those that a launcher has started beside it.

    Raises:
        DeviceUnavailable: there are fewer GPUs than processes.
        WriteFailed: another process is training in the run's folder.
        MemberLost: what ended the run happened in another process, which says so.
        PhotochromError: it happened in this one.
    """
    place = launched()
    if place is None or place.size == 1:
        with alone_in(job.out):
            yield job.trainer()
        return
    kind = pick_device(job.device)
    if kind == "cuda" and torch.cuda.device_count() < place.local_size:
        raise DeviceUnavailable(
            f"{place.local_size} processes need {place.local_size} GPUs; there are {torch.cuda.device_count()}"
        )
    device = torch.device(kind, place.local_rank) if kind == "cuda" else torch.device(kind)
    # On one machine the launcher keeps the place where they meet; on several, each counts its own restarts.
    attempt = place.restarts if place.local_size == place.size else 0
    with (
        _fewer_threads(place.local_size),
        joined(place.rank, place.size, device, attempt) as process_group,
        ExitStack() as held,
    ):
        if place.rank == 0:
            _agreed(process_group, lambda: held.enter_context(alone_in(job.out)))
        else:
            _agreed(process_group, lambda: None)
        trainer = _agreed(process_group, lambda: job.trainer(process_group))
        _agreed(process_group, lambda: _check_same(process_group, trainer))
        yield trainer


def _agreed(process_group: ProcessGroup, make: Callable[[], Any]) -> Any:
    """What each process makes; where that fails in any, all fail, and the first one says why."""
    made, error = None, None
    try:
        made = make()
    except PhotochromError as failed:
        error = failed
    errors = process_group.gather(error)
    first = next((rank for rank, error in enumerate(errors) if error), None)
    if first is None:
        return made
    if process_group.rank == 0:
        raise errors[first]
    raise MemberLost(str(errors[first]))


def _check_same(process_group: ProcessGroup, trainer: Trainer) -> None:
    """Refuse processes that would train different runs, as they can on several machines."""
    ours = {
        "the version of photochrom": __version__,
        "the version of torch": torch.__version__,
        "the pictures (--data)": trainer.digest,
        "the checkpoint (--out must be the same folder for all)": trainer.step,
    }
    everyone = process_group.gather(ours)
    for name, value in everyone[0].items():
        for rank, other in enumerate(everyone):
            if other[name] != value:
                raise BadSetting(f"{name} differs between the processes: {value} in 0, {other[name]} in {rank}")


def launch(processes: int, work: Callable[..., Any], *args: Any) -> Any:
    """Call a function in several processes of this machine, which torch's launcher starts, and again if one crashes.

    It is `torchrun --standalone --nproc-per-node PROCESSES --max-restarts 3` for a function.

    Args:
        processes: how many.
        work: a picklable function that uses `together`.
        args: its arguments, likewise.

    Returns:
        What the first process returned, or 128 + the signal that stopped all of them.

    Raises:
        BadSetting: so many are not possible.
        MemberLost: one crashed more often than they are started again.
        PhotochromError: what ended the run in any of the processes.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher import LaunchConfig, elastic_launch

    if processes < 1:
        raise BadSetting(f"the number of processes is {processes}; it must be at least 1")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        ended = Path(folder) / "error"
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=RESTARTS,
            logs_specs=DefaultLogsSpecs(folder),
        )
        try:
            outcomes = elastic_launch(config, _outcome)(ended, work, *args)
        except SignalException as stopped:
            return 128 + stopped.sigval
        except ChildFailedError as failed:
            if ended.exists():
                raise pickle.loads(ended.read_bytes()) from None
            rank, failure = failed.get_first_failure()
            how = failure.signal_name() if failure.exitcode < 0 else f"exit status {failure.exitcode}"
            raise MemberLost(
                f"process {rank} of the run crashed again after {RESTARTS} restarts ({how}); "
                "the same command resumes from the last checkpoint"
            ) from None
    if isinstance(outcomes[0], PhotochromError):
        raise outcomes[0]
    return outcomes[0]


def _outcome(ended: Path, work: Callable[..., Any], *args: Any) -> Any:
    """What the function returns; an error of ours as well.

    The launcher waits for what all processes return, and another one may wait for this one in the middle of a step. So
    a process with an error leaves it in the file `ended` and exits: the launcher ends the others and starts all again,
    to return what stands there.
    """
    if ended.exists():
        return pickle.loads(ended.read_bytes())
    try:
        with stop_signals(None) as stopping:
            outcome = work(*args, stopping)
    except MemberLost:
        # The launcher ends this one when it has seen which one crashed; it tells of the first that ended.
        time.sleep(NOTICED)
        sys.exit(1)
    except PhotochromError as error:
        write_bytes(ended, pickle.dumps(error), overwrite=True)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        raise
    if stopping():
        # The launcher is waiting for the process to end, not for what it returns.
        sys.exit(128 + stopping())
    return outcome


@contextmanager
def stop_signals(told: Callable[[], None] | None) -> Iterator[Callable[[], int]]:
    """While it lasts, Ctrl-C and SIGTERM are noted, for `Trainer.run` to stop after a step that is saved.

    Args:
        told: called at the first signal; a second one then stops at once. None for a process that a launcher started,
            which a terminal and the launcher both send the signal.

    Yields:
        what gives the signal's number, 0 where none has come.
    """
    seen = list[int]()
    parent = os.getppid()

    def note(number: int, _: object) -> None:
        if seen and told:
            raise KeyboardInterrupt
        seen.append(number)
        if told:
            told()

    def stopping() -> int:
        if seen:
            return seen[0]
        # Without its launcher a process would go on, and nobody could stop it.
        return signal.SIGTERM if told is None and os.getppid() != parent else 0

    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the launcher's own log from the terminal, and its signal handlers from staying."""
    level = logging.root.manager.disable
    numbers = [*_SIGNALS, *(getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name))]
    before = {number: signal.getsignal(number) for number in numbers}
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(level)
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _fewer_threads(processes: int) -> Iterator[None]:
    """Share the cores, unless the user has said how many threads there shall be."""
    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, usable_cores() // processes))
    try:
        yield
    finally:
        torch.set_num_threads(before)
