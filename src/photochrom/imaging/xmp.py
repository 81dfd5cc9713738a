"""XMP packets: properties taken out without a change to the rest, and packets that a JPEG holds in several pieces.

Source: ISO 16684-1 (XMP), 7; XMP Specification Part 3, 1.1.3.1 (extended XMP).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
END_OF_RDF = re.compile(rb"</([A-Za-z_][\w.-]*):RDF\s*>")
_NOTE, _HAS_EXTENDED = "http://ns.adobe.com/xmp/note/", "HasExtendedXMP"
_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*(/?)>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=/>]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")

_CAMERA = "http://ns.google.com/photos/1.0/camera/"
# What announces films and pictures that a result lacks: by namespace.
_STALE = (
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/dd/1.0/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.apple.com/HDRGainMap/1.0/",
    "http://ns.apple.com/depthData/1.0/",
    "http://ns.apple.com/pixeldatainfo/1.0/",
    "http://ns.oneplus.com/media/1.0/",
    "http://ns.xiaomi.com/photos/1.0/camera/",
)
# These may have their data within the packet, and then stay true.
_SELF_CONTAINED = tuple(f"http://ns.google.com/photos/1.0/{name}/" for name in ("depthmap", "image", "audio"))
_WORDS = ((b"GainMap", "a gain map"), (b"hdrgm", "a gain map"), (b"Motion", "a film"), (b"MicroVideo", "a film"))
_WORDS += ((b"epth", "a depth map"),)


@dataclass(frozen=True)
class Property:
    """A property of the packet's subject.

    Attributes:
        space, name: its namespace and local name.
        start, end: where it stands in the packet, as an attribute with the space before it.
        scope: the namespace of each prefix there.
        is_attribute: it is one of a Description, and no element.
    """

    space: str
    name: str
    start: int
    end: int
    scope: dict[str, str]
    is_attribute: bool


def properties(packet: bytes) -> list[Property]:
    """The properties of a packet in UTF-8; none of what is not well-formed."""
    found: list[Property] = []
    # For each open element: its prefixes, its full name, whether it is a Description, its start, and its end if empty.
    stack: list[tuple[dict[str, str], tuple[str, str], bool, int, int]] = []

    def full(name: str, scope: dict[str, str]) -> tuple[str, str]:
        prefix, _, local = name.rpartition(":")
        return scope.get(prefix, ""), local

    def start(name: str, attributes: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        scope = dict(stack[-1][0] if stack else {})
        scope.update({key[6:]: value for key, value in attributes.items() if key.startswith("xmlns:")})
        if "xmlns" in attributes:
            scope[""] = attributes["xmlns"]
        tag = _TAG.match(packet, at)
        described = full(name, scope) == (RDF, "Description") and bool(stack) and stack[-1][1] == (RDF, "RDF")
        if described and tag:
            for item in _ATTRIBUTE.finditer(packet, at, tag.end()):
                prefixed = item.group(1).decode()
                space, local = full(prefixed, scope)
                if ":" in prefixed and not prefixed.startswith(("xmlns:", "xml:")) and space != RDF:
                    found.append(Property(space, local, item.start(), item.end(), scope, True))
        stack.append((scope, full(name, scope), described, at, tag.end() if tag and tag.group(1) else 0))

    def end(name: str) -> None:
        scope, (space, local), _, at, closed = stack.pop()
        if stack and stack[-1][2]:
            until = closed or packet.index(b">", parser.CurrentByteIndex) + 1
            found.append(Property(space, local, at, until, scope, False))

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(packet.rstrip(b"\0"), True)
    except (expat.ExpatError, ValueError):
        return []
    return found


def without(packet: bytes, is_unwanted: Callable[[Property], bool]) -> tuple[bytes, list[bytes]]:
    """A packet without some properties, and these; everything else stays byte for byte."""
    gone = sorted((p for p in properties(packet) if is_unwanted(p)), key=lambda p: p.start)
    kept, at = [], 0
    for one in gone:
        kept.append(packet[at : one.start])
        at = one.end
    return b"".join([*kept, packet[at:]]), [packet[one.start : one.end] for one in gone]


def made_true(packet: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A packet that no longer announces what a result lacks, and a note where it did.

    That are the film of a motion photo, gain maps, depth maps and other pictures behind the first one, and thumbnails,
    which show the photograph as it was.
    """
    if packet[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = packet.decode("utf-16", "replace").encode()
        true, notes = made_true(text)
        return (true, notes) if true != text else (packet, ())
    whole = {p.space for p in properties(packet) if p.name == "Data"}
    true, gone = without(packet, lambda p: _is_stale(p, whole))
    true, _ = without(true, lambda p: (p.space, p.name) in ((XMP, "Thumbnails"), (_NOTE, _HAS_EXTENDED)))
    if not gone:
        return true, ()
    cut = b" ".join(gone)
    named = list(dict.fromkeys(name for word, name in _WORDS if word in cut)) or ["further pictures"]
    return true, (f"XMP no longer announces {' and '.join(named)}, which the result does not have",)


def _is_stale(one: Property, whole: set[str]) -> bool:
    if one.space == _CAMERA:
        return one.name.startswith(("MotionPhoto", "MicroVideo"))
    return one.space.startswith(_STALE) or (one.space in _SELF_CONTAINED and one.space not in whole)


def guid_of(packet: bytes) -> bytes | None:
    """The digest of the extended part that a packet refers to."""
    for one in properties(packet):
        if (one.space, one.name) == (_NOTE, _HAS_EXTENDED):
            found = re.search(rb"[0-9A-Fa-f]{32}", packet[one.start : one.end])
            return found.group() if found else None
    return None


def joined(packet: bytes, extended: bytes) -> bytes | None:
    """A packet with the properties of its extended part; None where one of them cannot be read."""
    ends = list(END_OF_RDF.finditer(packet))
    more = _described(extended, properties(extended))
    if not (ends and more and properties(packet)):
        return None
    bare, _ = without(packet, lambda p: (p.space, p.name) == (_NOTE, _HAS_EXTENDED))
    at = list(END_OF_RDF.finditer(bare))[-1].start()
    return bare[:at] + more + bare[at:]


def split(packet: bytes, most: int) -> tuple[bytes, bytes] | None:
    """A packet of at most so many bytes, and the extended part that it refers to, with the longest properties.

    Returns:
        Both; None where it cannot be done.
    """
    packet = re.sub(rb"\s+(<\?xpacket end)", rb"\1", packet)  # the room that is left for other programs
    found = sorted(properties(packet), key=lambda p: p.start - p.end)
    room, moved = most - 500 - len(packet), []
    while room < 0 and found:
        moved.append(found.pop(0))
        room += moved[-1].end - moved[-1].start
    if room < 0 or not END_OF_RDF.search(packet):
        return None
    extended = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="%s">' % RDF.encode()
        + _described(packet, moved)
        + b"</rdf:RDF></x:xmpmeta>"
    )
    starts = {one.start for one in moved}
    main, _ = without(packet, lambda p: p.start in starts)
    at = list(END_OF_RDF.finditer(main))[-1].start()
    note = b'<rdf:Description xmlns:rdf="%s" rdf:about="" xmlns:xmpNote="%s" xmpNote:HasExtendedXMP="%s"/>' % (
        RDF.encode(),
        _NOTE.encode(),
        guid(extended),
    )
    return main[:at] + note + main[at:], extended


def guid(extended: bytes) -> bytes:
    """The digest by which a packet refers to its extended part."""
    return hashlib.md5(extended, usedforsecurity=False).hexdigest().upper().encode()


def _described(packet: bytes, some: list[Property]) -> bytes:
    """Descriptions that hold some properties of a packet and the prefixes they need."""
    out = b""
    for one in some:
        spaces = b"".join(
            b' xmlns%s="%s"' % (b":" + prefix.encode() if prefix else b"", space.encode())
            for prefix, space in {**one.scope, "rdf": RDF}.items()
        )
        text = packet[one.start : one.end]
        out += b'<rdf:Description%s rdf:about=""' % spaces
        out += text + b"/>" if one.is_attribute else b">" + text + b"</rdf:Description>"
    return out
