"""Films and moving pictures in colour, steady over time: what `photochrom colorize clip.mp4` does, for programs.

Example:
    >>> is_film("portrait.jpg"), is_film("clip.mp4"), is_film("frame-%05d.png")
    (False, True, True)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from photochrom._support.text import shown
from photochrom.errors import BadSetting
from photochrom.imaging.moving import check_target, is_film, moving_kind
from photochrom.video.progress import FilmReport, Listener, Progress

if TYPE_CHECKING:
    from photochrom.colorizer import Colorizer
    from photochrom.painting.hints import Colored

__all__ = ["FilmReport", "Listener", "Progress", "colorize_film", "frame_size", "is_film"]


def colorize_film(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    colorizer: Colorizer,
    *,
    consistency: str = "flow",
    codec: str | None = None,
    crf: int | None = None,
    start: float | None = None,
    end: float | None = None,
    audio: bool = True,
    overwrite: bool = False,
    progress: Listener | None = None,
    hints: Sequence[Colored] = (),
) -> FilmReport:
    """Colour a film, a moving GIF, WebP, AVIF or PNG, or a numbered sequence of pictures, into another one of its kind.

    The result is under its name whole or not at all. Killed at any instant, the same call goes on at the last whole
    segment, kept in a hidden folder beside the target until the result is there, and comes to the same result.

    Args:
        source: a file, or a pattern like `frame-%05d.png`.
        target: a file, or for a sequence a pattern.
        colorizer: the session; if it is `strict`, what is damaged is refused and not coloured as far as it goes.
        consistency: "flow" carries colours along motion, "recurrent" (or a .onnx file) uses a network, and "frame"
            colours each frame by itself.
        codec: "h264" (default), "hevc", "vp9" (default in WebM), "av1" or "ffv1"; films only.
        crf: constant quality, lower is better; films only.
        start, end: the part that is wanted, in seconds; films only.
        audio: keep the sound; films only.
        overwrite: replace a target that is there.
        progress: called after each frame.
        hints: known colours, each with a time, such as `Hint(120, 340, "navy", time=12.5)`. Each is followed through
            its shot by optical flow, which needs the extra `video`.

    Raises:
        UnreadableFilm: no frame of the source can be read, or it is damaged and that is not wanted.
        MissingExtra: films, and "flow", need the extra `video`.
        WriteFailed: the target is there already, the disk is full, another process makes it, ...
        UnsupportedFormat: the target's container does not take the picture.
        BadSetting: settings that do not fit, or a target of another kind.
    """
    kind = check_target(source, target)
    if colorizer.album:
        raise BadSetting(f"{shown(source)}: --like is for photographs; give a film one or more pictures by --reference")
    if kind != "film" and (codec, crf, start, end) != (None, None, None, None):
        raise BadSetting("codec, crf, start and end are for films only")
    if kind == "film":
        from photochrom.video import film

        job = film.FilmJob(Path(source), Path(target), consistency, codec, crf, start, end, overwrite, audio, hints)
        return film.colorize(job, colorizer, progress)
    from photochrom.video import pictures

    if kind == "animation":
        return pictures.colorize_animation(
            Path(source), Path(target), colorizer, consistency, overwrite, progress, hints
        )
    if hints:
        raise BadSetting(f"{shown(source)}: numbered pictures have no times, so no hints; make a film of them first")
    return pictures.colorize_sequence(Path(source), Path(target), colorizer, consistency, overwrite, progress)


def frame_size(source: str | os.PathLike[str], max_pixels: int | None = None) -> tuple[int, int]:
    """(W, H) in pixels of the upright frames of a film or a moving picture, which hints count.

    Raises:
        UnreadableFilm, ImageTooLarge, MissingExtra.
    """
    if moving_kind(source) == "animation":
        from photochrom.video.animation import Animation

        return Animation(Path(source), max_pixels).size
    from photochrom.video.reading import Reader

    facts = Reader(source, max_pixels).facts
    return facts.width, facts.height
