"""The search: pictures chosen, trials drawn and trained, results written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.processes import usable_cores
from photochrom._support.workers import Done, Failed, Pool, WorkerDied
from photochrom.data.entries import Entry
from photochrom.data.sources import digest, list_pictures
from photochrom.errors import BadDataset, BadRecipe, BadSetting, OutOfMemory
from photochrom.evaluation.files import claim
from photochrom.research.search import result_files
from photochrom.research.search.plot import plot_rates
from photochrom.research.search.ranges import with_values
from photochrom.research.search.spans import Range, Ranges
from photochrom.research.search.store import Store, opened
from photochrom.research.search.trial import Assignment, Outcome, Trial, train_trial
from photochrom.train.config import Recipe
from photochrom.train.recipe import recipe_dict
from photochrom.train.task import resolved

RATE = "optim.lr"


@dataclass(frozen=True)
class Found:
    """What a search found: all trials, the best first, and the files that say so."""

    trials: list[Trial]
    ranges: Ranges
    relative: bool
    """Whether the trials are ranked by the lowest loss as a share of the first, not by the lowest loss itself."""
    files: list[Path]

    def table(self, rows: int = 10) -> list[tuple[str, ...]]:
        """The best trials as printable rows, the heading first."""
        return result_files.table(self.trials[:rows], self.relative)


def search(
    recipe: Recipe,
    ranges: Ranges,
    data: Sequence[Path | str],
    out: Path,
    *,
    trials: int = 20,
    images: int | None = 100,
    steps: int = 100,
    jobs: int = 1,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int, Outcome | None], None] = lambda done, total, latest: None,
) -> Found:
    """Train a recipe for a few steps with random values, and rank them by their lowest training loss.

    Trials that are in `out` already are kept; only those that are missing are trained.

    Args:
        recipe: what is searched; its schedule, batch and seed hold wherever no range says otherwise.
        ranges: what is drawn, from `load_ranges` or `narrow_from`.
        data: folders, tars or files of pictures.
        out: the search's folder: search.db, curves/, trials.csv, ranges.toml, best.toml, lr.png.
        trials: how many in all.
        images: how many pictures, chosen by the seed; None takes all.
        steps: of each trial, 2 or more.
        jobs: trials at a time, each in a process of its own.
        seed: decides pictures and values; the weights start from the recipe's.
        device: "cpu" or "cuda".
        progress: called with the trials done, their number in all, and how the latest went (None at the start).

    Raises:
        BadSetting, BadRecipe, BadDataset: wrong arguments, another search in `out`, too few pictures.
        BadRecipe: not one trial could be trained to its end.
        OutOfMemory: a trial's process was killed.
    """
    _check(trials=(trials, 1), images=(1 if images is None else images, 1), steps=(steps, 2), jobs=(jobs, 1))
    _check(seed=(seed, 0))
    ranges = dict(sorted(ranges.items()))
    pictures = choose(data, images, seed)
    recipe = resolved(replace(recipe, run=replace(recipe.run, steps=steps, log_every=1)))
    claim(out / "curves", (), overwrite=True)
    facts = _facts(recipe, ranges, pictures, seed)
    running = out / "running"
    with opened(out, ranges, seed, facts) as store:
        shutil.rmtree(running, ignore_errors=True)
        threads = max(1, usable_cores() // jobs) if jobs > 1 else None
        make = partial(_assign, recipe, pictures, out, device, threads)
        try:
            _train_missing(store, trials, jobs, make, progress)
        finally:
            shutil.rmtree(running, ignore_errors=True)
        found, relative = store.trials(), store.relative
    files = result_files.write(found, ranges, relative, out)
    if found[0].score is None:
        raise BadRecipe(f"{out}: none of {len(found)} trials finished training: {found[0].outcome.reason}")
    if isinstance(ranges.get(RATE), Range):
        files.append(plot_rates(found, relative, out / "lr.png"))
    return Found(found, ranges, relative, files)


def choose(data: Sequence[Path | str], count: int | None, seed: int) -> Sequence[Entry]:
    """The pictures of a search: `count` of them, chosen by the seed.

    Raises:
        BadDataset: there are fewer.
    """
    entries = list_pictures(data)
    if count is None:
        return entries
    if count > len(entries):
        raise BadDataset(f"there are {len(entries)} pictures, fewer than the {count} to search on; lower --images")
    return [entries[i] for i in np.random.default_rng(seed).permutation(len(entries))[:count]]


def _train_missing(
    store: Store,
    trials: int,
    jobs: int,
    make: Callable[[int, dict[str, Any]], Assignment],
    progress: Callable[[int, int, Outcome | None], None],
) -> None:
    done = {trial.number for trial in store.trials()}
    missing = [number for number in range(trials, 0, -1) if number not in done]
    total = max(trials, len(done))
    progress(len(done), total, None)
    # No daemons, as torch's loaders start processes of their own.
    with Pool[tuple[int, Any]](jobs, daemon=False) as pool:
        while missing or pool.is_busy:
            while missing and pool.is_free:
                number = missing.pop()
                trial, values = store.begin(number)
                pool.begin((number, trial), train_trial, make(number, values))
            (number, trial), end = pool.next_ended()
            outcome = _outcome(end)
            store.end(trial, outcome)
            done.add(number)
            progress(len(done), total, outcome)


def _outcome(end: Done | Failed) -> Outcome:
    if isinstance(end, Done):
        return end.value
    if isinstance(end.error, WorkerDied):
        raise OutOfMemory("a trial's process was killed, probably out of memory; lower --jobs and run this again")
    raise end.error


def _assign(
    recipe: Recipe,
    pictures: Sequence[Entry],
    out: Path,
    device: str,
    threads: int | None,
    number: int,
    values: dict[str, Any],
) -> Assignment:
    name = f"{number:04d}"
    folder, curve = out / "running" / name, out / "curves" / f"{name}.csv"
    return Assignment(with_values(recipe, values), pictures, folder, curve, device, threads)


def _facts(recipe: Recipe, ranges: Ranges, pictures: Sequence[Entry], seed: int) -> dict[str, Any]:
    plain = recipe_dict(recipe)
    # What may differ: it changes no loss.
    for name in ("title", "decode"):
        del plain[name]
    for name in ("workers", "cache"):
        plain["data"].pop(name, None)
    return {
        "recipe": plain,
        "ranges": {name: span.plain() for name, span in ranges.items()},
        "images": {"count": len(pictures), "digest": digest(pictures)},
        "seed": seed,
    }


def _check(**settings: tuple[int, int]) -> None:
    for name, (value, least) in settings.items():
        if value < least:
            raise BadSetting(f"{name} is {value}; it must be at least {least}")
