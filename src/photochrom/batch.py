"""Many photographs by one command: what is done, where each goes, and what could not be done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photochrom import io
from photochrom.colorizer import Colorizer, beside
from photochrom.errors import BadSetting, PhotochromError, UnreadableImage
from photochrom.files import check_free
from photochrom.formats import format_for, is_picture_name


@dataclass(frozen=True)
class Job:
    """One photograph and where its result goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job; `error` is None when the result is there. `note` is worth telling in either case."""

    job: Job
    error: PhotochromError | None = None
    note: str = ""


def plan(inputs: Sequence[Path], output: Path | None = None, recursive: bool = False) -> list[Job]:
    """Decide which photographs are coloured and where each goes.

    A folder stands for the pictures in it (with `recursive`, below it), and its files go to their path relative to it
    under `output`. Results of earlier runs (NAME.color.EXT) inside a folder are passed over.

    Args:
        inputs: files and folders.
        output: a file (for one input file) or a folder; None writes beside each input.
        recursive: go into folders within folders.

    Raises:
        BadSetting: one output file for several inputs, or two inputs that would go to one place.
        UnreadableImage: a folder that cannot be listed or holds no picture.
    """
    jobs: list[Job] = []
    into_folder = output is not None and _is_folder(output, inputs)
    if output is not None and not into_folder and len(inputs) > 1:
        raise BadSetting(f"{output} is one file, but there are {len(inputs)} inputs; name a folder with -o FOLDER/")
    for path in inputs:
        if path.is_dir():
            for source in _pictures_in(path, recursive):
                jobs.append(Job(source, output / source.relative_to(path) if output else beside(source)))
        elif output is None:
            jobs.append(Job(path, beside(path)))
        else:
            jobs.append(Job(path, output / path.name if into_folder else output))
    seen: dict[Path, Path] = {}
    for job in jobs:
        if (other := seen.setdefault(job.target, job.source)) != job.source:
            raise BadSetting(f"{other} and {job.source} would both be written to {job.target}; colour them apart")
    return list({job.target: job for job in jobs}.values())


def _is_folder(output: Path, inputs: Sequence[Path]) -> bool:
    ends_open = str(output).endswith(os.sep) or not output.suffix
    return output.is_dir() or ends_open or any(path.is_dir() for path in inputs)


def _pictures_in(folder: Path, recursive: bool) -> list[Path]:
    try:
        files = sorted(_walk(folder) if recursive else (e for e in folder.iterdir() if e.is_file()))
    except OSError as error:
        raise UnreadableImage(f"{folder} cannot be listed ({error.strerror}); check its permissions") from None
    found = [f for f in files if is_picture_name(f) and not f.stem.endswith(".color") and not f.name.startswith(".")]
    if not found:
        hint = "" if recursive else "; --recursive looks into its folders"
        raise UnreadableImage(f"{folder} holds no pictures{hint}")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        yield from (Path(root, name) for name in names)


def run(
    colorizer: Colorizer,
    jobs: Iterable[Job],
    *,
    overwrite: bool = False,
    done: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Colour each photograph; one that fails is reported and the others go on.

    Args:
        colorizer: the session.
        jobs: from `plan`.
        overwrite: replace results that are there.
        done: called after each photograph.
    """
    outcomes = []
    for job in jobs:
        try:
            note = _one(colorizer, job, overwrite)
            outcome = Outcome(job, note=note)
        except PhotochromError as error:
            outcome = Outcome(job, error)
        outcomes.append(outcome)
        done(outcome)
    return outcomes


def _one(colorizer: Colorizer, job: Job, overwrite: bool) -> str:
    format_for(job.target)
    check_free(job.target, overwrite)
    picture = io.read(job.source, colorizer.max_pixels)
    io.write(colorizer.colorize_picture(picture), job.target, overwrite)
    return "it had colour already and was coloured from its lightness" if picture.has_color else ""
