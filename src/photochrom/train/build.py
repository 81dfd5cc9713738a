"""Builders: a recipe's sections to networks, losses and optimisers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from photochrom._support.settings import NoSettings, from_dict, to_dict
from photochrom.errors import BadRecipe, DeviceUnavailable
from photochrom.inference.bins import Bins
from photochrom.losses import losses
from photochrom.models import models
from photochrom.train.config import LossConfig, OptimConfig, Recipe

INITIAL = "initial"  # the network of the model that a run starts from


def resolved_loss(loss: LossConfig) -> LossConfig:
    """The section with the losses' own settings filled in."""
    filled = to_dict(loss_settings(loss.name, loss.settings, "loss.settings"))
    added = [
        replace(entry, settings=to_dict(loss_settings(entry.name, entry.settings, f"loss.added[{index}].settings")))
        for index, entry in enumerate(loss.added)
    ]
    return replace(loss, settings=filled, added=tuple(added))


def with_network_of(recipe: Recipe, initial: Recipe | None) -> Recipe:
    """The recipe with the network of the model that it starts from, where its model.name is "initial".

    Args:
        recipe: as written.
        initial: the recipe of that model; None where the run starts from nothing.

    Raises:
        BadRecipe: it starts from nothing.
    """
    if recipe.model.name != INITIAL:
        return recipe
    if initial is None:
        raise BadRecipe(
            f"model.name is '{INITIAL}', the network of the model to start from; give that model with --init"
        )
    return replace(recipe, model=initial.model)


def build_model(recipe: Recipe, bins: Bins | None) -> nn.Module:
    """The recipe's network, with random weights.

    Raises:
        UnknownName, BadRecipe: no such model, or not these settings.
    """
    return make_model(recipe, bins.n_scores if bins is not None else 2)


def make_model(recipe: Recipe, n_outputs: int) -> nn.Module:
    """The same for a number of outputs that is known without bins."""
    kind = models[recipe.model.name]
    task = getattr(kind, "task", recipe.task.name)
    if task != recipe.task.name:
        raise BadRecipe(f"model.name is '{recipe.model.name}', which is trained by the task '{task}' only")
    settings = from_dict(kind.Settings, recipe.model.settings, "model.settings")
    return kind(settings, n_outputs)


def fixed_size(model: nn.Module) -> int | None:
    """The side of the squares that a network is bound to; None where any size will do."""
    return getattr(model, "size", None)


def example(model: nn.Module, height: int, width: int) -> dict[str, Tensor]:
    """Zeros for each input of a network that sees `height` x `width` pixels, by the names of its parameters."""
    if hasattr(model, "example"):
        return model.example(height, width)  # type: ignore[operator]
    return {"x": torch.zeros(1, getattr(model, "channels", 1), height, width)}


def check_size(recipe: Recipe, model: nn.Module) -> None:
    """Refuse samples of a size that the network does not take.

    Raises:
        BadRecipe: it says which it may be.
    """
    size, fixed, stride = recipe.data.size, fixed_size(model), int(model.stride)  # type: ignore[arg-type]
    if fixed is not None and size != fixed:
        raise BadRecipe(f"data.size is {size}; for this model it must be {fixed}, its model.settings.size")
    if size % stride:
        raise BadRecipe(f"data.size is {size}; for this model it must be a multiple of {stride}")


def classifies(recipe: Recipe) -> bool:
    """Whether the recipe's loss is over bins."""
    return bool(losses[recipe.loss.name].classifies)


def build_loss(recipe: Recipe, bins: Bins | None) -> nn.Module:
    """The recipe's main loss over `bins`.

    Raises:
        BadRecipe: it is one that can be added only.
    """
    if getattr(losses[recipe.loss.name], "sees_light", False):
        raise BadRecipe(
            f"loss.name is '{recipe.loss.name}', which only works beside another loss; put it into [[loss.added]]"
        )
    return make_loss(recipe, bins, recipe.loss.name, recipe.loss.settings, "loss.settings")


def make_loss(recipe: Recipe, bins: Bins | None, name: str, settings: dict[str, Any], where: str) -> Any:
    """A loss with settings of its own, over the recipe's bins; `where` is what messages call these settings."""
    kind, own = losses[name], loss_settings(name, settings, where)
    how = {"settings": own} if hasattr(kind, "Settings") else {}
    if not kind.classifies:
        return kind(**how)
    if bins is None:
        raise BadRecipe(f"the loss '{name}' is over bins, and the recipe's loss '{recipe.loss.name}' has none")
    weights = bins.rebalancing_weights(recipe.loss.smoothing) ** recipe.loss.rebalance
    return kind(bins, recipe.bins.sigma, weights if recipe.loss.rebalance else None, **how)


def loss_settings(name: str, settings: dict[str, Any], where: str) -> Any:
    """A loss's own settings, checked.

    Raises:
        UnknownName, BadRecipe: no such loss, or not these settings.
    """
    return from_dict(getattr(losses[name], "Settings", NoSettings), settings, where)


def build_optimizer(config: OptimConfig, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
    """The recipe's optimiser over parameter groups."""
    groups = list(groups)
    if not groups:
        raise BadRecipe("the model has nothing to train")
    common: dict[str, Any] = {"lr": config.lr, "weight_decay": config.weight_decay}
    # Fused: one pass over the weights and their averages, on CPUs a tenth of the time that the default takes;
    # for a fully connected layer of 64 million weights and more that was most of the step.
    match config.name:
        case "adamw":
            return torch.optim.AdamW(groups, betas=config.betas, fused=True, **common)
        case "adam":
            return torch.optim.Adam(groups, betas=config.betas, fused=True, **common)
        case "nadam":
            return torch.optim.NAdam(groups, betas=config.betas, foreach=True, **common)  # knows no fused form
        case _:
            return torch.optim.SGD(groups, momentum=0.9, nesterov=True, fused=True, **common)


def parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """What is trained of a network, by role: its pretrained "encoder", where it has one, and its "decoder"."""
    roles = {"decoder": list(model.parameters())}
    if hasattr(model, "parameter_groups"):
        roles = model.parameter_groups()  # type: ignore[operator]
    return [{"params": parameters, "role": role} for role, parameters in roles.items() if parameters]


def pick_precision(device: torch.device) -> Literal["fp32", "bf16"]:
    """What `run.precision = "auto"` means on a device: the quicker one."""
    if device.type == "cuda":
        quick = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        quick = getattr(torch.cpu, "get_capabilities", dict)().get("amx_bf16", False)
    return "bf16" if quick else "fp32"


def pick_device(name: str) -> str:
    """ "cpu" or "cuda"; "auto" takes the GPU where there is one.

    Raises:
        DeviceUnavailable: "cuda" without a GPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("cuda was asked for, but torch finds no GPU; use --device cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"
