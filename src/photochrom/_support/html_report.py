"""A report as one self-contained page: tables and pictures inside it, nothing fetched, no script."""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources

from photochrom._support import interval_chart

_TYPES = {"Instrument Serif": ("instrument-serif", "400"), "Instrument Sans": ("instrument-sans", "400 700")}
_STYLE = """
* { box-sizing: border-box; }
body { font: 1rem/1.55 var(--sans); background: var(--paper); color: var(--ink);
  max-width: 72rem; margin: 0 auto; padding: clamp(1.5rem, 4vw, 3rem) clamp(1rem, 4vw, 2.5rem); }
h1, h2 { font-family: var(--serif); font-weight: 400; line-height: 1.08;
  letter-spacing: -.01em; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(2.25rem, 5vw, 3.5rem); margin: 0 0 1.25rem; } h2 { font-size: clamp(1.6rem, 3vw, 2.1rem);
  margin: 3rem 0 1rem; }
p { max-width: 46rem; text-wrap: pretty; } a { color: var(--accent); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
th { color: var(--muted); font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
td.number small { display: inline-block; text-align: left; padding-left: .4em; color: var(--muted); }
td a { font-size: .8em; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; border-radius: 4px; }
figcaption, .note { color: var(--muted); font-size: .9rem; }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem; } .row figure { margin: 0; max-width: 18.5rem; }
.holds { color: light-dark(#00588f, #7cc0f0); } .fails { color: var(--accent); } .open { color: var(--muted); }
.holds::before { content: "\\2713\\a0"; } .fails::before { content: "\\2717\\a0"; }
.open::before { content: "?\\a0"; }
.holds, .fails, .open, .name { white-space: nowrap; }
"""
_VERDICTS = {"holds": "holds", "does not hold": "fails", "undecided": "open", "not tested": "open", "not run": "open"}
_NUMBER = re.compile(r"([-+]?[0-9][0-9.,]*(?:e[-+]?[0-9]+)?)((?: [%M])?)((?: \(.*\)| ± .*)?)((?: %)?)")
_FOLDED = 60  # rows from which a table is folded away


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading.

    Attributes:
        name: of its files.
        title: above it.
        rows: the heading first.
        note: below it.
        links: by the text of a row's first cell, words and the addresses to which they lead.
    """

    name: str
    title: str
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    links: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def csv(self) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.rows)
        return text.getvalue()

    def markdown(self) -> str:
        lines = [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in self.rows]
        return "\n".join([lines[0], "|---" * len(self.rows[0]) + "|", *lines[1:]]) + "\n"

    def html(self) -> str:
        """The table under its heading; a long one is folded away."""
        head = "".join(f"<th>{html.escape(cell)}</th>" if cell else "<td></td>" for cell in self.rows[0])
        rows = "\n".join(map(self._row, self.rows[1:]))
        label = html.escape(self.title)
        table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
        inner = f'<div class="wide" role="region" aria-label="{label}" tabindex="0">{table}</div>'
        if len(self.rows) > _FOLDED:
            inner = f"<details><summary>{len(self.rows) - 1} rows</summary>{inner}</details>"
        note = f'<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        return f"<h2>{html.escape(self.title)}</h2>\n{inner}\n{note}"

    def _row(self, row: Sequence[str]) -> str:
        cells = [_cell(text, width) for text, width in zip(row, self._beside, strict=True)]
        links = "".join(
            f' <a href="{html.escape(to)}">{html.escape(word)}</a>' for word, to in self.links.get(row[0], ())
        )
        cells[0] = cells[0].replace("</td>", f"{links}</td>")
        return f"<tr>{''.join(cells)}</tr>"

    @cached_property
    def _beside(self) -> list[int]:
        """By column, how many characters stand beside the numbers: a range or an error, which is set apart."""
        columns = zip(*([_NUMBER.fullmatch(cell) for cell in row] for row in self.rows[1:]), strict=True)
        return [max((len(found[3]) + len(found[4]) for found in column if found), default=0) for column in columns]


def page(title: str, body: Sequence[str]) -> str:
    """A whole HTML page.

    Args:
        title: plain text; it is the heading, too.
        body: parts of HTML, in order.
    """
    title = html.escape(title)
    style = site_look() + _STYLE + interval_chart.STYLE
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title><style>{style}</style>\n<main>\n<h1>{title}</h1>\n"
        + "\n".join(body)
        + "\n</main></html>\n"
    )


def site_look() -> str:
    """CSS with the colours and the typefaces of the site, for a page that has them inside."""
    static = resources.files("photochrom") / "web" / "static"
    faces = ""
    for family, (name, weight) in _TYPES.items():
        font = base64.b64encode((static / "fonts" / f"{name}.woff2").read_bytes()).decode()
        faces += f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-display: swap; '
        faces += f"src: url(data:font/woff2;base64,{font}); }}\n"
    return faces + (static / "palette.css").read_text("utf-8")


def figure(caption: str, png: bytes) -> str:
    """A PNG picture inside the page; `caption` is plain text and describes it, too."""
    data = base64.b64encode(png).decode()
    text = html.escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def _cell(text: str, beside: int = 0) -> str:
    """A cell; a number stands to the right, and `beside` characters of its range after it, so that digits line up."""
    if text in _VERDICTS:
        return f'<td class="{_VERDICTS[text]}">{text}</td>'
    found = _NUMBER.fullmatch(text)
    if found:
        rest = f'<small style="width:{beside}ch">{html.escape((found[3] + found[4]).strip())}</small>' if beside else ""
        return f'<td class="number">{found[1]}{found[2]}{rest}</td>'
    kind = ' class="name"' if " " not in text else ""
    return f"<td{kind}>{html.escape(text)}</td>"
