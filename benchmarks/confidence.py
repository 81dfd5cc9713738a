"""Whether the confidence comes true: of the points that are 70 % sure, are 7 of 10 near their true colour?

    python benchmarks/confidence.py DIR... [--model MODEL] [--plot FILE.png]

For each tenth of the scale: the mean confidence, the share of points whose true a and b are within 20 Lab units of what
is shown, and the share of all points that lie there; then the expected calibration error (their mean absolute
difference, by points). The truth is looked at on the network's map.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, pictures, watched

from photochrom import Colorizer
from photochrom.evaluation.sample import truths
from photochrom.painting.confidence import NEAR
from photochrom.painting.upsample import resize


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    begin("about a second a photograph")
    colorizer = Colorizer(arguments.model)
    files = pictures(*arguments.data)
    confident, right = [], []
    for truth in watched(truths(files), "photographs", len(files)):
        light, lab = truth.L.astype(np.float32), truth.rendition.lab
        sure, shown = colorizer.map_confidence(light)
        true = np.stack([resize(lab[..., c], sure.shape[::-1]) for c in (1, 2)], -1)
        confident.append(sure.ravel())
        right.append((np.hypot(*np.moveaxis(true - shown, -1, 0)) <= NEAR).ravel())
    p, t = np.concatenate(confident), np.concatenate(right)
    place = np.minimum((p * 10).astype(int), 9)
    rows = [(p[place == i].mean(), t[place == i].mean(), (place == i).mean()) for i in range(10) if (place == i).any()]
    error = sum(abs(said - true) * share for said, true, share in rows)
    print(f"{len(right)} photographs, {t.mean():.1%} of the points right, {p.mean():.1%} said")
    print(f"calibration error {error:.3f}")
    print(f"{'confidence':>12}{'right':>8}{'of all':>9}")
    for said, true, share in rows:
        print(f"{said:>12.2f}{true:>8.2f}{share:>9.1%}")
    if arguments.plot:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axes.plot([said for said, _, _ in rows], [true for _, true, _ in rows], "o-")
        axes.set(xlabel="confidence", ylabel="share within 20 Lab units", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        figure.savefig(arguments.plot, dpi=120)


if __name__ == "__main__":
    main()
