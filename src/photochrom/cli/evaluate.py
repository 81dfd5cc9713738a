"""`photochrom evaluate`: models, and what other programs coloured, against photographs whose colours are known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from photochrom import evaluation
from photochrom._support.contact_sheet import SheetRow, contact_sheet, thumbnail
from photochrom._support.files import check_free
from photochrom._support.optional_packages import training
from photochrom._support.text import shown
from photochrom.cli.compare_methods import MethodsOptions, compare_methods
from photochrom.cli.options import DecodingOptions, check_apart, check_ending
from photochrom.cli.show import counting, only_our_words, result, say, table
from photochrom.colorizer import Colorizer
from photochrom.errors import BadDataset, BadSetting
from photochrom.imaging import io
from photochrom.imaging.folders import pictures_in

DEFAULTS, ALONE = DecodingOptions(), MethodsOptions()


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
    model: Annotated[list[str] | None, Parameter(alias="-m", negative=(), json_list=False)] = None,
    options: DecodingOptions = DEFAULTS,
    methods: MethodsOptions = ALONE,
) -> int:
    """Measure models on colour photographs: turn them gray, colour them, and compare with the originals.

    With --predictions, measure pictures that any program has coloured. A file that cannot be measured is reported and
    left out, and the exit status is 1.

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
    model
        A packaged model's name (see `photochrom models`), a .onnx file, or a run folder; repeat it to compare several.
        [default: default, but none beside --predictions]
    """
    files = _files(data)
    models = model or ([] if methods.predictions else ["default"])
    with only_our_words():
        if methods != ALONE or len(models) > 1:
            if sweep or top1:
                raise BadSetting("--sweep and --top1 measure one model; run them without other methods")
            given = {name: options.load(name) for name in dict.fromkeys(models)}
            loaded = {colorizer.card.name: colorizer for colorizer in given.values()}
            # Two may have one name on their cards; then all are called as they were given.
            loaded = loaded if len(loaded) == len(given) else given
            return compare_methods(files, loaded, methods, out, sheet, overwrite)
        if sweep:
            if top1 or sheet or options.vividness is not None:
                raise BadSetting("--sweep cannot be combined with --top1, --sheet or --vividness; run them separately")
            return _sweep(files, options.load(models[0]), out, overwrite)
        if sheet:
            check_ending("--sheet", sheet)
            check_apart("--sheet", sheet, files, "one of the photographs")
            check_free(sheet, overwrite)
        counter = _counter(judge) if top1 else None
        return _evaluate(files, options.load(models[0]), out, counter, sheet, overwrite)


def _evaluate(
    files: list[Path],
    colorizer: Colorizer,
    out: Path | None,
    counter: evaluation.Top1Counter | None,
    sheet: Path | None,
    overwrite: bool,
) -> int:
    rows: list[SheetRow] = []

    def each(sample: evaluation.Sample) -> None:
        if sheet:
            versions = (sample.gray, sample.ours, sample.truth)
            rows.append(SheetRow(sample.path.stem, [thumbnail(version.rgb) for version in versions]))

    with counting("measuring", len(files)) as count:
        report = evaluation.evaluate(
            colorizer, files, out=out, overwrite=overwrite, each=each, counter=counter, progress=count
        )
    _show(report, colorizer, len(report.rows))
    gain, share = report.headline["ciede2000_gain"], report.headline["colorfulness_share"]
    side = "under" if gain >= 0 else "over"
    result(f"CIEDE2000 {abs(gain):.1%} {side} gray's at {share:.0%} of the truth's colorfulness")
    if sheet:
        io.write(io.from_pil(contact_sheet(rows)), sheet, overwrite)
        say(f"{shown(sheet)}: {len(rows)} photographs")
    if found := report.top1:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in found.shares.items())
        log_p = ", ".join(f"{name} {value:.3f}" for name, value in found.log_p.items())
        result(f"top-1 of {found.pictures} photographs: {shares}; ours alone {found.gained}, gray alone {found.lost}")
        result(f"mean log-probability of the class: {log_p}")
    return 1 if report.skipped else 0


def _sweep(files: list[Path], colorizer: Colorizer, out: Path | None, overwrite: bool) -> int:
    if out:
        # Before the work rather than after it: what the plot needs.
        with training("the sweep plot"):
            import matplotlib as _  # noqa: F401
        check_free(out / "sweep.png", overwrite)
    with counting("measuring", len(files)) as count:
        report = evaluation.sweep(colorizer, files, out=out, overwrite=overwrite, progress=count)
    _show(report, colorizer, report.pictures)
    if out:
        evaluation.plot_sweeps({colorizer.card.name: report}, out / "sweep.png", overwrite=overwrite)
    return 1 if report.skipped else 0


def _show(report: evaluation.Evaluation | evaluation.Sweep, colorizer: Colorizer, pictures: int) -> None:
    for skip in report.skipped:
        say(f"photochrom: left out: {skip.reason}")
    table(report.table(), f"{colorizer.card.name} on {pictures} photographs")


def _files(data: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in data:
        if not os.path.isdir(path):
            files.append(path)
            continue
        # Beside the photographs may lie what this program made of them.
        found = pictures_in(path, results=False)
        if not found:
            raise BadDataset(f"{shown(path)} holds no pictures; name a folder of photographs")
        files += found
    return files


def _counter(judge: str) -> evaluation.Top1Counter:
    with training("--top1"):
        from photochrom.models.classifier import SynsetClassifier
    return evaluation.Top1Counter(SynsetClassifier(judge))
