"""The study's photographs: split by the plan, checked, decoded for measuring; and what needs no network to measure."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.files import write_bytes
from photochrom._support.settings import to_dict
from photochrom.data.entries import Entry
from photochrom.data.sources import digest, list_pictures
from photochrom.data.split import check_disjoint, check_size, split
from photochrom.errors import BadCheckpoint, BadDataset, BadRecipe, BadSetting
from photochrom.evaluation.files import write_csv
from photochrom.evaluation.per_photograph import truth_numbers
from photochrom.research.study.measure import Photographs, quantised
from photochrom.research.study.plan import Plan, StudyJob
from photochrom.research.study.realism import save_arrays, write_true_features
from photochrom.train.runs import FolderInUse, alone_in

REFERENCES, PLAN, TRUTH_PER_IMAGE = "references.json", "plan.json", "truth_per_image.csv"
BASELINE = "baseline"
SEEN = 100  # training photographs that are coloured too, to measure overfitting
WAIT_S = 1.0  # between two looks at whether another process has measured the references
QUANTISED = (2, 4, 6, 10, 20, 30, 50)
OPTIONS = {"imagenet": "--data", "cifar": "--cifar"}


@dataclass(frozen=True)
class Parts:
    """One dataset of the study, split: entries to train on, and decoded photographs to measure on.

    On `val` the judge of `photochrom.research.study.realism` learns; CIFAR has none.
    """

    train: list[Entry]
    seen: Photographs
    test: Photographs
    val: Photographs | None = None


def prepare(
    plan: Plan,
    out: Path,
    images: Sequence[Path],
    cifar: Sequence[Path],
    jobs: Sequence[StudyJob],
    held_out: Sequence[Path] = (),
) -> dict[str, Parts]:
    """Split the photographs, check them, and open the study's folder.

    Args:
        plan: gives the counts.
        out: the folder of this scale.
        images, cifar: the sources of the two datasets; one that no job needs may be empty.
        jobs: what will be trained; gives the sizes.
        held_out: where ImageNet's validation and test photographs come from; none takes them from `images`, too.

    Returns:
        By dataset ("imagenet", "cifar").

    Raises:
        BadDataset: too few photographs, too small ones, the same one on two sides, or none held out although a job
            starts from trained weights.
        BadRecipe: runs that are measured at different sizes.
        BadSetting: the folder holds a study of another plan or of other photographs.
    """
    counts, sizes = plan.photographs, _sizes(jobs)
    sources = {"imagenet": images, "cifar": cifar}
    wanted = {
        "imagenet": {"train": counts.train, "val": counts.val, "test": counts.test},
        "cifar": {"train": counts.baseline_train, "test": counts.baseline_test},
    }
    chosen: dict[str, dict[str, list[Entry]]] = {}
    for name, size in sizes.items():
        if not sources[name]:
            raise BadDataset(f"the plan's runs need photographs of {name}; name them with {OPTIONS[name]}")
        apart = held_out if name == "imagenet" else ()
        if not apart and (job := next((j for j in jobs if j.started and dataset_of(j) == name), None)):
            raise BadDataset(
                f"the plan's {job.name} starts from trained weights; name photographs that they have not "
                "seen with --held-out"
            )
        chosen[name] = _chosen(sources[name], apart, wanted[name], counts.seed)
        check_size([entry for part in chosen[name].values() for entry in part], size)
    facts = {"plan": to_dict(plan), "data": {n: {k: digest(v) for k, v in p.items()} for n, p in chosen.items()}}
    _same_study(out / PLAN, json.loads(json.dumps(facts)))
    return {
        name: Parts(
            parts["train"],
            Photographs.load(parts["train"][:SEEN], sizes[name]),
            Photographs.load(parts["test"], sizes[name]),
            Photographs.load(parts["val"], sizes[name]) if "val" in parts else None,
        )
        for name, parts in chosen.items()
    }


def _chosen(
    sources: Sequence[Path], held_out: Sequence[Path], wanted: dict[str, int], seed: int
) -> dict[str, list[Entry]]:
    if not held_out:
        return split(list_pictures(sources), wanted, seed)
    parts = split(list_pictures(sources), {"train": wanted["train"]}, seed)
    parts |= split(list_pictures(held_out), {n: count for n, count in wanted.items() if n != "train"}, seed)
    check_disjoint(parts)
    return parts


def _sizes(jobs: Sequence[StudyJob]) -> dict[str, int]:
    """The side of each dataset's photographs; all of its networks are measured on the same ones."""
    sizes: dict[str, int] = {}
    for job in jobs:
        if sizes.setdefault(dataset_of(job), job.size) != job.size:
            raise BadRecipe(
                f"the plan's {job.name} is measured at {job.size} pixels, the runs before it at "
                f"{sizes[dataset_of(job)]}; give its network that size, or one that takes any the key 'size'"
            )
    return sizes


def _same_study(path: Path, facts: dict[str, Any]) -> None:
    """Runs and seeds may join later; what is there must stay comparable."""
    if path.exists():
        before = read_facts(path)
        for name in ("photographs", "overrides"):
            if before["plan"].get(name) != facts["plan"].get(name):
                raise BadSetting(f"{path}: the folder holds a study with another [{name}]; give another --out")
        for name, digests in facts["data"].items():
            if before["data"].get(name, digests) != digests:
                raise BadSetting(f"{path}: the folder holds a study on other photographs of {name}; give another --out")
        facts["data"] = before["data"] | facts["data"]
    write_bytes(path, (json.dumps(facts, indent=1) + "\n").encode(), overwrite=True)


def read_facts(path: Path) -> dict[str, Any]:
    """What the study wrote there as JSON.

    Raises:
        BadCheckpoint: it is damaged, or cannot be read.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"{path}: it cannot be read ({error}); delete it, and it is made again") from None
    if not isinstance(facts, dict):
        raise BadCheckpoint(f"{path}: not what a study writes; delete it, and it is made again")
    return facts


def write_references(out: Path, data: dict[str, Parts]) -> None:
    """Measure what needs no network to be trained, once: gray, the truth, and the truth rounded to bins.

    Where another process of the study is measuring it, this waits.
    """
    while missing_references(out, data):
        try:
            with alone_in(out):
                _measure_references(out, {name: data[name] for name in missing_references(out, data)})
        except FolderInUse:
            time.sleep(WAIT_S)


def missing_references(out: Path, data: dict[str, Parts]) -> set[str]:
    """The datasets that `write_references` has still to measure."""
    return data.keys() - _references(out).keys()


def _references(out: Path) -> dict[str, Any]:
    path = out / REFERENCES
    return read_facts(path) if path.exists() else {}


def _measure_references(out: Path, data: dict[str, Parts]) -> None:
    facts = _references(out)
    for name, parts in data.items():
        facts[name] = parts.test.references()
        if name == "imagenet":
            facts["seen"] = parts.seen.references()
            facts["quantised"] = quantised(parts.test, QUANTISED)
            rows = [{"key": k, **truth_numbers(r)} for k, r in zip(parts.test.keys, parts.test.renditions, strict=True)]
            write_csv(out / TRUTH_PER_IMAGE, rows, True)
            write_true_features(out, parts.test, parts.val, _decoded(parts))
        save_arrays(out / f"truth-{name}.npz", test=parts.test.rgb, seen=parts.seen.rgb)
    write_bytes(out / REFERENCES, json.dumps(facts, indent=1).encode(), overwrite=True)


def _decoded(parts: Parts) -> np.ndarray:
    """The training photographs, (n, s, s, 3) uint8."""
    return Photographs.load(parts.train, parts.test.rgb.shape[1]).rgb


def dataset_of(job: StudyJob) -> str:
    """Which photographs a job is trained on."""
    return "cifar" if job.recipe.model.name == BASELINE else "imagenet"
