"""Values with their intervals as a chart of HTML and SVG: text stays as large as the page's at any width."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

STYLE = """
.chart { display: grid; grid-template-columns: minmax(auto, 14rem) 1fr auto; grid-auto-flow: dense;
  column-gap: 1.5rem; max-width: 52rem; margin: 1.25rem 0; }
.chart .label { grid-column: 1; overflow-wrap: anywhere; align-self: center; }
.chart .value { grid-column: 3; align-self: center; text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.chart .value small { display: inline-block; min-width: 8.5em; padding-left: .6em; color: var(--muted);
  font-size: .875em; }
.chart svg { grid-column: 2; width: 100%; height: 2.5rem; overflow: visible; }
.chart line { stroke: var(--line); }
.chart .mark { stroke: var(--ink); stroke-dasharray: 3 3; }
.chart .span { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; }
.chart circle { fill: var(--accent); }
.chart .plain .span { stroke: var(--muted); } .chart .plain circle { fill: var(--muted); }
.chart .axis { height: 1.5rem; fill: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums; }
.chart text { text-anchor: middle; }
@media (max-width: 44rem) {
  .chart { grid-template-columns: 1fr auto; padding-inline: .75rem; }
  .chart .label, .chart .value { margin: .4rem -.75rem 0; } .chart .value { grid-column: 2; }
  .chart svg { grid-column: 1 / 3; height: 1.5rem; }
}
"""
"""Uses the page's --line, --ink, --muted and --accent."""


@dataclass(frozen=True)
class Interval:
    """A value and what it could as well be.

    Attributes:
        label: what it is of.
        value, low, high: in the chart's unit.
        words: the value, and its interval, as they are written.
        plain: whether it is there for comparison only.
    """

    label: str
    value: float
    low: float
    high: float
    words: tuple[str, str]
    plain: bool = False


@dataclass(frozen=True)
class Scale:
    """A line of numbers from `low` to `high`; `ticks` are places on it and their words, `mark` is one that matters."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    mark: float | None = None

    def place(self, value: float) -> float:
        """Per cent from the left; what lies beyond an end is at that end."""
        return 100 * (min(self.high, max(self.low, value)) - self.low) / (self.high - self.low)


def share_scale(mark: float | None = None) -> Scale:
    """0 to 100 %."""
    return Scale(0, 1, tuple((share / 4, f"{25 * share} %") for share in range(5)), mark)


def number_scale(values: Sequence[float], mark: float) -> Scale:
    """Round numbers around all `values` and the mark, at most nine of them.

    Example:
        >>> [word for _, word in number_scale([-0.7, 1.2], 0).ticks]
        ['-1', '-0.5', '0', '0.5', '1', '1.5']
    """
    low, high = min(*values, mark), max(*values, mark)
    span = (high - low) or 1.0
    power = 10 ** math.floor(math.log10(span / 6))
    step = next(step * power for step in (1, 2, 5, 10) if span / (step * power) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    ticks = tuple((number * step, f"{number * step:g}") for number in range(first, last + 1))
    return Scale(first * step, last * step, ticks, mark)


def interval_chart(title: str, rows: Sequence[Interval], scale: Scale) -> str:
    """A chart with a row for each value.

    To who hears the page it is one picture, which is described by its title and all that is written in it.

    Args:
        title: what is measured; plain text, for the description only.
        rows: from top to bottom.
        scale: below them.
    """
    told = "; ".join(f"{row.label} {row.words[0]} ({row.words[1]})" for row in rows)
    lines = "".join(_line(scale.place(tick)) for tick, _ in scale.ticks)
    if scale.mark is not None:
        lines += _line(scale.place(scale.mark), ' class="mark"')
    body = "\n".join(_row(row, scale, lines) for row in rows)
    words = "".join(
        f'<text x="{scale.place(at):.2f}%" y="1.1em">{html.escape(word)}</text>' for at, word in scale.ticks
    )
    label = html.escape(f"Chart: {title}. {told}.")
    return f'<div class="chart" role="img" aria-label="{label}">\n{body}\n<svg class="axis">{words}</svg>\n</div>'


def _row(row: Interval, scale: Scale, lines: str) -> str:
    value, low, high = (scale.place(each) for each in (row.value, row.low, row.high))
    kind = ' class="plain"' if row.plain else ""
    said, between = (html.escape(words) for words in row.words)
    return (
        f'<span class="label">{html.escape(row.label)}</span><span class="value">{said}<small>{between}</small></span>'
        f'<svg{kind}>{lines}<line class="span" x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
        f'<circle cx="{value:.2f}%" cy="50%" r="6"/></svg>'
    )


def _line(place: float, kind: str = "") -> str:
    return f'<line{kind} x1="{place:.2f}%" x2="{place:.2f}%" y1="0" y2="100%"/>'
