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
        seeds: every run is trained once with each, or with the first ones of them (the run's key "seeds").
        photographs: see `Counts`.
        overrides: by the model's name, the fields of the recipes that this scale changes (dotted names).
        runs: by the run's name, what it changes besides. Some keys are not the recipe's: "recipe" names it where it is
            not the run's name, "init" the model whose weights it starts from, and "size" the side at which a network
            that takes any size is measured, where it is not `data.size`. "part" is the part of the study that it
            belongs to; parts are trained in the order in which they first stand here. "seeds" says with how many of
            the seeds. "given" names a finished model instead of a recipe, which is only measured; its "consistency"
            is the mode in which it sees each photograph, as a film that stands still.
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
        part: of the study; "" where the plan has none.
        given: a finished model that is measured as it is; `recipe` then says nothing.
        consistency: the mode of a film in which a given model is measured; see `photochrom.video.consistency`.
    """

    name: str
    seed: int
    recipe: Recipe
    size: int
    init: str | None = None
    part: str = ""
    given: str | None = None
    consistency: str | None = None

    @property
    def started(self) -> bool:
        """Whether it rests on weights that have seen photographs already."""
        return bool(self.init or self.given)

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


def jobs(
    plan: Plan, recipes: Path, only: Sequence[str] = (), seeds: Sequence[int] = (), parts: Sequence[str] = ()
) -> list[StudyJob]:
    """The networks of the plan, part by part, and in each the first seed's before the second's.

    So what decides the most comes first, and a study that is stopped is whole sooner.

    Args:
        plan: see `Plan`.
        recipes: the folder of the recipes.
        only: runs of the plan; none takes all.
        seeds: instead of the plan's.
        parts: parts of the plan; none takes all.

    Raises:
        UnknownName: the plan has no such run or part.
        BadRecipe: a recipe is missing, or does not take what the plan changes.
    """
    known = list(dict.fromkeys(str(changes.get("part", "")) for changes in plan.runs.values()))
    for kind, asked, there in (("run", only, list(plan.runs)), ("part", parts, [name for name in known if name])):
        for name in asked:
            if name not in there:
                raise UnknownName(f"the plan has no {kind} called '{name}'; there are: {', '.join(there) or 'none'}")
    found: list[StudyJob] = []
    for name, changes in plan.runs.items():
        if (name in only or not only) and (changes.get("part") in parts or not parts):
            job, count = _job(plan, name, dict(changes), recipes)
            # What is not trained is the same with any seed.
            chosen = (plan.seeds[:1] if job.given else seeds) or plan.seeds[:count]
            found += [_seeded(job, seed) for seed in chosen]
    order = {seed: place for place, seed in enumerate(seeds or plan.seeds)}
    return sorted(found, key=lambda job: (known.index(job.part), order.get(job.seed, 0)))


def _job(plan: Plan, name: str, changes: dict[str, Any], recipes: Path) -> tuple[StudyJob, int]:
    """The run, and with how many seeds."""
    own = {key: changes.pop(key, default) for key, default in _OWN.items()}
    for key, default in _OWN.items():
        kind = int if isinstance(default, int) else str
        # The plan's reader takes true for a number; a count is none.
        good = own[key] is default or (type(own[key]) is kind and bool(own[key]))
        check(good, f"runs.{name}.{key}", own[key], "a whole number above 0" if kind is int else "a text")
    count = own["seeds"] or len(plan.seeds)
    check(count <= len(plan.seeds), f"runs.{name}.seeds", count, f"at most {len(plan.seeds)}, as many as the plan's")
    check(not own["consistency"] or own["given"], f"runs.{name}.consistency", own["consistency"], "a given model's")
    facts = {"init": own["init"], "part": own["part"], "given": own["given"], "consistency": own["consistency"]}
    if own["given"]:
        check(not changes, f"runs.{name}", sorted(changes), "without changes to a recipe: nothing is trained")
        check(bool(own["size"]), f"runs.{name}.size", own["size"], "the side at which the given model is measured")
        return StudyJob(name, 0, Recipe(title=f"{own['given']}, as it is"), own["size"], **facts), 1
    path = recipes / f"{own['recipe'] or name}.toml"
    model = load_recipe(path).model.name
    recipe = load_recipe(path, _texts(plan.overrides.get(model, {}) | changes))
    return StudyJob(name, recipe.run.seed, recipe, own["size"] or recipe.data.size, **facts), count


_OWN: dict[str, Any] = {
    "recipe": None,
    "init": None,
    "size": 0,
    "part": "",
    "seeds": 0,
    "given": None,
    "consistency": None,
}
"""The keys of a run that are not the recipe's, and what they are where they are left out."""


def _seeded(job: StudyJob, seed: int) -> StudyJob:
    return replace(job, seed=seed, recipe=replace(job.recipe, run=replace(job.recipe.run, seed=seed)))


def _texts(changes: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}={json.dumps(value)}" for name, value in changes.items())
