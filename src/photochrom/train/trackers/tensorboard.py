"""TensorBoard's event files in the run folder: `tensorboard --logdir RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from photochrom.train.trackers import trackers


@trackers.register("tensorboard")
class TensorBoard:
    """See `photochrom.train.trackers.Tracker`."""

    def __init__(self, run: Path, step: int, recipe: dict[str, Any]) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._board = SummaryWriter(str(run), purge_step=step + 1)

    def write(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def draw(self, step: int, name: str, picture: np.ndarray) -> None:
        self._board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self._board.close()
