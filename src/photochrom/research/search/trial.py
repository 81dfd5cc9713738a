"""One trial: a short training run that leaves its loss curve and nothing else."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from photochrom.data.entries import Entry
from photochrom.errors import BadRecipe, OutOfMemory
from photochrom.evaluation.files import write_csv
from photochrom.train.config import Recipe
from photochrom.train.loop import Trainer


@dataclass(frozen=True)
class Outcome:
    """How a trial went.

    Attributes:
        first: the loss of the first step, before any update; it does not depend on the learning rate.
        lowest: the lowest loss, smoothed, see `outcome_of`.
        drop: how much the loss fell, per step.
        seconds: what the trial took.
        reason: why it could not be finished (it diverged, the values do not go together, memory), or "".
    """

    first: float = float("nan")
    lowest: float = float("nan")
    drop: float = float("nan")
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Trial:
    """A finished trial: its number from 1 on, the values that were drawn, how it went, and what it is ranked by."""

    number: int
    values: dict[str, Any]
    outcome: Outcome
    score: float | None
    """Small is good; None for one that could not be trained to its end."""


@dataclass(frozen=True)
class Assignment:
    """What a trial's process needs to know; `folder` is removed afterwards, `curve` stays.

    `threads` is a trial's share of the cores where several run at a time, None for all.
    """

    recipe: Recipe
    pictures: Sequence[Entry]
    folder: Path
    curve: Path
    device: str
    threads: int | None = None


def train_trial(work: Assignment) -> Outcome:
    """Train and judge.

    Raises:
        PhotochromError: what is no fault of the values that were drawn: damaged pictures, a full disk.
    """
    losses: list[float] = []
    started, reason = time.perf_counter(), ""
    if work.threads:
        torch.set_num_threads(min(work.threads, torch.get_num_threads()))
    try:
        trainer = _Unsaved(work.recipe, work.pictures, work.folder, device=work.device)
        trainer.run(lambda progress: losses.append(progress.loss))
    except (BadRecipe, OutOfMemory) as error:
        reason = str(error)
    finally:
        shutil.rmtree(work.folder, ignore_errors=True)
    if losses:
        write_csv(work.curve, [{"step": i, "loss": loss} for i, loss in enumerate(losses, 1)], overwrite=True)
    seconds = time.perf_counter() - started
    return Outcome(seconds=seconds, reason=reason) if reason else outcome_of(losses, seconds)


def outcome_of(losses: Sequence[float], seconds: float = 0.0) -> Outcome:
    """The paper's two scores of a loss curve.

    Both rest on the mean over the latest tenth of all steps: the luck of a single batch shall not win, least of all
    that of a small one. The drop is the slope from the first step's loss to the last such mean.

    Args:
        losses: one a step, at least two.
        seconds: taken over.

    Source: the paper, section 4.2.8, which does not say how the two are measured.

    Example:
        >>> outcome_of([5.0, 4.0, 3.0, 3.5])
        Outcome(first=5.0, lowest=3.0, drop=0.5, seconds=0.0, reason='')
    """
    window = max(1, len(losses) // 10)
    smooth = np.convolve(losses, np.full(window, 1 / window), "valid")
    updates = len(losses) - 1 - (window - 1) / 2
    drop = (losses[0] - smooth[-1]) / updates
    return Outcome(float(losses[0]), float(smooth.min()), float(drop), seconds)


class _Unsaved(Trainer):
    def save(self) -> None:
        """Write no checkpoint: it can be a gigabyte, and trials are never resumed."""
