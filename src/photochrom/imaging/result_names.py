"""Names: where the coloured version of a file goes, and which photograph an error is about."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from photochrom._support.text import shown
from photochrom.errors import MissingExtra, OutOfMemory, PhotochromError, UnreadableImage
from photochrom.imaging.formats import FORMATS, SNIFF_BYTES, is_picture_name, sniff
from photochrom.imaging.moving import film_name, moving_kind

_RESULT = re.compile(r"\.color(-\d+)?$")


def beside(path: Path) -> Path:
    """Where the coloured version of a file goes: portrait.jpg becomes portrait.color.jpg.

    Raises:
        UnreadableImage: the path ends in no file name.
    """
    name = Path(picture_name(path))
    return path.with_name(f"{name.stem}.color{name.suffix}")


def is_result(path: Path) -> bool:
    """Whether a name is one that colouring gives: NAME.color.EXT, or NAME.color-2.EXT for a variant."""
    return _RESULT.search(path.stem) is not None


def result_of(path: Path) -> str:
    """What a file is a picture of, by its name: "cat" for cat.png, cat.color.png and cat.color-2.png."""
    return _RESULT.sub("", path.stem)


def picture_name(path: Path) -> str:
    """A file's name with an ending that says its format: a JPEG called "scan" gets "scan.jpg".

    Raises:
        UnreadableImage: the path ends in no file name.
    """
    if not path.name:
        raise UnreadableImage(f"{shown(path)} is a folder; give a picture file")
    if is_picture_name(path):
        return path.name
    if moving_kind(path):
        return film_name(path)
    return path.name + FORMATS[format_of(path) or "PNG"].extensions[0]


def format_of(path: str | os.PathLike[str]) -> str | None:
    """The name of a file's format by its content; None where it cannot be told without waiting for a pipe.

    What cannot be read is named by the reading itself.
    """
    with contextlib.suppress(OSError, ValueError, PhotochromError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return sniff(file.read(SNIFF_BYTES))
    return None


@contextlib.contextmanager
def errors_naming(source: str | os.PathLike[str]) -> Iterator[None]:
    """Put the photograph's name before errors that do not know it.

    Args:
        source: the photograph's file.
    """
    try:
        yield
    except MissingExtra:
        raise
    except PhotochromError as error:
        raise type(error)(f"{shown(source)}: {error}") from error
    except MemoryError:
        raise OutOfMemory(f"{shown(source)}: memory ran out; colour a smaller copy") from None
