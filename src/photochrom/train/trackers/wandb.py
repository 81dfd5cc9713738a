"""Weights & Biases: offline in the run folder (`wandb sync RUN/wandb/offline-run-*` later), or as WANDB_MODE says."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from photochrom._support.optional_packages import needing_package
from photochrom.train.trackers import trackers

RUN_ID = "wandb-run-id"  # in the run folder
PROJECT = "photochrom"


@trackers.register("wandb")
class WeightsAndBiases:
    """See `photochrom.train.trackers.Tracker`. The recipe is the run's config; nothing is sent unless WANDB_MODE is
    "online"."""

    def __init__(self, run: Path, step: int, recipe: dict[str, Any]) -> None:
        with needing_package("the tracker 'wandb'", "wandb"):
            import wandb  # type: ignore[import-not-found]
        self._wandb, known = wandb, run / RUN_ID
        if not known.exists():
            known.write_text(uuid.uuid4().hex[:8] + "\n", encoding="utf-8")
        mode = cast(Literal["online", "offline", "disabled"], os.environ.get("WANDB_MODE", "offline"))
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            id=known.read_text(encoding="utf-8").strip(),
            dir=str(run),
            config=recipe,
            mode=mode,
            resume="allow",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True),
        )

    def write(self, step: int, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def draw(self, step: int, name: str, picture: np.ndarray) -> None:
        self._run.log({name: self._wandb.Image(picture)}, step=step)

    def close(self) -> None:
        self._run.finish(quiet=True)
