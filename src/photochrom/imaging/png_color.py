"""What a PNG without a colour profile says of its samples: cICP, or gAMA and cHRM, made into a profile.

Source: W3C PNG specification, third edition, 11.3.2 and 13.14; ITU-T H.273 for the numbers in cICP; ITU-R BT.2100 for
PQ and HLG, whose white is at 203 nits (BT.2408).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from photochrom.imaging.icc_tables import WHITE, Floats

_SRGB = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.329))
_PRIMARIES = {  # x, y of red, green, blue and white
    1: _SRGB,
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.31, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), (0.3127, 0.329)),
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), (0.3127, 0.329)),
    7: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), (0.3127, 0.329)),
    9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), (0.3127, 0.329)),
    11: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329)),
}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_KNOTS = 4096
_NEAR = 0.05  # of 1 / 2.2, which programs write for sRGB
_NEAR_XY = 0.004
_MOST_BEFORE = 200  # chunks before the samples


def profile_of_png(file: IO[bytes]) -> bytes | None:
    """An ICC profile of what a PNG's chunks say; None where they say sRGB, nothing, or have a profile themselves."""
    chunks = dict(_chunks(file))
    if len(code := chunks.get(b"cICP", b"")) == 4 and code[0] in _PRIMARIES and code[1] in _CURVES and not code[2]:
        return _coded(*code)
    if b"iCCP" in chunks or b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None
    (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
    primaries = _chromaticities(chunks.get(b"cHRM", b"")) or _SRGB
    is_srgb = np.abs(np.subtract(primaries, _SRGB)).max() < _NEAR_XY
    if not 1000 <= gamma <= 1_000_000 or (is_srgb and abs(gamma / 100000 * 2.2 - 1) < _NEAR):
        return None
    curve = b"para" + bytes(4) + struct.pack(">HHi", 0, 0, round(100000 / gamma * 65536))
    return _profile(curve, primaries)


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The chunks before the samples that say something about colour, by name."""
    file.seek(8)
    for _ in range(_MOST_BEFORE):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return
        length = int.from_bytes(head[:4], "big")
        if head[4:] in (b"cICP", b"gAMA", b"cHRM", b"sRGB"):
            yield head[4:], file.read(min(length, 64))
            file.seek(length - min(length, 64) + 4, 1)
        else:
            yield head[4:], b""
            file.seek(length + 4, 1)


def _chromaticities(chunk: bytes) -> tuple[tuple[float, float], ...] | None:
    if len(chunk) != 32:
        return None
    white, red, green, blue = np.array(struct.unpack(">8I", chunk)).reshape(4, 2) / 100000
    primaries = tuple((float(x), float(y)) for x, y in (red, green, blue, white))
    return primaries if all(y > 0 for _, y in primaries) and abs(np.linalg.det(_xyz(primaries))) > 1e-6 else None


def _coded(primaries: int, transfer: int, _: int, full_range: int) -> bytes | None:
    if (primaries, transfer, full_range) == (1, 13, 1):
        return None
    code = np.linspace(0, 1, _KNOTS)
    signal = code if full_range else np.clip((code * 255 - 16) / 219, 0, 1)
    light = np.clip(_CURVES[transfer](signal), 0, 1)
    curve = b"curv" + bytes(4) + struct.pack(">I", _KNOTS) + np.rint(light * 65535).astype(">u2").tobytes()
    return _profile(curve, _PRIMARIES[primaries])


def _bt709(v: Floats) -> Floats:
    return np.where(v < 0.081, v / 4.5, ((v + 0.099) / 1.099) ** (1 / 0.45))


def _srgb(v: Floats) -> Floats:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _pq(v: Floats) -> Floats:
    power = v ** (32 / 2523)
    return (np.maximum(power - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * power)) ** (8192 / 1305) * 10000 / 203


def _hlg(v: Floats) -> Floats:
    scene = np.where(v <= 0.5, v * v / 3, (np.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return scene**1.2 * 1000 / 203


_CURVES: dict[int, Callable[[Floats], Floats]] = {
    1: _bt709,
    4: lambda v: v**2.2,
    5: lambda v: v**2.8,
    6: _bt709,
    8: lambda v: v,
    13: _srgb,
    14: _bt709,
    15: _bt709,
    16: _pq,
    18: _hlg,
}


def _xyz(primaries: tuple[tuple[float, float], ...]) -> Floats:
    """(3, 3): the columns are XYZ of red, green and blue of a luminance of 1."""
    return np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries[:3]]).T


def _matrix(primaries: tuple[tuple[float, float], ...]) -> Floats:
    """(3, 3): linear RGB to XYZ under D50."""
    x, y = primaries[3]
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    columns = _xyz(primaries)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ WHITE / (_BRADFORD @ white)) @ _BRADFORD
    return adapted @ (columns * np.linalg.solve(columns, white))


def _profile(curve: bytes, primaries: tuple[tuple[float, float], ...]) -> bytes:
    """A version 4 display profile of three equal curves and a matrix. Source: ICC.1:2022, 8.3."""

    def xyz(values: Floats) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    text = b"mluc" + bytes(4) + struct.pack(">II", 0, 12)
    columns = _matrix(primaries)
    tags = {b"desc": text, b"cprt": text, b"wtpt": xyz(WHITE)}
    tags |= {name: xyz(columns[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + xyz(WHITE)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
