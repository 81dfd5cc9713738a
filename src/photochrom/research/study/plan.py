"""What a study trains: a TOML file that names runs, seeds and counts, and shrinks the paper's recipes where it must."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from photochrom._support.settings import Checked, Range, check, from_dict, read_toml
from photochrom.errors import BadRecipe, UnknownName
from photochrom.train.config import Recipe
from photochrom.train.recipe import load_recipe


@dataclass(frozen=True)
class Counts(Checked, where="photographs"):
    """How many photographs.

    Attributes:
        train, val, test: of downsampled ImageNet, disjoint.
        baseline_train, baseline_test: of CIFAR-10.
        seed: decides which.
    """

    train: Annotated[int, Range(1)] = 10_000
    val: Annotated[int, Range(1)] = 1_000
    test: Annotated[int, Range(1)] = 1_000
    baseline_train: Annotated[int, Range(1)] = 2_000
    baseline_test: Annotated[int, Range(1)] = 500
    seed: int = 0


@dataclass(frozen=True)
class Plan:
    """A scale of the study.

    Attributes:
        title: one line for the report.
        seeds: every run is trained once with each.
        photographs: see `Counts`.
        overrides: by the model's name, the fields of the recipes that this scale changes (dotted names).
        runs: by the run's name, what it changes besides. Three keys are not the recipe's: "recipe" names it where it is
            not the run's name, "init" the model whose weights it starts from, and "size" the side at which a network
            that takes any size is measured, where it is not `data.size`.
    """

    title: str = ""
    seeds: tuple[int, ...] = (1,)
    photographs: Counts = field(default_factory=Counts)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise BadRecipe(f"seeds is {list(self.seeds)}; it must be a list of different whole numbers")
        if not self.runs:
            raise BadRecipe("the plan names no runs; add a table [runs]")


@dataclass(frozen=True)
class StudyJob:
    """One network to train: a run of the plan with one seed.

    Attributes:
        size: side in pixels of the photographs that it is measured on.
        init: the model that it starts from; None starts as the recipe says.
    """

    name: str
    seed: int
    recipe: Recipe
    size: int
    init: str | None = None

    @property
    def folder(self) -> str:
        return f"{self.name}-seed{self.seed}"


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        BadRecipe: it is missing, no TOML, or has a wrong key or value.
    """
    facts = read_toml(path, "the study's plan (--recipes names its folder)")
    try:
        return from_dict(Plan, facts)
    except BadRecipe as error:
        raise BadRecipe(f"{path}: {error}") from None


def jobs(plan: Plan, recipes: Path, only: Sequence[str] = (), seeds: Sequence[int] = ()) -> list[StudyJob]:
    """The networks of the plan, the first seed's before the second's, so that a study that is stopped is whole sooner.

    Args:
        plan: see `Plan`.
        recipes: the folder of the recipes.
        only: runs of the plan; none takes all.
        seeds: instead of the plan's.

    Raises:
        UnknownName: the plan has no such run.
        BadRecipe: a recipe is missing, or does not take what the plan changes.
    """
    for name in only:
        if name not in plan.runs:
            raise UnknownName(f"the plan has no run called '{name}'; there are: {', '.join(plan.runs)}")
    found = [_job(plan, n, dict(c), recipes) for n, c in plan.runs.items() if n in only or not only]
    return [_seeded(job, seed) for seed in seeds or plan.seeds for job in found]


def _job(plan: Plan, name: str, changes: dict[str, Any], recipes: Path) -> StudyJob:
    path, init, size = (
        recipes / f"{changes.pop('recipe', name)}.toml",
        changes.pop("init", None),
        changes.pop("size", 0),
    )
    check(isinstance(size, int) and size >= 0, f"runs.{name}.size", size, "a number of pixels")
    check(init is None or isinstance(init, str), f"runs.{name}.init", init, "a model's name or file")
    model = load_recipe(path).model.name
    recipe = load_recipe(path, _texts(plan.overrides.get(model, {}) | changes))
    return StudyJob(name, recipe.run.seed, recipe, size or recipe.data.size, init)


def _seeded(job: StudyJob, seed: int) -> StudyJob:
    return replace(job, seed=seed, recipe=replace(job.recipe, run=replace(job.recipe.run, seed=seed)))


def _texts(changes: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}={json.dumps(value)}" for name, value in changes.items())
