"""A network layer by layer: shapes, weights and work, found without computing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from photochrom import color
from photochrom.inference.card import ModelCard
from photochrom.models import models
from photochrom.train.build import check_size, classifies, example, make_model
from photochrom.train.config import DataConfig, ModelConfig, Recipe, TaskConfig


@dataclass(frozen=True)
class Layer:
    """One module without parts: its name, kind, what it gives for one picture, its weights, its multiply-adds."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A network for one square input of `size` pixels, with `outputs` channels in its answer."""

    layers: tuple[Layer, ...]
    size: int
    outputs: int
    parameters: int

    @property
    def multiply_adds(self) -> int:
        """Of the convolutions and fully connected layers; the rest is little beside them."""
        return sum(layer.multiply_adds for layer in self.layers)


def summary(recipe: Recipe) -> Summary:
    """The network of a recipe.

    A joint codebook is counted with every cell that sRGB reaches; the pictures of a run may hold fewer.

    Raises:
        UnknownName, BadRecipe: no such network or loss, settings that it does not take, or samples of another size.
    """
    outputs = count_outputs(recipe)
    # Tensors without memory: a fully connected layer may have a gigabyte of weights.
    with FakeTensorMode():
        model = make_model(recipe, outputs)
        check_size(recipe, model)
        layers = layers_of(model, recipe.data.size)
    return Summary(layers, recipe.data.size, outputs, sum(p.numel() for p in model.parameters()))


def summary_of_model(network: nn.Module, card: ModelCard) -> Summary:
    """A trained network at its render size, as `photochrom.train.export.load_model` gives it."""
    size = card.size or -(-card.render_size // card.multiple) * card.multiple
    bins = card.codebook()
    parameters = sum(p.numel() for p in network.parameters())
    return Summary(layers_of(network, size), size, bins.n_scores if bins else 2, parameters)


def default_recipe(name: str) -> Recipe:
    """A recipe for a network as it is by default, with 2 outputs: regression, on squares of the size that it takes.

    Raises:
        UnknownName: no such network.
    """
    kind = models[name]
    settings, task = kind.Settings(), getattr(kind, "task", TaskConfig().name)
    size = getattr(settings, "size", DataConfig().size)
    return Recipe(
        task=TaskConfig(task),
        model=ModelConfig(name),
        loss=replace(Recipe().loss, name="l2"),
        data=replace(DataConfig(), size=size),
    )


def count_outputs(recipe: Recipe) -> int:
    """Channels of the answer: 2 for regression, else a score for each bin.

    Example:
        >>> count_outputs(Recipe())  # the cells of 10 x 10 Lab units that sRGB reaches
        261
    """
    if not classifies(recipe):
        return 2
    if recipe.bins.kind != "joint":
        return 2 * recipe.bins.count
    # Every ab of the RGB cube is that of a point on its faces, where a line along L leaves it.
    x, y = np.meshgrid(*[np.linspace(0, 1, 256)] * 2)
    planes = [np.stack([np.full_like(x, end), x, y], -1) for end in (0, 1)]
    faces = [np.roll(plane, turn, -1) for plane in planes for turn in (0, 1, 2)]
    ab = color.rgb_to_lab(np.stack(faces))[..., 1:].reshape(-1, 2)
    return len(np.unique(np.round(ab / recipe.bins.step), axis=0))


def layers_of(model: nn.Module, size: int) -> tuple[Layer, ...]:
    """The modules without parts in the order in which they run, for one picture of size x size.

    Args:
        model: the network.
        size: pixels.
    """
    found: dict[str, Layer] = {}
    hooks = []
    for name, module in model.named_modules():
        if next(module.children(), None) is None:

            def note(module: nn.Module, _: Any, out: Tensor, name: str = name) -> None:
                work = _multiply_adds(module, out) + (found[name].multiply_adds if name in found else 0)
                parameters = sum(p.numel() for p in module.parameters())
                found[name] = Layer(name, type(module).__name__, tuple(out.shape[1:]), parameters, work)

            hooks.append(module.register_forward_hook(note))
        else:
            for own, parameter in module.named_parameters(name, recurse=False):
                found[own] = Layer(own, "Parameter", tuple(parameter.shape), parameter.numel(), 0)
    try:
        with torch.no_grad():
            model.eval()(**example(model, size, size))
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(found.values())


def _multiply_adds(module: nn.Module, out: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        height, width = module.kernel_size
        return out.numel() * module.in_channels // module.groups * height * width
    return out.numel() * module.in_features if isinstance(module, nn.Linear) else 0
