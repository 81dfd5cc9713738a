"""What kind of moving picture a file is, by its content, and what its coloured version is called."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from photochrom._support.text import shown
from photochrom.errors import BadSetting
from photochrom.imaging.formats import SNIFF_BYTES, known_by

Kind = Literal["film", "animation", "sequence"]

FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
"""Endings of films that are written."""
ONLY_READ = (".mpg", ".mpeg", ".m2v", ".ts", ".m2ts", ".mts", ".vob", ".wmv", ".asf", ".flv", ".ogv", ".3gp", ".3g2")
"""Endings of films that are read; their coloured version is an .mp4."""
ANIMATIONS = (".gif", ".webp", ".png", ".apng")
"""Endings of pictures that may move."""

_HEAD = 4096
_NUMBERED = re.compile(r"%0?\d*d")
_RAW = (b"crx ",)  # brands of pictures that are not read


def is_film(path: str | os.PathLike[str]) -> bool:
    """Whether `photochrom.video` colours it: a film, an animated GIF, WebP or APNG, or a sequence `frame-%05d.png`.

    Judged by the first bytes, since names lie; what cannot be read is judged by its ending.
    """
    return kind_of(path) is not None


def kind_of(path: str | os.PathLike[str]) -> Kind | None:
    """Which kind of moving picture it is; None is a photograph, or something else."""
    name = os.fsdecode(path)
    if _NUMBERED.search(os.path.basename(name)) and not os.path.exists(name):
        return "sequence"
    head = b""
    if os.path.isfile(name):  # a pipe would be waited for
        try:
            with open(name, "rb") as file:
                head = file.read(_HEAD)
                if head[:6] in (b"GIF87a", b"GIF89a"):
                    return "animation" if _moves(name) else None
        except OSError:
            head = b""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "animation" if head[12:16] == b"VP8X" and head[20:21] and head[20] & 2 else None
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        chunk = head.find(b"acTL")
        return "animation" if chunk > 0 and not 0 < head.find(b"IDAT") < chunk else None
    if _starts_like_a_film(head):
        return "film"
    known = Path(name).suffix.lower() in FILMS + ONLY_READ
    return "film" if known and known_by(head[:SNIFF_BYTES]) is None else None


def _starts_like_a_film(head: bytes) -> bool:
    return (
        (head[4:8] == b"ftyp" and head[8:12] not in _RAW and known_by(head[:SNIFF_BYTES]) is None)
        or head[4:8] in (b"moov", b"mdat", b"wide")
        or head[:4] in (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1")
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or (head[:4] == b"OggS" and b"theora" in head[:64])
        or head[:8] == b"0&\xb2u\x8ef\xcf\x11"
        or (len(head) > 376 and head[0] == head[188] == head[376] == 0x47)
    )


def _moves(path: str) -> bool:
    """Whether a GIF holds a second frame, by its blocks; a picture is not decoded for it.

    Source: CompuServe, "Graphics Interchange Format, version 89a", 1990.
    """
    with open(path, "rb") as file:
        flags = file.read(13)[10:11]
        file.seek(_table(flags), os.SEEK_CUR)
        frames = 0
        while (block := file.read(1)) in (b"!", b","):
            if block == b",":
                frames += 1
                file.seek(_table(file.read(9)[8:9]) + 1, os.SEEK_CUR)
            else:
                file.read(1)
            if frames > 1:
                return True
            while size := file.read(1):
                if size == b"\0":
                    break
                file.seek(size[0], os.SEEK_CUR)
    return False


def _table(flags: bytes) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def film_name(path: Path) -> str:
    """The name of a film's result in another folder: its own, with an ending that can be written.

    Example:
        >>> film_name(Path("a/clip.mkv")), film_name(Path("a/old.mpg")), film_name(Path("a/nameless"))
        ('clip.mkv', 'old.mp4', 'nameless.mp4')
    """
    suffix = path.suffix.lower()
    if suffix in FILMS + ANIMATIONS or _NUMBERED.search(path.name):
        return path.name
    return path.with_suffix(".mp4").name if suffix in ONLY_READ else f"{path.name}.mp4"


def beside(path: Path) -> Path:
    """Where the coloured version goes: clip.mp4 becomes clip.color.mp4, frame-%05d.png frame-%05d.color.png."""
    name = Path(film_name(path))
    return path.with_name(f"{name.stem}.color{name.suffix}")


def check_target(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Kind:
    """The kind of the source, where the target can hold it.

    Raises:
        BadSetting: the target's ending does not fit, or the source is no moving picture.
    """
    kind = kind_of(source)
    if kind is None:
        raise BadSetting(
            f"{shown(source)} is not a film, an animated GIF, WebP or PNG, or a sequence like frame-%05d.png"
        )
    endings = {"film": FILMS, "animation": ANIMATIONS}.get(kind)
    if endings and Path(target).suffix.lower() not in endings:
        raise BadSetting(f"{shown(target)}: {kind}s are written as {', '.join(endings)}")
    if kind == "sequence" and not _NUMBERED.search(os.path.basename(os.fsdecode(target))):
        raise BadSetting(f"{shown(target)}: a sequence is written as a sequence; name it like frame-%05d.png")
    return kind
