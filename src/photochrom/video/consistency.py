"""Steadiness over time: a network's answers for the frames of a film, made to agree along what moves."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from photochrom._support.optional_packages import needing
from photochrom.errors import BadSetting
from photochrom.inference.card import ModelCard

MODES = ("frame", "flow", "recurrent")
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


def steady(consistency: str, card: ModelCard) -> Steady:
    """The mode of a name.

    Args:
        consistency: "frame" takes each frame by itself, "flow" carries the past along motion, "recurrent" has a
            network carry it, the packaged one; a .onnx file is another such network.
        card: of the model whose answers are made steady.

    Raises:
        BadSetting: there is none of this name, or none for this model.
        BadCheckpoint: the file is damaged, or no such network.
        MissingExtra: flow without the extra `video`.
    """
    if consistency == "frame":
        return Apart()
    if consistency == "flow":
        with needing("--consistency flow (--consistency frame does without)", "video"):
            from photochrom.video.flow import Flow
        return Flow()
    if consistency == "recurrent" or consistency.endswith(".onnx"):
        from photochrom.video.recurrent import Recurrent, find

        return Recurrent(*find(consistency, card))
    raise BadSetting(f"the consistency is '{consistency}'; it may be {', '.join(MODES)}, or a .onnx file")


class Apart:
    """Each frame by itself."""

    identity = "frame"
    cuts = 0

    def __call__(self, gray: np.ndarray, scores: np.ndarray, covered: tuple[float, float]) -> np.ndarray:
        return scores

    def state(self) -> State:
        return {}

    def restore(self, state: Any) -> None:
        pass
