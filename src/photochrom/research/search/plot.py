"""Learning rate against loss (the paper, section 4.2.8): where training starts, is best, and diverges."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from photochrom._support.files import write_bytes
from photochrom.research.search.store import best_quarter
from photochrom.research.search.trial import Trial

_DOT, _BEST, _BAD, _BAND = "#2f5d8a", "#d9822b", "#b03a3a", "#d9822b"


def plot_rates(trials: Sequence[Trial], relative: bool, path: Path) -> Path:
    """Draw the loss drop and the lowest loss over the learning rate, and return the path.

    Args:
        trials: sorted, the best first; at least one was trained to its end.
        relative: show the lowest loss as a share of the first.
        path: a PNG, replaced if it is there.

    Raises:
        WriteFailed: the disk is full, the folder read-only.
    """
    finished = [trial for trial in trials if trial.score is not None]
    drops = [trial.outcome.drop for trial in finished]
    lowest = [float(trial.score or 0.0) for trial in finished]
    # A Figure of its own, not pyplot, which would keep it and choose a window system.
    figure = Figure(figsize=(7, 6.5), dpi=150, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.set(xscale="log", ylabel="loss drop per step")
    lower.set(xlabel="learning rate", ylabel="lowest loss / first loss" if relative else "lowest loss")
    # What broke down may lie thousands of times further off than what worked; it is shown at the edge.
    _points(upper, finished, drops, -0.4 * max(max(drops), 0.0), max(drops))
    ceiling = 1.0 if relative else max(trial.outcome.first for trial in finished)
    _points(lower, finished, lowest, min(lowest), max(ceiling, min(lowest)))
    upper.axhline(0, color="gray", linewidth=0.8)
    for axes in (upper, lower):
        _marks(axes, trials)
        axes.grid(alpha=0.25, which="both")
    legend = {
        text: handle for axes in (upper, lower) for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(legend.values(), legend.keys(), loc="outside upper center", ncols=len(legend), frameon=False)
    png = io.BytesIO()
    figure.savefig(png, format="png")
    write_bytes(path, png.getvalue(), overwrite=True)
    return path


def _points(axes: Any, trials: list[Trial], values: list[float], low: float, high: float) -> None:
    """Dots within low..high; beyond, triangles at the edge that is nearer."""
    margin = 0.08 * (high - low or abs(high) or 1.0)
    bottom, top = low - margin, high + margin
    rates = [_rate(trial) for trial in trials]
    inside = [bottom <= value <= top for value in values]
    axes.plot(*_only(rates, values, inside), "o", color=_DOT, markersize=5, alpha=0.8, label="trial")
    axes.plot(rates[0], values[0], "o", color=_BEST, markersize=9, markeredgecolor="white", label="lowest loss")
    for beyond, edge, marker in ((True, bottom, "v"), (False, top, "^")):
        far = [value < bottom if beyond else value > top for value in values]
        if any(far):
            xs, _ = _only(rates, values, far)
            axes.plot(xs, [edge] * len(xs), marker, color=_DOT, markersize=6, clip_on=False, label="off the scale")
    axes.set_ylim(bottom, top)


def _marks(axes: Any, trials: Sequence[Trial]) -> None:
    """The span of the best quarter, and a mark on the axis for each trial that could not be trained to its end."""
    best = [_rate(trial) for trial in best_quarter(list(trials))]
    axes.axvspan(min(best), max(best), color=_BAND, alpha=0.12, linewidth=0, label="best quarter", zorder=0)
    broken = [_rate(trial) for trial in trials if trial.score is None]
    if broken:
        floor = axes.get_ylim()[0]
        axes.plot(broken, [floor] * len(broken), "x", color=_BAD, markersize=7, clip_on=False, label="broke off")


def _only(xs: list[float], ys: list[float], which: list[bool]) -> tuple[list[float], list[float]]:
    kept = [(x, y) for x, y, keep in zip(xs, ys, which, strict=True) if keep]
    return [x for x, _ in kept], [y for _, y in kept]


def _rate(trial: Trial) -> float:
    return float(trial.values["optim.lr"])
