"""Where a run's log is shown while it trains, beside its log.csv, by name: the recipe's `run.trackers`.

An entry is a class, made as `kind(run, step, recipe)`: the run folder, the step from which rows follow (what was there
after it is of a run that was killed, and comes again), and the resolved recipe as plain values. What it keeps for a
resumed run belongs into the run folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from photochrom._support.registry import Registry


class Tracker(Protocol):
    """What a run is shown by. What any method raises ends the run with one line."""

    def __init__(self, run: Path, step: int, recipe: dict[str, Any]) -> None: ...

    def write(self, step: int, values: dict[str, float]) -> None:
        """Show the values of one step."""
        ...

    def draw(self, step: int, name: str, picture: np.ndarray) -> None:
        """Show a picture (h, w, 3), uint8."""
        ...

    def close(self) -> None:
        """Write out what is left; called however the run ends."""
        ...


trackers = Registry("tracker", "photochrom.train.trackers")
