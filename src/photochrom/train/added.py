"""Losses beside the main one: each is an entry `[[loss.added]]` of the recipe, with a weight and its own settings."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from photochrom.color import AB_SCALE
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins, JointBins
from photochrom.losses.colors import DecodedColors
from photochrom.train.build import classifies, make_loss
from photochrom.train.config import Recipe


class AddedLosses(nn.Module):
    """The recipe's added losses.

    Beside a loss over bins, one on ab sees the colours that the recipe's [decode] would show, on the network's scale.

    Args:
        recipe: resolved.
        bins: the codebook; None for regression.

    Raises:
        BadRecipe: one of them cannot stand beside the main loss.
    """

    def __init__(self, recipe: Recipe, bins: Bins | None) -> None:
        super().__init__()
        self.entries = recipe.loss.added
        self.losses = nn.ModuleList()
        self.colors: DecodedColors | None = None
        for index, entry in enumerate(self.entries):
            where = f"loss.added[{index}]"
            loss = make_loss(recipe, bins, entry.name, entry.settings, f"{where}.settings")
            if classifies(recipe) and not loss.classifies and self.colors is None:
                if not isinstance(bins, JointBins):
                    raise BadRecipe(f"{where}.name is '{entry.name}', a loss on ab; bins.kind must be joint then")
                self.colors = DecodedColors(bins, recipe.decoding(), recipe.task.name)
            self.losses.append(loss)

    def forward(
        self, output: Float[Tensor, "n q i j"], ab: Float[Tensor, "n 2 i j"], light: Float[Tensor, "n 1 h w"]
    ) -> dict[str, Tensor]:
        """The value of each, unweighted, by name.

        Args:
            output: of the network.
            ab: the truth, Lab units.
            light: L, 0..100.
        """
        shown = output if self.colors is None else self.colors(output, light) / AB_SCALE
        values = {}
        for entry, loss in zip(self.entries, self.losses, strict=True):
            seen = output if loss.classifies else shown
            values[entry.name] = loss(seen, ab, light) if getattr(loss, "sees_light", False) else loss(seen, ab)
        return values

    def joined(self, main: Tensor, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is minimised ("loss"), the main loss plus the weighted `values`, and these for the log."""
        for entry in self.entries:
            main = main + entry.weight * values[entry.name]
        return {"loss": main} | values
