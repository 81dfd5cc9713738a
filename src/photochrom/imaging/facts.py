"""What a file says of its photograph, read from the file itself: decoders keep some of it only, or make some up.

They are entries for a Pillow image's `info`: exif, xmp, dpi, captions (a `Captions`) and notes (as in `Picture`).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO, Any

from photochrom.imaging.captions import Captions, captions_of, profile_of, text_of
from photochrom.imaging.metadata import sane_dpi, upright_xmp
from photochrom.imaging.moving import gif_table_bytes
from photochrom.imaging.tags import (
    EXIF_PREFIX,
    Fields,
    Value,
    block_of_tiff,
    descriptive,
    exif_of,
    fields_of,
    resolution_of,
)
from photochrom.imaging.xmp import guid_of, joined

Facts = dict[str, Any]

_XMP_HEAD, _MORE_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP_HEAD = b"Photoshop 3.0\0"
_XMP_KEYWORD = "XML:com.adobe.xmp"
_LEFT_OUT = {
    330: "the smaller or further pictures within its page were left out",
    37724: "its Photoshop layers were left out",
}
_IPTC_TAG, _RESOURCES_TAG, _XMP_TAG = 33723, 34377, 700
UUIDS = {
    "exif": b"JpgTiffExif->JP2",
    "xmp": bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC"),
    "iptc": bytes.fromhex("33C7A4D2B81D4723A0BAF1A3E097AD38"),
}
"""Names of the boxes of a JPEG 2000."""


def facts_of(kind: str, file: IO[bytes]) -> Facts:
    """What a file says, as far as it can be read.

    Args:
        kind: the name of its format.
        file: searchable; its place changes.
    """
    read = {"JPEG": _of_jpeg, "PNG": _of_png, "GIF": _of_gif, "JPEG2000": _of_jpeg_2000}.get(kind)
    file.seek(0)
    return read(file) if read else {}


def facts_of_tiff(image: Any) -> Facts:
    """What a TIFF says of the page that a Pillow image stands at.

    Args:
        image: opened by Pillow.
    """
    tags, file = image.tag_v2, image.fp
    order = ">" if tags.prefix == b"MM" else "<"
    if file is None or file.closed:  # it was loaded before, and Pillow keeps the fields but not the file
        exif = image.getexif()
        fields, order = fields_of(exif.tobytes()) if len(exif) else ({}, order)
    else:
        here = file.tell()
        block = block_of_tiff(file, order, tags.offset, tags._bigtiff)
        fields = block.fields(block.first)
        file.seek(here)
    xmp, notes = upright_xmp(_bytes(fields, _XMP_TAG))
    return {
        "exif": exif_of(descriptive(fields), order),
        "xmp": xmp,
        "dpi": sane_dpi(resolution_of(fields, order)),
        "captions": captions_of(_bytes(fields, _RESOURCES_TAG), _bytes(fields, _IPTC_TAG)),
        "notes": (*(note for tag, note in _LEFT_OUT.items() if tag in fields), *notes),
    }


def _bytes(fields: Fields, tag: int) -> bytes:
    value = fields.get(tag)
    return value.data if isinstance(value, Value) else b""


def _of_jpeg(file: IO[bytes]) -> Facts:
    exif, xmp, resources, dpi, notes = b"", b"", b"", None, ()
    more: dict[bytes, dict[int, bytes]] = {}
    comments = []
    for marker, data in _segments(file):
        if marker == 0xE0 and data.startswith(b"JFIF\0") and len(data) >= 12:
            unit, across, down = struct.unpack_from(">BHH", data, 7)
            dpi = {1: (across, down), 2: (across * 2.54, down * 2.54)}.get(unit, dpi)
        elif marker == 0xE1 and data.startswith(EXIF_PREFIX):
            exif += data.removeprefix(EXIF_PREFIX)
        elif marker == 0xE1 and data.startswith(_XMP_HEAD):
            xmp = xmp or data.removeprefix(_XMP_HEAD)
        elif marker == 0xE1 and data.startswith(_MORE_XMP_HEAD):
            at = len(_MORE_XMP_HEAD)
            place = int.from_bytes(data[at + 36 : at + 40], "big")
            more.setdefault(data[at : at + 32], {})[place] = data[at + 40 :]
        elif marker == 0xED and data.startswith(_PHOTOSHOP_HEAD):
            resources += data.removeprefix(_PHOTOSHOP_HEAD)
        elif marker == 0xFE:
            comments.append(data)
    if more:
        xmp, notes = _with_more(xmp, more)
    return _facts(exif, xmp, notes, dpi=dpi, captions=captions_of(resources, comments=tuple(comments)))


def _segments(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of each segment before the first scan. Source: ITU-T T.81, B.1.1.4."""
    file.seek(2)
    while file.read(1) == b"\xff":
        marker = b"\xff"
        while marker == b"\xff":
            marker = file.read(1)
        size = int.from_bytes(file.read(2), "big")
        if not marker or marker == b"\xda" or size < 2:
            return
        yield marker[0], file.read(size - 2)


def _with_more(xmp: bytes, more: dict[bytes, dict[int, bytes]]) -> tuple[bytes, tuple[str, ...]]:
    """A packet with its extended part, and a note where that is not whole."""
    parts = more.get(guid_of(xmp) or b"", {})
    extended = b"".join(parts[place] for place in sorted(parts))
    if parts and (whole := joined(xmp, extended)):
        return whole, ()
    return xmp, ("a part of its XMP is damaged and was left out",)


def _of_png(file: IO[bytes]) -> Facts:
    exif = xmp = raw_exif = iptc = resources = b""
    texts: list[bytes] = []
    for name, size in _chunks(file):
        if name == b"eXIf":
            exif = file.read(size)
        if name not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        chunk = name + file.read(size)
        keyword, text = text_of(chunk) or ("", b"")
        raw = _raw_profile(keyword, text)
        if keyword == _XMP_KEYWORD:
            xmp = text
        elif raw.startswith(_XMP_HEAD) or (raw and keyword.endswith(" xmp")):
            xmp = xmp or raw.removeprefix(_XMP_HEAD)
        elif raw.startswith(b"8BIM"):
            resources = raw
        elif raw and keyword.endswith(" iptc"):
            iptc = raw
        elif raw:
            raw_exif = raw
        else:
            texts.append(chunk)
    found = captions_of(resources, iptc)
    return _facts(exif or raw_exif, xmp, captions=Captions(found.resources, (), tuple(texts)))


def _raw_profile(keyword: str, text: bytes) -> bytes:
    """The bytes of a profile that ImageMagick or ExifTool wrote as text; none of other texts."""
    if keyword.lower() not in {f"raw profile type {kind}" for kind in ("exif", "app1", "iptc", "8bim", "xmp")}:
        return b""
    try:
        return profile_of(text)
    except ValueError:
        return b""


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """(name, bytes) of each chunk, the file standing at its content."""
    at = 8
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head)
        yield name, size
        at += 12 + size


def _of_gif(file: IO[bytes]) -> Facts:
    """Source: CompuServe, "Graphics Interchange Format, version 89a", 1990; XMP Specification Part 3, 1.1.2."""
    comments, xmp = [], b""
    flags = file.read(13)[10:11]
    file.seek(gif_table_bytes(flags), io.SEEK_CUR)
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b",":
            file.seek(gif_table_bytes(file.read(9)[8:9]) + 1, io.SEEK_CUR)
        label = file.read(1) if kind == b"!" else b""
        start, parts = file.tell(), []
        while size := file.read(1)[:1].strip(b"\0"):
            parts.append(file.read(size[0]))
        if label == b"\xfe":
            comments.append(b"".join(parts))
        elif label == b"\xff" and parts[:1] == [b"XMP DataXMP"]:
            # No row of blocks, but a packet with 258 bytes behind it that lead readers of blocks to the end.
            start, end = start + 12, file.tell() - 258
            file.seek(start)
            xmp = file.read(max(0, end - start))
            file.seek(end + 258)
    return _facts(b"", xmp, captions=captions_of(comments=tuple(comments)))


def _of_jpeg_2000(file: IO[bytes]) -> Facts:
    """Source: ISO 15444-1, I.7.2 (UUID boxes)."""
    found = dict.fromkeys(UUIDS, b"")
    at, end = 0, file.seek(0, io.SEEK_END)
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 16 if size == 1 else 8
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        size = size or end - at
        if kind == b"uuid":
            name, content = file.read(16), file.read(max(0, size - head - 16))
            found |= {key: content for key, uuid in UUIDS.items() if uuid == name and not found[key]}
        if size < head:
            break
        at += size
    return _facts(found["exif"], found["xmp"], captions=captions_of(iptc=found["iptc"]))


def _facts(exif: bytes, xmp: bytes, notes: tuple[str, ...] = (), **more: Any) -> Facts:
    exif = EXIF_PREFIX + exif.removeprefix(EXIF_PREFIX) if exif else b""
    return {"exif": exif or None, "xmp": xmp or None, "notes": notes, **more}
