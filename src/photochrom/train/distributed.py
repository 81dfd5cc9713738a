"""Several processes that train one network: each takes its share of every batch, and the gradients are averaged.

They are averaged when a network is updated, in one message, not while the backward pass goes on, as torch's
DistributedDataParallel does it: so a step may pass a network forward and backward several times, as a GAN's does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from photochrom.errors import BadRecipe, BadSetting, PhotochromError

PATIENCE = timedelta(hours=2)  # the others wait while the first one evaluates


class MemberLost(PhotochromError):
    """Another process of the run has ended, so that this one cannot go on; that one, or the first, says so."""


@dataclass(frozen=True)
class ProcessGroup:
    """A process among those of a run; by itself unless it has joined others.

    Attributes:
        rank: 0 for the one that logs, evaluates and saves.
        size: how many there are.
        device: where their messages are put together.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this one logs, evaluates and saves."""
        return self.rank == 0

    def share(self, batch: list[Any]) -> list[Any]:
        """This process's part of a list.

        Raises:
            BadRecipe: its length is no multiple of the size.

        Example:
            >>> ProcessGroup(1, 2).share([10, 11, 12, 13])
            [12, 13]
        """
        each, over = divmod(len(batch), self.size)
        if over:
            raise BadRecipe(f"{len(batch)} samples cannot be shared by {self.size} processes; change run.batch")
        return batch[self.rank * each : (self.rank + 1) * each]

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace float32 tensors by their means over the processes."""
        if self.size == 1 or not tensors:
            return
        message = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _naming_loss():
            dist.all_reduce(message)
        message /= self.size
        for tensor, mean in zip(tensors, message.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view(tensor.shape))

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Numbers that every process has under the same names, averaged over the processes."""
        if self.size == 1:
            return values
        message = torch.tensor(list(values.values()), dtype=torch.float32, device=self.device)
        self.average([message])
        return dict(zip(values, message.tolist(), strict=True))

    def gather(self, thing: Any) -> list[Any]:
        """What each process holds, in the order of their ranks."""
        if self.size == 1:
            return [thing]
        things: list[Any] = [None] * self.size
        with _naming_loss():
            dist.all_gather_object(things, thing)
        return things


ALONE = ProcessGroup()


@contextmanager
def joined(rank: int, size: int, device: torch.device, attempt: int = 0) -> Iterator[ProcessGroup]:
    """Meet the other processes where the launcher's environment says, and part from them at the end.

    Args:
        rank, size: of this one, and of the group.
        device: of this one.
        attempt: how often they have met before where the environment says; what was left there is not read again.

    Raises:
        BadSetting: the environment does not say where.
        MemberLost: the others are not there.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        with _naming_loss():
            store, _, _ = next(rendezvous("env://", rank, size, timeout=PATIENCE))
            store = dist.PrefixStore(f"attempt{attempt}", store)
            dist.init_process_group(backend, store=store, timeout=PATIENCE, rank=rank, world_size=size)
    except ValueError as error:
        raise BadSetting(f"the processes of the run cannot meet ({error}); start them with torchrun") from None
    try:
        yield ProcessGroup(rank, size, device)
    finally:
        dist.destroy_process_group()


@contextmanager
def _naming_loss() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise MemberLost(
            "another process of the run ended; the same command resumes from the last checkpoint"
        ) from None
