"""What is trained: networks, losses and optimisers behind one `step`, so that the loop knows no kind of training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photochrom.bins import Bins
from photochrom.color import L_CENTER, L_SCALE
from photochrom.errors import BadRecipe, DeviceUnavailable
from photochrom.losses import losses
from photochrom.models import models
from photochrom.settings import from_dict, to_dict
from photochrom.train.config import OptimConfig, Recipe


class SupervisedTask:
    """One network that learns ab from L, by regression or over bins.

    Attributes:
        model: the network; its input is (L - center) / 50.
        center: 50, or the mean L of the training pictures (`data.subtract_mean`).
        loss: see `photochrom.losses`.
        bins: the codebook, None for regression.
        optimizer: one parameter group a learning rate; "role" says which.
    """

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        self.recipe = recipe
        self.bins = bins
        self.center = center
        self.device = device
        self.model = build_model(recipe, bins).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss = build_loss(recipe, bins).to(device)
        groups = [{"params": p, "role": role} for role, p in _parameter_groups(self.model).items() if p]
        self.optimizer = build_optimizer(recipe.optim, groups)

    def load_pretrained(self) -> None:
        """Start from public weights where the model has them and the recipe wants them."""
        if getattr(getattr(self.model, "settings", None), "pretrained", False):
            self.model.load_pretrained()  # type: ignore[operator]

    def step(self, light: Float[Tensor, "n 1 h w"], ab: Float[Tensor, "n 2 i j"], step: int) -> dict[str, Tensor]:
        """One update; returns what to log. L is 0..100, ab in Lab units."""
        run, optim = self.recipe.run, self.recipe.optim
        self.model.train()
        self._let_encoder_learn(step >= optim.encoder_from and optim.encoder_lr > 0)
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros(())
        for part_light, part_ab in zip(light.chunk(run.accumulate), ab.chunk(run.accumulate), strict=True):
            x = ((part_light.to(self.device) - self.center) / L_SCALE).to(memory_format=torch.channels_last)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=run.precision == "bf16"):
                output = self.model(x)
            loss = self.loss(output, part_ab.to(self.device)) * (len(part_light) / len(light))
            loss.backward()
            total += loss.detach().cpu()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip or float("inf"))
        self.optimizer.step()
        return {"loss": total, "gradient_norm": norm.detach().cpu()}

    def set_rate(self, step: int, scale: float) -> None:
        """Set every group's learning rate to its base times `scale`; the encoder's rises again once it starts."""
        optim = self.recipe.optim
        for group in self.optimizer.param_groups:
            rate = optim.lr * scale * min(1.0, (step + 1) / max(1, optim.warmup))
            if group["role"] == "encoder":
                rate *= optim.encoder_lr * min(1.0, max(0, step - optim.encoder_from + 1) / max(1, optim.warmup))
            group["lr"] = rate

    def _let_encoder_learn(self, on: bool) -> None:
        for group in self.optimizer.param_groups:
            if group["role"] == "encoder" and group["params"][0].requires_grad != on:
                for parameter in group["params"]:
                    parameter.requires_grad_(on)


def resolved(recipe: Recipe) -> Recipe:
    """The recipe with the model's own settings filled in from its defaults, so that a later default changes nothing."""
    settings = from_dict(models[recipe.model.name].Settings, recipe.model.settings, "model.settings")
    return replace(recipe, model=replace(recipe.model, settings=to_dict(settings)))


def build_model(recipe: Recipe, bins: Bins | None) -> nn.Module:
    """The recipe's network, with random weights.

    Raises:
        UnknownName, BadRecipe: no such model, or not these settings.
    """
    return make_model(recipe, bins.n_scores if bins is not None else 2)


def make_model(recipe: Recipe, n_outputs: int) -> nn.Module:
    """The same for a number of outputs that is known without bins."""
    kind = models[recipe.model.name]
    settings = from_dict(kind.Settings, recipe.model.settings, "model.settings")
    return kind(settings, n_outputs)


def fixed_size(model: nn.Module) -> int | None:
    """The side of the squares that a network is bound to; None where any size will do."""
    return getattr(model, "size", None)


def check_size(recipe: Recipe, model: nn.Module) -> None:
    """Refuse samples of a size that the network does not take.

    Raises:
        BadRecipe: it says which it may be.
    """
    size, fixed, stride = recipe.data.size, fixed_size(model), int(model.stride)  # type: ignore[arg-type]
    if fixed is not None and size != fixed:
        raise BadRecipe(f"data.size is {size}; for this model it may be {fixed} only, its model.settings.size")
    if size % stride:
        raise BadRecipe(f"data.size is {size}; for this model it may be a multiple of {stride}")


def classifies(recipe: Recipe) -> bool:
    """Whether the recipe's loss is over bins."""
    return bool(losses[recipe.loss.name].classifies)


def build_loss(recipe: Recipe, bins: Bins | None) -> nn.Module:
    """The recipe's loss over `bins`."""
    kind = losses[recipe.loss.name]
    if not kind.classifies:
        return kind()
    assert bins is not None
    weights = bins.rebalancing_weights(recipe.loss.smoothing) ** recipe.loss.rebalance
    return kind(bins, recipe.bins.sigma, weights if recipe.loss.rebalance else None)


def build_optimizer(config: OptimConfig, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
    """The recipe's optimiser over parameter groups."""
    groups = list(groups)
    if not groups:
        raise BadRecipe("the model has nothing to train")
    common: dict[str, Any] = {"lr": config.lr, "weight_decay": config.weight_decay}
    match config.name:
        case "adamw":
            return torch.optim.AdamW(groups, betas=config.betas, **common)
        case "adam":
            return torch.optim.Adam(groups, betas=config.betas, **common)
        case "nadam":
            return torch.optim.NAdam(groups, betas=config.betas, **common)
        case _:
            return torch.optim.SGD(groups, momentum=0.9, nesterov=True, **common)


def _parameter_groups(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    if hasattr(model, "parameter_groups"):
        return model.parameter_groups()  # type: ignore[operator]
    return {"decoder": list(model.parameters())}


def pick_device(name: str) -> str:
    """ "cpu" or "cuda"; "auto" takes the GPU where there is one.

    Raises:
        DeviceUnavailable: "cuda" without a GPU.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("cuda was asked for, but torch finds no GPU; use --device cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"
