"""What was coloured says so where other programs look for it: in EXIF Software, and in two properties of XMP."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from photochrom._support.version import __version__
from photochrom.imaging.metadata import EXIF_PREFIX
from photochrom.imaging.picture import Picture

SOFTWARE = f"photochrom {__version__}"
# "Edited using generative AI": existing media that was changed by a model derived from sampled content.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_SOFTWARE_TAG, _ASCII = 0x0131, 2
_SEGMENT = 65533 - 29  # what a JPEG holds of either; a block that fitted shall not be lost for the addition
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PROPERTIES = {(_XMP, "CreatorTool"): SOFTWARE, (_IPTC, "DigitalSourceType"): SOURCE_TYPE}
_END_OF_RDF = re.compile(rb"</([A-Za-z_][\w.-]*):RDF\s*>")


def signed(picture: Picture) -> Picture:
    """The same picture, its metadata saying what coloured it; all else in it is kept."""
    return replace(picture, exif=signed_exif(picture.exif), xmp=signed_xmp(picture.xmp))


def signed_exif(exif: bytes | None) -> bytes:
    """An EXIF block whose Software is this program.

    The first directory is written anew at the end of the block and everything else stays at its place, since maker
    notes refer to absolute offsets.

    Args:
        exif: a block with its prefix, or None for a new one.

    Source: Exif 2.32, 4.6.2 and 4.6.4.
    """
    block = bytearray((exif or EXIF_PREFIX + b"II*\0\x08\0\0\0\0\0\0\0\0\0").removeprefix(EXIF_PREFIX))
    order = ">" if block[:2] == b"MM" else "<"
    try:
        (first,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, first)
        end = first + 2 + 12 * count
        (following,) = struct.unpack_from(order + "I", block, end)
        entries = {
            (struct.unpack_from(order + "H", block, at)[0], at): bytes(block[at : at + 12])
            for at in range(first + 2, end, 12)
        }
    except struct.error:
        return signed_exif(None)
    block += bytes(len(block) % 2)
    text = SOFTWARE.encode() + b"\0"
    entry = struct.pack(order + "HHII", _SOFTWARE_TAG, _ASCII, len(text), len(block))
    block += text + bytes(len(text) % 2)
    kept = [raw for (tag, _), raw in entries.items() if tag != _SOFTWARE_TAG]
    # In the order of the tags, as the standard wants it; among equals in their old order.
    directory = sorted([*kept, entry], key=lambda raw: struct.unpack_from(order + "H", raw))
    struct.pack_into(order + "I", block, 4, len(block))
    block += struct.pack(order + "H", len(directory)) + b"".join(directory) + struct.pack(order + "I", following)
    return exif if exif and len(exif) <= _SEGMENT < len(block) + 6 else EXIF_PREFIX + bytes(block)


def signed_xmp(xmp: bytes | None) -> bytes:
    """An XMP packet that says which program made the picture, and that a trained model changed it.

    Args:
        xmp: a packet, of which everything else is kept byte for byte; or None for a new one. One in UTF-16 is left as
            it is, one without RDF holds nothing and is replaced.

    Source: ISO 16684-1 (XMP), 7; IPTC Photo Metadata Standard 2024.1, "Digital Source Type".
    """
    if xmp and b"\0" in xmp:
        return xmp
    bare = _without_ours(xmp or b"")
    ends = list(_END_OF_RDF.finditer(bare))
    if not ends:
        rdf = b'<rdf:RDF xmlns:rdf="%s">%s</rdf:RDF>' % (_RDF.encode(), _description("rdf", b""))
        return (
            b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/">%s</x:xmpmeta><?xpacket end="w"?>' % rdf
        )
    at, prefix = ends[-1].start(), ends[-1].group(1).decode()
    # All descriptions of a packet are about the same thing, and say so in the same words.
    about = re.search(rb":about\s*=\s*([\"'])(.*?)\1", bare)
    new = bare[:at] + _description(prefix, about.group(2) if about else b"") + bare[at:]
    return xmp if xmp and len(xmp) <= _SEGMENT < len(new) else new


def _description(prefix: str, about: bytes) -> bytes:
    names = {_XMP: "xmp", _IPTC: "Iptc4xmpExt"}
    spaces = "".join(f' xmlns:{name}="{space}"' for space, name in names.items())
    values = "".join(f' {names[space]}:{name}="{value}"' for (space, name), value in _PROPERTIES.items())
    return f"<{prefix}:Description {prefix}:about=".encode() + b'"%s"' % about + f"{spaces}{values}/>".encode()


def _without_ours(xmp: bytes) -> bytes:
    """A packet without the properties that are written anew, under whatever prefix they go."""
    for space, name in _PROPERTIES:
        for declared in set(re.findall(rb"xmlns:([\w.-]+)\s*=\s*[\"']" + re.escape(space.encode()) + rb"[\"']", xmp)):
            full = re.escape(declared) + b":" + name.encode()
            xmp = re.sub(rb"\s+" + full + rb"\s*=\s*(\"[^\"]*\"|'[^']*')", b"", xmp)
            xmp = re.sub(rb"<" + full + rb"(\s[^<>]*)?(/>|(?<!/)>[^<]*</" + full + rb"\s*>)", b"", xmp)
    return xmp
