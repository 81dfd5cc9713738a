"""Where a model's colours agree with the truth, by scale; and which part of them a classifier needs.

    python benchmarks/structure.py DIR [--model MODEL] [--every N] [--top1]

The map of colours is split into its mean over the photograph and bands between Gaussians of 1, 2, 4, 8 and 16 points.
Printed for each is the correlation of the model's ab with the photograph's, over all points of all photographs; it does
not depend on the saturation. With --top1 the two are exchanged: the model's mean with the photograph's
structure, and the other way round, with the share of photographs in which an ImageNet classifier finds the class that
the file is named for, and the mean log-probability that it gives this class.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs, pictures, watched

from photochrom import Colorizer
from photochrom.evaluation.classes import synset_of
from photochrom.evaluation.sample import Truth, join, truths
from photochrom.inference.decode import scores_to_ab
from photochrom.metrics import Comparison, measure
from photochrom.painting.upsample import GuidedChroma, guide_size, resize

with needs("dev"):
    from scipy.ndimage import gaussian_filter

SIGMAS = (0, 1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    parser.add_argument("--top1", action="store_true")
    arguments = parser.parse_args()
    begin("about a second a photograph")
    files = pictures(arguments.data, every=arguments.every)
    session = Colorizer(arguments.model)
    products = np.zeros((len(SIGMAS) + 1, 3, 2))
    exchanged = Exchanged() if arguments.top1 else None
    for truth in watched(truths(files), "photographs", len(files)):
        light = truth.L.astype(np.float32)
        scores = session.scores(light)
        ours = scores_to_ab(scores.map, session.network.bins, session.decoding)
        size = guide_size(truth.L.shape, session.network.covered(scores.seen))
        ours, true = resized(ours, size), resized(truth.rendition.lab[..., 1:], size)
        for band, (x, y) in enumerate(zip(bands(ours), bands(true), strict=True)):
            products[band] += [(p * q).mean((0, 1)) for p, q in ((x, x), (x, y), (y, y))]
        if exchanged:
            exchanged.add(truth, ours, true, session.decoding.smooth_radius)
    correlation = products[:, 1] / np.sqrt(products[:, 0] * products[:, 2])
    names = [f"{low} to {high or ''}" for low, high in zip(SIGMAS, (*SIGMAS[1:], None), strict=True)] + ["mean"]
    print(f"{'points':<10}{'a':>7}{'b':>7}")
    for name, (a, b) in zip(names, correlation, strict=True):
        print(f"{name:<10}{a:>7.2f}{b:>7.2f}")
    if exchanged:
        exchanged.show()


def resized(ab: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """ab (H, W, 2) at the size (w, h)."""
    return np.stack([resize(np.ascontiguousarray(ab[..., i]), size) for i in (0, 1)], -1)


def bands(ab: np.ndarray) -> list[np.ndarray]:
    """ab (h, w, 2) between one Gaussian and the next, what is left beyond the last, and the mean."""
    mean = ab.mean((0, 1), keepdims=True)
    blurred = [gaussian_filter(ab, (sigma, sigma, 0), mode="nearest") for sigma in SIGMAS]
    return [fine - coarse for fine, coarse in zip(blurred, [*blurred[1:], mean], strict=True)] + [mean]


class Exchanged:
    """What a classifier says of the model's and the photograph's colours, mixed."""

    def __init__(self) -> None:
        from photochrom.models.classifier import SynsetClassifier

        self.classifier = SynsetClassifier("lite2")
        self.found: dict[str, list[tuple[float, ...]]] = {}

    def add(self, truth: Truth, ours: np.ndarray, true: np.ndarray, smooth_radius: int) -> None:
        our_mean, true_mean = (ab.mean((0, 1), keepdims=True) for ab in (ours, true))
        mixed = {
            "gray": 0 * ours,
            "our mean alone": our_mean + 0 * ours,
            "true mean alone": true_mean + 0 * ours,
            "ours": ours,
            "true mean, our structure": true_mean + ours - our_mean,
            "our mean, true structure": our_mean + true - true_mean,
            "truth": true,
        }
        light = truth.L.astype(np.float32)
        small = resize(light, ours.shape[1::-1])
        for name, ab in mixed.items():
            chroma = GuidedChroma.fit(ab, small, ours.shape[1::-1], smooth_radius)
            picture = join(truth.L, chroma.strip(light, 0, len(light)))
            named, log_p = self.classifier.finds(picture.rgb, synset_of(truth.path))
            distance = measure(Comparison(picture, truth.rendition), ("ciede2000",))["ciede2000"]
            self.found.setdefault(name, []).append((distance, 100 * named, log_p))

    def show(self) -> None:
        print(f"\n{'colours':<28}{'CIEDE2000':>10}{'class found':>13}{'log-probability':>17}")
        for name, rows in self.found.items():
            distance, share, log_p = np.mean(rows, 0)
            print(f"{name:<28}{distance:>10.2f}{share:>11.1f} %{log_p:>17.3f}")


if __name__ == "__main__":
    main()
