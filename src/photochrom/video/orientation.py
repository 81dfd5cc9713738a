"""How a film's frames are turned and mirrored when they are shown: all eight ways that a display matrix can say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Orientation:
    """What makes a stored frame upright, in this order.

    Attributes:
        swapped: rows and columns change places.
        mirrored: left and right do.
        flipped: top and bottom do.

    Example:
        >>> Orientation(mirrored=True).upright(np.array([[1, 2], [3, 4]])).tolist()
        [[2, 1], [4, 3]]
    """

    swapped: bool = False
    mirrored: bool = False
    flipped: bool = False

    def upright(self, stored: np.ndarray) -> np.ndarray:
        """The frame (H, W) as it is shown."""
        shown = stored.T if self.swapped else stored
        return np.ascontiguousarray(shown[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1])

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(w, h) as shown from a stored frame's (w, h), or the reverse."""
        return (height, width) if self.swapped else (width, height)


def orientation_of(frame: Any) -> Orientation:
    """What PyAV's frame says by its display matrix, to the next quarter turn; without one, that it is upright.

    Source: libavutil/display.h: the point (x, y) is shown at (a x + c y, b x + d y), (a, b) the matrix's first row and
    (c, d) its second.
    """
    from av.sidedata.sidedata import Type

    found = next((bytes(data) for data in frame.side_data if data.type == Type.DISPLAYMATRIX), None)
    if found is None or len(found) < 36:
        return Orientation()
    a, b, _, c, d = np.frombuffer(found, "=i4")[:5].tolist()
    swapped = abs(b) + abs(c) > abs(a) + abs(d)
    return Orientation(swapped, c < 0, b < 0) if swapped else Orientation(False, a < 0, d < 0)
