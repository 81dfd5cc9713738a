"""That a picture was coloured stands in its metadata, and everything else in them stays."""

import io
import struct
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from photochrom import Colorizer
from photochrom.imaging import io as pio
from photochrom.imaging.picture import Picture
from photochrom.imaging.provenance import SOFTWARE, SOURCE_TYPE, signed, signed_exif, signed_xmp

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TOOL = "{http://ns.adobe.com/xap/1.0/}CreatorTool"
TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
SCANNED = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <r:Description r:about="uuid:1936" xmlns:xap="http://ns.adobe.com/xap/1.0/" xap:CreatorTool="a scanner" xap:Rating="5"
  xmlns:e='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' xmlns:dc="http://purl.org/dc/elements/1.1/">
  <e:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm</e:DigitalSourceType>
  <dc:title><r:Alt><r:li>Nipomo</r:li></r:Alt></dc:title>
 </r:Description></r:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def properties(xmp):
    """All properties of a packet by name, those that stand there twice as a list of two."""
    found = {}
    for description in ET.fromstring(xmp).iter(f"{RDF}Description"):
        for name, value in [*description.attrib.items(), *((child.tag, child.text) for child in description)]:
            found.setdefault(name, []).append(value)
    return found


def tags(exif):
    read = Image.Exif()
    read.load(exif)
    return read


def exif_block(order="<", **more):
    """Make, Software unless it is left out, Artist, and a block beyond that an offset refers to."""
    entries = {0x010F: b"Contax\0", 0x0131: b"ScanSoft 1.0\0", 0x013B: b"Lange\0"} | more.get("entries", {})
    entries = {tag: value for tag, value in entries.items() if value is not None}
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    place = 8 + 2 + 12 * len(entries) + 4
    head, body = struct.pack(order + "H", len(entries)), b""
    for tag, value in sorted(entries.items()):
        head += struct.pack(order + "HHII", tag, 2, len(value), place + len(body))
        body += value
    return b"Exif\0\0" + block + head + bytes(4) + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("software", [b"ScanSoft 1.0\0", None])
def test_exif_software(order, software):
    before = exif_block(order, entries={0x0131: software})
    after = signed_exif(before)
    assert tags(after)[0x0131] == (f"{SOFTWARE}; ScanSoft 1.0" if software else SOFTWARE)
    assert (tags(after)[0x010F], tags(after)[0x013B]) == ("Contax", "Lange")
    first = struct.unpack_from(order + "I", after, 10)[0] + 6
    (count,) = struct.unpack_from(order + "H", after, first)
    assert [struct.unpack_from(order + "H", after, first + 2 + 12 * i)[0] for i in range(count)] == [271, 305, 315]
    # Everything stays at its place but the pointer to the first directory.
    assert after[:10] == before[:10]
    assert after[14 : len(before)] == before[14:]
    assert tags(signed_exif(after))[0x0131] == tags(after)[0x0131]


@pytest.mark.parametrize("exif", [None, b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_exif_where_there_is_none(exif):
    assert dict(tags(signed_exif(exif))) == {0x0131: SOFTWARE}


def test_exif_that_just_fits_into_a_jpeg_is_not_lost():
    block = exif_block()
    full = block + bytes(65533 - 29 - len(block))
    assert signed_exif(full) == full


def test_a_new_packet():
    found = properties(signed_xmp(None))
    assert found == {f"{RDF}about": [""], TOOL: [SOFTWARE], TYPE: [SOURCE_TYPE]}
    assert signed_xmp(None).startswith(b"<?xpacket begin=")


def test_a_packet_keeps_the_rest():
    after = signed_xmp(SCANNED)
    found = properties(after)
    assert (found[TOOL], found[TYPE]) == ([f"{SOFTWARE}; a scanner"], [SOURCE_TYPE])
    assert found["{http://ns.adobe.com/xap/1.0/}Rating"] == ["5"]
    assert found[f"{RDF}about"] == ["uuid:1936", "uuid:1936"]
    assert b"<dc:title><r:Alt><r:li>Nipomo</r:li></r:Alt></dc:title>" in after
    assert properties(signed_xmp(after)) == {**found, f"{RDF}about": ["uuid:1936"] * 3}


@pytest.mark.parametrize("odd", [b"", b"no packet", b"<x:xmpmeta>nothing</x:xmpmeta>"])
def test_packets_that_hold_nothing_are_replaced(odd):
    assert signed_xmp(odd) == signed_xmp(None)


def test_a_packet_in_utf_16_is_left_alone():
    wide = SCANNED.decode().encode("utf-16")
    assert signed_xmp(wide) == wide


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_it_arrives_in_files(tiny, format):
    gray = Picture(np.full((9, 9), 90, "uint8"), exif=exif_block(), xmp=SCANNED)
    data = Colorizer(tiny, threads=1).colorize(pio.encode(gray, format))
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x0131] == f"{SOFTWARE}; ScanSoft 1.0"
        assert image.getexif()[0x013B] == "Lange"
        xmp = image.info["xmp"]
    assert properties(xmp.encode() if isinstance(xmp, str) else xmp)[TYPE] == [SOURCE_TYPE]


def test_a_signed_picture_is_otherwise_the_same():
    before = Picture(np.zeros((2, 2), "uint8"), icc=b"profile", dpi=(300, 300))
    after = signed(before)
    assert after.pixels is before.pixels
    assert (after.icc, after.dpi) == (b"profile", (300, 300))
