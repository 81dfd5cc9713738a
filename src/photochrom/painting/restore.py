"""The tone of a faded print: stretched over the whole scale, without losing its lightest and darkest parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BLACK, _WHITE = 2.0, 98.0  # L that the darkest and the lightest parts get
_TAIL = 0.5  # percent of the picture beyond them, at either end
_BORDER = 0.05  # of each side left out: the paper around a print, and the bed around the paper
_MOST_GAIN = 4.0  # a sheet of paper stays one; its grain must not become a picture


@dataclass(frozen=True)
class Tone:
    """A curve from the L of a scan to that of its restored print: three straight lines, always rising.

    Attributes:
        given: four L, rising from 0 to 100: the ends of the scale, and between them the picture's black and white.
        wanted: what they become.
    """

    given: tuple[float, ...]
    wanted: tuple[float, ...]

    @classmethod
    def fit(cls, light: np.ndarray) -> Tone:
        """Find black and white of L (h, w), 0..100, which may be a small copy.

        Example:
            >>> faded = Tone.fit(np.linspace(30, 70, 10_000).reshape(100, 100))
            >>> faded(np.array([50.0, 70.0])).round().tolist()
            [50.0, 98.0]
        """
        h, w = light.shape
        inner = light[int(h * _BORDER) : h - int(h * _BORDER), int(w * _BORDER) : w - int(w * _BORDER)]
        black, white = (float(value) for value in np.percentile(inner, (_TAIL, 100 - _TAIL)))
        least = (_WHITE - _BLACK) / _MOST_GAIN
        if white - black < least:
            middle = min(100 - least / 2, max(least / 2, (black + white) / 2))
            black, white = middle - least / 2, middle + least / 2
        # What goes beyond the wanted ends already is not drawn in.
        black, white = max(black, 1e-3), min(white, 100 - 1e-3)
        return cls((0.0, black, white, 100.0), (0.0, min(_BLACK, black), max(_WHITE, white), 100.0))

    def __call__(self, light: np.ndarray) -> np.ndarray:
        """L (...) after the restoring, float32."""
        return np.interp(light, self.given, self.wanted).astype(np.float32)
