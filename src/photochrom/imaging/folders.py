"""Folders: what of them is people's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from photochrom.imaging.formats import is_picture_name
from photochrom.imaging.result_names import is_result, result_of

# Folders that systems and programs fill with copies, thumbnails and what was thrown away; lower case.
_NOT_PEOPLES = {
    *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "@__thumb", "#recycle", "#snapshot", "__macosx"),
    *("$recycle.bin", "recycler", "system volume information", "lost+found", "network trash folder", "temporary items"),
    *("ipod photo cache", "_thumbnails", "_thumbs"),
}


def is_passed_over(folder: str) -> bool:
    """Whether a folder of this name is not looked into."""
    return folder.startswith(".") or folder.lower() in _NOT_PEOPLES or folder.lower().endswith(".lrdata")


def pictures_in(folder: str | os.PathLike[str], *, results: bool = True) -> list[Path]:
    """The pictures of `files_in`, by their names and in their order."""
    return sorted(path for path in files_in(folder, results=results) if is_picture_name(path) and path.is_file())


def files_in(folder: str | os.PathLike[str], *, results: bool = True) -> Iterator[Path]:
    """The files of a folder and of the folders in it, but for hidden ones.

    Args:
        folder: is walked as it is iterated.
        results: those of colouring, too, that lie beside their sources. Data sets have such names as well, as in
            frame-000001.color.png, which are of nothing there and are always given.
    """
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_passed_over(name)]
        paths = [Path(root, name) for name in names if not name.startswith(".")]
        made = set() if results else {path for path in paths if is_result(path)}
        sources = {known for path in paths for known in (path.name, path.stem)} if made else ()
        yield from (path for path in paths if path not in made or result_of(path) not in sources)
