"""Folders: what of them is people's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from photochrom.imaging.formats import is_picture_name

# Folders that systems and programs fill with copies, thumbnails and what was thrown away; lower case.
_NOT_PEOPLES = {
    *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "@__thumb", "#recycle", "#snapshot", "__macosx"),
    *("$recycle.bin", "recycler", "system volume information", "lost+found", "network trash folder", "temporary items"),
    *("ipod photo cache", "_thumbnails", "_thumbs"),
}


def is_passed_over(folder: str) -> bool:
    """Whether a folder of this name is not looked into."""
    return folder.startswith(".") or folder.lower() in _NOT_PEOPLES or folder.lower().endswith(".lrdata")


def pictures_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures of a folder and of the folders in it, by their names and in their order, but for hidden ones."""
    return sorted(_pictures(folder))


def _pictures(folder: str | os.PathLike[str]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_passed_over(name)]
        for path in (Path(root, name) for name in names if not name.startswith(".")):
            if is_picture_name(path) and path.is_file():
                yield path
