"""The past brought along by a recurrent network (`photochrom.models.recurrent`), run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photochrom import color
from photochrom.errors import BadCheckpoint, BadSetting
from photochrom.inference.backends import naming_failures, session
from photochrom.inference.card import ModelCard
from photochrom.inference.model_files import read_card, read_model
from photochrom.video.steadiness import State

PACKAGED = Path(__file__).parents[1] / "weights" / "recurrent" / "default.onnx"
CUT = 0.15  # a frame whose past is trusted less begins a new scene; how it was chosen: docs/experiments/video.md


def find(consistency: str, card: ModelCard) -> tuple[bytes, str, ModelCard]:
    """The network that makes a model's answers steady: its file, the file's name, its card.

    Args:
        consistency: "recurrent", the packaged one, or a .onnx file.
        card: of the model. Its codebook has to be that of the model that the network was trained with, as it is where
            one was tuned from the other.

    Raises:
        BadSetting: it is for another codebook.
        BadCheckpoint: the file is damaged, or no such network.
    """
    data, where = read_model(PACKAGED if consistency == "recurrent" else consistency)
    found = read_card(data, where)
    if not found.steadies:
        raise BadCheckpoint(f"{where}: this model colours pictures and steadies nothing; use it with --model")
    if (found.bins, found.stride) != (card.bins, card.stride):
        raise BadSetting(
            f"the consistency {consistency} was not trained for the model '{card.name}'; use frame or flow"
        )
    return data, where, found


class Recurrent:
    """See the module; each call is one frame.

    Args:
        data: the model file.
        where: its name, for messages.
        card: its card.
    """

    def __init__(self, data: bytes, where: str, card: ModelCard) -> None:
        self.cuts, self.identity, self._card = 0, f"recurrent {card.digest}", card
        # One thread: it runs beside the network that it makes steady, and its sums must not depend on the machine.
        self._session = session(data, where, "cpu", threads=1)
        self._channels = next(i.shape[1] for i in self._session.get_inputs() if i.name == "state")
        self._state: np.ndarray | None = None

    def __call__(self, gray: np.ndarray, scores: np.ndarray, covered: tuple[float, float]) -> np.ndarray:
        light = self._light(gray, covered, scores.shape[1:])
        empty = np.zeros((self._channels, *scores.shape[1:]), np.float32)
        goes_on = self._state is not None and self._state.shape == empty.shape
        steadied, state, trust = self._run(scores, light, self._state if goes_on else empty)
        if goes_on and trust.mean() < CUT:
            self.cuts += 1
            steadied, state, _ = self._run(scores, light, empty)
        self._state = state
        return steadied

    def state(self) -> State:
        return {} if self._state is None else {"state": self._state}

    def restore(self, state: State) -> None:
        self._state = state.get("state")

    def _light(self, gray: np.ndarray, covered: tuple[float, float], shape: tuple[int, ...]) -> np.ndarray:
        """L as the network sees it: `stride` pixels for each point of the map (h, w), its border repeated beyond."""
        card = self._card
        width, height = (round(side * card.stride) for side in covered)
        small = Image.fromarray(gray).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        light = (color.srgb_to_lightness(np.asarray(small)) - card.l_center) / card.l_scale
        below, right = (side * card.stride - given for side, given in zip(shape, light.shape, strict=True))
        return np.pad(light, ((0, below), (0, right)), mode="edge").astype(np.float32)

    def _run(self, scores: np.ndarray, light: np.ndarray, state: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The answer, the next state, and the trust in the past."""
        inputs = {"scores": scores[None], "light": light[None, None], "state": state[None]}
        with naming_failures(inputs["light"], self._card, "the recurrent network", "it"):
            steadied, following, trust = self._session.run(["steadied", "next", "trust"], inputs)
        return steadied[0], following[0], trust[0, 0]
