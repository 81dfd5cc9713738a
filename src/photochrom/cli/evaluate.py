"""`photochrom evaluate`: a model against photographs whose colours are known."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from photochrom import evaluation
from photochrom._support.contact_sheet import SheetRow, contact_sheet, thumbnail
from photochrom._support.files import check_free
from photochrom._support.optional_packages import training
from photochrom._support.text import shown
from photochrom.batch import is_result
from photochrom.cli.options import ModelOptions
from photochrom.cli.show import only_our_words, progress, result, say, table
from photochrom.colorizer import Colorizer
from photochrom.errors import BadDataset, BadSetting
from photochrom.imaging import io
from photochrom.imaging.formats import format_for, is_picture_name

DEFAULTS = ModelOptions()


def evaluate(
    data: Annotated[list[Path], Parameter(negative=(), json_list=False)],
    /,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    sweep: Annotated[bool, Parameter(negative=())] = False,
    top1: Annotated[bool, Parameter(negative=())] = False,
    judge: Literal["lite0", "lite1", "lite2"] = "lite2",
    sheet: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    options: ModelOptions = DEFAULTS,
) -> int:
    """Measure a model on colour photographs: turn them gray, colour them, and compare with the originals.

    A file that cannot be measured is reported and left out, and the exit status is 1.

    Parameters
    ----------
    data
        Files, and folders with their subfolders.
    out
        A folder for per_image.csv and totals.json, or for sweep.csv and sweep.png.
    sweep
        Measure at several values of vividness, 0 to 1, instead of one.
    top1
        Also count how often an ImageNet classifier finds the class; file or folder names must contain the synset.
    judge
        The classifier for --top1, an EfficientNet.
    sheet
        A picture file to write: each photograph in gray, coloured, and original.
    overwrite
        Replace existing results.
    """
    with only_our_words():
        if sweep:
            if top1 or sheet or options.vividness is not None:
                raise BadSetting("--sweep cannot be combined with --top1, --sheet or --vividness; run them separately")
            return _sweep(_files(data), options, out, overwrite)
        if sheet:
            format_for(sheet)
            check_free(sheet, overwrite)
        return _evaluate(_files(data), options, out, _counter(judge) if top1 else None, sheet, overwrite)


def _evaluate(
    files: list[Path],
    options: ModelOptions,
    out: Path | None,
    counter: evaluation.Top1Counter | None,
    sheet: Path | None,
    overwrite: bool,
) -> int:
    colorizer = options.colorizer()
    rows: list[SheetRow] = []

    def each(sample: evaluation.Sample) -> None:
        if sheet:
            versions = (sample.gray, sample.ours, sample.truth)
            rows.append(SheetRow(sample.path.stem, [thumbnail(version.rgb) for version in versions]))

    with _counting(len(files)) as count:
        report = evaluation.evaluate(
            colorizer, files, out=out, overwrite=overwrite, each=each, counter=counter, progress=count
        )
    _show(report, colorizer, len(report.rows))
    gain, share = report.headline["ciede2000_gain"], report.headline["colorfulness_share"]
    result(f"CIEDE2000 {gain:.1%} under gray's at {share:.0%} of the truth's colorfulness")
    if sheet:
        io.write(io.from_pil(contact_sheet(rows)), sheet, overwrite)
        say(f"{shown(sheet)}: {len(rows)} photographs")
    if found := report.top1:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in found.shares.items())
        log_p = ", ".join(f"{name} {value:.3f}" for name, value in found.log_p.items())
        result(f"top-1 of {found.pictures} photographs: {shares}; ours alone {found.gained}, gray alone {found.lost}")
        result(f"mean log-probability of the class: {log_p}")
    return 1 if report.skipped else 0


def _sweep(files: list[Path], options: ModelOptions, out: Path | None, overwrite: bool) -> int:
    if out:
        # Before the work rather than after it: what the plot needs.
        with training("the sweep plot"):
            import matplotlib as _  # noqa: F401
        check_free(out / "sweep.png", overwrite)
    colorizer = options.colorizer()
    with _counting(len(files)) as count:
        report = evaluation.sweep(colorizer, files, out=out, overwrite=overwrite, progress=count)
    _show(report, colorizer, report.pictures)
    if out:
        evaluation.plot_sweeps({colorizer.card.name: report}, out / "sweep.png", overwrite=overwrite)
    return 1 if report.skipped else 0


def _show(report: evaluation.Evaluation | evaluation.Sweep, colorizer: Colorizer, pictures: int) -> None:
    for skip in report.skipped:
        say(f"photochrom: left out: {skip.reason}")
    table(report.table(), f"{colorizer.card.name} on {pictures} photographs")


@contextmanager
def _counting(total: int) -> Iterator[Any]:
    with progress() as bar:
        task = bar.add_task("measuring", total=total)
        yield lambda done, total, path: bar.update(task, completed=done, total=total)


def _files(data: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in data:
        if not os.path.isdir(path):
            files.append(path)
            continue
        found = sorted(p for p in path.rglob("*") if is_picture_name(p) and p.is_file() and p.name[0] != ".")
        # Beside the photographs may lie what this program made of them.
        found = [p for p in found if not is_result(p)]
        if not found:
            raise BadDataset(f"{shown(path)} holds no pictures; name a folder of photographs")
        files += found
    return files


def _counter(judge: str) -> evaluation.Top1Counter:
    with training("--top1"):
        from photochrom.models.classifier import SynsetClassifier
    return evaluation.Top1Counter(SynsetClassifier(judge))
