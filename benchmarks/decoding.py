"""Choose how a model's scores are decoded, on validation photographs: never on those it is reported on.

    python benchmarks/decoding.py DIR [--model MODEL] [--csv FILE]

For each render size, temperature and vividness it prints CIEDE2000, PSNR and colorfulness, beside gray's and the
truth's, so that a point on the curve can be chosen: the lowest CIEDE2000 at the colorfulness that is wanted.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from photochrom import Colorizer
from photochrom.evaluation.sample import join, truths
from photochrom.formats import is_picture_name
from photochrom.metrics import Comparison, measure

NAMES = ("ciede2000", "psnr", "colorfulness")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 192, 224])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.25, 0.38, 0.5, 0.65])
    parser.add_argument("--vividness", type=float, nargs="+", default=[0.3, 0.4, 0.5, 0.6, 0.7])
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    files = sorted(f for f in arguments.data.rglob("*") if is_picture_name(f))[:: arguments.every]
    sessions = {size: Colorizer(arguments.model, render_size=size) for size in arguments.sizes}
    settings = list(itertools.product(arguments.sizes, arguments.temperatures, arguments.vividness))
    sums = {key: np.zeros(len(NAMES)) for key in ["gray", "truth", *settings]}
    pictures = 0
    for truth in truths(files):
        pictures += 1
        light = truth.L.astype(np.float32)
        scores = {size: session.scores(light) for size, session in sessions.items()}
        for key in sums:
            if key == "truth":
                ours = truth.rendition
            elif key == "gray":
                ours = join(truth.L, 0)
            else:
                size, temperature, vividness = key
                session = sessions[size]
                how = replace(session.decoding, temperature=temperature, vividness=vividness)
                ours = join(truth.L, session.decode(scores[size], light, decoding=how))
            sums[key] += [measure(Comparison(ours, truth.rendition), [name])[name] for name in NAMES]
    writer = csv.writer(arguments.csv.open("w", newline="") if arguments.csv else sys.stdout)
    writer.writerow(["render_size", "temperature", "vividness", *NAMES])
    for key, total in sums.items():
        where = (key, "", "") if isinstance(key, str) else key
        writer.writerow([*where, *(f"{v:.3f}" for v in total / pictures)])


if __name__ == "__main__":
    main()
