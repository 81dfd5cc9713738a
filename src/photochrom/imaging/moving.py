"""What kind of moving picture a file is, by its content, and what its coloured version is called."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from photochrom._support.text import shown
from photochrom.errors import BadSetting, UnreadableFilm
from photochrom.imaging.formats import SNIFF_BYTES, known_by

Kind = Literal["film", "animation", "sequence"]

FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
"""Endings of films that are written."""
ONLY_READ = (
    *(".mpg", ".mpeg", ".m1v", ".m2v", ".ts", ".m2ts", ".mts", ".vob", ".vro", ".wmv", ".asf", ".flv", ".f4v", ".ogv"),
    *(".ogm", ".3gp", ".3g2", ".qt", ".divx", ".dv", ".mxf", ".y4m", ".ivf", ".wtv", ".gxf", ".nut", ".rmvb"),
    *(".h264", ".264", ".h265", ".265", ".hevc"),
)
"""Endings of films that are read; their coloured version is an .mp4."""
_ALSO_OTHERS = (".mod", ".tod", ".dif", ".dat", ".rm")  # endings of films, and of what is none
ANIMATIONS = (".gif", ".webp", ".png", ".apng", ".avif")
"""Endings of pictures that may move."""

_HEAD = 4096
_PNG = b"\x89PNG\r\n\x1a\n"
NUMBERED = re.compile(r"%(0\d{1,2}|\d)?d")
"""The place of the number in a sequence's name. %20d is none: it comes from the web, where %20 is a space."""
_NO_FILMS = (b"crx ", b"M4A ", b"M4B ", b"M4P ")  # brands of raw pictures and of sound
_STARTS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV\1",
    b"0&\xb2u\x8ef\xcf\x11",  # ASF, WMV
    b"\0\0\1\xba",  # MPEG
    b"\0\0\1\xb3",  # MPEG, without sound
    b"\0\0\1\xb0",  # MPEG-4, without a container
    b"\x1f\7\0\x3f",  # DV of 60 fields
    b"\x1f\7\0\xbf",  # DV of 50 fields
    b"\6\x0e+4\2\5\1\1\r\1\2",  # MXF
    b"YUV4MPEG2 ",
    b"DKIF\0\0",  # IVF
    b"nut/multimedia container",
    b"\0\0\0\0\1\xbc",  # GXF
    b".RMF\0\0\0",
    b"\xb7\xd8\0 7I\xda\x11\xa6N\0\7\xe9^\xad\x8d",  # WTV
)
# The first unit of a bare H.264 or HEVC stream: its parameters, or where a picture begins.
_UNITS = (b"\x67", b"\x47", b"\x27", b"\x09", b"\x40\1", b"\x42\1", b"\x46\1")

_TRANSPORT = ((0, 188), (4, 192))  # where the packets of a transport stream begin, and their length


def is_film(path: str | os.PathLike[str]) -> bool:
    """Whether `photochrom.video` colours it: a film, an animated GIF, WebP, AVIF or PNG, or a sequence frame-%05d.png.

    Judged by the first bytes, since names lie; what cannot be read is judged by its ending.
    """
    return moving_kind(path) is not None


def moving_kind(path: str | os.PathLike[str]) -> Kind | None:
    """Which kind of moving picture it is; None is a photograph, or something else."""
    name = os.fsdecode(path)
    if NUMBERED.search(os.path.basename(name)) and not os.path.exists(name):
        return "sequence"
    head = b""
    if os.path.isfile(name):  # a pipe would be waited for
        try:
            with open(name, "rb") as file:
                head = file.read(_HEAD)
                if head[:6] in (b"GIF87a", b"GIF89a"):
                    return "animation" if _gif_moves(name) else None
                if head[:8] == _PNG:
                    return "animation" if _png_moves(name) else None
        except OSError:
            head = b""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "animation" if head[12:16] == b"VP8X" and head[20:21] and head[20] & 2 else None
    if head[4:12] == b"ftypavis":
        return "animation"
    if _starts_like_a_film(head):
        return "film"
    known = Path(name).suffix.lower() in FILMS + ONLY_READ
    return "film" if known and known_by(head[:SNIFF_BYTES]) is None else None


def _starts_like_a_film(head: bytes) -> bool:
    return (
        (head[4:8] == b"ftyp" and head[8:12] not in _NO_FILMS and known_by(head[:SNIFF_BYTES]) is None)
        or head[4:8] in (b"moov", b"mdat", b"wide")
        or head.startswith(_STARTS)
        or (head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"CDXA"))
        or (head[:4] == b"OggS" and b"theora" in head[:64])
        or (head[:3] == b"\0\0\1" and head[3:].startswith(_UNITS))
        or (head[:4] == b"\0\0\0\1" and head[4:].startswith(_UNITS))
        or any(len(head) > 2 * size + at and head[at : 2 * size + at + 1 : size] == b"GGG" for at, size in _TRANSPORT)
    )


def _png_moves(path: str) -> bool:
    """Whether a PNG announces frames before its pixels begin; metadata, which may be long, are stepped over.

    Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", acTL.
    """
    with open(path, "rb") as file:
        file.seek(len(_PNG))
        while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
            if head[4:] == b"acTL":
                return True
            file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)  # the chunk's data and checksum
    return False


def _gif_moves(path: str) -> bool:
    """Whether a GIF holds a second frame, by its blocks; a picture is not decoded for it.

    Source: CompuServe, "Graphics Interchange Format, version 89a", 1990.
    """
    with open(path, "rb") as file:
        flags = file.read(13)[10:11]
        file.seek(gif_table_bytes(flags), os.SEEK_CUR)
        frames = 0
        while (block := file.read(1)) in (b"!", b","):
            if block == b",":
                frames += 1
                file.seek(gif_table_bytes(file.read(9)[8:9]) + 1, os.SEEK_CUR)
            else:
                file.read(1)
            if frames > 1:
                return True
            while size := file.read(1):
                if size == b"\0":
                    break
                file.seek(size[0], os.SEEK_CUR)
    return False


def gif_table_bytes(flags: bytes) -> int:
    """Bytes of the colour table that the flags of a GIF's screen or frame announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def film_name(path: Path) -> str:
    """The name of a film's result in another folder: its own, with an ending that can be written.

    Example:
        >>> film_name(Path("a/clip.mkv")), film_name(Path("a/old.mpg")), film_name(Path("a/nameless"))
        ('clip.mkv', 'old.mp4', 'nameless.mp4')
    """
    suffix = path.suffix.lower()
    if suffix in ONLY_READ + _ALSO_OTHERS:
        return path.with_suffix(".mp4").name
    return path.name if suffix in FILMS + ANIMATIONS or NUMBERED.search(path.name) else f"{path.name}.mp4"


def check_target(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Kind:
    """The kind of the source, where the target can hold it.

    Raises:
        BadSetting: the target's ending does not fit, or the source is no moving picture.
    """
    kind = moving_kind(source)
    if kind is None:
        raise BadSetting(
            f"{shown(source)} is not a film, an animated GIF, WebP, AVIF or PNG, or a sequence like frame-%05d.png"
        )
    endings = {"film": FILMS, "animation": ANIMATIONS}.get(kind)
    if endings and Path(target).suffix.lower() not in endings:
        raise BadSetting(f"{shown(target)}: {kind}s are written as {', '.join(endings)}")
    if kind == "sequence" and not NUMBERED.search(os.path.basename(os.fsdecode(target))):
        raise BadSetting(f"{shown(target)}: a sequence is written as a sequence; name it like frame-%05d.png")
    return kind


def numbered(pattern: Path) -> list[int]:
    """The numbers for which a pattern like frame-%05d.png has a file, in order; some may be missing.

    Raises:
        UnreadableFilm: there is none.
    """
    place = NUMBERED.search(pattern.name)
    assert place is not None
    before, after = pattern.name[: place.start()], pattern.name[place.end() :]
    shape = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = []
    try:
        for name in os.listdir(pattern.parent):
            match = shape.fullmatch(name)
            if match and numbered_path(pattern, int(match[1])).name == name:
                found.append(int(match[1]))
    except OSError as error:
        raise UnreadableFilm(f"{shown(pattern.parent)} cannot be listed ({error.strerror})") from None
    if not found:
        raise UnreadableFilm(f"there are no pictures like {shown(pattern)}; check the folder and the pattern")
    return sorted(found)


def numbered_path(pattern: Path, number: int) -> Path:
    """The picture of a pattern like frame-%05d.png that has this number."""
    return pattern.with_name(NUMBERED.sub(lambda match: f"{number:{match[1] or ''}d}", pattern.name, count=1))
