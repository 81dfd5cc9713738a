"""Profiles that say what device colours look like by a table (A2B0), as those of scanners do, evaluated in floats.

Source: ICC.1:2022, 10.10 to 10.12 (`mft1`, `mft2`, `mAB `); between the points of the table, the simplex that holds the
colour, which keeps neutrals apart from colours.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WHITE = np.array([0.9642, 1.0, 0.8249])  # D50, of the connection space
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27


@dataclass(frozen=True)
class Table:
    """A pipeline from a device's colours to the connection space.

    Attributes:
        channels: of the device.
        before: a curve for each, on 0..1.
        grid: points along each.
        nodes: (product of `grid`, k) at the points, or None where there are none.
        middle: curves of the k channels behind it, and a matrix (3, 4) behind those; both may be empty.
        after: curves of the k channels at the end.
        connection: `Lab ` or `XYZ `, and by what 0..1 is multiplied and moved to be it.
    """

    channels: int
    before: Sequence[Floats]
    grid: tuple[int, ...]
    nodes: Floats | None
    middle: Sequence[Floats]
    matrix: Floats | None
    after: Sequence[Floats]
    connection: bytes
    factor: Floats
    offset: Floats

    def to_xyz(self, device: NDArray[np.floating]) -> Floats:
        """(n, 3) XYZ under D50, Y of white 1, of (n, channels) in 0..1; the darkest device colour becomes black."""
        xyz = self._xyz(device)
        darkest = min(self._xyz(np.zeros((1, self.channels)))[0, 1], 0.184)  # L of 50, as littlecms has it
        black = WHITE * max(darkest, 0.0)
        return (xyz - black) * (WHITE / (WHITE - black))

    def _xyz(self, device: NDArray[np.floating]) -> Floats:
        values = _curved(self.before, device)
        if self.nodes is not None:
            values = _between(self.nodes, self.grid, values)
        values = _curved(self.middle, values)
        if self.matrix is not None:
            values = values @ self.matrix[:, :3].T + self.matrix[:, 3]
        values = _curved(self.after, values) * self.factor + self.offset
        return values if self.connection == b"XYZ " else lab_to_xyz(values)


def lab_to_xyz(lab: NDArray[np.floating]) -> Floats:
    """(n, 3) XYZ under D50 of Lab (n, 3)."""
    fy = (lab[:, 0] + 16) / 116
    f = np.stack([fy + lab[:, 1] / 500, fy, fy - lab[:, 2] / 200], -1)
    return np.where(f**3 > _EPSILON, f**3, (116 * f - 16) / _KAPPA) * WHITE


def parse(tag: bytes, connection: bytes) -> Table:
    """The table of a tag A2B0 or A2B1.

    Args:
        tag: its content.
        connection: the profile's connection space.

    Raises:
        ValueError, struct.error: it is damaged, or of a type that is not read.
    """
    kind = tag[:4]
    if kind in (b"mft1", b"mft2"):
        return _of_mft(tag, connection)
    if kind == b"mAB ":
        return _of_mab(tag, connection)
    raise ValueError(f"a table of type {kind!r}")


def curve(tag: bytes, x: Floats) -> Floats:
    """Evaluate a tone curve of type `curv` or `para` on 0..1. Source: ICC.1:2022, 10.6 and 10.18."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        if count == 1:
            return x ** (struct.unpack_from(">H", tag, 12)[0] / 256)
        knots = np.frombuffer(tag, ">u2", count, 12) / 65535
        return np.interp(x, np.linspace(0, 1, count), knots)
    if tag[:4] != b"para":
        raise ValueError(f"a tone curve of type {tag[:4]!r}")
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = _PARAMETERS.get(kind)
    if count is None:
        raise ValueError(f"a tone curve of kind {kind}")
    g, *rest = (value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12))
    a, b, c, d, e, f = (rest + [0.0] * 6)[:6]
    if kind == 0:
        return x**g
    power = np.clip(a * x + b, 0, None) ** g
    if kind in (1, 2):
        return np.where(a * x + b >= 0, power + c, c)
    return np.where(x >= d, power + e, c * x + f)


_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
_KNOTS = 4096  # of a curve that is evaluated once and looked up from then on
_NONE: tuple[Floats, ...] = ()


def _of_mft(tag: bytes, connection: bytes) -> Table:
    inputs, outputs, side = tag[8:11]
    deep = tag[:4] == b"mft2"
    before, after, at = (*struct.unpack_from(">HH", tag, 48), 52) if deep else (256, 256, 48)
    if outputs != 3 or not 1 <= inputs <= 4 or min(side, before, after) < 2:
        raise ValueError("a table of an unusual shape")
    counts = inputs * before, side**inputs * outputs, outputs * after
    values = np.frombuffer(tag, ">u2" if deep else "u1", sum(counts), at) / (65535.0 if deep else 255.0)
    first, nodes, last = np.split(values, np.cumsum(counts)[:-1])
    lab = (65535 / 652.8, 65535 / 256) if deep else (100.0, 255.0)
    factor, offset = _units(connection, *lab)
    return Table(
        channels=inputs,
        before=[*first.reshape(inputs, before)],
        grid=(side,) * inputs,
        nodes=nodes.reshape(-1, outputs),
        middle=_NONE,
        matrix=None,
        after=[*last.reshape(outputs, after)],
        connection=connection,
        factor=factor,
        offset=offset,
    )


def _of_mab(tag: bytes, connection: bytes) -> Table:
    inputs, outputs = tag[8:10]
    last, matrix, middle, nodes, first = struct.unpack_from(">5I", tag, 12)
    if outputs != 3 or not 1 <= inputs <= 4 or (not nodes and inputs != outputs):
        raise ValueError("a table of an unusual shape")
    grid: tuple[int, ...] = ()
    table = None
    if nodes:
        grid, size = tuple(tag[nodes : nodes + inputs]), tag[nodes + 16]
        count = int(np.prod(grid)) * outputs
        if min(grid) < 2 or count > 4_000_000:
            raise ValueError("a table of an unusual shape")
        kind, full = ("u1", 255.0) if size == 1 else (">u2", 65535.0)
        table = (np.frombuffer(tag, kind, count, nodes + 20) / full).reshape(-1, outputs)
    numbers = np.array(struct.unpack_from(">12i", tag, matrix)) / 65536 if matrix else None
    factor, offset = _units(connection, 100.0, 255.0)
    return Table(
        channels=inputs,
        before=_curves(tag, first, inputs),
        grid=grid,
        nodes=table,
        middle=_curves(tag, middle, outputs),
        matrix=None if numbers is None else np.column_stack([numbers[:9].reshape(3, 3), numbers[9:]]),
        after=_curves(tag, last, outputs),
        connection=connection,
        factor=factor,
        offset=offset,
    )


def _units(connection: bytes, lightness: float, ab: float) -> tuple[Floats, Floats]:
    if connection == b"Lab ":
        return np.array([lightness, ab, ab]), np.array([0.0, -128.0, -128.0])
    return np.full(3, 65535 / 32768), np.zeros(3)


def _curves(tag: bytes, at: int, count: int) -> Sequence[Floats]:
    """Curves that stand one after the other, each at a multiple of 4 bytes."""
    if not at:
        return _NONE
    found, x = [], np.linspace(0, 1, _KNOTS)
    for _ in range(count):
        found.append(np.clip(curve(tag[at:], x), 0, 1))
        if tag[at : at + 4] == b"curv":
            size = 12 + 2 * struct.unpack_from(">I", tag, at + 8)[0]
        else:
            size = 12 + 4 * _PARAMETERS[struct.unpack_from(">H", tag, at + 8)[0]]
        at += size + -size % 4
    return found


def _curved(curves: Sequence[Floats], values: NDArray[np.floating]) -> NDArray[np.floating]:
    if not curves:
        return values
    columns = [np.interp(values[:, i], np.linspace(0, 1, len(c)), c) for i, c in enumerate(curves)]
    return np.stack(columns, -1)


def _between(nodes: Floats, grid: tuple[int, ...], values: NDArray[np.floating]) -> Floats:
    """(n, k) between the points of a table, for (n, dimensions) in 0..1."""
    last = np.array(grid) - 1
    steps = np.array([int(np.prod(grid[i + 1 :])) for i in range(len(grid))])
    places = np.clip(values, 0, 1) * last
    corner = np.minimum(places.astype(np.intp), last - 1)
    share = places - corner
    index = corner @ steps
    order = np.argsort(-share, axis=1)
    ranked = np.take_along_axis(share, order, 1)
    out = (1 - ranked[:, :1]) * nodes[index]
    for i in range(len(grid)):
        # Along the dimensions one by one, that of the largest share first.
        index = index + steps[order[:, i]]
        following = ranked[:, i + 1 : i + 2] if i + 1 < len(grid) else 0.0
        out += (ranked[:, i : i + 1] - following) * nodes[index]
    return out
