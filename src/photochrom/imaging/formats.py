"""The one table of file formats: what a name's ending means, and what the first bytes say."""

from __future__ import annotations

import os
from collections.abc import Callable
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
        starts: the first bytes of its files, any of these; or what tells by the first `SNIFF_BYTES` whether it is one.
        reader: the class that reads it, a `PIL.ImageFile.ImageFile`, as "module:name"; the module also registers what
            `Image.save` needs.
        encode: from a picture to the bytes of a file, as "module:name"; empty where `Image.save` does it.
        extra: of this package, which brings the reader; empty where none is needed.
        sixteen_bit: `encode` takes 16 bits a sample.
        alpha: transparency can be written.
        moves: a file may hold frames that follow each other in time.
    """

    name: str
    extensions: tuple[str, ...]
    media_type: str
    starts: tuple[bytes, ...] | Callable[[bytes], bool]
    reader: str
    encode: str = ""
    extra: str = ""
    sixteen_bit: bool = False
    alpha: bool = True
    moves: bool = False

    def fits(self, head: bytes) -> bool:
        """Whether a file with these first bytes is one."""
        return self.starts(head) if callable(self.starts) else head.startswith(self.starts)


def _riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == kind


def _branded(*brands: bytes) -> Callable[[bytes], bool]:
    """A test for an ISO base media file that is, or is compatible with, one of these brands."""
    return lambda head: not _brands(head).isdisjoint(brands)


def _brands(head: bytes) -> set[bytes]:
    """Empty where it is no ISO base media file. Source: ISO/IEC 14496-12, 4.3."""
    if head[4:8] != b"ftyp":
        return set()
    return {head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), head[3]), 4))}


# The first that fits counts: AVIF files often say that they are HEIF as well.
_ROWS = (
    Format(
        name="JPEG",
        extensions=(".jpg", ".jpeg", ".jpe", ".jfif"),
        media_type="image/jpeg",
        starts=(b"\xff\xd8\xff",),
        reader="PIL.JpegImagePlugin:JpegImageFile",
        alpha=False,
    ),
    Format(
        name="PNG",
        extensions=(".png",),
        media_type="image/png",
        starts=(b"\x89PNG\r\n\x1a\n",),
        reader="PIL.PngImagePlugin:PngImageFile",
        encode="photochrom.imaging.sixteen_bit:png_bytes",
        sixteen_bit=True,
        moves=True,
    ),
    Format(
        name="TIFF",
        extensions=(".tif", ".tiff"),
        media_type="image/tiff",
        starts=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        reader="photochrom.imaging.tiff_reading:TiffReader",
        encode="photochrom.imaging.tiff_writing:tiff_bytes",
        sixteen_bit=True,
    ),
    Format(
        name="WEBP",
        extensions=(".webp",),
        media_type="image/webp",
        starts=_riff(b"WEBP"),
        reader="PIL.WebPImagePlugin:WebPImageFile",
        moves=True,
    ),
    Format(
        name="AVIF",
        extensions=(".avif",),
        media_type="image/avif",
        starts=_branded(b"avif", b"avis"),
        reader="PIL.AvifImagePlugin:AvifImageFile",
        moves=True,
    ),
    Format(
        name="BMP",
        extensions=(".bmp", ".dib"),
        media_type="image/bmp",
        starts=(b"BM",),
        reader="PIL.BmpImagePlugin:BmpImageFile",
        alpha=False,
    ),
    Format(
        name="GIF",
        extensions=(".gif",),
        media_type="image/gif",
        starts=(b"GIF87a", b"GIF89a"),
        reader="PIL.GifImagePlugin:GifImageFile",
        moves=True,
    ),
    Format(
        name="JPEG2000",
        extensions=(".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
        media_type="image/jp2",
        starts=(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
        reader="PIL.Jpeg2KImagePlugin:Jpeg2KImageFile",
        encode="photochrom.imaging.jpeg2000:encode",
        sixteen_bit=True,
    ),
    Format(
        name="HEIF",
        extensions=(".heic", ".heif", ".hif"),
        media_type="image/heic",
        starts=_branded(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
        reader="pillow_heif.as_plugin:HeifImageFile",
        extra="heif",
    ),
)

FORMATS: dict[str, Format] = {}
_BY_EXTENSION: dict[str, Format] = {}
EXTENSIONS = _BY_EXTENSION.keys()


def register(form: Format) -> Format:
    """Add a format to the table; a name or an ending that is taken raises ValueError."""
    taken = [name for name in (form.name, *form.extensions) if name in FORMATS or name in _BY_EXTENSION]
    if taken or form.name != form.name.upper():
        raise ValueError(f"{form.name}: its name must be in capitals and unique; taken: {taken}")
    FORMATS[form.name] = form
    _BY_EXTENSION.update(dict.fromkeys(form.extensions, form))
    return form


for _row in _ROWS:
    register(_row)

# What people try and what is not read, so that the line can say so rather than "damaged".
_STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"<svg", "an SVG drawing"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a Matroska film"),
    *((start, "a camera's raw file") for start in (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb")),
)

SNIFF_BYTES = 64
_SPELT = {"WEBP": "WebP", "JPEG2000": "JPEG 2000"}


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
        what = f"no picture format has the ending '{suffix}'" if suffix else "the name has no ending"
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


def known_by(head: bytes) -> Format | None:
    """The format whose files start like this; None where there is none.

    Args:
        head: the first `SNIFF_BYTES` bytes, or all there are.
    """
    return next((form for form in FORMATS.values() if form.fits(head)), None)


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
    if form := known_by(head):
        return form.name
    if b"crx " in _brands(head):
        raise UnsupportedFormat(f"is a camera's raw file, which is not read; save it as one of {_listed()}")
    if _brands(head):
        raise UnsupportedFormat("is a film, not a photograph; give it a name that ends like one, such as .mp4")
    for signature, what in _STRANGERS:
        if head.startswith(signature):
            raise UnsupportedFormat(f"is {what}, which is not read; save it as one of {_listed()}")
    raise UnreadableImage(f"is not a picture in a format that is read ({_listed()}); check the file")


def _listed() -> str:
    return ", ".join(_SPELT.get(name, name) for name in FORMATS)


def _usual_endings() -> str:
    return ", ".join(entry.extensions[0] for entry in FORMATS.values())
