"""Colours that a point could plausibly have, for a person to choose from."""

from __future__ import annotations

import numpy as np

from photochrom.color import ciede2000, lab_to_rgb_gently, rgb_to_lab
from photochrom.imaging.picture import to_dtype
from photochrom.painting.hints import as_hex, rgb_of

WIDTH = 12.0  # Lab units within which bins are one colour
APART = 10.0  # CIEDE2000 between two colours that are offered, at the least
EVEN = 0.5  # power of the probabilities: what is rare is offered, too

USUAL = {"skin": "#d3a384", "hair": "#5b4333", "wood": "#8f6743", "leaves": "#5c7a3a", "sky": "#8fb4d9"}
"""What people know of without knowing the picture, each as light as it usually is."""


def likely_colors(p: np.ndarray, values: np.ndarray, light: float, count: int = 5) -> list[tuple[str, float]]:
    """The likeliest colours of a point that can be told apart, the likeliest first, as #rrggbb with their share.

    They are the peaks of the distribution, taken one after the other, each with what lies around it; so five shades of
    one brown are one colour. Near black or white there are fewer.

    Args:
        p: (q,) the probability of each bin.
        values: (q, 2) its a and b, Lab units.
        light: L of the photograph there, 0..100; each colour is shown at it.
        count: how many at most.

    Example:
        >>> likely_colors(np.array([0.6, 0.3, 0.1]), np.array([[0.0, 0], [2, 2], [40, 30]]), 50)[1]
        ('#bf5846', 0.1)
    """
    left = p.astype(np.float64) ** EVEN
    near = np.exp(-((values[:, None] - values) ** 2).sum(-1) / (2 * WIDTH**2))
    found: list[tuple[str, float]] = []
    labs: list[np.ndarray] = []
    for _ in range(4 * count):
        if len(found) == count or left.max() <= 0:
            break
        peak = near[(near @ left).argmax()]
        ab = (peak * left) @ values / (peak @ left)
        around = np.hypot(*(values - ab).T) < 2 * WIDTH
        lab = rgb_to_lab(np.array(rgb_of(shown_color(light, ab))) / 255)
        if all(ciede2000(lab, other) >= APART for other in labs):
            found.append((shown_color(light, ab), float(p[around & (left > 0)].sum())))
            labs.append(lab)
        left = np.where(around, 0, left)
    return sorted(found, key=lambda each: -each[1])


def usual_colors(light: float) -> dict[str, str]:
    """The colours of things that everybody knows, at the lightness L `light` and as hints in them will look there."""
    labs = {name: rgb_to_lab(np.array(rgb_of(color)) / 255) for name, color in USUAL.items()}
    return {name: shown_color(light, lab[1:] * min(1.0, light / lab[0])) for name, lab in labs.items()}


def shown_color(light: float, ab: np.ndarray) -> str:
    """a and b at the lightness L `light` as #rrggbb, with less chroma where sRGB has none that strong."""
    rgb = lab_to_rgb_gently(np.array([[light, *ab]]))[0]
    return as_hex(to_dtype(rgb, "uint8"))
