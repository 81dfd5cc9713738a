"""The study as something to read: one self-contained page, the figures as PNG, the tables as CSV and Markdown."""

from __future__ import annotations

from pathlib import Path

from photochrom._support.files import write_bytes
from photochrom._support.html_report import Table, contents, figure, heading, page
from photochrom._support.version import __version__
from photochrom.errors import BadDataset
from photochrom.research.study.figures import curves, figures
from photochrom.research.study.results import Results, scales
from photochrom.research.study.tables import tables


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
    shown = tables(found)
    parts = [(table.name, table.title) for table in shown]
    parts += map(_figures_of, found)
    body = [_introduction(), contents(parts)]
    for table in shown:
        write_bytes(out / "tables" / f"{table.name}.csv", table.csv().encode(), overwrite=True)
        write_bytes(out / "tables" / f"{table.name}.md", table.markdown().encode(), overwrite=True)
        body.append(table.html())
    for results in found:
        body.append(heading(*_figures_of(results)))
        for name, (caption, png) in figures(results).items():
            write_bytes(out / "figures" / f"{name}-{results.scale}.png", png, overwrite=True)
            body.append(figure(caption, png))
        for name, png in curves(results).items():
            write_bytes(out / "figures" / f"curves-{results.scale}" / f"{name}.png", png, overwrite=True)
    target = out / "report.html"
    write_bytes(target, page("The paper's study, run by photochrom", body).encode(), overwrite=True)
    return target, shown


def _figures_of(results: Results) -> tuple[str, str]:
    """The id and the title of a scale's figures."""
    return f"figures-{results.scale}", f"Figures, {results.scale} scale"


def _introduction() -> str:
    return (
        "<p>M. Agrawal, K. Sawhney, <cite>Exploring Convolutional Neural Networks for Automatic Image "
        f"Colorization</cite>, 2017: its experiments, repeated with photochrom {__version__}. Small numbers under "
        "others are the range over the seeds. Recipes and curves lie in this page's folder, all else in the page.</p>"
    )
