"""What makes a film's colours steady, as its stages see it."""

from __future__ import annotations

from typing import Protocol

import numpy as np

State = dict[str, np.ndarray]


class Steady(Protocol):
    """What is told each frame's answer in turn, and gives the one that is painted.

    Attributes:
        identity: what its answers depend on besides the frames; another one would go on to another film.
        cuts: how many scene cuts it has met.
    """

    identity: str
    cuts: int

    def __call__(self, gray: np.ndarray, scores: np.ndarray, covered: tuple[float, float]) -> np.ndarray:
        """The answer to paint.

        Args:
            gray: (H, W) uint8, the frame.
            scores: (c, h, w) the network's answer for it.
            covered: (w, h) of the map that shows the frame; what is beyond shows its padding.

        Returns:
            (c, h, w).
        """
        ...

    def state(self) -> State:
        """All that it remembers, so that another one can go on."""
        ...

    def restore(self, state: State) -> None:
        """Go on from another one's `state`."""
        ...
