"""Steadiness over time: a network's answers for the frames of a film, made to agree along what moves."""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

import numpy as np

from photochrom.errors import BadSetting
from photochrom.extras import needing

Consistency = Literal["frame", "flow"]
State = dict[str, np.ndarray]


class Steady(Protocol):
    """What is told each frame's answer in turn, and gives the one that is painted.

    Attributes:
        cuts: how many scene cuts it has met.
    """

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


def steady(consistency: str) -> Steady:
    """The mode of this name: "frame" takes each frame by itself, "flow" carries the past along.

    Raises:
        BadSetting: there is none of this name.
        MissingExtra: flow without the extra `video`.
    """
    if consistency == "frame":
        return Apart()
    if consistency == "flow":
        with needing("--consistency flow (--consistency frame does without)", "video"):
            from photochrom.video.flow import Flow
        return Flow()
    raise BadSetting(f"the consistency is '{consistency}'; it may be {', '.join(get_args(Consistency))}")


class Apart:
    """Each frame by itself."""

    cuts = 0

    def __call__(self, gray: np.ndarray, scores: np.ndarray, covered: tuple[float, float]) -> np.ndarray:
        return scores

    def state(self) -> State:
        return {}

    def restore(self, state: Any) -> None:
        pass
