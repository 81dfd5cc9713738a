"""A report as one self-contained page: tables and pictures inside it, nothing fetched, no script."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
th { background: #f3f3f3; } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; } figcaption, .note { color: #555; font-size: .9rem; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; } .row figure { margin: 0; max-width: 16rem; }
.holds { color: #1a7f37; } .fails { color: #b42318; } .open { color: #8a6d00; }
.holds, .fails, .open, .name { white-space: nowrap; }
"""
_VERDICTS = {"holds": "holds", "does not hold": "fails", "undecided": "open", "not tested": "open"}
_FOLDED = 40  # rows from which a table is folded away


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading.

    Attributes:
        name: of its files.
        title: above it.
        rows: the heading first.
        note: below it.
    """

    name: str
    title: str
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def csv(self) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.rows)
        return text.getvalue()

    def markdown(self) -> str:
        lines = [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in self.rows]
        return "\n".join([lines[0], "|---" * len(self.rows[0]) + "|", *lines[1:]]) + "\n"

    def html(self) -> str:
        """The table under its heading; a long one is folded away."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.rows[0])
        rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows[1:])
        inner = f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
        if len(self.rows) > _FOLDED:
            inner = f"<details><summary>{len(self.rows) - 1} rows</summary>{inner}</details>"
        note = f'<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        return f"<h2>{html.escape(self.title)}</h2>\n{inner}\n{note}"


def page(title: str, body: Sequence[str]) -> str:
    """A whole HTML page.

    Args:
        title: plain text; it is the heading, too.
        body: parts of HTML, in order.
    """
    title = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title><style>{_STYLE}</style>\n<h1>{title}</h1>\n" + "\n".join(body) + "\n</html>\n"
    )


def figure(caption: str, png: bytes) -> str:
    """A PNG picture inside the page; `caption` is plain text and describes it, too."""
    data = base64.b64encode(png).decode()
    text = html.escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def _cell(text: str) -> str:
    if text in _VERDICTS:
        return f'<td class="{_VERDICTS[text]}">{text}</td>'
    kind = ""
    if " " not in text:
        kind = ' class="number"' if text.lstrip("-")[:1].isdigit() else ' class="name"'
    return f"<td{kind}>{html.escape(text)}</td>"
