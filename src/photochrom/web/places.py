"""What worker processes find out for a person who is about to give a hint: about a point, and about the whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting
from photochrom.imaging.picture import to_dtype
from photochrom.inference.bins import JointBins
from photochrom.inference.decode import log_probabilities
from photochrom.inference.network import Scores
from photochrom.painting.confidence import unsure_places
from photochrom.painting.hints import Colored, Hint, check_inside
from photochrom.painting.likely import likely_colors, usual_colors
from photochrom.painting.palette import Palette
from photochrom.painting.upsample import resize
from photochrom.web.look import Look
from photochrom.web.worker import INPUT, Setup, dressed, light_of, session, sized

SIDE = 416  # of the copy that is asked about, pixels; a slider's drafts have the same
TRIAL_SIDE = 160  # of the one on which hints are tried out, which takes time
AROUND = 1  # points of the network's map around a place that are asked, too
APART = 0.3  # of the longer side, between places where a hint would help
CANDIDATES = 8  # places whose gain is found out by trying
# Both dark, so that they have all their chroma wherever the photograph is not black, and far from each other.
TRIAL = "#000080", "#003000"


def colors(setup: Setup, folder: str, look: Look, x: float, y: float) -> tuple[float, list[tuple[str, float]], dict]:
    """L at a point of a photograph, the colours that are plausible there, and those that people know by name.

    Args:
        setup, folder: of the worker, and of the job.
        look: its tones count.
        x, y: pixels of the whole photograph.

    Raises:
        BadSetting: the point lies outside, or the model gives no distribution.
    """
    scores, small, whole = sized(folder, SIDE)
    colorizer = session(setup)
    bins, log_p = _probabilities(colorizer, scores)
    check_inside([Hint(x, y, "gray")], *whole)
    across, down = x / whole[0], y / whole[1]
    light = light_of(colorizer, small, look)
    here = _window(light, across, down, AROUND)
    p = np.exp(_window(log_p.transpose(1, 2, 0), across, down, AROUND)).mean((0, 1))
    L = float(here.mean())
    return L, likely_colors(p, bins.values, L), usual_colors(L)


def reach(setup: Setup, folder: str, look: Look, x: float, y: float, factor: float) -> bytes:
    """How much a hint at a point would count, as a small gray PNG of the photograph's shape: white is all.

    Args:
        setup, folder, look: as in `colors`; hints that are there already share with it.
        x, y: pixels of the whole photograph.
        factor: of its reach.

    Raises:
        BadSetting: the point lies outside, or the reach cannot be.
    """
    scores, small, whole = sized(folder, TRIAL_SIDE)
    hint = Hint(x, y, TRIAL[0], factor)
    check_inside([hint], *whole)
    scale = small.width / whole[0], small.height / whole[1]
    there = look.given(whole, small.size)
    counts = _counting(dressed(setup, folder, look), scores, small.lightness(), look, there, [hint.scaled(*scale)])
    return _png(counts)


def sureness(setup: Setup, folder: str, look: Look) -> bytes:
    """The confidence of a look as a gray PNG of the network's map: white is sure. Where hints reach, it is sure,
    but for those that keep what is there.

    Raises:
        BadSetting: the model gives no distribution.
    """
    return _png(_sure(setup, folder, look))


def unsure(setup: Setup, folder: str, look: Look, count: int) -> list[tuple[float, float, float]]:
    """Where a hint would help most: (x, y) in pixels of the photograph, and the share of it that it would settle.

    Hints are tried at some candidates that are far from each other, and the doubt that each would settle is added up:
    large, even and uncertain areas come first.

    Raises:
        BadSetting: as `sureness`.
    """
    scores, small, whole = sized(folder, TRIAL_SIDE)
    doubt = 1 - _sure(setup, folder, look)
    places = np.array(unsure_places(1 - doubt, CANDIDATES))
    tried = [Hint(across * small.width, down * small.height, TRIAL[0]) for across, down in places]
    there = look.given(whole, small.size)
    counts = _counting(dressed(setup, folder, look), scores, small.lightness(), look, there, tried)
    h, w = doubt.shape
    settled = doubt * resize(counts, (w, h))
    # All are tried at once, so each settles what is nearer to it than to the others.
    y, x = np.mgrid[:h, :w]
    away = [np.hypot(x + 0.5 - across * w, y + 0.5 - down * h) for across, down in places]
    nearest = np.argmin(away, 0)
    gains = np.array([settled[nearest == k].sum() for k in range(len(places))]) / doubt.size
    best: list[int] = []
    for apart in (APART * max(w, h), 0):  # far from each other, if there is room
        for k in np.argsort(-gains, kind="stable"):
            away = np.hypot(*((places[k] - places[best]) * (w, h)).T)
            if len(best) < count and k not in best and (away >= apart).all():
                best.append(int(k))
    best.sort(key=lambda k: -gains[k])
    return [(float(places[k, 0] * whole[0]), float(places[k, 1] * whole[1]), float(gains[k])) for k in best]


def main_colors(setup: Setup, folder: str) -> list[str]:
    """The main colours of a job's picture, as #rrggbb.

    Raises:
        BadSetting: it is gray.
    """
    path = os.path.join(folder, INPUT)
    try:
        return str(Palette.read(path)).split(",")
    except BadSetting as error:
        # Where the file is, is nobody's business.
        raise BadSetting(str(error).replace(f"{path}: ", "")) from None


def _probabilities(colorizer: Colorizer, scores: Scores) -> tuple[JointBins, np.ndarray]:
    """The codebook, and the log-probabilities (q, h, w) over the picture, without the rebalancing of training."""
    bins, (w, h) = _joint_bins(colorizer), colorizer.map_size(scores)
    return bins, log_probabilities(scores.map[:, :h, :w], bins, colorizer.decoding)


def _joint_bins(colorizer: Colorizer) -> JointBins:
    bins = colorizer.network.bins
    if not isinstance(bins, JointBins):
        raise BadSetting(f"the model '{colorizer.card.name}' gives no probabilities of colours")
    return bins


def _window(field: np.ndarray, across: float, down: float, radius: int) -> np.ndarray:
    """The values (n, m, ...) of a field (h, w, ...) around a place in shares of its sides."""
    h, w = field.shape[:2]
    row, column = min(h - 1, int(down * h)), min(w - 1, int(across * w))
    return field[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1]


def _counting(
    colorizer: Colorizer,
    scores: Scores,
    light: np.ndarray,
    look: Look,
    there: Sequence[Colored],
    tried: Sequence[Colored],
) -> np.ndarray:
    """(H, W) how much hints count, 0..1: the difference that their colour makes, as a share of the largest."""

    def decoded(color: str) -> np.ndarray:
        given = [*there, *(_in(color, hint) for hint in tried)]
        return colorizer.decode(scores, light, decoding=look.decoding(colorizer), hints=given)

    difference = np.linalg.norm(decoded(TRIAL[0]) - decoded(TRIAL[1]), axis=-1)
    return np.clip(difference / max(float(np.quantile(difference, 0.999)), 1e-6), 0, 1)


def _sure(setup: Setup, folder: str, look: Look) -> np.ndarray:
    """(h, w) the confidence on the network's map; where hints count, nothing is open."""
    scores, small, whole = sized(folder, SIDE)
    colorizer = dressed(setup, folder, look)
    _joint_bins(colorizer)
    sure, _ = colorizer.map_confidence(small.lightness(), scores, look.decoding(colorizer))
    if look.hints:
        _, copy, _ = sized(folder, TRIAL_SIDE)
        counts = _counting(colorizer, scores, copy.lightness(), look, [], look.given(whole, copy.size))
        sure = 1 - (1 - sure) * (1 - resize(counts, sure.shape[::-1]))
    return np.clip(sure, 0, 1)


def _in(color: str, hint: Colored) -> Colored:
    return hint if hint.keeps else replace(hint, color=color)  # type: ignore[type-var]


def _png(share: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(to_dtype(share, "uint8")).save(out, "PNG")
    return out.getvalue()
