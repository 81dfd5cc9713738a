"""A folder's network in use, run by torch: a run that is not yet exported, and the card that it gets; or a hub's."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from photochrom.color import L_CENTER
from photochrom.inference.backends import AT_ONCE_ON_GPU, check_device, out_of_memory
from photochrom.inference.bins import Bins
from photochrom.inference.card import ModelCard
from photochrom.train.build import fixed_size, pick_device
from photochrom.train.config import Recipe
from photochrom.train.hub import is_hub, load_hub
from photochrom.train.recipe import recipe_dict
from photochrom.train.runs import load_run

ORIGIN = ("sources", "pictures", "started_from", "machine", "photochrom", "torch")  # of facts.json, for the card


class TorchBackend:
    """The network of a run folder, so that a run can be evaluated while it trains, or of a hub's folder."""

    def __init__(self, run: Path, device: str = "auto") -> None:
        check_device(device)
        self.device = pick_device(device)
        if is_hub(run):
            model, self.card = load_hub(run)
        else:
            model, bins, recipe, facts = load_run(run)
            self.card = make_card(model, bins, recipe, facts, run.name)
        self.model = model.to(self.device)
        self.at_once = AT_ONCE_ON_GPU if self.device == "cuda" else 1

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray:
        given = [torch.from_numpy(each).to(self.device) for each in (x, variation) if each is not None]
        try:
            with torch.inference_mode():
                return self.model(*given).float().cpu().numpy()
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError) or "can't allocate" in str(error):
                raise out_of_memory(x, self.card) from None
            raise


def make_card(model: nn.Module, bins: Bins | None, recipe: Recipe, facts: dict[str, Any], name: str) -> ModelCard:
    """The card of a trained network."""
    size = fixed_size(model)
    return ModelCard(
        name=name,
        title=recipe.title,
        architecture=recipe.model.name,
        bins=bins.to_dict() if bins else None,
        decoding=asdict(recipe.decoding()),
        render_size=size or recipe.decode.render_size,
        mirror=recipe.decode.mirror,
        multiple=int(model.multiple),  # type: ignore[arg-type]
        stride=int(model.stride),  # type: ignore[arg-type]
        size=size,
        channels=getattr(model, "channels", 1),
        l_center=facts.get("center", L_CENTER),
        variation=len(getattr(model, "variation", ())),
        dropout=model.settings.dropout if hasattr(model, "variation") else 0.0,  # type: ignore[union-attr]
        steadies=facts.get("task", {}).get("base", {}),
        parameters=sum(p.numel() for p in model.parameters()),
        recipe=recipe_dict(recipe),
        training={
            "steps": facts["step"],
            "images": facts["step"] * recipe.run.batch,
            "hours": round(facts["seconds"] / 3600, 2),
            "seed": recipe.run.seed,
            "data_digest": facts["data"],
            **{key: facts[key] for key in ORIGIN if key in facts},
        },
    )
