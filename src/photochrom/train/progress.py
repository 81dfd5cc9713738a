"""What is counted along a run: means and speed for the log, and the plateau that lowers the rate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass
class Progress:
    """What a caller may show while training."""

    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float
    data_wait: float
    """Share of the time spent waiting for samples."""


@dataclass
class Plateau:
    """Learning-rate decay on a plateau (the paper, section 4.2.8): `scale` falls by `factor` after more than `patience`
    bad checks in a row."""

    scale: float = 1.0
    best: float = math.inf
    bad: int = 0
    total: float = 0.0
    steps: int = 0

    def add(self, loss: float) -> None:
        """Take in one step's loss."""
        self.total += loss
        self.steps += 1

    def check(self, factor: float, patience: int, end: float) -> None:
        """Judge the mean loss since the last check."""
        if self.steps:
            self.update(self.total / self.steps, factor, patience, end)
        self.total, self.steps = 0.0, 0

    def update(self, loss: float, factor: float, patience: int, end: float) -> None:
        if loss < self.best * (1 - 1e-3):
            self.best, self.bad = loss, 0
            return
        self.bad += 1
        if self.bad > patience:
            self.scale, self.bad = max(end, self.scale * factor), 0


class Meter:
    """Means and speed since it was made; a resumed run goes on with the sums of the one before."""

    def __init__(self, sums: dict[str, float] | None = None, counts: dict[str, int] | None = None) -> None:
        self.sums, self.counts = dict(sums or {}), dict(counts or {})
        self.restart_clock()

    def restart_clock(self) -> None:
        """Measure the speed from now on."""
        self.images, self.waited, self.started = 0, 0.0, time.perf_counter()

    def add(self, values: dict[str, float], images: int) -> None:
        for key, value in values.items():
            self.sums[key] = self.sums.get(key, 0.0) + value
            self.counts[key] = self.counts.get(key, 0) + 1  # not every step has every value
        self.images += images

    def means(self) -> dict[str, float]:
        return {key: value / self.counts[key] for key, value in self.sums.items()}

    def speed(self) -> float:
        return self.images / max(1e-9, time.perf_counter() - self.started)

    def wait_share(self) -> float:
        return self.waited / max(1e-9, time.perf_counter() - self.started)
