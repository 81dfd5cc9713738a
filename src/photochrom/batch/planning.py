"""Which inputs are coloured and where each goes, decided each time it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from photochrom._support.text import shown
from photochrom.batch.jobs import BatchJob
from photochrom.batch.kinds import kind_of, kind_of_file
from photochrom.batch.walk import Folder
from photochrom.errors import BadSetting, PhotochromError, UnreadableImage, UnsupportedFormat
from photochrom.imaging.formats import format_for
from photochrom.imaging.moving import film_name
from photochrom.imaging.result_names import beside, is_result, picture_name

AnyPath = str | os.PathLike[str]


def plan(
    inputs: Sequence[AnyPath],
    output: AnyPath | None = None,
    recursive: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Plan:
    """Decide which inputs are coloured and where each goes.

    A folder stands for what is in it (with `recursive`, below it), and its files go to their path relative to it under
    `output`. Results of earlier runs (NAME.color.EXT) inside a folder, hidden files and folders, folders that are no
    person's (@eaDir, __MACOSX), links to folders and `output` itself are passed over. A folder that cannot be listed or
    holds nothing is a job with an error, so that the others are still done. So is a film whose result would have the
    name of another one's, as clip.mpg and clip.3gp both become clip.mp4: of those in a folder one that keeps its name
    comes first, and then the first by name.

    Args:
        inputs: files and folders.
        output: a file (for one input file) or a folder; None writes beside each input. What ends with a slash is a
            folder, and so is what has no ending and is not there yet.
        recursive: go into folders within folders.
        settings: by kind (see `kinds.KINDS`), what its jobs carry as `BatchJob.settings`.

    Returns:
        The jobs: iterating walks the folders again and holds none of them; `len` was counted here.

    Raises:
        BadSetting: one output file for several inputs, an output whose ending is unknown, two photographs that would go
            to one place, or an input that would replace another.
    """
    paths = tuple(Path(path) for path in inputs)
    folder = Path(output) if output is not None and _is_folder(output, paths) else None
    found = Plan(paths, folder, None if folder or output is None else Path(output), recursive, settings or {})
    len(found)
    return found


@dataclass(frozen=True)
class Plan:
    """The jobs of a call, from `plan`.

    Attributes:
        inputs: files and folders.
        folder: where results go, or None for beside each input.
        target: the one file where the one input goes, or None.
        recursive: go into folders within folders.
        settings: what jobs carry, by their kind.
    """

    inputs: tuple[Path, ...]
    folder: Path | None
    target: Path | None
    recursive: bool
    settings: Mapping[str, Any]

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[BatchJob]:
        """The jobs in the order of the inputs.

        Raises:
            BadSetting: see `plan`.
        """
        for place in range(len(self.inputs)):
            if place in self._folders:
                yield from self._walked(place)
            elif place in self._files:
                yield self._files[place]

    def passed_over(self) -> Iterator[Path]:
        """Files in the folders that are no input, for users who expected them to be."""
        for folder in self._folders.values():
            yield from folder.passed_over()

    def look_alikes(self) -> Iterator[Path]:
        """Files in the folders that are passed over since they are named like results, and are results of nothing."""
        for folder in self._folders.values():
            yield from folder.look_alikes()

    def linked_folders(self) -> Iterator[Path]:
        """Links to folders within the folders, which are passed over."""
        for folder in self._folders.values():
            yield from folder.linked_folders()

    def _walked(self, place: int) -> Iterator[BatchJob]:
        folder = self._folders[place]
        empty = True
        for found in folder.walk():
            empty = False
            if isinstance(found, PhotochromError):
                yield BatchJob(folder.path, folder.path, error=found)
                continue
            below = found.relative_to(folder.path).with_name(picture_name(found))
            job = self._job(found, self.folder / below if self.folder else beside(found))
            others, source = self._others(job, place), os.path.realpath(found)
            rival = next((other for other in others if other != source), None)
            if rival and not (job.kind == "film" and source in others):
                yield _refused(job, rival)
            elif not others:
                yield job
        if empty:
            hint = "" if self.recursive else "; --recursive searches its subfolders"
            error = UnreadableImage(f"{shown(folder.path)} holds no pictures{hint}")
            yield BatchJob(folder.path, folder.path, error=error)

    def _job(self, source: Path, target: Path) -> BatchJob:
        kind = kind_of_file(source)
        name = kind.name if kind else BatchJob.kind
        return BatchJob(source, target, name, self.settings.get(name))

    # ---- folders are walked while the work goes on, so each file is judged by itself

    @cached_property
    def _folders(self) -> dict[int, Folder]:
        """By the place among the inputs."""
        return {
            place: Folder(path, self.recursive, self.folder)
            for place, path in enumerate(self.inputs)
            if os.path.isdir(path)
        }

    def _others(self, job: BatchJob, place: int) -> list[str]:
        """What comes to the job's place before it: a file that was named, one of an earlier folder, a film beside it.

        It may be the job's own source, by another name or another way.
        """
        earlier = [folder for at, folder in self._folders.items() if at < place]
        if not (earlier or self._named or job.kind == "film" or os.path.lexists(job.target)):
            return []  # as for nearly all of a hundred thousand, at the cost of one look
        target = os.path.realpath(job.target)
        self._check_replaces_nothing(job, target)
        others = [self._taken[target]] if target in self._taken else []
        for folder in earlier:
            real = Path(os.path.realpath(folder.path))
            if self.folder:
                candidate = real / job.target.relative_to(self.folder)
            else:
                candidate = Path(os.path.realpath(job.source.parent), job.source.name)
            if job.kind == "film":
                candidate = folder.first_film(candidate.parent, film_name(candidate)) or candidate
            if folder.yields(candidate):
                others.append(os.path.realpath(candidate))
        if job.kind == "film":
            first = self._folders[place].first_film(job.source.parent, film_name(job.source))
            if first and first.name != job.source.name:
                others.append(os.path.realpath(first))
        return others

    def _check_replaces_nothing(self, job: BatchJob, target: str) -> None:
        is_input = target in self._sources or (
            os.path.lexists(target) and any(folder.yields(Path(target)) for folder in self._folders.values())
        )
        if is_input:
            raise BadSetting(
                f"{shown(job.source)} would overwrite the photograph {shown(job.target)}; name another folder"
            )

    # ---- files that were named stand in memory anyway

    @cached_property
    def _named(self) -> dict[int, BatchJob]:
        return {
            place: self._job(path, self.folder / picture_name(path) if self.folder else self.target or beside(path))
            for place, path in enumerate(self.inputs)
            if place not in self._folders
        }

    @cached_property
    def _sources(self) -> set[str]:
        """Where the photographs that were named really are; results of earlier runs are none."""
        return {os.path.realpath(job.source) for job in self._named.values() if not is_result(job.source)}

    @cached_property
    def _taken(self) -> dict[str, str]:
        """The source of each target."""
        jobs = [job for job in self._files.values() if not job.error]
        return {os.path.realpath(job.target): os.path.realpath(job.source) for job in jobs}

    @cached_property
    def _files(self) -> dict[int, BatchJob]:
        """Without what is named twice, and results of other jobs, as `*.jpg` brings them at the second time."""
        targets = {os.path.realpath(job.target) for job in self._named.values()}
        taken: dict[str, str] = {}
        kept: dict[int, BatchJob] = {}
        for place, job in self._named.items():
            source, target = os.path.realpath(job.source), os.path.realpath(job.target)
            self._check_replaces_nothing(job, target)
            if is_result(job.source) and source in targets and source != target:
                continue
            if target not in taken:
                taken[target], kept[place] = source, job
            elif taken[target] != source:
                kept[place] = _refused(job, taken[target])
        return kept


def _refused(job: BatchJob, other: str) -> BatchJob:
    """A job whose place another input's result has: a film is refused by itself, as its name alone does not show it.

    Raises:
        BadSetting: it is a photograph.
    """
    both = f"{shown(other)} and {shown(job.source)} would both be written to {shown(job.target)}"
    if job.kind == "film":
        return replace(job, error=BadSetting(f"{both}; colour one by itself, with -o FILE"))
    raise BadSetting(f"{both}; run them separately")


def _is_folder(output: AnyPath, inputs: Sequence[Path]) -> bool:
    if os.fspath(output).endswith(("/", os.sep)) or os.path.isdir(output):
        return True
    several = len(inputs) > 1 or any(os.path.isdir(path) for path in inputs)
    if several and (kind_of(output) or os.path.isfile(output)):
        what = f"there are {len(inputs)} inputs" if len(inputs) > 1 else f"{shown(inputs[0])} is a folder"
        raise BadSetting(f"{shown(output)} is one file, but {what}; name a folder with -o FOLDER/")
    if several or not (Path(output).suffix or os.path.isfile(output)):
        return True
    if kind_of(output) is None:
        try:
            format_for(output)
        except UnsupportedFormat as error:
            raise BadSetting(f"{error}, or end a folder's name with /") from None
    return False
