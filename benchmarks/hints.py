"""How much a person's hints help: as many as are given, at random points, each in the photograph's true colour.

    python benchmarks/hints.py DIR [--every N] [--numbers 0 1 4 16 ...]

A hint's colour is the mean of the 7 x 7 pixels around its point, as in Zhang et al., "Real-Time User-Guided Image
Colorization with Learned Deep Priors", 2017. People choose their points better than chance.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from photochrom import Colorizer, Hint
from photochrom.evaluation.sample import Truth, join, truths
from photochrom.imaging.formats import is_picture_name
from photochrom.metrics import Comparison, measure

NAMES = ("ciede2000", "psnr", "colorfulness")
AROUND = 3


def given(truth: Truth, number: int, rng: np.random.Generator) -> list[Hint]:
    """Hints in the photograph's true colours."""
    height, width = truth.L.shape
    hints = []
    for y, x in zip(rng.integers(height, size=number), rng.integers(width, size=number), strict=True):
        patch = truth.rendition.rgb[max(0, y - AROUND) : y + AROUND + 1, max(0, x - AROUND) : x + AROUND + 1]
        red, green, blue = np.rint(255 * patch.mean((0, 1))).astype(int)
        hints.append(Hint(int(x), int(y), f"#{red:02x}{green:02x}{blue:02x}"))
    return hints


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    parser.add_argument("--numbers", type=int, nargs="+", default=[0, 1, 2, 4, 8, 16, 32])
    arguments = parser.parse_args()
    files = sorted(f for f in arguments.data.rglob("*") if is_picture_name(f))[:: arguments.every]
    session, rows = Colorizer(), []
    for index, truth in enumerate(truths(files)):
        light = truth.L.astype(np.float32)
        scores = session.scores(light)
        hints = given(truth, max(arguments.numbers), np.random.default_rng(index))
        found = [session.decode(scores, light, hints=hints[:number]) for number in arguments.numbers]
        results = [measure(Comparison(join(truth.L, ab), truth.rendition), NAMES) for ab in found]
        rows.append([[result[name] for name in NAMES] for result in results])
    print(f"{len(rows)} photographs\n{'hints':>6}{'CIEDE2000':>11}{'PSNR':>8}{'colorfulness':>14}")
    for number, (difference, psnr, colors) in zip(arguments.numbers, np.mean(rows, 0), strict=True):
        print(f"{number:>6}{difference:>11.2f}{psnr:>8.2f}{colors:>14.1f}")


if __name__ == "__main__":
    main()
