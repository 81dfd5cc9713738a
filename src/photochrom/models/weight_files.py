"""Weights that a user brings: a state dict of torch's, or safetensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from photochrom._support.text import shown
from photochrom.errors import BadCheckpoint


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, in 32 bits; nothing in the file is run.

    Raises:
        BadCheckpoint: it is missing, damaged, or not a state dict.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise BadCheckpoint(f"{shown(path)}: it cannot be read ({error.strerror or error})") from None
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise BadCheckpoint(f"{shown(path)}: no state dict of torch's; it may be damaged") from error
    except Exception as error:  # safetensors has an error of its own
        raise BadCheckpoint(f"{shown(path)}: no weights that can be read; it may be damaged") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise BadCheckpoint(f"{shown(path)}: no state dict; save the network's state_dict() with torch.save")
    return {str(key): value.float() for key, value in found.items()}
