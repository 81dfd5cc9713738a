"""Steadiness over time: a network's answers for the frames of a film, made to agree along what moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from photochrom._support.optional_packages import needing
from photochrom.errors import BadSetting
from photochrom.inference.card import ModelCard
from photochrom.video.steadiness import State, Steady

MODES = ("frame", "flow", "recurrent")


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
    check_consistency(consistency)
    if consistency == "frame":
        return Apart()
    if consistency == "flow":
        with needing("--consistency flow (--consistency frame does without)", "video"):
            from photochrom.video.flow import Flow
        return Flow()
    from photochrom.video.recurrent import Recurrent, find

    return Recurrent(*find(consistency, card))


def check_consistency(consistency: str) -> None:
    """Refuse what no mode is called.

    Raises:
        BadSetting: it is no name of a mode and no .onnx file's.
    """
    if consistency not in MODES and not consistency.endswith(".onnx"):
        raise BadSetting(f"the consistency is '{consistency}'; it must be {', '.join(MODES)} or a .onnx file")


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
