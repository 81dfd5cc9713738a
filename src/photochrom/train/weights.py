"""Weights by their names: put into a network, or picked out of a larger one's."""

from __future__ import annotations

import torch
from torch import Tensor

from photochrom.errors import BadCheckpoint


def load_weights(model: torch.nn.Module, state: dict[str, Tensor], where: str) -> None:
    """Load a state dict.

    Raises:
        BadCheckpoint: names or shapes are those of another network.
    """
    # How many batches a batch norm has seen has no effect, and exported files do not keep it.
    counts = {k: v for k, v in model.state_dict().items() if k.endswith("num_batches_tracked")}
    try:
        model.load_state_dict(counts | state)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise BadCheckpoint(f"{where}: the weights are those of another network ({first[0].strip()[:160]})") from None


def fitting(model: torch.nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of an ensemble's weights, those of the first member that is a network like `model`; any other weights as they
    are."""
    own = {name: value.shape for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    for member in dict.fromkeys(name.split(".")[1] for name in state if name.startswith("members.")):
        theirs = part(state, f"members.{member}.")
        if {name: value.shape for name, value in theirs.items()} == own:
            return theirs
    return state


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
