"""The findings as a picture: each comparison's difference, its interval, and its seeds as points."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from photochrom.research.study.comparison import FAILS, HOLDS, Inequality
from photochrom.research.study.findings import findings
from photochrom.research.study.results import Results

# Colour and shape say the same, for who sees only one of them.
MARKS = {HOLDS: ("#0072B2", "o"), FAILS: ("#D55E00", "X")}
OPEN = ("#555555", "s")
FARTHEST = 100.0  # per cent; what is beyond stands at the edge


def draw(results: Results) -> Figure:
    """One row for each comparison that could be made, under its claim."""
    rows: list[tuple[str, Inequality | None]] = []
    for found in findings(results):
        made = [each for each in found.comparisons if each.pairs()]
        if made:
            rows.append((f"{found.claim}: {found.verdict}", None))
            rows += [(f"{each.what}: {each.left[0]} < {each.right[0]}", each) for each in made]
    figure = Figure(figsize=(11, 0.8 + 0.24 * max(1, len(rows))), layout="constrained")
    axes = figure.add_subplot(xlabel="difference, % of the second; left of 0 as the paper says")
    axes.axvline(0, color="0.6", linewidth=0.8)
    for place, (_, each) in enumerate(rows):
        if each is not None:
            _row(axes, -place, each)
    axes.set_yticks([-place for place in range(len(rows))], [label for label, _ in rows], fontsize=7)
    for label, (_, each) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if each is None else "normal")
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.margins(x=0.05)
    return figure


def _row(axes, height: float, each: Inequality) -> None:  # type: ignore[no-untyped-def]
    color, mark = MARKS.get(each.verdict, OPEN)
    whole = float(np.mean([abs(right) for _, right in each.pairs()])) or 1.0
    points = [np.clip(100 * (a - b) / whole, -FARTHEST, FARTHEST) for a, b in each.pairs()]
    if each.interval:
        low, high = (float(np.clip(100 * end / whole, -FARTHEST, FARTHEST)) for end in each.interval)
        axes.plot([low, high], [height, height], "-", color=color, linewidth=3, alpha=0.4, solid_capstyle="butt")
    axes.plot(points, [height] * len(points), mark, color=color, markersize=5, linestyle="none")
