"""Run folders: what is written into one when it begins, what is read back, and when it may be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from photochrom._support.files import write_failed
from photochrom._support.text import shown
from photochrom.data.entries import Entry
from photochrom.errors import BadCheckpoint, BadRecipe, WriteFailed
from photochrom.inference.bins import Bins, bins_from_dict
from photochrom.train import checkpoint
from photochrom.train.build import build_model
from photochrom.train.config import Recipe
from photochrom.train.provenance import FACTS
from photochrom.train.recipe import recipe_dict, recipe_from_dict, recipe_text
from photochrom.train.task import resolved
from photochrom.train.weights import load_weights, part

CHECKPOINT = "checkpoint.safetensors"
LOCK = "lock"
# These may differ when a run is resumed: they change neither what is learned nor in which order. Two do: a new `steps`
# lengthens or shortens the run, and the cosine is stretched to it from there on; `eval_every` is when a plateau is
# looked for, and free only without one.
FREE_SECTIONS = ("title", "decode")
FREE_TO_CHANGE = {"run": ("steps", "log_every", "eval_every", "checkpoint_every", "trackers"), "data": ("workers",)}


class FolderInUse(WriteFailed):
    """Another process trains in the folder."""


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Keep other processes from training in a run folder, which is made if it is not there.

    The system drops the lock when this process ends, however it ends. Where there are no locks (Windows, some network
    shares), nothing is kept out.

    Raises:
        FolderInUse: another process trains in it.
        WriteFailed: it cannot be made.
    """
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = open(out / LOCK, "a")  # noqa: SIM115 - closed below
    except OSError as error:
        raise write_failed(out, error) from None
    with file:
        if not _locked(file.fileno()):
            raise FolderInUse(f"{out}: another process is training in this folder; wait for it, or give another --out")
        try:
            yield
        finally:
            # What was refused before anything was trained leaves nothing.
            if new and os.listdir(out) == [LOCK]:
                with suppress(OSError):
                    (out / LOCK).unlink()
                    out.rmdir()


def _locked(number: int) -> bool:
    """Lock an open file for this process; False where another one has it."""
    try:
        import fcntl

        # Not flock: the processes that load pictures would share that lock, and outlive a killed run by seconds.
        fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except (ImportError, OSError):
        return True
    return True


def begin_folder(out: Path, recipe: Recipe, facts: dict[str, Any]) -> None:
    """Make a run folder and write down what is trained.

    Args:
        out: the folder; one that is there already is taken.
        recipe: resolved.
        facts: how the run came about, its pictures and its first weights.

    Raises:
        WriteFailed: the disk is full or the folder cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_recipe(out, recipe)
        (out / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
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
    if not os.path.lexists(run / CHECKPOINT):
        raise BadCheckpoint(f"{shown(run)} is not a run folder: it has no {CHECKPOINT}; name another folder")
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
            if (name, table.get(name)) == ("precision", "auto"):
                free = True
            if not free and table.get(name) != theirs.get(name):
                raise BadRecipe(
                    f"{out}: it holds a run of another recipe ({section}.{name} was {theirs.get(name)!r}, "
                    f"now {table.get(name)!r}); give another --out"
                )
