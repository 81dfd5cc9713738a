"""`photochrom evaluate`: a model against photographs whose colours are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom import evaluation
from photochrom.cli.extras import training
from photochrom.cli.options import ModelOptions
from photochrom.cli.show import progress, results, say, table
from photochrom.errors import BadDataset
from photochrom.files import check_free
from photochrom.formats import format_for, is_picture_name
from photochrom.sheet import SheetRow, contact_sheet, thumbnail

DEFAULTS = ModelOptions()


def evaluate(
    data: list[Path],
    /,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    sweep: Annotated[bool, Parameter(negative=())] = False,
    top1: Annotated[bool, Parameter(negative=())] = False,
    sheet: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    options: ModelOptions = DEFAULTS,
) -> None:
    """Measure a model on colour photographs: they are turned gray, coloured, and compared with themselves.

    Parameters
    ----------
    data
        Folders (searched through) and files.
    out
        A folder for per_image.csv and totals.json, or sweep.csv and sweep.png.
    sweep
        Measure along vividness 0 to 1 instead of at one point.
    top1
        Also count how often an ImageNet classifier finds the class; file or folder names carry the synset.
    sheet
        A picture file with every photograph in gray, as coloured, and as it was.
    overwrite
        Replace results that are there already.
    """
    files = _files(data)
    if sheet:
        format_for(sheet)
        check_free(sheet, overwrite)
    counter = _counter() if top1 else None
    colorizer = options.colorizer()
    rows: list[SheetRow] = []

    def each(sample: evaluation.Sample) -> None:
        if counter:
            counter(sample)
        if sheet:
            rows.append(
                SheetRow(sample.path.stem, [thumbnail(r.rgb) for r in (sample.gray, sample.ours, sample.truth)])
            )

    with progress() as bar:
        task = bar.add_task("measuring", total=len(files))
        count = {"progress": lambda done, total, path: bar.update(task, completed=done, total=total)}
        if sweep:
            report = evaluation.sweep(colorizer, files, out=out, overwrite=overwrite, **count)
        else:
            report = evaluation.evaluate(colorizer, files, out=out, overwrite=overwrite, each=each, **count)
    for skip in report.skipped:
        say(f"photochrom: left out: {skip.reason}")
    table(report.table(), f"{colorizer.card.name} on {len(files) - len(report.skipped)} photographs")
    if isinstance(report, evaluation.Report):
        gain, share = report.headline["ciede2000_gain"], report.headline["colorfulness_share"]
        results.print(f"CIEDE2000 {gain:.1%} under gray's at {share:.0%} of the truth's colorfulness")
    elif out:
        evaluation.plot_sweeps({colorizer.card.name: report}, out / "sweep.png", overwrite=overwrite)
    if counter:
        shares = counter.result().shares
        results.print("top-1: " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))
    if sheet:
        contact_sheet(rows).save(sheet)
        say(f"{sheet}: {len(rows)} photographs")


def _files(data: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in data:
        found = sorted(p for p in path.rglob("*") if is_picture_name(p)) if path.is_dir() else [path]
        if not found:
            raise BadDataset(f"{path} holds no pictures; name a folder of photographs")
        files += found
    return files


def _counter() -> evaluation.Top1Counter:
    with training("--top1"):
        from photochrom.models.efficientnet_lite import SynsetClassifier
    return evaluation.Top1Counter(SynsetClassifier("lite2"))
