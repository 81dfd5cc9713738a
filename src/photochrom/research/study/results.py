"""What finished runs left behind, read back for tables, figures and findings."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from photochrom.errors import BadCheckpoint, BadDataset
from photochrom.metrics.frechet import Estimate
from photochrom.research.study.prepare import REFERENCES, TRUTH_PER_IMAGE, read_facts
from photochrom.research.study.realism import FEATURES, FixedJudge, distances, load_arrays, reference_features
from photochrom.research.study.run import PER_IMAGE, PICTURES, RESULT

SCENES = Path(__file__).with_name("scenes.csv")
SCALES = ("small", "medium", "adversarial", "paper")


@dataclass(frozen=True)
class Spread:
    """Mean and range of one number over the seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{self.mean:.4g}"
        return f"{self.mean:.4g} ({min(self.values):.4g} to {max(self.values):.4g})"


@dataclass(frozen=True)
class Run:
    """One finished network; of one that was trained elsewhere there may be its numbers alone."""

    folder: Path
    facts: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.facts[key]

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """Each test photograph's numbers."""
        return read_rows(self.folder / PER_IMAGE["test"])

    @property
    def epochs(self) -> float:
        """How often it saw each photograph."""
        return self["steps"] * self["recipe"]["run"]["batch"] / self["images"]

    def epoch_losses(self) -> list[float]:
        """The mean training loss of each epoch, as far as it is logged."""
        loss, each = self["loss"], self["steps"] / max(1.0, self.epochs)
        parts: dict[int, list[float]] = {}
        for step, value in loss:
            parts.setdefault(int((step - 1) // each), []).append(value)
        return [float(np.mean(values)) for _, values in sorted(parts.items())]

    @property
    def pictured(self) -> bool:
        """Whether its pictures are there, and not its numbers alone."""
        return (self.folder / PICTURES).exists()

    @cached_property
    def pictures(self) -> Mapping[str, np.ndarray]:
        """Predictions as uint8 (n, s, s, 3): "test", "seen" for some training photographs, and "packaged"."""
        return load_arrays(self.folder / PICTURES)


@dataclass(frozen=True)
class Realism:
    """What needs all runs at once.

    Attributes:
        judged_real: share of the test pictures that the judge takes for real, by run, and of "gray" and the "truth".
            Runs whose features are not there are not judged.
        gray, truth: distances of the gray pictures and of the real ones, see `realism.distances`. The truth's are the
            floor: as many real photographs, held against the same others.
        pictures, reference: how many are held against how many.
    """

    judged_real: dict[str, Spread]
    gray: dict[str, float]
    truth: dict[str, float]
    pictures: int
    reference: int


class Results:
    """The finished runs of one scale.

    Args:
        folder: of the scale.

    Raises:
        BadDataset: there are none, or the photographs themselves are not measured.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scale = folder.name
        self.runs: dict[str, dict[int, Run]] = defaultdict(dict)
        for path in sorted(folder.glob(f"runs/*/{RESULT}")):
            facts = read_facts(path)
            self.runs[facts["name"]][facts["seed"]] = Run(path.parent, facts)
        if not self.runs:
            raise BadDataset(f"{folder}: no run of the study is finished there")
        if not (folder / REFERENCES).exists():
            raise BadDataset(
                f"{folder}: the photographs themselves are not measured yet; start the study without --report-only"
            )
        self.references: dict[str, Any] = read_facts(folder / REFERENCES)

    def __contains__(self, name: str) -> bool:
        return name in self.runs

    def first(self, name: str) -> Run:
        """The run that the figures show: the lowest seed's, of those whose pictures are there if any are."""
        return min(self.runs[name].values(), key=lambda run: (not run.pictured, run["seed"]))

    def spread(self, name: str, metric: str, part: str = "test") -> Spread:
        """A metric of a run over its seeds."""
        return Spread(tuple(run[part][metric] for _, run in sorted(self.runs[name].items())))

    def kernel(self, name: str) -> Estimate:
        """A run's kernel distance, the mean over its seeds, and its standard error over pictures.

        The seeds are of the same photographs, so that their mean errs as each of them does; their spread is not in it.
        """
        mean, error = (self.spread(name, metric, "realism").mean for metric in ("kernel", "kernel_error"))
        return Estimate(mean, error)

    def by_seed(self, name: str, metric: str, part: str = "test") -> dict[int, float]:
        """The same by seed."""
        return {seed: run[part][metric] for seed, run in self.runs[name].items()}

    def per_photograph(self, runs: Mapping[int, Run], seeds: Sequence[int], metric: str, part: str) -> np.ndarray:
        """A metric by photograph (n,) of "test" or "seen", the mean over these seeds."""
        rows = [runs[seed].rows if part == "test" else read_rows(runs[seed].folder / PER_IMAGE[part]) for seed in seeds]
        return np.mean([[float(row[metric]) for row in each] for each in rows], 0)

    @cached_property
    def truth_rows(self) -> list[dict[str, str]]:
        """Each test photograph's own numbers."""
        return read_rows(self.folder / TRUTH_PER_IMAGE)

    def truth(self, part: str = "test", dataset: str = "imagenet") -> np.ndarray:
        """The photographs' own colours, uint8: "test" and "seen"."""
        with np.load(self.folder / f"truth-{dataset}.npz") as file:
            return file[part]

    @cached_property
    def realism(self) -> Realism | None:
        """How real the pictures look to a judge that learns from all finished runs; None where no run can be judged."""
        found = {n: [r.folder / FEATURES for r in s.values()] for n, s in self.runs.items()}
        kept = {name: [path for path in paths if path.exists()] for name, paths in found.items()}
        features = {name: [load_arrays(path) for path in paths] for name, paths in kept.items() if paths}
        if not features:
            return None
        truth = load_arrays(self.folder / FEATURES)
        judge = FixedJudge(truth["truth_val"], [each["val"] for runs in features.values() for each in runs])
        fooled = {n: Spread(tuple(judge.judged_real(f["test"]).mean() for f in runs)) for n, runs in features.items()}
        for name in ("gray", "truth"):
            fooled[name] = Spread((judge.judged_real(truth[f"{name}_test"]).mean(),))
        reference = reference_features(self.folder)
        gray, real = (distances(truth[f"{name}_test"], reference) for name in ("gray", "truth"))
        return Realism(fooled, gray, real, len(truth["truth_test"]), len(reference))

    @property
    def trained_on(self) -> str:
        """How many photographs of ImageNet a run saw."""
        return f"{max(run['images'] for seeds in self.runs.values() for run in seeds.values()):,}"

    @property
    def seconds(self) -> float:
        """Time in training, all runs together."""
        return sum(run["seconds"] for seeds in self.runs.values() for run in seeds.values())


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file.

    Raises:
        BadCheckpoint: it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise BadCheckpoint(f"{path}: it cannot be read ({error.strerror}); train the run again") from None


def scales(out: Path) -> list[Results]:
    """The scales of which something is finished, the small one first."""
    return [Results(out / name) for name in SCALES if any((out / name).glob(f"runs/*/{RESULT}"))]


def scene_of() -> dict[str, tuple[str, str]]:
    """By synset: its name, and "outdoor", "indoor" or "either", as judged from what the class usually shows."""
    with SCENES.open(newline="", encoding="utf-8") as file:
        return {row["synset"]: (row["name"], row["scene"]) for row in csv.DictReader(file)}
