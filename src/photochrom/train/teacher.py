"""Another model that a task asks while its own network learns; it learns nothing itself."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from photochrom.errors import BadRecipe
from photochrom.train.config import Recipe
from photochrom.train.export import load_model


class Teacher:
    """A trained model's answers to the recipe's samples, one pass each.

    Args:
        name: a packaged model's name, a .onnx file or a run folder.
        recipe: of the network that learns; its samples are what is answered.
        device: where the networks are.
        field: the setting that names it, for errors.

    Attributes:
        card: what the model is.

    Raises:
        BadRecipe: it cannot take the recipe's samples.
        UnknownName, BadCheckpoint: no such model, or it cannot be read.
    """

    def __init__(self, name: str, recipe: Recipe, device: torch.device, field: str) -> None:
        network, self.card = load_model(name)
        if self.card.steadies:
            raise BadRecipe(f"{field} is '{name}', which is only for films")
        if recipe.data.size % self.card.multiple or self.card.size not in (None, recipe.data.size):
            takes = f"multiples of {self.card.multiple}" if self.card.size is None else f"{self.card.size} only"
            raise BadRecipe(f"data.size is {recipe.data.size}; {field} '{name}' takes {takes}")
        self.network = network.requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def __call__(self, light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n q i j"]:
        """The network's output for L, 0..100."""
        seen = ((light - self.card.l_center) / self.card.l_scale).to(memory_format=torch.channels_last)
        return self.network(seen)
