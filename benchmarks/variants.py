"""What several colourings of a photograph are worth: how near the best is to the truth, and how much they differ.

    python benchmarks/variants.py DIR [--every N] [--variants 5]

For each way of making them: CIEDE2000 of the best of them and their mean, how far apart two of them are on average
(CIEDE2000), and the grain: what share of the difference from the likeliest colouring a mean over 5 x 5 points removes.
Noise would be near 1, what is one for a whole thing near 0. "drawn" takes a random direction for each variant, as
the decoder "tilted" does; "sample" takes one drawn quantile for all points.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from bench import begin

from photochrom import Colorizer
from photochrom.evaluation.sample import join, truths
from photochrom.imaging.formats import is_picture_name
from photochrom.inference.network import Scores
from photochrom.inference.variants import varied
from photochrom.metrics import Comparison, measure
from photochrom.painting.upsample import resize
from photochrom.painting.windows import means_around

NAMES = ("ciede2000",)
Way = Callable[[Colorizer, Scores, np.ndarray, int], np.ndarray]


def spread(session: Colorizer, scores: Scores, light: np.ndarray, number: int) -> np.ndarray:
    """As `--variants` makes them."""
    assert session.network.bins is not None
    return session.decode(replace(scores, map=varied(scores.map, session.network.bins, number)), light)


def _decoded(decoder: str) -> Way:
    def way(session: Colorizer, scores: Scores, light: np.ndarray, number: int) -> np.ndarray:
        how = replace(session.decoding, decoder=decoder)
        return session.decode(scores, light, decoding=how, rng=np.random.default_rng(number))

    return way


WAYS: dict[str, Way] = {"sample": _decoded("sample"), "drawn": _decoded("tilted"), "spread": spread}


def grain(difference: np.ndarray) -> float:
    """The share of the energy of (H, W, 2), seen at 64 points across, that a mean over 5 x 5 points removes."""
    small = [resize(difference[..., c], (64, 64)) for c in (0, 1)]
    fine = sum(float(((plane - means_around(plane, 2)) ** 2).sum()) for plane in small)
    return fine / max(1e-9, sum(float((plane**2).sum()) for plane in small))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    parser.add_argument("--variants", type=int, default=5)
    arguments = parser.parse_args()
    begin("several minutes")
    files = sorted(f for f in arguments.data.rglob("*") if is_picture_name(f))[:: arguments.every]
    session, plain, rows = Colorizer(), [], []
    for index, truth in enumerate(truths(files)):
        light = truth.L.astype(np.float32)
        scores = session.scores(light)
        likeliest = session.decode(scores, light)
        plain.append(measure(Comparison(join(truth.L, likeliest), truth.rendition), NAMES)["ciede2000"])
        row = []
        for way in WAYS.values():
            found = [way(session, scores, light, number) for number in range(1, arguments.variants + 1)]
            shown = [join(truth.L, ab) for ab in found]
            errors = [measure(Comparison(each, truth.rendition), NAMES)["ciede2000"] for each in shown]
            apart = [measure(Comparison(a, b), NAMES)["ciede2000"] for a, b in combinations(shown, 2)]
            rough = [grain(ab - likeliest) for ab in found]
            row.append([min(errors), errors[0], np.mean(errors), np.mean(apart), np.mean(rough)])
        rows.append(row)
        print(f"\r{index + 1} of {len(files)}", end="", file=sys.stderr, flush=True)
    print(f"\n{len(rows)} photographs, {arguments.variants} variants; the likeliest colouring: {np.mean(plain):.2f}")
    print(f"{'':<10}{'best':>8}{'first':>8}{'mean':>8}{'apart':>8}{'grain':>8}")
    for name, means in zip(WAYS, np.mean(rows, 0), strict=True):
        print(f"{name:<10}" + "".join(f"{value:>8.2f}" for value in means))


if __name__ == "__main__":
    main()
