"""A report as one self-contained page: tables and pictures inside it, nothing fetched, no script."""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from itertools import groupby

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
th { color: var(--muted); font-weight: 600; vertical-align: bottom; } th.number { text-align: right; }
td:not(.number, .name) { min-width: 7rem; } td.long { min-width: 15rem; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number small { display: block; color: var(--muted); }
td a { font-size: .8em; }
nav { max-width: 60rem; } nav a { display: inline-block; margin: 0 1.2em .3em 0; }
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
_LONG = 60  # characters from which a cell keeps a column from getting narrow


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
        head = "".join(map(_column_heading, self.rows[0], self._numbers))
        rows = "\n".join(self._html_rows())
        label = html.escape(self.title)
        table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
        inner = f'<div class="wide" role="region" aria-label="{label}" tabindex="0">{table}</div>'
        if len(self.rows) > _FOLDED:
            inner = f"<details><summary>{len(self.rows) - 1} rows</summary>{inner}</details>"
        note = f'<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        return f"{heading(self.name, self.title)}\n{inner}\n{note}"

    def _html_rows(self) -> Iterator[str]:
        """Rows that begin alike share their first cell."""
        for first, group in groupby(self.rows[1:], key=lambda row: row[0]):
            alike = list(group)
            for index, row in enumerate(alike):
                cells = list(map(_cell, row, self._numbers))
                if index:
                    del cells[0]
                else:
                    links = self.links.get(first, ())
                    words = "".join(f' <a href="{html.escape(to)}">{html.escape(word)}</a>' for word, to in links)
                    cells[0] = cells[0].replace("</td>", f"{words}</td>")
                    if len(alike) > 1:
                        cells[0] = cells[0].replace("<td", f'<td rowspan="{len(alike)}"', 1)
                yield f"<tr>{''.join(cells)}</tr>"

    @cached_property
    def _numbers(self) -> list[bool]:
        """By column, whether it is one of numbers, which stand to the right; a word or two may be among them."""
        columns = [[cell for cell in column if cell] for column in zip(*self.rows[1:], strict=True)]
        return [3 * sum(map(bool, map(_NUMBER.fullmatch, column))) > 2 * len(column) for column in columns]


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


def heading(name: str, title: str) -> str:
    """The title of a part of the page; `name` is what a link to it says."""
    return f'<h2 id="{html.escape(name)}">{html.escape(title)}</h2>'


def contents(parts: Sequence[tuple[str, str]]) -> str:
    """Links to the headings of a long page, see `heading`."""
    return "<nav>" + "".join(f'<a href="#{html.escape(to)}">{html.escape(title)}</a>' for to, title in parts) + "</nav>"


def _column_heading(text: str, of_numbers: bool) -> str:
    if not text:
        return "<td></td>"
    # What is code in the table's files is words here, and may take two lines.
    kind = ' class="number"' if of_numbers else ""
    return f"<th{kind}>{html.escape(text.replace('_', ' '))}</th>"


def _cell(text: str, of_numbers: bool) -> str:
    """A cell; under a number of a column of numbers stands its range or error, so that digits line up."""
    if text in _VERDICTS:
        return f'<td class="{_VERDICTS[text]}">{text}</td>'
    found = _NUMBER.fullmatch(text) if of_numbers else None
    if found:
        beside = html.escape(found[3].strip())
        return f'<td class="number">{found[1]}{found[2] or found[4]}{f"<small>{beside}</small>" if beside else ""}</td>'
    kind = ' class="name"' if " " not in text else ' class="long"' if len(text) > _LONG else ""
    return f"<td{kind}>{html.escape(text)}</td>"
