"""`photochrom colorize`: files, folders, or standard input."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom import batch, io
from photochrom.cli.options import ModelOptions
from photochrom.cli.show import only_our_words, progress, say
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, WriteFailed
from photochrom.files import check_free
from photochrom.formats import format_for, shown

DEFAULTS = ModelOptions()
STREAM = Path("-")


def colorize(
    inputs: Annotated[list[Path], Parameter(negative=(), json_list=False)],
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    recursive: Annotated[bool, Parameter(alias="-r", negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    options: ModelOptions = DEFAULTS,
    max_pixels: int = io.MAX_PIXELS,
) -> int:
    """Colour photographs: portrait.jpg becomes portrait.color.jpg beside it.

    The original lightness, size and metadata are kept. A photograph that has colour already is coloured from its
    lightness. A file that cannot be read is named and skipped, and the exit status is 1.

    Parameters
    ----------
    inputs
        Files or folders; - reads one photograph from standard input.
    output
        A file, or a folder (FOLDER/) that is made; - writes to standard output.
    recursive
        Go into folders within folders.
    overwrite
        Replace results that are there already.
    max_pixels
        Largest photograph that is read, in pixels; protects from files made to fill the memory.
    """
    to_stream = output is not None and Path(output) == STREAM
    with only_our_words():
        if STREAM in inputs or to_stream:
            if len(inputs) > 1:
                raise BadSetting("only one photograph goes through standard input or output")
            return _pipe(inputs[0], None if to_stream else output, overwrite, options.colorizer(max_pixels))
        jobs = batch.plan(inputs, output, recursive)
        return _files(jobs, options.colorizer(max_pixels), overwrite)


def _files(jobs: list[batch.Job], colorizer: Colorizer, overwrite: bool) -> int:
    with progress() as bar:
        task = bar.add_task("colouring", total=len(jobs), visible=len(jobs) > 1)

        def done(outcome: batch.Outcome) -> None:
            bar.advance(task)
            job = outcome.job
            arrow = f"{shown(job.source)} -> {shown(job.target)}" + (f" ({outcome.note})" if outcome.note else "")
            say(f"photochrom: {outcome.error}" if outcome.error else arrow)

        outcomes = batch.run(colorizer, jobs, overwrite=overwrite, done=done)
    failed = sum(outcome.error is not None for outcome in outcomes)
    if len(jobs) > 1:
        say(f"{len(jobs) - failed} coloured, {failed} failed")
    return 1 if failed else 0


def _pipe(source: Path, output: str | None, overwrite: bool, colorizer: Colorizer) -> int:
    if output:
        format_for(output)
        check_free(output, overwrite)
    elif sys.stdout.isatty():
        raise BadSetting("standard output is a terminal; redirect it to a file, or name one with -o")
    picture = io.read(sys.stdin.buffer if source == STREAM else source, colorizer.max_pixels)
    result = colorizer.colorize_picture(picture)
    if output:
        io.write(result, output, overwrite)
    else:
        _to_stdout(io.encode(result, picture.format or "PNG"))
    return 0


def _to_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or os.strerror(error.errno or 0)
        raise WriteFailed(f"standard output cannot be written: {reason}") from None
