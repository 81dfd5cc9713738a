"""A run by itself or by several processes of this machine; what fails in one of them ends all, with its message."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from photochrom._support.processes import usable_cores
from photochrom._support.workers import Failed, Worker, WorkerDied
from photochrom.errors import BadSetting, DeviceUnavailable
from photochrom.train.build import pick_device
from photochrom.train.config import Recipe
from photochrom.train.distributed import ALONE, MemberLost, ProcessGroup, joined
from photochrom.train.export import starting_point
from photochrom.train.loop import Trainer
from photochrom.train.runs import alone_in


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


@contextmanager
def together(job: TrainingJob, processes: int = 1) -> Iterator[Trainer]:
    """The run's trainer in this process, while `processes` - 1 others carry their share of it.

    Args:
        job: the run.
        processes: how many in all; on GPUs each has one of its own.

    Raises:
        BadSetting, DeviceUnavailable: so many are not possible, or torchrun has started this process.
        WriteFailed: another process is training in the run's folder.
        PhotochromError: what ended the run in any of the processes.
    """
    if processes < 1:
        raise BadSetting(f"the number of processes is {processes}; it must be at least 1")
    refuse_torchrun()
    with alone_in(job.out):
        if processes == 1:
            yield job.trainer()
        else:
            with _with_members(job, processes) as trainer:
                yield trainer


def refuse_torchrun() -> None:
    """Refuse to be one of several processes that another launcher started: each would train a whole run.

    Raises:
        BadSetting: the environment is that of torchrun, or of another launcher that tells its processes alike.
    """
    rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    several = size.isdecimal() and int(size) > 1 and rank != ""
    if several or "TORCHELASTIC_RUN_ID" in os.environ:
        count = size if several else "N"
        raise BadSetting(
            "photochrom cannot be started by torchrun: each of its processes would train a run of its own; start it "
            f"without torchrun, once, with --processes {count}"
        )


@contextmanager
def _with_members(job: TrainingJob, processes: int) -> Iterator[Trainer]:
    kind = pick_device(job.device)
    if kind == "cuda" and torch.cuda.device_count() < processes:
        raise DeviceUnavailable(f"{processes} processes need {processes} GPUs; there are {torch.cuda.device_count()}")
    with tempfile.TemporaryDirectory() as folder:
        meeting, members = Path(folder) / "meeting", list[Worker]()
        try:
            for rank in range(1, processes):
                # No daemons, as torch's loaders start processes. A process that has failed must go, as the others
                # notice it only by its closed connections.
                members.append(Worker(daemon=False, once=True))
                members[-1].begin(_member, job, kind, rank, processes, meeting, tells=True)
            _hear(members)  # all are there; otherwise `joined` would wait for hours
            try:
                with _fewer_threads(processes), joined(0, processes, meeting, _device(kind, 0)) as process_group:
                    yield job.trainer(process_group)
            except MemberLost:
                _hear(members)
                raise
            _hear(members)
        finally:
            for member in members:
                member.end(0)


def _hear(members: Sequence[Worker]) -> None:
    """Wait for each process to say that it is there, or done; raise what one says has ended it."""
    for rank, member in enumerate(members, 1):
        said = member.hear() or member.hear()  # the first word is that it has started
        if not isinstance(said, Failed) or isinstance(said.error, MemberLost):
            continue
        if isinstance(said.error, WorkerDied):
            raise MemberLost(
                f"process {rank} of the run crashed (exit status {said.error.code}); "
                "the same command resumes from the last checkpoint"
            )
        raise said.error


def _member(job: TrainingJob, kind: str, rank: int, size: int, meeting: Path, tell: Callable[[], None]) -> None:
    """One of the other processes: silent, and ended by the first one."""
    tell()  # it is here
    with _fewer_threads(size), joined(rank, size, meeting, _device(kind, rank)) as process_group:
        trainer = job.trainer(process_group)
        if trainer.step < trainer.stop:
            trainer.run()


def _device(kind: str, rank: int) -> torch.device:
    return torch.device(kind, rank) if kind == "cuda" else torch.device(kind)


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
