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
    """Measure how steady colours are over time: films in colour are turned gray, coloured, and compared.

    Warping: how far chroma is from that of the frame before, followed along motion, in Lab units. CDC: how much the
    distribution of colours changes over 1, 2 and 4 frames. Both lower is steadier; gray is perfectly steady, and the
    truth's own numbers say what the film itself does.

    Parameters
    ----------
    films
        Films in colour.
    consistency
        A mode to measure: frame, flow, recurrent or a .onnx file; again for another one. [default: frame and flow]
    frames
        Measure only so many of the first frames of each film.
    out
        A folder for per_film.csv and totals.json.
    overwrite
        Replace results that are there already.
    """
    if frames is not None and frames < 5:
        raise BadSetting(f"--frames is {frames}; it takes 5 or more")
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
