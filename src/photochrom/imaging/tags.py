"""The fields of EXIF and TIFF: the one walk through their directories, and rewritten directories.

Values stay the bytes that they are, whatever their character set. Source: TIFF 6.0, section 2; Exif 2.32, 4.6;
BigTIFF's design note.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Literal, NamedTuple

EXIF_PREFIX = b"Exif\0\0"
ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
DESCRIPTION, SOFTWARE, ACROSS, DOWN, UNIT = 270, 305, 282, 283, 296

_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_POINTERS = {_EXIF, _GPS, _INTEROPERABILITY}
# Bytes of a value of each kind, and of the numbers that it consists of.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = _SIZES | {5: 4, 10: 4}
_WIDE = {16: 4, 17: 9, 18: 4}  # kinds of BigTIFF and the plain ones in their place
_DEEPEST = 3
_MOST_BYTES = 1 << 27  # of a directory's values; protects against files made to exhaust memory
# What says how samples are stored, or stands elsewhere in a Picture: XMP, IPTC, resources, profile, resolution. Layers
# (37724) show the photograph as it was, and what makes a DNG of a TIFF is not true of the result.
_STORAGE = frozenset(
    tag
    for first, last in (
        *((254, 259), (262, 266), (273, 274), (277, 284), (288, 293), (296, 296), (300, 301), (317, 325), (330, 330)),
        *((332, 347), (400, 405), (433, 434), (512, 521), (529, 532), (559, 559), (700, 700), (33421, 33422)),
        *((33723, 33723), (34377, 34377), (34675, 34675), (37724, 37724), (50706, 50837), (50879, 51199)),
    )
    for tag in range(first, last + 1)
)


@dataclass(frozen=True)
class Value:
    """A field's kind, by TIFF's number, and its bytes in the order of the block."""

    kind: int
    data: bytes


Fields = dict[int, "Value | Fields"]
"""A directory by its tags; the directories within it (EXIF, GPS) in their pointers' place."""


class Entry(NamedTuple):
    """What a directory says of a field.

    Attributes:
        tag, kind: by TIFF's numbers.
        entry: where it stands in the directory.
        place, size: where its value stands, and its bytes; size -1 is one that cannot be read.
    """

    tag: int
    kind: int
    entry: int
    place: int
    size: int


@dataclass(frozen=True)
class Block:
    """An EXIF block or a TIFF, as far as walking through it goes.

    Attributes:
        read: some bytes at a place.
        length: of it all.
        order: "<" or ">".
        first: where its first directory stands.
        big: it is a BigTIFF.
    """

    read: Callable[[int, int], bytes]
    length: int
    order: str
    first: int
    big: bool = False

    @property
    def entry_size(self) -> int:
        """Bytes of an entry."""
        return 20 if self.big else 12

    def count(self, at: int) -> int:
        """How many entries a directory says that it has; 0 where there is none."""
        head = self.read(at, 8 if self.big else 2) if 0 < at < self.length else b""
        return int.from_bytes(head, self._byteorder) if len(head) == (8 if self.big else 2) else 0

    def walk(self, at: int) -> Iterator[Entry]:
        """The entries of the directory at a place, as far as there are any."""
        start, size = at + (8 if self.big else 2), self.entry_size
        inline = 8 if self.big else 4
        layout = self.order + ("HHQ" if self.big else "HHI")
        for place in range(start, min(start + size * self.count(at), self.length - size + 1), size):
            raw = self.read(place, size)
            tag, kind, count = struct.unpack_from(layout, raw)
            length = _SIZES[kind] * count if kind in _SIZES else -1
            where = place + size - inline if length <= inline else int.from_bytes(raw[-inline:], self._byteorder)
            yield Entry(tag, kind, place, where, length if where + length <= self.length else -1)

    def fields(self, at: int, depth: int = 1) -> Fields:
        """The directory at a place with those within it; what cannot be read is left out."""
        found: Fields = {}
        room = _MOST_BYTES
        for entry in self.walk(at):
            if entry.size < 0 or entry.tag in found or entry.size > room:
                continue
            room -= entry.size
            data = self.read(entry.place, entry.size)
            if entry.tag not in _POINTERS:
                found[entry.tag] = _plain(Value(entry.kind, data), self.order)
            elif depth < _DEEPEST and (inner := self.fields(int.from_bytes(data, self._byteorder), depth + 1)):
                found[entry.tag] = inner
        return found

    def is_whole(self, at: int, depth: int = 1) -> bool:
        """Whether the directory at a place, and those within it, can be read to the last field."""
        entries = list(self.walk(at))
        inner = [
            int.from_bytes(self.read(entry.place, entry.size), self._byteorder)
            for entry in entries
            if entry.tag in _POINTERS and entry.size > 0
        ]
        return (
            len(entries) == self.count(at)
            and all(entry.size >= 0 for entry in entries)
            and (depth == _DEEPEST or all(self.is_whole(place, depth + 1) for place in inner if self.count(place)))
        )

    @property
    def _byteorder(self) -> Literal["little", "big"]:
        return "big" if self.order == ">" else "little"


def block_of(data: bytes) -> Block | None:
    """Walk through an EXIF block, without its prefix; None where it starts like none."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None
    block = Block(lambda at, size: data[at : at + size], len(data), order, struct.unpack_from(order + "I", data, 4)[0])
    # The first directory nearly always stands at 8.
    return block if block.count(block.first) else Block(block.read, block.length, order, 8)


def block_of_tiff(file: IO[bytes], order: str, first: int, big: bool) -> Block:
    """Walk through a file.

    Args:
        file: a TIFF, searchable.
        order: "<" or ">".
        first: where the directory stands.
        big: whether it is a BigTIFF.
    """

    def read(at: int, size: int) -> bytes:
        file.seek(at)
        return file.read(size)

    return Block(read, file.seek(0, os.SEEK_END), order, first, big)


def _plain(value: Value, order: str) -> Value:
    """A value with a kind that plain TIFF has, too."""
    if value.kind not in _WIDE:
        return value
    numbers = struct.unpack(f"{order}{len(value.data) // 8}Q", value.data)
    return Value(_WIDE[value.kind], struct.pack(f"{order}{len(numbers)}I", *(n & 0xFFFFFFFF for n in numbers)))


def descriptive(fields: Fields) -> Fields:
    """Those of a TIFF's own fields that describe the photograph, and not how its samples are stored."""
    return {tag: value for tag, value in fields.items() if tag not in _STORAGE}


def in_order(fields: Fields, before: str, after: str) -> Fields:
    """The same fields with the bytes of their numbers in another order, "<" or ">"."""
    return fields if before == after else {tag: _turned(value) for tag, value in fields.items()}


def _turned(value: Value | Fields) -> Value | Fields:
    if isinstance(value, dict):
        return {tag: _turned(inner) for tag, inner in value.items()}
    size = _NUMBERS[value.kind]
    return Value(value.kind, b"".join(value.data[at : at + size][::-1] for at in range(0, len(value.data), size)))


def written(fields: Fields, start: int, order: str = "<", big: bool = False) -> bytes:
    """A directory, with its values and the directories within it behind it, and none that follows.

    Args:
        fields: their values in this order.
        start: where it will stand in the file.
        order: "<" or ">".
        big: for a BigTIFF.
    """
    pointer, head, size, inline = ("Q", "Q", 20, 8) if big else ("I", "H", 12, 4)
    entries, behind = [], bytearray()
    behind_at = start + struct.calcsize(order + head) + size * len(fields) + inline
    for tag, value in sorted(fields.items()):
        behind += bytes(len(behind) % 2)
        place = behind_at + len(behind)
        if isinstance(value, dict):
            kind, count, data = LONG, 1, struct.pack(order + "I", place)
            behind += written(value, place, order, big)
        else:
            kind, count, data = value.kind, len(value.data) // _SIZES[value.kind], value.data
            if len(data) > inline:
                behind += data
                data = struct.pack(order + pointer, place)
        entries.append(struct.pack(order + "HH" + pointer, tag, kind, count) + data.ljust(inline, b"\0"))
    return struct.pack(order + head, len(fields)) + b"".join(entries) + bytes(inline) + bytes(behind)


def exif_of(fields: Fields, order: str = "<") -> bytes | None:
    """An EXIF block with its prefix; None of no fields."""
    if not fields:
        return None
    head = b"II*\0" if order == "<" else b"MM\0*"
    return EXIF_PREFIX + head + struct.pack(order + "I", 8) + written(fields, 8, order)


def fields_of(exif: bytes | None) -> tuple[Fields, str]:
    """What an EXIF block says, and the order of its bytes."""
    block = block_of((exif or b"").removeprefix(EXIF_PREFIX))
    return (block.fields(block.first), block.order) if block else ({}, "<")


def amended(exif: bytes | None, new: Mapping[int, Value]) -> bytes:
    """An EXIF block with other values for some fields of its first directory.

    That directory is rewritten at the end of the block, without what cannot be read, and everything else stays at
    its place, since maker notes refer to absolute offsets.

    Args:
        exif: a block with or without its prefix, or None for a new one.
        new: values in the order of the block.
    """
    data = bytearray((exif or b"").removeprefix(EXIF_PREFIX))
    block = block_of(bytes(data))
    if block is None:
        data = bytearray(b"II*\0\x08\0\0\0\0\0\0\0\0\0")
        block = Block(lambda *_: b"", 0, "<", 8)
    kept = {}
    for entry in block.walk(block.first):
        if entry.size >= 0 and entry.tag not in new:
            kept.setdefault(entry.tag, bytes(data[entry.entry : entry.entry + 12]))
    for tag, value in new.items():
        data += bytes(len(data) % 2)
        inline = len(value.data) <= 4
        at = value.data.ljust(4, b"\0") if inline else struct.pack(block.order + "I", len(data))
        count = len(value.data) // _SIZES[value.kind]
        kept[tag] = struct.pack(block.order + "HHI", tag, value.kind, count) + at
        data += b"" if inline else value.data
    data += bytes(len(data) % 2)
    struct.pack_into(block.order + "I", data, 4, len(data))
    # In the order of the tags, as the standard wants it.
    data += struct.pack(block.order + "H", len(kept)) + b"".join(raw for _, raw in sorted(kept.items())) + bytes(4)
    return EXIF_PREFIX + bytes(data)


def shortened(exif: bytes, most: int) -> bytes | None:
    """An EXIF block of at most so many bytes, without its longest fields; None where nothing is left of it."""
    fields, order = fields_of(exif)
    block: bytes | None = exif
    while block and len(block) > most:
        _drop_longest(fields)
        block = exif_of(fields, order)
    return block


def _drop_longest(fields: Fields) -> None:
    tag = max(fields, key=lambda tag: _length(fields[tag]), default=None)
    if tag is None:
        return
    value = fields[tag]
    if isinstance(value, dict) and value:
        _drop_longest(value)
    else:
        del fields[tag]


def _length(value: Value | Fields) -> int:
    return len(value.data) if isinstance(value, Value) else max((_length(inner) for inner in value.values()), default=0)


def resolution_of(fields: Fields, order: str) -> tuple[float, float] | None:
    """Dots per inch, across and down; None where the fields say none, or give a ratio only."""
    across, down, unit = (fields.get(tag) for tag in (ACROSS, DOWN, UNIT))
    if not (isinstance(across, Value) and isinstance(down, Value)):
        return None
    number = _number(unit, order) if isinstance(unit, Value) else 2
    per_inch = 1.0 if number == 2 else 2.54 if number == 3 else None
    x, y = _number(across, order), _number(down, order)
    return None if per_inch is None or x is None or y is None else (x * per_inch, y * per_inch)


def _number(value: Value, order: str) -> float | None:
    """The first number of a field."""
    letter = {3: "H", 4: "I", 5: "2I", 11: "f", 12: "d"}.get(value.kind)
    if letter is None or len(value.data) < struct.calcsize(order + letter):
        return None
    numbers = struct.unpack_from(order + letter, value.data)
    if value.kind != RATIONAL:
        return numbers[0]
    return numbers[0] / numbers[1] if numbers[1] else None


def resolution_fields(dpi: tuple[float, float], order: str = "<") -> dict[int, Value]:
    """The fields of a resolution in dots per inch, across and down."""
    across, down = (Value(RATIONAL, struct.pack(order + "2I", *_ratio(value))) for value in dpi)
    return {ACROSS: across, DOWN: down, UNIT: Value(SHORT, struct.pack(order + "H", 2))}


def _ratio(value: float) -> tuple[int, int]:
    whole = round(value)
    if abs(value - whole) < 1e-6:
        return whole, 1
    parts = next(parts for parts in (10_000, 1000, 100, 10, 1) if value * parts < 2**32)
    return round(value * parts), parts
