"""Films and moving pictures: what an upload is, and how it is coloured in a worker process."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, MissingExtra, PhotochromError
from photochrom.video import Progress, colorize_film, is_film
from photochrom.web.look import Look
from photochrom.web.storage import is_full
from photochrom.web.worker import INPUT, Facts, Setup

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".png": "image/png",
    ".avif": "image/avif",
}
"""What a film is written as, by its ending: the container it came in, or an .mp4."""

_SIGNATURES = {b"GIF8": ".gif", b"\x89PNG": ".png", b"\x1aE\xdf\xa3": ".mkv"}
_HEAD = 4096
_MOST_FRAMES_A_SECOND = 120  # a file that claims to be shorter than it is, is stopped by its frames
_PROGRESS_SECONDS = 0.25


class FilmTooLong(PhotochromError):
    """A film lasts longer than the server takes."""


def ending_of(path: Path) -> str | None:
    """The ending under which the file's coloured film is written, by its content; None for a photograph."""
    if not is_film(path):
        return None
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if head[:4] == b"RIFF":
        return ".webp" if head[8:12] == b"WEBP" else ".avi"
    if head[4:12] == b"ftypqt  ":
        return ".mov"
    if head[4:12] == b"ftypavis":
        return ".avif"
    if head[:4] == b"\x1aE\xdf\xa3" and b"webm" in head[:64]:
        return ".webm"
    return _SIGNATURES.get(head[:4], ".mp4")


def result_of(folder: Path, ending: str) -> Path:
    """Where the coloured film of a job is."""
    return folder / f"film{ending}"


def colour(
    setup: Setup,
    folder: str,
    look: Look,
    ending: str,
    max_seconds: float,
    tell: Callable[[float], None] = lambda share: None,
) -> Facts:
    """Colour a job's film or moving picture, in the worker process.

    Args:
        setup: of the worker.
        folder: the job's.
        look: vividness, saturation, warmth, tint and a palette; films have no others.
        ending: see `ending_of`.
        max_seconds: the longest that is taken.
        tell: called with the share that is done, 0 to 1.

    Raises:
        FilmTooLong: it lasts longer.
        PhotochromError: it cannot be read.
    """
    for name in ("variant", "contrast", "hints", "reference", "keep_color", "restore_tone", "mark"):
        if getattr(look, name):
            raise BadSetting(f"films have no {name.replace('_', ' ')} here; omit it")
    source = Path(folder, INPUT)
    colorizer = Colorizer(
        setup.model,
        max_pixels=setup.max_pixels,
        vividness=look.vividness,
        saturation=look.saturation,
        warmth=look.warmth,
        tint=look.tint,
        palette=look.chosen_palette(),
        device="cpu",
    )
    last = 0.0

    def heard(progress: Progress) -> None:
        nonlocal last
        if progress.done > max_seconds * _MOST_FRAMES_A_SECOND:
            raise FilmTooLong(f"films can last at most {max_seconds:g} seconds; send a part of it")
        if progress.total and time.monotonic() - last > _PROGRESS_SECONDS:
            last = time.monotonic()
            tell(min(1.0, progress.done / progress.total))

    try:
        seconds = _seconds(source, ending, setup.max_pixels)
        if seconds is not None and seconds > max_seconds:
            raise FilmTooLong(
                f"films can last at most {max_seconds:g} seconds; this one lasts {seconds:.0f}; send a part of it"
            )
        report = colorize_film(source, result_of(Path(folder), ending), colorizer, overwrite=True, progress=heard)
    except MissingExtra:
        raise
    except PhotochromError as error:
        if is_full(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        # The folder and the names of the files in it must not appear in a message.
        words = str(error).replace(str(source), "the film")
        words = words.replace(str(result_of(Path(folder), ending)), "the coloured film")
        raise type(error)(words.replace(f"{folder}{os.sep}", "")) from None
    lasts = report.length if seconds is None else seconds
    return Facts(report.width, report.height, ending[1:].upper(), False, report.frames, seconds=lasts)


def _seconds(source: Path, ending: str, max_pixels: int) -> float | None:
    """How long a film lasts, where its file says so; a moving picture's says it only frame by frame."""
    if not MEDIA_TYPES[ending].startswith("video/"):
        return None
    from photochrom.video.reading import Reader

    return Reader(source, max_pixels).facts.seconds
