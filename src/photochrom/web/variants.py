"""The variants of a photograph by name: what a person sees change from the likeliest colours to another variant's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photochrom import color
from photochrom.web.look import Look
from photochrom.web.worker import Setup, answer_of, dressed, painted, sized

SIDE = 96  # of the copies that are compared, pixels
SAME = "nearly the same"
BLUE_SKY, MUTED = "blue sky", "more muted"
HUES = ("rosier", "warmer", "more golden", "greener", "more teal", "cooler", "bluer", "more violet")
"""Where the colours go, by hues in Lab: 0, 45, 90, ... degrees."""
_LEAST = 1.0  # Lab units, on the mean, under which nobody sees a difference
_LITTLE, _LOT = 10.0, 30.0  # Lab units
_PALE = 12.0  # chroma under which colours count as muted
_SKY = 1 / 3  # of the height, from the top
_SKY_LIGHT = 45.0  # L that a sky has at least
_SKY_HUES, _SKY_CHROMA = (220, 290), 6.0


def names(setup: Setup, folder: str, look: Look, count: int) -> list[str]:
    """What the variants 1 to `count` of a job's photograph are like in a look, each with a name of its own.

    Raises:
        BadSetting: the model has one colouring only.
    """
    _, small, whole = sized(folder, SIDE)

    def lab(variant: int) -> np.ndarray:
        chosen = look.model_copy(update={"variant": variant, "mark": False})
        scores = answer_of(setup, folder, variant, look.restore_tone, look.hints)
        return color.rgb_to_lab(painted(dressed(setup, folder, chosen), small, chosen, scores, whole).pixels / 255)

    plain = lab(0)
    found: list[str] = []
    for variant in range(1, count + 1):
        found.append(name_of(plain, lab(variant), found))
    return found


def name_of(plain: np.ndarray, other: np.ndarray, taken: Sequence[str] = ()) -> str:
    """What is to be seen of another colouring.

    Args:
        plain, other: Lab (h, w, 3) of a photograph in its likeliest colours, and in others.
        taken: names that are given away; the next fitting one is taken then.

    Example:
        >>> import numpy as np
        >>> gray = np.full((6, 6, 3), (60.0, 0.0, 0.0))
        >>> [name_of(gray, gray + (0, a, b)) for a, b in ((0, 0), (6, 6), (-6, 6), (0, -5))]
        ['nearly the same', 'warmer', 'greener', 'bluer']
    """
    change = (other - plain)[..., 1:]
    weight = (change**2).sum(-1)
    if np.sqrt(weight).mean() < _LEAST:
        return SAME
    if BLUE_SKY not in taken and _sky(other) > 0.4 > 0.15 > _sky(plain):
        return BLUE_SKY
    # Of what changes a little, people see where it goes; of what changes a lot, what it is in the end.
    ends, was, way = (np.average(ab, (0, 1), weight) for ab in (other[..., 1:], plain[..., 1:], change))
    if MUTED not in taken and np.linalg.norm(ends) < min(_PALE, np.linalg.norm(was) / 2):
        return MUTED
    share = np.clip((np.linalg.norm(way) - _LITTLE) / (_LOT - _LITTLE), 0, 1)
    hue = np.degrees(np.arctan2(*(way + share * ends)[::-1]))
    away = [abs((hue - 360 / len(HUES) * place + 180) % 360 - 180) for place in range(len(HUES))]
    nearest = sorted(range(len(HUES)), key=lambda place: away[place])
    return next((HUES[place] for place in nearest if HUES[place] not in taken), HUES[nearest[0]])


def _sky(lab: np.ndarray) -> float:
    """The share of the upper part that is light and blue."""
    L, a, b = np.moveaxis(lab[: max(1, round(len(lab) * _SKY))], -1, 0)
    hue = np.degrees(np.arctan2(b, a)) % 360
    blue = (hue > _SKY_HUES[0]) & (hue < _SKY_HUES[1]) & (np.hypot(a, b) > _SKY_CHROMA)
    return float((blue & (L > _SKY_LIGHT)).mean())
