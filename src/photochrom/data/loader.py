"""Batches in an order that depends on the seed and the step alone, so that a resumed run sees the same ones."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from photochrom.data import remote
from photochrom.data.entries import Entry
from photochrom.data.mixture import Mixture
from photochrom.data.samples import Sampler, decode_entry, paste
from photochrom.errors import BadDataset


class Pictures(Dataset["tuple[Tensor, Tensor] | BadDataset"]):
    """Samples by (epoch, index); the pair, with the seed, decides every random choice of the augmentation.

    An unreadable picture is returned as its error: raised in a worker, it would come out with two tracebacks inside.
    With `data.cache` a sample is made once and kept; each worker process keeps its own.
    """

    def __init__(self, entries: Sequence[Entry], sampler: Sampler, seed: int) -> None:
        self.entries = entries
        self.sampler = sampler
        self.seed = seed
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._fetched: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitems__(self, places: list[tuple[int, int]]) -> list[tuple[Tensor, Tensor] | BadDataset]:
        """The samples of a batch; the bytes of those that are elsewhere are fetched at once."""
        wanted = [index for _, index in places if index not in self._kept]
        found = zip(wanted, remote.fetch([self.entries[index] for index in wanted]), strict=True)
        self._fetched = {index: data for index, data in found if data}
        try:
            return [self[place] for place in places]
        finally:
            self._fetched = {}

    def __getitem__(self, where: tuple[int, int]) -> tuple[Tensor, Tensor] | BadDataset:  # type: ignore[override]
        epoch, index = where
        if index in self._kept:
            return self._kept[index]
        config, rng = self.sampler.config, np.random.default_rng((self.seed, epoch, index))
        try:
            arrays = self._drawn(index, rng)
            if rng.random() < config.cutmix:
                paste(arrays, self._drawn(int(rng.integers(len(self))), rng), rng)
        except BadDataset as error:
            return error
        light, ab = arrays
        sample = torch.from_numpy(light), torch.from_numpy(ab)
        if config.cache is True:
            self._kept[index] = sample
        return sample

    def _drawn(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        entry, data = self.entries[index], self._fetched.get(index)
        return self.sampler(decode_entry(entry, 4 * self.sampler.config.size, data), rng)


Share = Callable[[list[Any]], list[Any]]


class Order:
    """Batches of (time, index), shuffled each epoch, from any step on; see `Mixture.epoch`.

    Args:
        mixture: what an epoch shows; a number shows each of so many pictures once.
        batch: samples a step.
        seed: decides the shuffles.
        start: the first step.
        stop: the step after the last.
        share: gives what is wanted of a batch; all of it by default.
    """

    def __init__(
        self, mixture: Mixture | int, batch: int, seed: int, start: int, stop: int, share: Share = list
    ) -> None:
        self.mixture = Mixture.even(mixture) if isinstance(mixture, int) else mixture
        self.batch, self.seed, self.start, self.stop, self.share = batch, seed, start, stop, share

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, samples, count = -1, np.empty((0, 2), np.int64), self.mixture.count
        for step in range(self.start, self.stop):
            places = []
            for position in range(step * self.batch, (step + 1) * self.batch):
                if position // count != epoch:
                    epoch = position // count
                    samples = self.mixture.epoch(epoch, self.seed)
                time, index = samples[position % count]
                places.append((int(time), int(index)))
            yield self.share(places)


class Halves:
    """Batches whose first half comes from one half of the pictures and whose second half from the other: no pairs.

    The seed decides which picture is in which half, once and for all.

    Args:
        count: pictures in all, two or more.
        batch: samples a step, an even number.
        seed, start, stop, share: as for `Order`; each half is shared by itself.

    Raises:
        BadDataset: there are not enough pictures for two halves.
    """

    def __init__(self, count: int, batch: int, seed: int, start: int, stop: int, share: Share = list) -> None:
        if count < 2:
            raise BadDataset("there is only one picture; training without pairs needs at least two")
        self.start = start
        shuffled = np.random.default_rng(seed).permutation(count)
        self.sides = shuffled[: count // 2], shuffled[count // 2 :]
        self.orders = [Order(len(side), batch // 2, seed, start, stop, share) for side in self.sides]

    def __len__(self) -> int:
        return len(self.orders[0])

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for both in zip(*self.orders, strict=True):
            yield [(e, int(side[i])) for side, places in zip(self.sides, both, strict=True) for e, i in places]


def batches(dataset: Dataset[Any], order: Order | Halves, workers: int) -> Generator[tuple[Tensor, ...]]:
    """Yield the samples of each step, stacked, made by `workers` processes; of `Pictures` L (n, 1, s, s) and ab.

    Raises:
        BadDataset: a picture cannot be read.
    """
    loader = DataLoader(
        dataset,
        batch_sampler=order,  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=begin_worker,
        collate_fn=_collate,
        # Its own: the loader draws a seed when it starts, which would shift the dropout of a resumed run.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, BadDataset):
            raise batch
        yield batch


def _collate(samples: list[Any]) -> Any:
    return next((s for s in samples if isinstance(s, BadDataset)), None) or default_collate(samples)


def begin_worker(_: int) -> None:
    """What a process that decodes does first."""
    torch.set_num_threads(1)
    # A terminal, or a launcher, sends these to all processes; the one that trains has a step to finish and to save.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
