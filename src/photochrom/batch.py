"""Many photographs by one command: what is done, where each goes, and what could not be done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, PhotochromError, UnreadableImage, UnsupportedFormat
from photochrom.formats import format_for, is_picture_name, shown
from photochrom.naming import beside, picture_name

NOTE = "it had colour already and was coloured from its lightness"

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Job:
    """One photograph and where its result goes; `error` is what already the planning met, such as an empty folder."""

    source: Path
    target: Path
    error: PhotochromError | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job; `error` is None when the result is there. `note` is worth telling in either case."""

    job: Job
    error: PhotochromError | None = None
    note: str = ""


def plan(inputs: Sequence[AnyPath], output: AnyPath | None = None, recursive: bool = False) -> list[Job]:
    """Decide which photographs are coloured and where each goes.

    A folder stands for the pictures in it (with `recursive`, below it), and its files go to their path relative to it
    under `output`. Results of earlier runs (NAME.color.EXT) inside a folder, hidden files and folders, links to
    folders and `output` itself are passed over. A folder that cannot be listed or holds no pictures is a job with an
    error, so that the others are still done.

    Args:
        inputs: files and folders.
        output: a file (for one input file) or a folder; None writes beside each input. What ends with a slash is a
            folder, and so is what has no ending and is not there yet.
        recursive: go into folders within folders.

    Raises:
        BadSetting: one output file for several inputs, an output whose ending is unknown, two inputs that would go to
            one place, or one that would replace a photograph.
    """
    paths = [Path(path) for path in inputs]
    folder = Path(output) if output is not None and _is_folder(output, paths) else None
    jobs: list[Job] = []
    for path in paths:
        if os.path.isdir(path):
            jobs += _jobs_in(path, folder, recursive)
        elif folder:
            jobs.append(Job(path, folder / picture_name(path)))
        else:
            jobs.append(Job(path, beside(path) if output is None else Path(output)))
    return _without_collisions(jobs)


def _is_folder(output: AnyPath, inputs: Sequence[Path]) -> bool:
    if os.fspath(output).endswith(("/", os.sep)) or os.path.isdir(output):
        return True
    several = len(inputs) > 1 or any(os.path.isdir(path) for path in inputs)
    if several and (is_picture_name(output) or os.path.isfile(output)):
        what = f"there are {len(inputs)} inputs" if len(inputs) > 1 else f"{shown(inputs[0])} is a folder"
        raise BadSetting(f"{shown(output)} is one file, but {what}; name a folder with -o FOLDER/")
    if several or not (Path(output).suffix or os.path.isfile(output)):
        return True
    try:
        format_for(output)
    except UnsupportedFormat as error:
        raise BadSetting(f"{error}, or end a folder's name with /") from None
    return False


def _jobs_in(folder: Path, output: Path | None, recursive: bool) -> Iterator[Job]:
    empty = True
    for found in _walk(folder, output, recursive):
        empty = False
        if isinstance(found, PhotochromError):
            yield Job(folder, folder, found)
        else:
            yield Job(found, output / found.relative_to(folder) if output else beside(found))
    if empty:
        hint = "" if recursive else "; --recursive looks into its folders"
        yield Job(folder, folder, UnreadableImage(f"{shown(folder)} holds no pictures{hint}"))


def _walk(folder: Path, output: Path | None, recursive: bool) -> Iterator[Path | PhotochromError]:
    """The pictures of a folder in the order of their names, and what cannot be listed."""
    unlisted: list[OSError] = []
    results = os.path.realpath(output) if output and os.path.realpath(output) != os.path.realpath(folder) else None
    for root, folders, names in os.walk(folder, onerror=unlisted.append):
        yield from (path for name in sorted(names) if _is_wanted(path := Path(root, name)))
        inner = sorted(name for name in folders if recursive and not name.startswith("."))
        folders[:] = [name for name in inner if os.path.realpath(Path(root, name)) != results]
    for error in unlisted:
        where = shown(error.filename or folder)
        yield UnreadableImage(f"{where} cannot be listed ({error.strerror}); check its permissions")


def _is_wanted(path: Path) -> bool:
    if not is_picture_name(path) or path.name.startswith(".") or is_result(path):
        return False
    # A pipe would be waited for; a link to nowhere is kept, so that it is named.
    return os.path.isfile(path) or not os.path.exists(path)


def is_result(path: Path) -> bool:
    """Whether a name is one that colouring gives: NAME.color.EXT."""
    return path.stem.endswith(".color")


def _without_collisions(jobs: Sequence[Job]) -> list[Job]:
    """Drop what is named twice, and results of other jobs, as `*.jpg` brings them at the second time."""
    targets = {os.path.realpath(job.target) for job in jobs if not job.error}
    sources = {os.path.realpath(job.source) for job in jobs if not (job.error or is_result(job.source))}
    taken: dict[str, str] = {}
    kept: list[Job] = []
    for job in jobs:
        source, target = os.path.realpath(job.source), os.path.realpath(job.target)
        if job.error:
            kept.append(job)
            continue
        if target in sources:
            raise BadSetting(
                f"{shown(job.source)} would be written over the photograph {shown(job.target)}; name another folder"
            )
        if is_result(job.source) and source in targets and source != target:
            continue
        first = target not in taken
        if (other := taken.setdefault(target, source)) != source:
            raise BadSetting(
                f"{shown(other)} and {shown(job.source)} would both be written to {shown(job.target)}; "
                "colour them apart"
            )
        if first:
            kept.append(job)
    return kept


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
            if job.error:
                raise job.error
            picture = colorizer.colorize_file(job.source, job.target, overwrite=overwrite)
            outcome = Outcome(job, note=NOTE if picture.has_color else "")
        except PhotochromError as error:
            outcome = Outcome(job, error)
        outcomes.append(outcome)
        done(outcome)
    return outcomes
