"""`photochrom colorize`: files, folders, or standard input."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from PIL import Image
from rich.progress import Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from photochrom import batch
from photochrom._support.files import check_free, write_bytes, writing
from photochrom._support.text import counted, shown
from photochrom.cli.options import FilmOptions, FinishOptions, ModelOptions, check_apart, check_ending
from photochrom.cli.show import only_our_words, progress, say
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, WriteFailed
from photochrom.imaging import io
from photochrom.imaging.formats import format_for
from photochrom.imaging.picture import Picture, to_dtype
from photochrom.imaging.reading import decode
from photochrom.inference.network import Scores, render_shape
from photochrom.painting.confidence import unsure_places
from photochrom.painting.hint_files import read_hints, write_hints
from photochrom.painting.hints import Colored, Hint
from photochrom.painting.upsample import resize
from photochrom.photographs import encoded

DEFAULTS, PLAIN, FILM_DEFAULTS = ModelOptions(), FinishOptions(), FilmOptions()
STREAM = Path("-")


def colorize(
    inputs: Annotated[list[Path], Parameter(negative=(), json_list=False)],
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    recursive: Annotated[bool, Parameter(alias="-r", negative=())] = False,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    preserve: Annotated[bool, Parameter(negative=())] = False,
    jobs: Annotated[int | None, Parameter(alias="-j")] = None,
    log: Path | None = None,
    variants: int | None = None,
    hint: Annotated[list[str], Parameter(negative=(), json_list=False)] | None = None,
    hints: Annotated[list[Path], Parameter(negative=(), json_list=False)] | None = None,
    save_hints: Path | None = None,
    confidence: Path | None = None,
    verbose: Annotated[bool, Parameter(negative=())] = False,
    finish: FinishOptions = PLAIN,
    options: ModelOptions = DEFAULTS,
    film: FilmOptions = FILM_DEFAULTS,
    max_pixels: int = io.MAX_PIXELS,
) -> int:
    """Colour photographs and films: portrait.jpg becomes portrait.color.jpg next to it, clip.mp4 clip.color.mp4.

    The original lightness, size and metadata are kept, and the metadata record that it was coloured. A photograph that
    is already in colour is coloured from its lightness. All pages of a TIFF are coloured. A damaged file is coloured as
    far as its data go, which its line says. A file that cannot be read is reported and skipped, and the exit status is
    1. To resume a film that was stopped, run the same command again.

    Parameters
    ----------
    inputs
        Files, folders, or a numbered sequence such as frame-%05d.png; - reads one photograph from standard input.
    output
        A file, or a folder (FOLDER/), which is created if needed; - writes to standard output.
    recursive
        Search subfolders as well.
    overwrite
        Replace existing results.
    skip_existing
        Skip inputs that have a result, to resume a run that was stopped.
    preserve
        Give each result the modification time and the permissions of its source.
    jobs
        How many photographs to colour at once, each in its own process. [default: one per core, at most 8, and one for
        a handful]
    log
        A CSV file; each finished photograph adds a row.
    variants
        Write this many colourings of each photograph: NAME.color-1.EXT, NAME.color-2.EXT, ... Objects that could have
        any colour differ between them. The same number gives the same colouring.
    hint
        X,Y=COLOR sets the colour X pixels from the left and Y from the top, and of what belongs to it. COLOR is #rrggbb
        or a name; keep stops other hints. X,Y,REACH=COLOR reaches further than 1, or, below 1, to the nearest edge;
        12.5s,X,Y=COLOR is for a film. Repeat it.
    hints
        A file of hints for one photograph or film: JSON with points and strokes, or (for a photograph) a picture with
        strokes on a transparent layer. Repeat for more files.
    save_hints
        Write all hints to this .json file, to continue later or to share them.
    confidence
        Write a gray .png file that shows where the colours of the photograph are certain (white) and where not (black).
    verbose
        Name the files in folders that are neither photographs nor films.
    max_pixels
        Largest photograph to read, in pixels; protects against files made to exhaust memory.
    """
    if jobs is not None and not 1 <= jobs <= 256:
        raise BadSetting(f"--jobs is {jobs}; it must be between 1 and 256")
    if variants is not None and not 1 <= variants <= 1000:
        raise BadSetting(f"--variants is {variants}; it must be between 1 and 1000")
    if overwrite and skip_existing:
        raise BadSetting("--overwrite and --skip-existing contradict each other; give one")
    film.check()
    known = [Hint.parse(text) for text in hint or ()]
    known += [entry for path in hints or () for entry in read_hints(path, max_pixels)]
    if save_hints and not known:
        raise BadSetting("--save-hints has nothing to save; add hints with --hint or --hints")
    for option, path, ending in (("--save-hints", save_hints, ".json"), ("--confidence", confidence, ".png")):
        if path:
            if path.suffix.lower() != ending:
                raise BadSetting(f"{option} {shown(path)}: this file is {ending[1:].upper()}; end its name in {ending}")
            check_free(path, overwrite)
    if log and batch.kind_of(log):
        raise BadSetting(f"--log {shown(log)}: this file is CSV; end its name in .csv")
    to_stream = output is not None and Path(output) == STREAM
    with only_our_words():
        if STREAM in inputs or to_stream:
            if len(inputs) > 1:
                raise BadSetting("standard input and output are for one photograph only")
            if variants:
                raise BadSetting("variants are several files; they cannot use standard input or output")
            if save_hints or confidence:
                raise BadSetting("--save-hints and --confidence need a file; name the photograph instead of -")
            if log or skip_existing:
                raise BadSetting("--log and --skip-existing are for files, not for standard input or output")
            if preserve:
                raise BadSetting("--preserve is for files; standard input and output have no time or permissions")
            return _pipe(
                inputs[0], None if to_stream else output, overwrite, options.colorizer(max_pixels, finish), known
            )
        how: dict[str, dict[str, Any]] = {
            "film": dataclasses.asdict(film) | {"hints": known},
            "photograph": {"hints": known},
        }
        plan = batch.plan(inputs, output, recursive, how)
        kinds = [job.kind for job in itertools.islice(plan, 2)] if known or confidence else []
        if confidence and kinds != ["photograph"]:
            raise BadSetting("--confidence is for one photograph; name one photograph, and no film")
        if known and kinds not in (["photograph"], ["film"]):
            raise BadSetting("hints are for one photograph or film; name one")
        if finish.like and plan.folder and os.path.realpath(finish.like) == os.path.realpath(plan.folder):
            raise BadSetting(f"--like {shown(finish.like)} is where the results go; name another folder with -o")
        passed_over = plan.passed_over
        colorizer = options.colorizer(max_pixels, finish)
        for path in plan.look_alikes():
            say(f"{shown(path)} was passed over, because it is named like a result; to colour it, name the file itself")
        for path in plan.linked_folders():
            say(f"{shown(path)} was passed over, because it is a link to a folder; to colour what is in it, name it")
        if variants:
            colorizer.network.need_variants()
            plan = batch.Variants(plan, variants)
        if confidence:
            taken = (path for job in plan for path in (job.source, job.target))
            check_apart("--confidence", confidence, taken, "the photograph, or where it goes")
        if save_hints or confidence:
            seen = _beside(next(iter(plan)), colorizer, known, save_hints, confidence, overwrite)
            how["photograph"]["seen"] = None if variants else seen
        processes = jobs or batch.sensible_processes(len(plan))
        with contextlib.ExitStack() as stack:
            book = stack.enter_context(batch.BatchLog(log)) if log else None
            bar = stack.enter_context(progress(_Rate()))
            outcomes = batch.run(
                colorizer,
                plan,
                overwrite=overwrite,
                skip_existing=skip_existing,
                processes=min(processes, max(1, len(plan))),
                preserve=preserve,
                tell=_Frames(bar).tell,
            )
            status = _report(stack.enter_context(contextlib.closing(outcomes)), len(plan), book, bar)
        _name_what_was_passed_over(passed_over(), verbose)
        return status


class _Frames:
    """A bar for each film in work."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[Path, TaskID] = {}

    def tell(self, job: batch.BatchJob, done: int, total: int | None) -> None:
        if job.source not in self._tasks:
            # What an earlier run did is not counted as speed.
            self._tasks[job.source] = self._bar.add_task(job.source.name, total=total, completed=done - 1)
        task = self._tasks[job.source]
        # A total is an estimate; the film is done when its bar says so, and its sound is still to be joined.
        self._bar.update(task, completed=done, total=total, film=True, visible=not total or done < total)


class _Rate(ProgressColumn):
    """Frames a second, for films."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} frames/s" if task.speed and task.fields.get("film") else "")


def _report(outcomes: Iterator[batch.Outcome], total: int, log: batch.BatchLog | None, bar: Progress) -> int:
    counts: Counter[str] = Counter()
    task = bar.add_task("colouring", total=total, visible=total > 1)
    for outcome in outcomes:
        bar.advance(task)
        counts[outcome.status] += 1
        if log:
            log.add(outcome)
        if outcome.status != "skipped":
            say(_line(outcome))
    if total > 1:
        parts = [f"{counts['coloured']} coloured", *(f"{counts[s]} {s}" for s in ("kept", "skipped") if counts[s])]
        say(", ".join([*parts, f"{counts['failed']} failed"]))
    return 1 if counts["failed"] else 0


def _name_what_was_passed_over(files: Iterator[Path], verbose: bool) -> None:
    """Say how many files were not coloured because they are no input."""
    number = 0
    for path in files:
        number += 1
        if verbose:
            say(f"{shown(path)} passed over")
    if number:
        names = "" if verbose else "; --verbose names them"
        say(f"{counted(number, 'file')} passed over, neither photograph nor film{names}")


def _line(outcome: batch.Outcome) -> str:
    if outcome.error:
        return f"photochrom: {outcome.error}"
    note = f" ({outcome.note})" if outcome.note else ""
    return f"{shown(outcome.job.source)} -> {shown(outcome.job.target)}{note}"


def _beside(
    job: batch.BatchJob,
    colorizer: Colorizer,
    hints: Sequence[Colored],
    save_hints: Path | None,
    confidence: Path | None,
    overwrite: bool,
) -> tuple[Picture, Scores] | None:
    """Write what a person wants to know or keep of a photograph or a film besides its colours.

    Returns the photograph and what the network says of it, where both were needed.
    """
    if job.kind == "film":
        from photochrom.video import frame_size

        picture, size = None, frame_size(job.source, colorizer.max_pixels)
    else:
        picture = io.read(job.source, colorizer.max_pixels, colorizer.strict)
        size = picture.size
    if save_hints:
        write_hints(save_hints, hints, size, overwrite)
        say(f"{shown(save_hints)}: {counted(len(hints), 'hint')}")
    if not (confidence and picture):
        return None
    light = picture.lightness()
    scores = colorizer.scores(light, hints=hints)
    sure, _ = colorizer.map_confidence(light, scores)
    places = unsure_places(resize(sure, render_shape(light.shape, 64)))
    with writing(confidence, overwrite) as file:
        whole = np.clip(resize(sure, size), 0, 1)
        Image.fromarray(to_dtype(whole, "uint8")).save(file, "PNG")
    points = ", ".join(f"{x * picture.width:.0f},{y * picture.height:.0f}" for x, y in places)
    say(f"{shown(confidence)}: {whole.mean():.0%} sure on average; hints would help most near {points}")
    return picture, scores


def _pipe(source: Path, output: str | None, overwrite: bool, colorizer: Colorizer, hints: Sequence[Colored]) -> int:
    if output:
        check_ending("-o", Path(output))
        check_free(output, overwrite)
    elif sys.stdout.isatty():
        raise BadSetting("standard output is a terminal; redirect it to a file, or name one with -o")
    given = None
    if source == STREAM:
        source, given = Path("standard input"), _from_stdin()
        picture = decode(BytesIO(given), str(source), colorizer.max_pixels, colorizer.strict)
    else:
        picture = io.read(source, colorizer.max_pixels, colorizer.strict)
    result = colorizer.colorize_picture(picture, hints=hints)
    form = format_for(output).name if output else picture.format or "PNG"
    data, report = encoded(picture, result, source, form, given)
    if output:
        write_bytes(output, data, overwrite)
    else:
        _to_stdout(data)
    for note in report.notes:
        say(f"{shown(source)}: {note}")
    return 0


def _from_stdin() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise io.cannot_open("standard input", error) from error


def _to_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or os.strerror(error.errno or 0)
        raise WriteFailed(f"standard output cannot be written: {reason}") from None
