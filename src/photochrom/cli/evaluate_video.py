"""`photochrom evaluate-video`: how steady colours are over time, on films whose colours are known."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom._support.files import check_free
from photochrom.cli.options import ModelOptions
from photochrom.cli.show import only_our_words, progress, table
from photochrom.errors import BadSetting
from photochrom.video.evaluating import evaluate_films, means, write

DEFAULTS = ModelOptions()
HEADING = ("film", "mode", "warping", "cdc 1", "cdc 2", "cdc 4", "CIEDE2000", "PSNR", "colorfulness", "frames/s")


def evaluate_video(
    films: Annotated[list[Path], Parameter(negative=(), json_list=False)],
    /,
    *,
    consistency: Annotated[list[str] | None, Parameter(negative=())] = None,
    frames: int | None = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    options: ModelOptions = DEFAULTS,
) -> int:
    """Measure how steady colours are over time: turn colour films gray, colour them, and compare.

    Warping: the distance of chroma from the previous frame's, followed along motion, in Lab units. CDC: the change in
    the distribution of colours over 1, 2 and 4 frames. Lower is steadier for both. Gray is perfectly steady; the
    truth's own numbers show how much the film itself changes.

    Parameters
    ----------
    films
        Films in colour.
    consistency
        A mode to measure: frame, flow, recurrent or a .onnx file; repeat for more. [default: frame and flow]
    frames
        Measure only the first N frames of each film.
    out
        A folder for per_film.csv and totals.json.
    overwrite
        Replace existing results.
    """
    if frames is not None and frames < 5:
        raise BadSetting(f"--frames is {frames}; it must be at least 5")
    with only_our_words(), progress() as bar:
        for name in ("per_film.csv", "totals.json") if out else ():
            check_free(Path(out or ".") / name, overwrite)
        task = bar.add_task("measuring", total=None)
        rows = evaluate_films(
            films,
            options.colorizer(),
            consistency or ("frame", "flow"),
            frames=frames,
            listener=lambda film, mode, done: bar.update(task, completed=done, description=f"{film}, {mode}"),
        )
    if out:
        write(rows, out, overwrite)
    shown = [*rows, *(means(rows) if len(films) > 1 else [])]
    table([HEADING, *(tuple(_cell(value) for value in astuple(row)) for row in shown)])
    return 0


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
