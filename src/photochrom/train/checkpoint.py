"""Checkpoints: one safetensors file with JSON inside, written beside and renamed, so that a kill leaves no half."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from photochrom.errors import BadCheckpoint, WriteFailed

if TYPE_CHECKING:
    from photochrom.train.task import Task

FORMAT = 2


def save(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and JSON facts; the file is complete or not there.

    Raises:
        WriteFailed: the disk is full or the folder cannot be written.
    """
    # Always the same name, so that what a kill leaves is overwritten later.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        metadata = {"photochrom": json.dumps({"format": FORMAT} | facts)}
        save_file({k: v.detach().contiguous() for k, v in tensors.items()}, temporary, metadata)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise WriteFailed(
            f"{path}: the checkpoint could not be written ({error}); the one before is untouched"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote.

    Raises:
        BadCheckpoint: damaged, of another kind, or of a newer version.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["photochrom"])
            if facts["format"] > FORMAT:
                raise BadCheckpoint(f"{path}: written by a newer version of photochrom; update this one")
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise BadCheckpoint(f"{path}: there is no such file") from None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"{path}: not a checkpoint of photochrom, or damaged ({error})") from None


def capture(task: Task) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What all processes of a run have in common: networks under their names, optimisers under "optimizer."."""
    tensors = {f"{name}.{k}": v for name, network in task.networks.items() for k, v in network.state_dict().items()}
    groups = {}
    for name, optimizer in task.optimizers.items():
        state, groups[name] = flatten_optimizer(optimizer, f"optimizer.{name}.")
        tensors |= state
    return tensors, {"groups": groups}


def restore(task: Task, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Put back what `capture` took, except the networks' weights.

    Raises:
        KeyError, ValueError: they are those of another task.
    """
    for name, optimizer in task.optimizers.items():
        restore_optimizer(optimizer, f"optimizer.{name}.", tensors, facts["groups"][name])


def capture_own(task: Task) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What each process of a run has for itself: its random state, and the task's under "task."; on the CPU."""
    rest, facts = task.state()
    tensors = {f"task.{k}": v.cpu() for k, v in rest.items()} | {"random": torch.get_rng_state()}
    if task.device.type == "cuda":
        tensors["random_cuda"] = torch.cuda.get_rng_state(task.device)
    return tensors, facts


def restore_own(task: Task, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Put back what `capture_own` took.

    Raises:
        KeyError, ValueError: it is that of another task.
    """
    task.load_state({k[5:]: v for k, v in tensors.items() if k.startswith("task.")}, facts)
    torch.set_rng_state(tensors["random"])
    if "random_cuda" in tensors and task.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random_cuda"], task.device)


def flatten_optimizer(optimizer: Optimizer, prefix: str) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """An optimiser's state as named tensors and JSON groups."""
    state = optimizer.state_dict()
    tensors = {f"{prefix}{i}.{name}": value for i, slots in state["state"].items() for name, value in slots.items()}
    return tensors, state["param_groups"]


def restore_optimizer(
    optimizer: Optimizer, prefix: str, tensors: dict[str, Tensor], groups: list[dict[str, Any]]
) -> None:
    """Put back what `flatten_optimizer` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            index, name = key[len(prefix) :].split(".", 1)
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for parameter, slots in optimizer.state.items():
        for name, value in slots.items():
            # Files keep no memory layout; in another than the parameter's, updates are slow and may round otherwise.
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                slots[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
