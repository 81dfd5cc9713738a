"""The study as something to read: one self-contained page, the figures as PNG, the tables as CSV and Markdown."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from photochrom import __version__
from photochrom.errors import BadDataset
from photochrom.files import write_bytes
from photochrom.study.figures import figures
from photochrom.study.results import scales
from photochrom.study.tables import Table, tables

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
th { background: #f3f3f3; } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; } figcaption, .note { color: #555; font-size: .9rem; }
.holds { color: #1a7f37; } .fails { color: #b42318; } .open { color: #8a6d00; }
.holds, .fails, .open, .name { white-space: nowrap; }
"""
VERDICTS = {"holds": "holds", "does not hold": "fails", "undecided": "open", "not tested": "open"}


def write_report(out: Path) -> tuple[Path, list[Table]]:
    """Write report.html, figures/ and tables/ from whatever is finished in `out`; older ones are replaced.

    Returns:
        The page, and the tables in it.

    Raises:
        BadDataset: nothing is finished yet.
        WriteFailed: the disk is full or the folder cannot be written.
    """
    found = scales(out)
    if not found:
        raise BadDataset(f"{out}: no run of a study is finished there; start one without --report-only")
    body = []
    shown = tables(found)
    for table in shown:
        write_bytes(out / "tables" / f"{table.name}.csv", table.csv().encode(), overwrite=True)
        write_bytes(out / "tables" / f"{table.name}.md", table.markdown().encode(), overwrite=True)
        body.append(_table(table))
    for results in found:
        body.append(f"<h2>Figures, {results.scale} scale</h2>")
        for name, (caption, png) in figures(results).items():
            write_bytes(out / "figures" / f"{name}-{results.scale}.png", png, overwrite=True)
            body.append(_figure(caption, png))
    page = out / "report.html"
    write_bytes(page, _page(body).encode(), overwrite=True)
    return page, shown


def _page(body: list[str]) -> str:
    title = "The paper's study, run by photochrom"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>\n'
        f"<h1>{title}</h1>\n<p>M. Agrawal, K. Sawhney, <cite>Exploring Convolutional Neural Networks for Automatic "
        f"Image Colorization</cite>, 2017: its experiments, repeated with photochrom {__version__}. Numbers in "
        f"brackets are the range over the seeds.</p>\n" + "\n".join(body) + "\n</html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.rows[0])
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows[1:])
    inner = f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    if len(table.rows) > 40:
        inner = f"<details><summary>{len(table.rows) - 1} rows</summary>{inner}</details>"
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return f"<h2>{html.escape(table.title)}</h2>\n{inner}\n{note}"


def _cell(text: str) -> str:
    if text in VERDICTS:
        return f'<td class="{VERDICTS[text]}">{text}</td>'
    kind = ""
    if " " not in text:
        kind = ' class="number"' if text[:1].isdigit() else ' class="name"'
    return f"<td{kind}>{html.escape(text)}</td>"


def _figure(caption: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    text = html.escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
