"""Run folders: what is written into one when it begins, what is read back, and when it may be resumed."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from photochrom.bins import Bins, bins_from_dict
from photochrom.data.entries import Entry
from photochrom.errors import BadCheckpoint, BadRecipe, WriteFailed
from photochrom.train import checkpoint
from photochrom.train.build import build_model, resolved
from photochrom.train.config import Recipe
from photochrom.train.recipe import recipe_dict, recipe_from_dict, recipe_text

CHECKPOINT = "checkpoint.safetensors"
# These may differ when a run is resumed: they change neither what is learned nor in which order. Two do: a new `steps`
# lengthens or shortens the run, and the cosine is stretched to it from there on; `eval_every` is when a plateau is
# looked for, and free only without one.
FREE_SECTIONS = ("title", "decode")
FREE_TO_CHANGE = {"run": ("steps", "log_every", "eval_every", "checkpoint_every"), "data": ("workers",)}


def begin_folder(out: Path, recipe: Recipe, facts: dict[str, Any]) -> None:
    """Make a run folder and write down what is trained.

    Args:
        out: the folder; one that is there already is taken.
        recipe: resolved.
        facts: of the pictures and the first weights; what made the run is added.

    Raises:
        WriteFailed: the disk is full or the folder cannot be made.
    """
    from photochrom import __version__

    made_by = {
        "photochrom": __version__,
        "torch": torch.__version__,
        "machine": platform.platform(),
        "seed": recipe.run.seed,
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_recipe(out, recipe)
        (out / "facts.json").write_text(json.dumps(made_by | facts, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise WriteFailed(f"{out}: the run folder cannot be written ({error.strerror})") from None


def write_recipe(out: Path, recipe: Recipe) -> None:
    """The resolved recipe, where a person looks for it."""
    (out / "recipe.toml").write_text(recipe_text(recipe), encoding="utf-8")


def source_names(data: Sequence[Path | str | Entry]) -> list[str]:
    """What the sources are called; entries by their files, each of which is named once.

    Example:
        >>> source_names(["a/photos", Entry("b/c.tar", 0, 9, "1.png"), Entry("b/c.tar", 9, 9, "2.png"), "a/photos"])
        ['photos', 'c.tar', 'photos']
    """
    places = [(d.path, d.path) if isinstance(d, Entry) else (i, d) for i, d in enumerate(data)]
    return [Path(path).name for path in dict(places).values()]


def load_run(run: Path) -> tuple[torch.nn.Module, Bins | None, Recipe, dict[str, Any]]:
    """The finished network of a run folder, its bins, recipe and facts; the averaged weights where there are any.

    Raises:
        BadCheckpoint: no checkpoint is there, or a damaged one.
    """
    tensors, facts = read_checkpoint(run / CHECKPOINT)
    recipe = recipe_from_dict(facts["recipe"])
    bins = bins_from_dict(facts["bins"]) if facts["bins"] else None
    model = build_model(recipe, bins)
    load_weights(model, part(tensors, "average." if recipe.run.ema else "model."), str(run))
    return model.eval(), bins, recipe, facts


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A run's checkpoint: tensors and facts.

    Raises:
        BadCheckpoint: it is none, or damaged.
    """
    tensors, facts = checkpoint.load(path)
    missing = {"recipe", "bins", "step", "seconds", "plateau", "groups", "data"} - facts.keys()
    if missing:
        raise BadCheckpoint(f"{path}: no checkpoint of a training run, or damaged (no {', '.join(sorted(missing))})")
    return tensors, facts


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


def same_recipe(recipe: Recipe, saved: dict[str, Any], out: Path) -> None:
    """Refuse to resume a run of another recipe.

    Raises:
        BadRecipe: with the first setting that differs.
    """
    # By way of a recipe: a field that is newer than the run has its default there.
    now, saved = recipe_dict(resolved(recipe)), recipe_dict(resolved(recipe_from_dict(saved)))
    for section, table in now.items():
        if section in FREE_SECTIONS:
            continue
        theirs = saved[section]
        for name in table.keys() | theirs.keys():
            free = name in FREE_TO_CHANGE.get(section, ())
            if (name, recipe.optim.schedule) == ("eval_every", "plateau"):
                free = False
            if not free and table.get(name) != theirs.get(name):
                raise BadRecipe(
                    f"{out}: it holds a run of another recipe ({section}.{name} was {theirs.get(name)!r}, "
                    f"now {table.get(name)!r}); give another --out"
                )
