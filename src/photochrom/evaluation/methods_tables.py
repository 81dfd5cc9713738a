"""A comparison as tables to read, as CSV and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from photochrom._support.files import write_bytes
from photochrom._support.html_report import Table
from photochrom.evaluation import files
from photochrom.evaluation.compare import TRUTH, MethodsReport, Score
from photochrom.metrics.frechet import (
    Estimate,
    bias_note,
    frechet_distance,
    frechet_floor,
    kernel_distance,
    kernel_floor,
)

SHOWN = (
    *("ciede2000", "psnr", "psnr_ab", "ssim", "ab_distance", "auc", "auc_rebalanced"),
    *("colorfulness", "colorfulness_error", "lpips"),
)
"""Metrics that are printed; all of them are in the files."""
LEAST = 4  # pictures for distances between sets

Features = Callable[[np.ndarray], np.ndarray]
"""From rgb (H, W, 3), 0..1, to (d,)."""


class SetDistances:
    """FID and KID of each method from the truth: give it every photograph, then ask for the table.

    Args:
        features: such as `photochrom.models.inception.Inception`.
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        self._found: dict[str, list[np.ndarray]] = {}

    def add(self, versions: Mapping[str, np.ndarray]) -> None:
        """A photograph's versions, (H, W, 3) in 0..1, the truth among them."""
        for name, rgb in versions.items():
            self._found.setdefault(name, []).append(self._features(rgb))

    def results(self) -> dict[str, tuple[float, Estimate]]:
        """FID and KID by version; empty under 4 pictures."""
        sets = {name: np.stack(rows) for name, rows in self._found.items()}
        if not sets or len(sets[TRUTH]) < LEAST:
            return {}
        true = sets.pop(TRUTH)
        return {name: (frechet_distance(ours, true), kernel_distance(ours, true)) for name, ours in sets.items()}

    def table(self) -> Table:
        """The same to read, with the floor of two halves of the truth."""
        rows: list[tuple[str, ...]] = [("method", "FID", "KID x 1000")]
        found = self.results()
        for name, (frechet, kernel) in found.items():
            rows.append((name, f"{frechet:.4g}", _thousandfold(kernel)))
        if not found:
            return Table("sets", "FID and KID", tuple(rows), f"FID and KID need {LEAST} pictures or more")
        true = np.stack(self._found[TRUTH])
        half = len(true) // 2
        rows.append(
            (f"two halves of the truth, {half} each", str(frechet_floor(true)), _thousandfold(kernel_floor(true)))
        )
        note = (
            f"FID {bias_note(len(true), true.shape[1])}. KID is unbiased; ± is its standard error over pictures. "
            "± of the halves is the standard deviation over 10 splits."
        )
        return Table("sets", "FID and KID: how far the pictures are from the true ones as a set", tuple(rows), note)


def scores_table(report: MethodsReport, *, everything: bool = False) -> Table:
    """Means with their intervals: a row for each metric, a column for each method."""
    rows: list[tuple[str, ...]] = [("metric", "better", *report.names, TRUTH)]
    for metric in _metrics(report, everything):
        better = report.facts[metric].better
        truth = report.scores[TRUTH].get(metric)
        cells = [str(report.scores[name][metric]) for name in report.names]
        rows.append(
            (metric, "near truth" if better == "truth" else better, *cells, f"{truth.mean:.4g}" if truth else "")
        )
    note = f"Means over {len(report.paths)} photographs, in brackets 95 % intervals (bootstrap of the photographs)."
    return Table("scores", "Measures", tuple(rows), note)


def differences_table(report: MethodsReport, *, everything: bool = False) -> Table:
    """Differences from the first method, photograph by photograph."""
    rows: list[tuple[str, ...]] = [("metric", *report.names[1:])]
    for metric in _metrics(report, everything):
        each = (report.differences[name][metric] for name in report.names[1:])
        rows.append((metric, *(f"{_signed(d.score)}; {d.better:.0%}" for d in each)))
    note = (
        f"The method's number minus {report.names[0]}'s: the mean over the photographs, its 95 % interval, and the "
        f"share of photographs on which the method is better than {report.names[0]}."
    )
    return Table("differences", f"Differences from {report.names[0]}", tuple(rows), note)


def write_csv(report: MethodsReport, path: Path, *, overwrite: bool = False) -> None:
    """A row for each photograph and version.

    Raises:
        WriteFailed: as `write_bytes`.
    """
    rows: list[dict[str, object]] = []
    for i, photograph in enumerate(report.paths):
        for name in (*report.names, TRUTH):
            numbers = {m: float(c[i]) for m in report.facts for c in [report.values[name].get(m)] if c is not None}
            row: dict[str, object] = {"file": str(photograph), "method": name, "disagreement": report.disagreement[i]}
            rows.append(row | {metric: numbers.get(metric, "") for metric in report.facts})
    files.write_csv(path, rows, overwrite)


def write_json(report: MethodsReport, path: Path, sets: SetDistances | None, *, overwrite: bool = False) -> None:
    """Everything but the single photographs.

    Raises:
        WriteFailed: as `write_bytes`.
    """
    write_bytes(path, (json.dumps(to_json(report, sets), indent=2, allow_nan=False) + "\n").encode(), overwrite)


def to_json(report: MethodsReport, sets: SetDistances | None = None) -> dict[str, object]:
    """What the JSON file holds."""
    found = sets.results() if sets else {}
    return {
        "pictures": len(report.paths),
        "skipped": [{"file": str(skip.path), "reason": skip.reason} for skip in report.skipped],
        "resamples": report.resamples,
        "seed": report.seed,
        "methods": {
            name: {metric: _interval(score) for metric, score in scores.items()}
            for name, scores in report.scores.items()
        },
        "differences_from": report.names[0],
        "differences": {
            name: {metric: _interval(d.score) | {"better": d.better} for metric, d in differences.items()}
            for name, differences in report.differences.items()
        },
        **(
            {"sets": {n: {"fid": f, "kid": k.mean, "kid_error": k.error} for n, (f, k) in found.items()}}
            if found
            else {}
        ),
        "metrics": {n: {"meaning": m.meaning, "unit": m.unit, "better": m.better} for n, m in report.facts.items()},
    }


def _metrics(report: MethodsReport, everything: bool) -> list[str]:
    shown = [metric for metric in SHOWN if metric in report.facts]
    return shown + [metric for metric in report.facts if metric not in shown] if everything else shown


def _interval(score: Score) -> dict[str, float]:
    return {"mean": score.mean, "low": score.low, "high": score.high}


def _signed(score: Score) -> str:
    places = 2 if max(abs(score.mean), abs(score.low), abs(score.high)) >= 0.1 else 4
    return f"{score.mean:+.{places}f} ({score.low:+.{places}f} to {score.high:+.{places}f})"


def _thousandfold(kernel: Estimate) -> str:
    return str(Estimate(1000 * kernel.mean, 1000 * kernel.error))
