"""Every metric for every photograph, and the means: the colorizer's, gray's, and the truth's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from photochrom._support.files import write_bytes
from photochrom.evaluation import files
from photochrom.evaluation.classes import Top1, Top1Counter
from photochrom.evaluation.sample import Predictor, Progress, Sample, Skipped, measuring, samples
from photochrom.metrics import Comparison, Rendition, facts, measure, metrics

Numbers = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One photograph's numbers by metric; `truth` has only the metrics whose best value is the truth's own."""

    path: Path
    width: int
    height: int
    ours: Numbers
    gray: Numbers
    truth: Numbers


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found. The totals are plain means over the photographs, each counting the same."""

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    top1: Top1 | None = None

    @cached_property
    def ours(self) -> Numbers:
        return mean([row.ours for row in self.rows])

    @cached_property
    def gray(self) -> Numbers:
        return mean([row.gray for row in self.rows])

    @cached_property
    def truth(self) -> Numbers:
        return mean([row.truth for row in self.rows])

    @property
    def headline(self) -> Numbers:
        """The trade a colorizer makes: how far under gray's error it is, and how colourful for that."""
        return {
            "ciede2000_gain": 1 - self.ours["ciede2000"] / self.gray["ciede2000"],
            "colorfulness_share": self.ours["colorfulness"] / self.truth["colorfulness"],
            "colorfulness_difference": self.ours["colorfulness"] - self.truth["colorfulness"],
        }

    def table(self) -> list[tuple[str, ...]]:
        """Return the totals as printable rows, the heading first: metric, unit, better, ours, gray, truth."""
        rows = [("metric", "unit", "better", "ours", "gray", "truth")]
        for name, value in self.ours.items():
            truth = f"{self.truth[name]:.4g}" if name in self.truth else ""
            metric = facts(name)
            better = "near truth" if metric.better == "truth" else metric.better
            rows.append((name, metric.unit, better, f"{value:.4g}", f"{self.gray[name]:.4g}", truth))
        return rows

    def to_json(self) -> dict[str, object]:
        """Return what `totals.json` holds."""
        return {
            "pictures": len(self.rows),
            "skipped": [{"file": str(skip.path), "reason": skip.reason} for skip in self.skipped],
            **self.headline,
            "ours": self.ours,
            "gray": self.gray,
            "truth": self.truth,
            **({"top1": asdict(self.top1) | {"shares": self.top1.shares}} if self.top1 else {}),
            "metrics": {name: _describe(name) for name in self.ours},
        }

    def write(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write `per_image.csv` and `totals.json` into `folder`, which is created.

        Raises:
            WriteFailed: the disk is full, the folder read-only, or a file is there and `overwrite` is False.
        """
        table, totals = files.claim(folder, ("per_image.csv", "totals.json"), overwrite)
        files.write_csv(table, [_flat(row) for row in self.rows], overwrite)
        text = json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
        write_bytes(totals, text.encode(), overwrite)


def evaluate(
    colorizer: Predictor,
    paths: Iterable[Path | str],
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
    each: Callable[[Sample], object] | None = None,
    counter: Top1Counter | None = None,
    overwrite: bool = False,
) -> Evaluation:
    """Measure a colorizer on photographs whose colours are known.

    Args:
        colorizer: gets the truth's L and gives ab, which are joined with that L and rounded to 8 bits.
        paths: the photographs' files. One that is unreadable or gray is listed in `skipped`.
        out: a folder for `per_image.csv` and `totals.json`.
        progress: called after each file.
        each: called with each sample, so that a contact sheet needs no second run of the network.
        counter: also count how often a classifier finds the class.
        overwrite: whether files in `out` may be replaced.

    Raises:
        BadDataset: not one photograph could be measured, or, with a counter, none has a synset.
        WriteFailed: as `Evaluation.write`; files that are in the way are found before the work begins.
    """
    paths = list(paths)
    if counter:
        counter.check(paths)
    if out is not None:
        files.claim(out, ("per_image.csv", "totals.json"), overwrite)
    rows: list[Row] = []
    skipped: list[Skipped] = []
    for sample in samples(colorizer, paths, skipped=skipped, progress=progress):
        with measuring(sample.path):
            rows.append(_row(sample))
        for look in (each, counter):
            if look:
                look(sample)
    report = Evaluation(tuple(rows), tuple(skipped), counter.result() if counter else None)
    if out is not None:
        report.write(out, overwrite=overwrite)
    return report


def truth_numbers(truth: Rendition, names: Iterable[str] | None = None) -> Numbers:
    """Measure the truth against itself with the metrics for which that says something."""
    wanted = metrics if names is None else names
    return measure(Comparison(truth, truth), tuple(name for name in wanted if facts(name).better == "truth"))


def mean(numbers: Sequence[Numbers]) -> Numbers:
    """Return the mean of each key over dicts that have the same keys."""
    return {key: sum(each[key] for each in numbers) / len(numbers) for key in numbers[0]}


def _row(sample: Sample) -> Row:
    height, width = sample.truth.rgb.shape[:2]
    ours = measure(Comparison(sample.ours, sample.truth))
    gray = measure(Comparison(sample.gray, sample.truth))
    return Row(sample.path, width, height, ours, gray, truth_numbers(sample.truth))


def _describe(name: str) -> dict[str, str]:
    metric = facts(name)
    return {"meaning": metric.meaning, "unit": metric.unit, "better": metric.better}


def _flat(row: Row) -> dict[str, object]:
    flat: dict[str, object] = {"file": str(row.path), "width": row.width, "height": row.height, **row.ours}
    flat |= {f"gray_{name}": value for name, value in row.gray.items()}
    return flat | {f"truth_{name}": value for name, value in row.truth.items()}
