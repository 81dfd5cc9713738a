"""The one table of file formats: what a name's ending means, and what the first bytes say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from photochrom._support.text import shown
from photochrom.errors import UnreadableImage, UnsupportedFormat


@dataclass(frozen=True)
class Format:
    """A file format that is read and written.

    Attributes:
        name: what Pillow calls it.
        extensions: the endings of its names, lower case; the first is the usual one.
        media_type: its name on the web.
        sixteen_bit: 16 bits a sample can be written.
        alpha: transparency can be written.
    """

    name: str
    extensions: tuple[str, ...]
    media_type: str
    sixteen_bit: bool = False
    alpha: bool = True


FORMATS = {
    entry.name: entry
    for entry in (
        Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "image/jpeg", alpha=False),
        Format("PNG", (".png",), "image/png", sixteen_bit=True),
        Format("TIFF", (".tif", ".tiff"), "image/tiff", sixteen_bit=True),
        Format("WEBP", (".webp",), "image/webp"),
        Format("AVIF", (".avif",), "image/avif"),
        Format("BMP", (".bmp", ".dib"), "image/bmp", alpha=False),
        Format("GIF", (".gif",), "image/gif"),
        Format("JPEG2000", (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"), "image/jp2"),
        Format("HEIF", (".heic", ".heif", ".hif"), "image/heic"),
    )
}

_BY_EXTENSION = {extension: entry for entry in FORMATS.values() for extension in entry.extensions}
EXTENSIONS = frozenset(_BY_EXTENSION)

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)

# What people try and what is not read, so that the line can say so rather than "damaged".
_STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"<svg", "an SVG drawing"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a Matroska film"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

SNIFF_BYTES = 64


def is_picture_name(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends like a picture's, for walking through folders.

    Example:
        >>> is_picture_name("a/Portrait.JPG"), is_picture_name("notes.txt")
        (True, False)
    """
    return Path(path).suffix.lower() in _BY_EXTENSION


def format_for(path: str | os.PathLike[str]) -> Format:
    """The format that an output name asks for by its ending.

    Raises:
        UnsupportedFormat: the ending is unknown; the message lists those that are known.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in _BY_EXTENSION:
        what = f"no picture format goes by '{suffix}'" if suffix else "the name has no ending that says the format"
        raise UnsupportedFormat(f"{shown(path)}: {what}; use one of {_usual_endings()}")
    return _BY_EXTENSION[suffix.lower()]


def format_named(name: str) -> Format:
    """The format called `name` ("PNG", "jpeg") or by an ending (".png", "jpg").

    Raises:
        UnsupportedFormat: there is none; the message lists those that there are.
    """
    known = FORMATS.get(name.upper()) or _BY_EXTENSION.get("." + name.lower().lstrip("."))
    if known is None:
        raise UnsupportedFormat(f"no picture format is called '{name}'; there are: {', '.join(FORMATS)}")
    return known


def sniff(head: bytes) -> str:
    """The format's name by the first bytes, since file names lie.

    Args:
        head: the first `SNIFF_BYTES` bytes, or all there are.

    Raises:
        UnreadableImage: no picture starts like this. The messages lack their subject, the file.
        UnsupportedFormat: it is of a known kind that is not read.
    """
    if not head:
        raise UnreadableImage("is empty; get a new copy of the file")
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), head[3]), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
        raise UnsupportedFormat("is a film, not a photograph; give it a name that ends like one, such as .mp4")
    for signature, what in _STRANGERS:
        if head.startswith(signature):
            raise UnsupportedFormat(f"is {what}, which is not read; save it as one of {', '.join(FORMATS)}")
    raise UnreadableImage(f"is not a picture, by its content; it has to be one of {', '.join(FORMATS)}")


def _usual_endings() -> str:
    return ", ".join(entry.extensions[0] for entry in FORMATS.values())
