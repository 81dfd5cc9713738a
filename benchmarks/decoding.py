"""Choose how a model's scores are decoded, on validation photographs: never on those it is reported on.

    python benchmarks/decoding.py DIR [--model MODEL] [--top1] [--csv FILE]

For each render size, temperature, vividness, saturation, chroma gamma, chroma knee and radius of smoothing it prints
CIEDE2000, PSNR, colorfulness and its error, beside gray's and the truth's, so that a point on the curve can be chosen:
the lowest CIEDE2000 and colorfulness error at the colorfulness that is wanted. With --top1 also the share of
photographs in which an ImageNet classifier finds the class that the file is named for, and the mean log-probability
that it gives this class, which tells more than the share does.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench import begin, pictures, watched

from photochrom import Colorizer
from photochrom.evaluation.classes import synset_of
from photochrom.evaluation.sample import Truth, join, truths
from photochrom.metrics import Comparison, Rendition, measure

NAMES = ("ciede2000", "psnr", "colorfulness", "colorfulness_error")
WAYS = ("temperature", "vividness", "saturation", "chroma_gamma", "chroma_knee", "smooth_radius")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 192, 224])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.25, 0.38, 0.5, 0.65])
    parser.add_argument("--vividness", type=float, nargs="+", default=[0.3, 0.4, 0.5, 0.6, 0.7])
    parser.add_argument("--saturation", type=float, nargs="+", default=[1.0])
    parser.add_argument("--chroma-gamma", type=float, nargs="+", default=[1.0])
    parser.add_argument("--chroma-knee", type=float, nargs="+", default=[0.0])
    parser.add_argument("--smooth-radius", type=int, nargs="+", default=[0])
    parser.add_argument("--top1", action="store_true")
    parser.add_argument("--judge", default="lite2", help="the classifier of --top1: lite0, lite1 or lite2")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    begin("about a second a photograph for each render size and 4 ways to decode")
    files = pictures(arguments.data, every=arguments.every)
    sessions = {size: Colorizer(arguments.model, render_size=size) for size in arguments.sizes}
    ways = list(
        itertools.product(
            arguments.temperatures,
            arguments.vividness,
            arguments.saturation,
            arguments.chroma_gamma,
            arguments.chroma_knee,
            arguments.smooth_radius,
        )
    )
    sums: dict[tuple[object, ...], np.ndarray] = {}
    photographs = 0

    classifier = None
    if arguments.top1:
        from photochrom.models.classifier import SynsetClassifier

        classifier = SynsetClassifier(arguments.judge)
    names = (*NAMES, "top1", "class_log_p") if classifier else NAMES

    def add(setting: tuple[object, ...], ours: Rendition, truth: Truth) -> None:
        found = measure(Comparison(ours, truth.rendition), NAMES)
        if classifier:
            found["top1"], found["class_log_p"] = classifier.finds(ours.rgb, synset_of(truth.path))
        sums[setting] = sums.get(setting, 0) + np.array([found[name] for name in names])

    for truth in watched(truths(files), "photographs", len(files)):
        photographs += 1
        light = truth.L.astype(np.float32)
        add(("gray", *[""] * len(WAYS)), join(truth.L, 0), truth)
        add(("truth", *[""] * len(WAYS)), truth.rendition, truth)
        for size, session in sessions.items():
            scores = session.scores(light)
            for way in ways:
                how = replace(session.decoding, **dict(zip(WAYS, way, strict=True)))
                add((size, *way), join(truth.L, session.decode(scores, light, decoding=how)), truth)
    writer = csv.writer(arguments.csv.open("w", newline="") if arguments.csv else sys.stdout)
    writer.writerow(["render_size", *WAYS, *names])
    for setting, total in sums.items():
        writer.writerow([*setting, *(f"{v:.3f}" for v in total / photographs)])


if __name__ == "__main__":
    main()
