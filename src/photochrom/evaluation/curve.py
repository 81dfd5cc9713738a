"""The curve of error against colorfulness as vividness varies: one point can be had by being brown, a curve not."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from photochrom._support.files import write_bytes
from photochrom._support.text import shown
from photochrom.errors import BadSetting, MissingExtra
from photochrom.evaluation import files
from photochrom.evaluation.per_photograph import Numbers, mean, truth_numbers
from photochrom.evaluation.sample import Progress, Skipped, Truth, join, measuring, truths
from photochrom.metrics import Comparison, Rendition, measure

VIVIDNESS = (0.0, 0.25, 0.5, 0.75, 1.0)
METRICS = ("ciede2000", "psnr", "ab_distance", "colorfulness")


class SweepPredictor(Protocol):
    """A colorizer whose costly part (the network) can be run once and decoded many times."""

    def scores(self, L: np.ndarray, /) -> Any:
        """Run the network on L (H, W) float32, 0..100; the result is only ever given to `decode`."""
        ...

    def decode(self, scores: Any, L: np.ndarray, /, *, vividness: float) -> np.ndarray:
        """Return ab (H, W, 2) in Lab units."""
        ...


@dataclass(frozen=True)
class Sweep:
    """Means over the photographs: `rows` by vividness (each has the key "vividness"), and what to hold them against."""

    rows: tuple[Numbers, ...]
    gray: Numbers
    truth: Numbers
    pictures: int
    skipped: tuple[Skipped, ...] = ()

    def table(self) -> list[tuple[str, ...]]:
        """Return printable rows, the heading first; the last two are gray's and the truth's."""
        names = list(self.rows[0])
        lines = [tuple(f"{row[name]:.4g}" for name in names) for row in self.rows]
        for label, row in (("gray", self.gray), ("truth", self.truth)):
            lines.append((label, *(f"{row[name]:.4g}" if name in row else "" for name in names[1:])))
        return [tuple(names), *lines]

    def write(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write `sweep.csv` into `folder`, which is created; gray's and the truth's means are columns of every row.

        Raises:
            WriteFailed: the disk is full, the folder read-only, or the file is there and `overwrite` is False.
        """
        (path,) = files.claim(folder, ("sweep.csv",), overwrite)
        constant = {f"gray_{name}": value for name, value in self.gray.items()}
        constant |= {f"truth_{name}": value for name, value in self.truth.items()}
        files.write_csv(path, [{**row, **constant} for row in self.rows], overwrite)


def sweep(
    colorizer: SweepPredictor,
    paths: Iterable[Path | str],
    vividness: Sequence[float] = VIVIDNESS,
    *,
    names: Sequence[str] = METRICS,
    out: Path | str | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Sweep:
    """Measure a colorizer at several degrees of vividness, running its network once per photograph.

    Args:
        colorizer: see `SweepPredictor`.
        paths: the photographs' files. One that is unreadable or gray is listed in `skipped`.
        vividness: the degrees, in the order of the rows.
        names: the metrics.
        out: a folder for `sweep.csv`.
        progress: called after each file.
        overwrite: whether `sweep.csv` may be replaced.

    Raises:
        BadDataset: not one photograph could be measured.
        BadSetting: no vividness was given.
        UnknownName: a metric that there is not.
        WriteFailed: as `Sweep.write`.
    """
    if not vividness:
        raise BadSetting("a sweep needs at least one vividness")
    if out is not None:
        files.claim(out, ("sweep.csv",), overwrite)
    skipped: list[Skipped] = []
    points: list[list[Numbers]] = []
    grays: list[Numbers] = []
    originals: list[Numbers] = []
    for truth in truths(paths, skipped, progress):
        with measuring(truth.path):
            points.append([_numbers(ours, truth, names) for ours in _decoded(colorizer, truth, vividness)])
            grays.append(_numbers(join(truth.L, 0), truth, names))
            originals.append(truth_numbers(truth.rendition, names))
    columns = zip(vividness, zip(*points, strict=True), strict=True)
    rows = tuple({"vividness": float(v), **mean(column)} for v, column in columns)
    result = Sweep(rows, mean(grays), mean(originals), len(points), tuple(skipped))
    if out is not None:
        result.write(out, overwrite=overwrite)
    return result


def plot_sweeps(sweeps: Mapping[str, Sweep], path: Path | str, *, overwrite: bool = False) -> None:
    """Draw the curves of CIEDE2000 against colorfulness, one for each named sweep, into a PNG.

    Gray's error is a dashed line and the truth's colorfulness a dotted one, those of the first sweep; sweeps that are
    drawn together should be over the same photographs.

    Raises:
        MissingExtra: matplotlib is not installed.
        BadSetting: no sweeps, or one that was made without these two metrics.
        WriteFailed: the file cannot be written, or is there and `overwrite` is False.
    """
    if not sweeps or any(not {"ciede2000", "colorfulness"} <= set(each.gray) for each in sweeps.values()):
        raise BadSetting("the sweep plot needs sweeps with the metrics ciede2000 and colorfulness")
    path = Path(path)
    files.claim(path.parent, (path.name,), overwrite)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("the sweep plot", "train") from error
    # A Figure of its own, not pyplot, which would keep it and choose a window system.
    figure = Figure(figsize=(7, 5), dpi=150, layout="constrained")
    axes = figure.add_subplot(xlabel="colorfulness (mean M3)", ylabel="CIEDE2000 (mean)")
    for name, each in sweeps.items():
        x, y = ([row[key] for row in each.rows] for key in ("colorfulness", "ciede2000"))
        axes.plot(x, y, marker="o", label=name)
        for row, at in zip(each.rows, zip(x, y, strict=True), strict=True):
            axes.annotate(f"{row['vividness']:g}", at, xytext=(4, 4), textcoords="offset points", fontsize=8)
    first = next(iter(sweeps.values()))
    axes.axhline(first.gray["ciede2000"], color="gray", linestyle="--", label="gray")
    axes.axvline(first.truth["colorfulness"], color="gray", linestyle=":", label="truth's colorfulness")
    axes.legend()
    png = io.BytesIO()
    figure.savefig(png, format="png")
    write_bytes(path, png.getvalue(), overwrite)


def _numbers(rendition: Rendition, truth: Truth, names: Sequence[str]) -> Numbers:
    return measure(Comparison(rendition, truth.rendition), tuple(names))


def _decoded(colorizer: SweepPredictor, truth: Truth, vividness: Sequence[float]) -> Iterator[Rendition]:
    L = truth.L.astype(np.float32)
    scores = colorizer.scores(L)
    for degree in vividness:
        yield join(truth.L, colorizer.decode(scores, L, vividness=degree), shown(truth.path))
