"""What people wrote into a file besides EXIF and XMP: IPTC, comments, and the texts of a PNG, as the bytes they are.

Source: IPTC-NAA IIM 4.2; Adobe Photoshop File Formats Specification (image resources); W3C PNG, 11.3.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_IPTC = 0x0404
# Resources that stand elsewhere in a Picture (profile, EXIF, XMP), or show the photograph as it was (thumbnails).
_ELSEWHERE = {0x0409, 0x040C, 0x040F, 0x0422, 0x0423, 0x0424}
_MOST_TEXT = 1 << 24  # bytes of a text that is packed; protects against files made to exhaust memory


@dataclass(frozen=True)
class Captions:
    """Words of a file.

    Attributes:
        resources: Photoshop's image resources, IPTC among them.
        comments: as they stand in JPEG and GIF.
        texts: chunks of a PNG, each its name (tEXt, zTXt or iTXt) and content.
    """

    resources: bytes = b""
    comments: tuple[bytes, ...] = ()
    texts: tuple[bytes, ...] = ()

    @property
    def iptc(self) -> bytes | None:
        """The records of IPTC."""
        return next((data for number, data, _ in resources_of(self.resources) if number == _IPTC), None)

    @property
    def further_resources(self) -> bytes:
        """The resources but IPTC."""
        return b"".join(raw for number, _, raw in resources_of(self.resources) if number != _IPTC)

    @property
    def sentences(self) -> tuple[bytes, ...]:
        """Comments and texts, for a format that has no keywords; those of a PNG in UTF-8."""
        spoken = []
        for chunk in self.texts:
            if (found := text_of(chunk)) is not None:
                keyword, text = found
                spoken.append(text if keyword == "Comment" else f"{keyword}: ".encode() + text)
        return (*self.comments, *spoken)


NO_CAPTIONS = Captions()


def captions_of(resources: bytes = b"", iptc: bytes = b"", comments: tuple[bytes, ...] = ()) -> Captions:
    """Captions of what a file holds.

    Args:
        resources: image resources; those that stop being true are left out.
        iptc: records by themselves; those among the resources come before them.
        comments: empty ones are left out.
    """
    kept = b"".join(raw for number, _, raw in resources_of(resources) if number not in _ELSEWHERE)
    found = Captions(kept)
    if iptc and found.iptc is None:
        found = Captions(kept + _resource(_IPTC, _forward(iptc)))
    return Captions(found.resources, tuple(c for comment in comments if (c := comment.rstrip(b"\0"))))


def resources_of(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(number, content, all of it) of each image resource, as far as they can be read."""
    at = 0
    while data[at : at + 4] in (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR") and at + 7 < len(data):
        (number,) = struct.unpack_from(">H", data, at + 4)
        start = at + 6 + (1 + data[at + 6] + 1) // 2 * 2  # behind its name
        if start + 4 > len(data):
            return
        (size,) = struct.unpack_from(">I", data, start)
        end = start + 4 + size
        if end > len(data):
            return
        raw = data[at:end] + bytes(size % 2)
        yield number, data[start + 4 : end], raw
        at = end + size % 2


def _resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + bytes(len(data) % 2)


def _forward(iptc: bytes) -> bytes:
    """Records in their order: some TIFFs hold them as numbers of 32 bits, with the bytes of each turned round."""
    if iptc[:1] != b"\x1c" and iptc[3:4] == b"\x1c":
        return b"".join(iptc[at : at + 4][::-1] for at in range(0, len(iptc), 4)).rstrip(b"\0")
    return iptc


# ---- the texts of a PNG


def text_of(chunk: bytes) -> tuple[str, bytes] | None:
    """The keyword and the text of a PNG's chunk, in UTF-8; None where it cannot be read."""
    name, content = chunk[:4], chunk[4:]
    keyword, nul, rest = content.partition(b"\0")
    if not nul:
        return None
    try:
        if name == b"iTXt":
            packed, (_, _, text) = rest[0], (rest[2:].split(b"\0", 2))
            return keyword.decode("latin-1"), _unpacked(text) if packed else text
        text = _unpacked(rest[1:]) if name == b"zTXt" else rest
    except (ValueError, IndexError, zlib.error):
        return None
    return keyword.decode("latin-1"), _in_utf_8(text)


def _in_utf_8(text: bytes) -> bytes:
    """tEXt is Latin-1 by the standard; what is sound UTF-8 all the same was written as such."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1").encode()
    return text


def _unpacked(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MOST_TEXT)


def profile_of(text: bytes) -> bytes:
    """The bytes of a `Raw profile type`, as ImageMagick writes them: a name, a length, and digits.

    Raises:
        ValueError: it is none.
    """
    lines = text.split(b"\n", 3)
    if len(lines) < 4:
        raise ValueError("no raw profile")
    return bytes.fromhex(lines[3].decode("ascii", "replace"))


def chunks_of(captions: Captions) -> Iterator[bytes]:
    """The chunks of a PNG, each its name and content, that hold all captions."""
    yield from captions.texts
    for comment in captions.comments:
        yield _comment_chunk(comment)
    if captions.resources:
        digits = captions.resources.hex().encode()
        lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
        text = b"\niptc\n%8d\n%s\n" % (len(captions.resources), lines)
        yield b"zTXtRaw profile type iptc\0\0" + zlib.compress(text)


def _comment_chunk(comment: bytes) -> bytes:
    comment = comment.replace(b"\0", b" ")
    try:
        plain = comment.isascii() or not comment.decode()
    except UnicodeDecodeError:
        plain = True  # bytes of a character set that is not named
    return (b"tEXtComment\0" if plain else b"iTXtComment\0\0\0\0\0") + comment
