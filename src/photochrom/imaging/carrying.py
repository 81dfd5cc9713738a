"""What a format holds of a picture's metadata, what stands elsewhere in it, and what has to be left out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from photochrom.imaging.captions import Captions
from photochrom.imaging.formats import FORMATS
from photochrom.imaging.picture import Picture
from photochrom.imaging.tags import (
    ACROSS,
    ASCII,
    DESCRIPTION,
    Value,
    amended,
    fields_of,
    resolution_fields,
    shortened,
)
from photochrom.imaging.xmp import END_OF_RDF, split

SEGMENT = 65533
"""Bytes that a segment of a JPEG holds."""
XMP_SEGMENT = SEGMENT - len(b"http://ns.adobe.com/xap/1.0/\0")


@dataclass(frozen=True)
class _Room:
    """What a format holds.

    Attributes:
        exif, xmp, iptc: it holds these.
        dpi: it has a place of its own for a resolution, up to `most_dpi`; else that goes into EXIF.
        comments: it holds them; else they go into EXIF's ImageDescription.
    """

    exif: bool = True
    xmp: bool = True
    iptc: bool = False
    dpi: bool = False
    most_dpi: float = math.inf
    comments: bool = False


_ROOMS = {
    "JPEG": _Room(iptc=True, dpi=True, most_dpi=65535, comments=True),
    "PNG": _Room(iptc=True, dpi=True, comments=True),
    "TIFF": _Room(iptc=True, dpi=True),
    "BMP": _Room(exif=False, xmp=False, dpi=True),
    "GIF": _Room(exif=False, comments=True),
    "JPEG2000": _Room(iptc=True),
}


def carried(picture: Picture, format: str) -> tuple[Picture, tuple[str, ...]]:
    """A picture with the metadata that a format holds, each at its place, and notes on what of it all is left out.

    Args:
        picture: with all that its file said.
        format: the name of the format that it will have.
    """
    room = _ROOMS.get(format, _Room())
    notes: list[str] = []

    def lost(what: str) -> None:
        notes.append(f"{what} left out; {format} has no place for that")

    if picture.is_transparent and not FORMATS[format].alpha:
        notes.append(f"its transparent parts were laid on white; {format} has no transparency")
    exif, captions, sentences = picture.exif, picture.captions, picture.captions.sentences
    dpi = picture.dpi
    if picture.dpi and not (room.dpi and max(picture.dpi) <= room.most_dpi):
        dpi = None
        if not room.exif:
            lost("its resolution was")
        elif not _says(exif, ACROSS):
            exif = amended(exif, resolution_fields(picture.dpi, _order(exif)))
    if sentences and not room.comments:
        if not room.exif or _says(exif, DESCRIPTION):
            lost("its comments and texts were")
        else:
            exif = amended(exif, {DESCRIPTION: Value(ASCII, b"\n".join(sentences) + b"\0")})
    if captions.resources and not room.iptc:
        lost("its IPTC was" if captions.iptc else "its Photoshop resources were")
    if exif and not room.exif:
        lost("its EXIF was")
        exif = None
    xmp = picture.xmp
    if xmp and not room.xmp:
        lost("its XMP was")
        xmp = None
    if format == "JPEG" and exif and len(exif) > SEGMENT:
        exif = shortened(exif, SEGMENT)
        notes.append("the longest part of its EXIF was left out, as JPEG holds 64 kB")
    if format == "JPEG" and xmp and len(xmp) > XMP_SEGMENT and not (END_OF_RDF.search(xmp) and split(xmp, XMP_SEGMENT)):
        xmp = None
        notes.append("its XMP was left out, as it is longer than JPEG holds and cannot be divided")
    held = Captions(
        captions.resources if room.iptc else b"",
        captions.comments if format == "PNG" else sentences if room.comments else (),
        captions.texts if format == "PNG" else (),
    )
    return replace(picture, exif=exif, xmp=xmp, dpi=dpi, captions=held), tuple(notes)


def _says(exif: bytes | None, tag: int) -> bool:
    """Whether EXIF has a value for a field; blanks are none."""
    value = fields_of(exif)[0].get(tag)
    return isinstance(value, Value) and bool(value.data.strip(b"\0 "))


def _order(exif: bytes | None) -> str:
    return fields_of(exif)[1]
