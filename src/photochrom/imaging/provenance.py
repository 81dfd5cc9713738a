"""What was coloured says so where other programs look for it: in EXIF Software, and in two properties of XMP."""

from __future__ import annotations

import re
from dataclasses import replace

from photochrom._support.version import __version__
from photochrom.imaging.picture import Picture
from photochrom.imaging.tags import ASCII, Value, amended, fields_of
from photochrom.imaging.tags import SOFTWARE as SOFTWARE_TAG
from photochrom.imaging.xmp import END_OF_RDF, RDF, XMP, without

SOFTWARE = f"photochrom {__version__}"
# "Edited using generative AI": existing media that was changed by a model derived from sampled content.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_SEGMENT = 65533  # what a JPEG holds of EXIF; a block that fitted shall lose nothing for the addition
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TOOL, _TYPE = (XMP, "CreatorTool"), (_IPTC, "DigitalSourceType")
_OURS = re.compile(rb"^photochrom [^\s;]+(; )?")


def signed(picture: Picture) -> Picture:
    """The same picture, its metadata saying what coloured it; all else in it is kept."""
    return replace(picture, exif=signed_exif(picture.exif), xmp=signed_xmp(picture.xmp))


def signed_exif(exif: bytes | None) -> bytes:
    """An EXIF block whose Software is this program, and behind it what was there before.

    Args:
        exif: a block with its prefix, or None for a new one; all else in it is kept, see `tags.amended`.
    """
    before = fields_of(exif)[0].get(SOFTWARE_TAG)
    text = _and_before(before.data if isinstance(before, Value) else b"")
    new = amended(exif, {SOFTWARE_TAG: Value(ASCII, text + b"\0")})
    return exif if exif and len(exif) <= _SEGMENT < len(new) else new


def _and_before(software: bytes) -> bytes:
    """This program, and behind it the one that made the picture before, in the bytes it was written in."""
    other = _OURS.sub(b"", software.strip(b"\0 \r\n\t"))
    return SOFTWARE.encode() + (b"; " + other if other else b"")


def signed_xmp(xmp: bytes | None) -> bytes:
    """An XMP packet that says which program made the picture, and that a trained model changed it.

    Args:
        xmp: a packet, of which everything else is kept byte for byte; or None for a new one. One in UTF-16 is left as
            it is, one without RDF holds nothing and is replaced.

    Source: ISO 16684-1 (XMP), 7; IPTC Photo Metadata Standard 2024.1, "Digital Source Type".
    """
    if xmp and b"\0" in xmp:
        return xmp
    # What is rewritten is removed first, under whatever prefix.
    bare, _ = without(xmp or b"", lambda one: (one.space, one.name) == _TYPE)
    bare, tools = without(bare, lambda one: (one.space, one.name) == _TOOL)
    tool = _and_before(_value_of(tools[0]) if tools else b"")
    ends = list(END_OF_RDF.finditer(bare))
    if not ends:
        rdf = b'<rdf:RDF xmlns:rdf="%s">%s</rdf:RDF>' % (RDF.encode(), _description("rdf", b"", tool))
        return (
            b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/">%s</x:xmpmeta><?xpacket end="w"?>' % rdf
        )
    at, prefix = ends[-1].start(), ends[-1].group(1).decode()
    # All descriptions of a packet are about the same thing, and say so in the same words.
    about = re.search(rb":about\s*=\s*([\"'])(.*?)\1", bare)
    return bare[:at] + _description(prefix, about.group(2) if about else b"", tool) + bare[at:]


def _value_of(one: bytes) -> bytes:
    """The value of a property, escaped as in an attribute; nothing where it is not plain text."""
    found = re.search(rb"=\s*\"([^\"]*)\"|=\s*'([^']*)'", one) if one[:1].isspace() else re.search(rb">()([^<]*)<", one)
    return (found.group(1) or found.group(2) or b"").strip().replace(b'"', b"&quot;") if found else b""


def _description(prefix: str, about: bytes, tool: bytes) -> bytes:
    return b'<%b:Description %b:about="%b" xmlns:xmp="%b" xmlns:Iptc4xmpExt="%b" xmp:CreatorTool="%b"%b/>' % (
        *(prefix.encode(), prefix.encode(), about, XMP.encode(), _IPTC.encode(), tool),
        b' Iptc4xmpExt:DigitalSourceType="%b"' % SOURCE_TYPE.encode(),
    )
