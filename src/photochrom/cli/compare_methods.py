"""Several methods beside each other, for `photochrom evaluate`: our models and what other programs coloured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom._support.contact_sheet import SheetRow, contact_sheet, thumbnail
from photochrom._support.files import check_free
from photochrom._support.optional_packages import training
from photochrom._support.text import counted, shown
from photochrom.cli.options import check_apart, check_ending
from photochrom.cli.show import counting, result, say, table
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting
from photochrom.evaluation.compare import GRAY, TRUTH, Compared, MethodsReport, compare
from photochrom.evaluation.files import claim
from photochrom.evaluation.gallery import Gallery
from photochrom.evaluation.methods import Method, Model, Predictions, named
from photochrom.evaluation.methods_tables import (
    SetDistances,
    differences_table,
    scores_table,
    write_csv,
    write_json,
)
from photochrom.imaging import io
from photochrom.metrics import Metric

Files = Annotated[list[Path] | None, Parameter(negative=(), json_list=False)]


@Parameter(name="*")
@dataclass(frozen=True)
class MethodsOptions:
    """What other programs coloured, and what is written about it."""

    predictions: Annotated[list[str] | None, Parameter(negative=(), consume_multiple=True, json_list=False)] = None
    """Folders of pictures that other programs coloured, each DIR or NAME=DIR; files are matched by their names."""
    as_is: Annotated[bool, Parameter(negative=())] = False
    """Compare the pictures as they are, instead of their ab under the lightness of the original."""
    csv: Path | None = None
    """A table to write: a row for each photograph and method."""
    json: Path | None = None
    """A file to write with all means, intervals and differences."""
    html: Path | None = None
    """A page to write (FILE.html, or index.html in a folder): the pictures side by side."""
    lpips_weights: Files = None
    """Also measure LPIPS: torchvision's AlexNet or VGG16 state dict and the lpips package's heads. Repeat for both."""
    inception_weights: Path | None = None
    """Also measure FID and KID: pytorch-fid's pt_inception-2015-12-05-6726825d.pth."""


@dataclass(frozen=True)
class _Targets:
    """Where results go; None where they are not asked for."""

    csv: Path | None
    json: Path | None
    html: Path | None
    sheet: Path | None

    @classmethod
    def of(
        cls, options: MethodsOptions, out: Path | None, sheet: Path | None, overwrite: bool, measured: list[Path]
    ) -> _Targets:
        if out and (options.csv or options.json):
            raise BadSetting("-o writes per_image.csv and totals.json into a folder; give it or --csv and --json")
        csv, json = claim(out, ("per_image.csv", "totals.json"), overwrite) if out else (options.csv, options.json)
        html = options.html
        if html and html.suffix.lower() not in (".html", ".htm"):
            html = html / "index.html"
        if sheet:
            check_ending("--sheet", sheet)
        written: list[Path] = []
        for option, path in (("--csv", csv), ("--json", json), ("--html", html), ("--sheet", sheet)):
            if path:
                check_apart(option, path, measured, "one of the photographs")
                check_apart(option, path, written, "another result's place")
                check_free(path, overwrite)
                written.append(path)
        return cls(csv, json, html, sheet)


def compare_methods(
    files: list[Path],
    models: Mapping[str, Colorizer],
    options: MethodsOptions,
    out: Path | None,
    sheet: Path | None,
    overwrite: bool,
) -> int:
    """Measure, print and write; returns the exit status."""
    folders = named(options.predictions or ())
    pictures = [Predictions.find(name, folder, files, as_is=options.as_is) for name, folder in folders]
    measured = [*files, *(path for each in pictures for path in each.files.values())]
    targets = _Targets.of(options, out, sheet, overwrite, measured)
    for line in (line for each in pictures for line in each.notes()):
        say(f"photochrom: {line}")
    methods: list[Method] = [*(Model(name, colorizer) for name, colorizer in models.items()), *pictures]
    sets = _set_distances(options.inception_weights)
    gallery, rows = Gallery() if targets.html else None, list[SheetRow]()

    def each(compared: Compared) -> None:
        if targets.sheet:
            rows.append(SheetRow(compared.path.stem, [thumbnail(r.rgb) for r in compared.renditions.values()]))
        if gallery:
            gallery.add(compared)
        if sets:
            sets.add({name: rendition.rgb for name, rendition in compared.renditions.items()})

    with counting("measuring", len(files)) as count:
        report = compare(methods, files, further=_lpips(options.lpips_weights), each=each, progress=count)
    _print(report, sets)
    _write(report, targets, sets, overwrite)
    if targets.sheet:
        columns = (GRAY, *(method.name for method in methods), TRUTH)
        io.write(io.from_pil(contact_sheet(rows, columns)), targets.sheet, overwrite)
    if gallery and targets.html:
        title = f"{', '.join(method.name for method in methods)}: {counted(len(report.paths), 'photograph')}"
        tables = [scores_table(report, everything=True), differences_table(report, everything=True)]
        gallery.write(targets.html, title, tables + ([sets.table()] if sets else []), overwrite=overwrite)
    for path in (targets.csv, targets.json, targets.sheet, targets.html):
        if path:
            say(f"{shown(path)}: written")
    return 1 if report.skipped else 0


def _print(report: MethodsReport, sets: SetDistances | None) -> None:
    for skip in report.skipped:
        say(f"photochrom: left out: {skip.reason}")
    for each in (scores_table(report), differences_table(report), *([sets.table()] if sets else [])):
        if len(each.rows) > 1:
            table(list(each.rows), each.title)
        result(each.note)


def _write(report: MethodsReport, targets: _Targets, sets: SetDistances | None, overwrite: bool) -> None:
    if targets.csv:
        write_csv(report, targets.csv, overwrite=overwrite)
    if targets.json:
        write_json(report, targets.json, sets, overwrite=overwrite)


def _lpips(files: list[Path] | None) -> list[Metric]:
    if not files:
        return []
    with training("--lpips-weights"):
        from photochrom.models.lpips import Lpips
    distance = Lpips(files)
    meaning = "learned perceptual distance (LPIPS)"
    return [Metric("lpips", meaning, "", "lower", lambda pair: distance(pair.predicted.rgb, pair.truth.rgb))]


def _set_distances(file: Path | None) -> SetDistances | None:
    if file is None:
        return None
    with training("--inception-weights"):
        from photochrom.models.inception import Inception
    return SetDistances(Inception(file))
