"""A folder's inputs, found while they are asked for: a hundred thousand cost no more memory than the largest folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from photochrom._support.text import shown
from photochrom.batch.kinds import is_film_by_content, is_photograph_by_content, kind_of
from photochrom.errors import PhotochromError, UnreadableImage
from photochrom.imaging.folders import is_passed_over
from photochrom.imaging.moving import film_name, moving_kind
from photochrom.imaging.result_names import is_result, result_of


@dataclass(frozen=True)
class Folder:
    """A folder that stands for the inputs in it.

    Results of earlier runs (NAME.color.EXT, NAME.color-1.EXT), hidden files and folders, folders of systems such as
    @eaDir and __MACOSX, links to folders and the folder of the results are passed over.

    Attributes:
        path: the folder.
        recursive: go into folders within it.
        results: the folder where results go; not walked where it is inside `path`. None where they go beside.
    """

    path: Path
    recursive: bool
    results: Path | None

    def walk(self) -> Iterator[Path | PhotochromError]:
        """Its inputs in the order of their names, and what cannot be listed."""
        unlisted: list[OSError] = []
        for root, _, names in self._levels(unlisted.append):
            yield from _cannot_list(unlisted)
            yield from (path for name in names if _is_wanted(path := Path(root, name)))
        yield from _cannot_list(unlisted)

    def first_film(self, directory: Path, result: str) -> Path | None:
        """Of the films in a directory of the folder's, the one that comes first to a result's name."""
        if directory not in self._listed:
            self._listed.clear()
            self._listed[directory] = _films_by_result(directory)
        first = self._listed[directory].get(result)
        return None if first is None else directory / first

    @cached_property
    def _listed(self) -> dict[Path, dict[str, str]]:
        """Of the directory that was asked for last, since the walk stays in one for a while."""
        return {}

    def passed_over(self) -> Iterator[Path]:
        """Its files that are no input, but for hidden ones and results of earlier runs."""
        for root, _, names in self._levels():
            for path in (Path(root, name) for name in names if not name.startswith(".")):
                if not is_result(path) and not _is_wanted(path):
                    yield path

    def look_alikes(self) -> Iterator[Path]:
        """Its files that are named like results and have no photograph or film beside them that they could be of."""
        for root, _, names in self._levels():
            origins = {os.path.splitext(name)[0] for name in names} | set(names)
            for path in (Path(root, name) for name in names if not name.startswith(".")):
                if is_result(path) and kind_of(path) and result_of(path) not in origins:
                    yield path

    def linked_folders(self) -> Iterator[Path]:
        """Links to folders, into which the walk does not go: what is in them may be in the folder itself."""
        for root, folders, _ in self._levels():
            yield from (path for name in folders if os.path.islink(path := Path(root, name)))

    def _levels(self, failed: Callable[[OSError], object] | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
        """Each folder that is walked, the folders in it that are, and its files, both by their names in order.

        `failed` is called with what cannot be listed, before the next one is given.
        """
        within = self._results_within()
        for root, folders, names in os.walk(self.path, onerror=failed):
            inner = sorted(name for name in folders if self.recursive and not is_passed_over(name))
            folders[:] = [name for name in inner if not within or os.path.realpath(Path(root, name)) != within]
            yield root, folders, sorted(names)

    def yields(self, path: Path) -> bool:
        """Whether `walk` comes to a file of this real path, judged without walking."""
        try:
            below = path.relative_to(os.path.realpath(self.path))
        except ValueError:
            return False
        if (len(below.parts) > 1 and not self.recursive) or any(map(is_passed_over, below.parts[:-1])):
            return False
        within = self._results_within()
        return not (within and path.is_relative_to(within)) and _is_wanted(path) and os.path.lexists(path)

    def _results_within(self) -> str | None:
        """The real path of the results' folder where the walk would come to it."""
        if self.results is None:
            return None
        results, here = Path(os.path.realpath(self.results)), Path(os.path.realpath(self.path))
        return str(results) if results != here and results.is_relative_to(here) else None


def _films_by_result(directory: Path) -> dict[str, str]:
    """The names of a directory's films by those of their results; where two have one, the one that keeps its name."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return {}
    pictures = {name for name in names if (kind := kind_of(name)) and kind.name == "photograph"}
    others = (Path(directory, name) for name in names if name not in pictures)
    films = [path.name for path in others if _is_wanted(path) and moving_kind(path) == "film"]
    firsts = {film_name(Path(name)): name for name in reversed(films)}
    return firsts | {name: name for name in films if film_name(Path(name)) == name}


def _is_wanted(path: Path) -> bool:
    if path.name.startswith(".") or is_result(path):
        return False
    if kind_of(path) is None:
        return is_film_by_content(path) or is_photograph_by_content(path)
    # A pipe would be waited for; a link to nowhere is kept, so that it is named.
    return os.path.isfile(path) or not os.path.exists(path)


def _cannot_list(errors: list[OSError]) -> Iterator[PhotochromError]:
    while errors:
        error = errors.pop(0)
        yield UnreadableImage(
            f"{shown(error.filename or 'a folder')} cannot be listed ({error.strerror}); check its permissions"
        )
