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
    """The weights that a network like `model` starts from: an ensemble's first member that is like it, or `state`.

    Parts of `model` that change nothing before they have learned (its `neutral`, beginnings of names) may be missing
    in `state`; they stay as they are. Parts that it can do without (its `spare`) may be there, and are left out.
    """
    own = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    neutral = {name: value for name, value in own.items() if name.startswith(getattr(model, "neutral", ()))}
    members = dict.fromkeys(name.split(".")[1] for name in state if name.startswith("members."))
    for candidate in [state, *(part(state, f"members.{member}.") for member in members)]:
        spare = getattr(model, "spare", ())
        complete = neutral | {name: v for name, v in candidate.items() if name in own or not name.startswith(spare)}
        if _shapes(complete) == _shapes(own):
            return complete
    return state


def _shapes(tensors: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in tensors.items() if not name.endswith("num_batches_tracked")}


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
