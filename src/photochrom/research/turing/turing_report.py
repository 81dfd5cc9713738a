"""What came out of a study: one self-contained page, tables as CSV, everything as JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from photochrom._support.contact_sheet import thumbnail
from photochrom._support.files import write_bytes
from photochrom._support.html_report import Table, figure, page
from photochrom._support.version import __version__
from photochrom.imaging.io import encode
from photochrom.imaging.picture import Picture
from photochrom.research.turing.answers import Answers, Entry
from photochrom.research.turing.charts import charts
from photochrom.research.turing.design import REAL
from photochrom.research.turing.judgements import FASTEST_MS, is_hasty
from photochrom.research.turing.results import ENOUGH, PictureResult, Results, most_convincing, results_of
from photochrom.research.turing.standin import load_standin
from photochrom.research.turing.study import TuringStudy, load_study
from photochrom.research.turing.tables import tables

LISTS = ("people", "pictures")  # long ones, which stand at the end
THUMBNAIL = 144  # pixels, the longer side of a picture in the report
EXTREMES = 6  # pictures that are shown of each end
QUESTIONS = {
    "single": "One picture at a time: is it real, or coloured by a computer?",
    "pair": "A photograph and its colouring side by side: which of the two was coloured by a computer?",
    "preference": "Two colourings of one photograph side by side: which looks better?",
}
NOBODY = "No answers yet: nobody has taken part in this study."


@dataclass(frozen=True)
class TuringReport:
    """What was found and written.

    Attributes:
        results: as numbers.
        tables: as text.
        files: the page first.
    """

    results: Results
    tables: list[Table]
    files: list[Path]


def write_report(folder: Path, out: Path | None = None) -> TuringReport:
    """Write report.html, report.json and the tables as CSV; older ones are replaced.

    Args:
        folder: the study's.
        out: where to; report/ in the study's folder by default.

    Raises:
        BadDataset: there is no study, or it is damaged.
        WriteFailed: the disk is full or the folder cannot be written.
    """
    study, out = load_study(folder), out or folder / "report"
    entries = Answers(folder, study).all()
    results, standin = results_of(study, entries), load_standin(folder)
    found = tables(study, results, standin)
    facts = {name: value for name, value in asdict(study).items() if name != "pictures"}
    everything = {
        "study": facts,
        "results": asdict(results),
        "automatic_standin_not_people": standin and asdict(standin),
    }
    files = {
        "report.html": page(f"Turing test: {folder.resolve().name}", _body(folder, study, results, found)),
        "report.json": json.dumps(everything, indent=1, ensure_ascii=False) + "\n",
        "answers.csv": _answers(entries).csv(),
        **{f"{table.name}.csv": table.csv() for table in found},
    }
    for name, text in files.items():
        write_bytes(out / name, text.encode(), overwrite=True)
    return TuringReport(results, found, [out / name for name in files])


def _body(folder: Path, study: TuringStudy, results: Results, found: Sequence[Table]) -> list[str]:
    body = [f"<p>{html.escape(text)}</p>" for text in _introduction(study, results)]
    body += charts(study, results)
    body += [table.html() for table in found if table.name not in LISTS]
    for title, some in _extremes(study, results):
        figures = "".join(_shown(folder, study, each) for each in some)
        few = f"<p>Too few answers: no colouring for this list was judged by {ENOUGH} people or more.</p>"
        body.append(f'<h2>{title}</h2>\n<div class="row">{figures}</div>' if some else f"<h2>{title}</h2>\n{few}")
    return body + [table.html() for table in found if table.name in LISTS]


def _introduction(study: TuringStudy, results: Results) -> list[str]:
    time = f"for {study.time_limit:g} s" if study.time_limit else "until the answer"
    lines = [
        f"{QUESTIONS[study.kind]} Pictures are shown {time}. Models: {', '.join(study.models)}; "
        f"{len(study.photographs)} photographs, and {len(study.practice)} for practice, which does not count; "
        f"seed {study.seed}. Made with photochrom {study.made.get('version', '')}, report by {__version__}."
    ]
    if not results.answers:
        return [*lines, NOBODY]
    return [
        *lines,
        f"{results.people} people began and {results.finished} finished; {results.answers} answers count, of which "
        f"{results.again} were given after the page had been opened again. {results.hasty} more came in less than "
        f"{FASTEST_MS} ms, too fast to have looked, and do not count.",
    ]


def _extremes(study: TuringStudy, results: Results) -> list[tuple[str, Sequence[PictureResult]]]:
    """Both ends, each ranked by itself; no colouring is at both."""
    if not results.pictures:
        return []
    most, least = most_convincing(results.pictures), results.least
    shown = min(EXTREMES, (len(most) + 1) // 2)
    most = most[:shown]
    least = [result for result in least if result not in most][:EXTREMES]
    what = "were preferred" if study.kind == "preference" else "fooled"
    return [(f"Colourings that {what} most", most), (f"Colourings that {what} least", least)]


def _shown(folder: Path, study: TuringStudy, result: PictureResult) -> str:
    """A colouring beside the real picture."""
    cells = []
    for form in (result.model, REAL):
        with Image.open(study.picture(folder, result.photograph, form)) as image:
            cells.append(np.asarray(thumbnail(image, THUMBNAIL)))
    share = result.fooled
    gap = np.full((len(cells[0]), 6, 3), 255, np.uint8)
    caption = f"{result.photograph}: {result.model} (left), {share.count} of {share.of}; real (right)"
    return figure(caption, encode(Picture(np.concatenate([cells[0], gap, cells[1]], 1)), "PNG"))


def _answers(entries: Sequence[Entry]) -> Table:
    """Every trial as it is stored, practice and what is not answered included, and whether it came too fast."""
    names = (*(f.name for f in fields(Entry)), "too_fast")
    rows = [(*("" if v is None else str(v) for v in asdict(e).values()), str(is_hasty(e))) for e in entries]
    return Table("answers", "Answers", (names, *rows))
