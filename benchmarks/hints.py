"""How much a person's hints help: as many as are given, at random points, each in the photograph's true colour.

    python benchmarks/hints.py DIR [--model M] [--every N] [--numbers 0 1 10 ...] [--methods geodesic levin ...]
        [--plot FILE.png]

A hint's colour is the mean of the 7 x 7 pixels around its point, as in Zhang et al., "Real-Time User-Guided Image
Colorization with Learned Deep Priors", 2017. People choose their points better than chance. The methods: "geodesic"
spreads hints to the nearest edge over what the network gives without them; "network" is a network that takes hints,
"both" spreads them over what that gives; "levin" is the classic without a network, which needs SciPy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from bench import begin

from photochrom import Colorizer, Hint
from photochrom.evaluation.sample import Truth, join, truths
from photochrom.imaging.formats import is_picture_name
from photochrom.inference.network import Scores
from photochrom.metrics import Comparison, measure
from photochrom.painting.hints import hinted

NAMES = ("ciede2000", "psnr", "colorfulness")
AROUND = 3
Spread = Callable[[Sequence[Hint]], np.ndarray]  # hints to ab (H, W, 2)


def given(truth: Truth, number: int, rng: np.random.Generator) -> list[Hint]:
    """Hints in the photograph's true colours."""
    height, width = truth.L.shape
    hints = []
    for y, x in zip(rng.integers(height, size=number), rng.integers(width, size=number), strict=True):
        patch = truth.rendition.rgb[max(0, y - AROUND) : y + AROUND + 1, max(0, x - AROUND) : x + AROUND + 1]
        red, green, blue = np.rint(255 * patch.mean((0, 1))).astype(int)
        hints.append(Hint(int(x), int(y), f"#{red:02x}{green:02x}{blue:02x}"))
    return hints


def geodesic(session: Colorizer, light: np.ndarray) -> Spread:
    """The network's colours without hints, and hints spread over them to the nearest edge."""
    scores = session.scores(light)
    return lambda hints: spread(session, light, scores, hints)


def network(session: Colorizer, light: np.ndarray) -> Spread:
    """What a network gives that takes the hints itself."""
    plain = session.scores(light)
    return lambda hints: session.decode(session.scores(light, hints=hints, plain=plain), light)


def both(session: Colorizer, light: np.ndarray) -> Spread:
    """The same, and hints spread over it."""
    plain = session.scores(light)
    return lambda hints: spread(session, light, session.scores(light, hints=hints, plain=plain), hints)


def levin(session: Colorizer, light: np.ndarray) -> Spread:
    """Hints alone, spread by optimization."""
    from levin import levin

    return lambda hints: levin(light, hints)


METHODS: dict[str, Callable[[Colorizer, np.ndarray], Spread]] = {
    "geodesic": geodesic,
    "network": network,
    "both": both,
    "levin": levin,
}


def spread(session: Colorizer, light: np.ndarray, scores: Scores, hints: Sequence[Hint]) -> np.ndarray:
    """ab (H, W, 2) of scores, with hints spread over them."""
    if not hints:
        return session.decode(scores, light)
    return hinted(session.part_painter(light, scores).chroma, light, hints).strip(light, 0, len(light))


def measured(session: Colorizer, truth: Truth, methods: list[str], numbers: list[int], seed: int) -> np.ndarray:
    """(methods, numbers, measures) of one photograph."""
    light = truth.L.astype(np.float32)
    hints = given(truth, max(numbers), np.random.default_rng(seed))
    rows = []
    for method in methods:
        spread = METHODS[method](session, light)
        found = [spread(hints[:number]) for number in numbers]
        results = [measure(Comparison(join(truth.L, ab), truth.rendition), NAMES) for ab in found]
        rows.append([[result[name] for name in NAMES] for result in results])
    return np.array(rows)


def draw(path: Path, means: np.ndarray, methods: list[str], numbers: list[int]) -> None:
    """CIEDE2000 and PSNR against the number of hints."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for pane, column, label in zip(panes, (0, 1), ("CIEDE2000 (less is better)", "PSNR, dB"), strict=True):
        for method, rows in zip(methods, means, strict=True):
            pane.plot(numbers, rows[:, column], marker="o", label=method)
        pane.set_xscale("symlog", linthresh=1)
        pane.set_xticks(numbers, [str(number) for number in numbers])
        pane.set_xlabel("hints")
        pane.set_title(label, fontsize=10)
        pane.grid(alpha=0.3)
    panes[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    parser.add_argument("--numbers", type=int, nargs="+", default=[0, 1, 2, 5, 10, 20, 50, 100])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["geodesic"])
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    session = Colorizer(arguments.model)
    if {"network", "both"} & set(arguments.methods) and not session.network.takes_hints:
        parser.error(f"the model '{session.card.name}' takes no hints itself; train one by recipes/hints.toml")
    begin("several minutes")
    files = sorted(f for f in arguments.data.rglob("*") if is_picture_name(f))[:: arguments.every]
    found = []
    for index, truth in enumerate(truths(files)):
        found.append(measured(session, truth, arguments.methods, arguments.numbers, index))
        print(f"\r{index + 1} of {len(files)}", end="", file=sys.stderr, flush=True)
    means = np.mean(found, 0)
    print(f"\n{len(found)} photographs\n{'method':<22}{'hints':>6}{'CIEDE2000':>11}{'PSNR':>8}{'colorfulness':>14}")
    for method, rows in zip(arguments.methods, means, strict=True):
        for number, (difference, psnr, colors) in zip(arguments.numbers, rows, strict=True):
            print(f"{method:<22}{number:>6}{difference:>11.2f}{psnr:>8.2f}{colors:>14.1f}")
    if arguments.plot:
        draw(arguments.plot, means, arguments.methods, arguments.numbers)


if __name__ == "__main__":
    main()
