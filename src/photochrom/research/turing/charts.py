"""Results as charts with their intervals."""

from __future__ import annotations

import html

from photochrom._support.interval_chart import Interval, Scale, interval_chart, number_scale, share_scale
from photochrom.research.turing.results import Results, Share
from photochrom.research.turing.study import TuringStudy


def charts(study: TuringStudy, results: Results) -> list[str]:
    """Parts of HTML; none without answers."""
    if results.ranking:
        strengths = [
            Interval(r.model, r.strength, r.low, r.high, (f"{r.strength:.2f}", f"{r.low:.2f} to {r.high:.2f}"))
            for r in results.ranking
        ]
        ends = [end for row in strengths for end in (row.low, row.high)]
        return [
            _part(
                "Strength by preference",
                strengths,
                number_scale(ends, 0),
                "Bradley-Terry strengths with 95 % intervals. The dashed line is the mean of the models.",
            ),
            _part(
                "How often each model was preferred",
                [_of(r.model, r.preferred) for r in results.ranking],
                share_scale(0.5),
                "Shares of a model's comparisons with 95 % intervals. The dashed line is 50 %.",
            ),
        ]
    rows = [_of(r.model, r.fooled) for r in results.models if r.fooled.of]
    if not rows:
        return []
    if results.real and results.real.of:
        rows.append(_of("real pictures", results.real, plain=True))
        perfect, where = results.real.rate, "the share of the real pictures"
    else:
        perfect, where = 0.5, "50 %"
    note = f"Shares with 95 % intervals. Perfect colourings would be on the dashed line, {where}."
    return [_part("How often colourings were taken for real", rows, share_scale(perfect), note)]


def _of(label: str, share: Share, plain: bool = False) -> Interval:
    between = f"{share.low:.0%} to {share.high:.0%}".replace("%", " %")
    return Interval(label, share.rate, share.low, share.high, (f"{100 * share.rate:.1f} %", between), plain)


def _part(title: str, rows: list[Interval], scale: Scale, note: str) -> str:
    chart = interval_chart(title, rows, scale)
    return f'<h2>{html.escape(title)}</h2>\n{chart}\n<p class="note">{html.escape(note)}</p>'
