"""`photochrom colorize`: files, folders, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom import batch, io
from photochrom.cli.options import ModelOptions
from photochrom.cli.show import progress, say
from photochrom.errors import BadSetting

DEFAULTS = ModelOptions()


def colorize(
    inputs: Annotated[list[Path], Parameter(negative=(), allow_leading_hyphen=True)],
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o", allow_leading_hyphen=True)] = None,
    recursive: Annotated[bool, Parameter(alias="-r", negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    options: ModelOptions = DEFAULTS,
) -> int:
    """Colour photographs: portrait.jpg becomes portrait.color.jpg beside it.

    The original lightness, size and metadata are kept. A photograph that has colour already is coloured from its
    lightness. A file that cannot be read is named and skipped, and the exit status is 1.

    Parameters
    ----------
    inputs
        Files or folders; - reads one photograph from standard input.
    output
        A file, or a folder that is made; - writes to standard output.
    recursive
        Go into folders within folders.
    overwrite
        Replace results that are there already.
    """
    if Path("-") in inputs or output == Path("-"):
        return _pipe(inputs, output, overwrite, options)
    jobs = batch.plan(inputs, output, recursive)
    colorizer = options.colorizer()
    with progress() as bar:
        task = bar.add_task("colouring", total=len(jobs), visible=len(jobs) > 1)

        def done(outcome: batch.Outcome) -> None:
            bar.advance(task)
            if outcome.error:
                say(f"photochrom: {outcome.error}")
            else:
                say(f"{outcome.job.source} -> {outcome.job.target}" + (f" ({outcome.note})" if outcome.note else ""))

        outcomes = batch.run(colorizer, jobs, overwrite=overwrite, done=done)
    failed = sum(outcome.error is not None for outcome in outcomes)
    if len(jobs) > 1:
        say(f"{len(jobs) - failed} coloured, {failed} failed")
    return 1 if failed else 0


def _pipe(inputs: list[Path], output: Path | None, overwrite: bool, options: ModelOptions) -> int:
    if len(inputs) > 1:
        raise BadSetting("only one photograph goes through standard input or output")
    source = sys.stdin.buffer if inputs == [Path("-")] else inputs[0]
    picture = io.read(source, options.max_pixels)
    result = options.colorizer().colorize_picture(picture)
    if output is None or output == Path("-"):
        if sys.stdout.isatty():
            raise BadSetting("standard output is a terminal; redirect it to a file, or name one with -o")
        sys.stdout.buffer.write(io.encode(result, picture.format or "PNG"))
        sys.stdout.buffer.flush()
    else:
        io.write(result, output, overwrite)
    return 0
