"""From the chroma that was found for a picture to its pixels, strip by strip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from photochrom import color
from photochrom.painting.mark import Mark
from photochrom.painting.restore import Tone
from photochrom.painting.upsample import GuidedChroma

STRIP_PIXELS = 1 << 18


@dataclass(frozen=True)
class Painter:
    """What is known of a picture once the network has seen it: enough to paint any strip of it.

    Attributes:
        height, width: H and W of the picture.
        chroma: its ab as a function of its L.
        tone: what restores its L first, or None.
        mark: what is laid over it, or None.
    """

    height: int
    width: int
    chroma: GuidedChroma
    tone: Tone | None = None
    mark: Mark | None = None

    def strip(self, light: np.ndarray, top: int, dtype: np.dtype[Any]) -> np.ndarray:
        """sRGB (h, W, 3) of the rows of L `light` (h, W) that start at `top`; uint8, uint16, or float32 in 0..1."""
        out = np.empty((*light.shape, 3), dtype)
        step = max(1, STRIP_PIXELS // self.width)
        for first in range(0, len(light), step):
            part = light[first : first + step] if self.tone is None else self.tone(light[first : first + step])
            lab = np.concatenate([part[..., None], self.chroma.strip(part, top + first, self.height)], -1)
            out[first : first + step] = _quantised(color.lab_to_rgb_gently(lab), dtype)
        if self.mark:
            self.mark.draw(out, top)
        return out

    def part(self, light: np.ndarray, box: tuple[float, float, float, float], threads: int) -> np.ndarray:
        """sRGB (h, w, 3) uint8 of a part of the picture, without the mark, painted by so many threads.

        Args:
            light: (h, w) L of the part, in any size.
            box: its left, top, right and bottom in shares of the picture's sides.
        """
        out = np.empty((*light.shape, 3), np.uint8)
        rows, width = light.shape
        left, top, right, bottom = box
        step = _step(rows, width, threads)

        def paint(first: int) -> None:
            L = light[first : first + step] if self.tone is None else self.tone(light[first : first + step])
            above, below = (top + (bottom - top) * row / rows for row in (first, first + len(L)))
            lab = np.concatenate([L[..., None], self.chroma.part(L, (left, above, right, below))], -1)
            out[first : first + step] = _quantised(color.lab_to_rgb_gently(lab), out.dtype)

        tops = range(0, rows, step)
        with ThreadPoolExecutor(min(threads, len(tops))) as pool:
            list(pool.map(paint, tops))
        return out

    def whole(self, light: np.ndarray, dtype: np.dtype[Any], threads: int) -> np.ndarray:
        """sRGB (H, W, 3) of the whole L (H, W), painted by so many threads."""
        rgb = np.empty((*light.shape, 3), dtype)
        rows = _step(len(light), self.width, threads)

        def paint(top: int) -> None:
            rgb[top : top + rows] = self.strip(light[top : top + rows], top, dtype)

        tops = range(0, len(light), rows)
        with ThreadPoolExecutor(min(threads, len(tops))) as pool:
            list(pool.map(paint, tops))
        return rgb


def _step(height: int, width: int, threads: int) -> int:
    """How many rows are painted at once, so that each thread has some."""
    return max(1, min(STRIP_PIXELS // width, -(-height // threads)))


def _quantised(rgb: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    full = {"uint8": 255, "uint16": 65535}.get(dtype.name)
    return np.rint(rgb * full).astype(dtype) if full else rgb.astype(dtype)
