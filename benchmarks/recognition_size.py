"""At which size does a classifier judge the colours of small samples as another one judges those of the photograph?

    python benchmarks/recognition_size.py VAL [--every N]

The middle of each photograph is coloured 17 times by the default model: as it is, and with all colours leant one way.
Printed is the mean, over the photographs, of the correlation between how good the task `recognition` finds these
colourings, from samples of 128 pixels that are enlarged for EfficientNet-Lite0, and the log-probability that
EfficientNet-Lite2 gives the true class in the colouring at full size. 0: the first has no idea of the second.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench import begin, needs, pictures, watched

from photochrom import Colorizer
from photochrom.evaluation.classes import synset_of
from photochrom.evaluation.sample import join, truths

with needs("train"):
    import torch
    from torch import Tensor
    from torch.nn import functional as F

    from photochrom.losses.colors import DecodedColors
    from photochrom.losses.recognition import LabClassifier, Recognition
    from photochrom.models.classifier import SynsetClassifier

SAMPLE, STRIDE = 128, 4
SIZES = (128, 160, 192, 224)
TURNS = np.arange(8) * np.pi / 4
LEANS = [np.zeros(2)] + [k * np.array([np.cos(t), np.sin(t)]) for k in (0.02, 0.05) for t in TURNS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take each n-th photograph")
    arguments = parser.parse_args()
    begin("about 10 seconds a photograph")
    files = pictures(arguments.data, every=arguments.every)
    session = Colorizer(render_size=SAMPLE)
    bins = session.card.codebook()
    colors = DecodedColors(bins, session.decoding, "recognition")
    losses = {size: Recognition(colors, LabClassifier(size=size)) for size in SIZES}
    judge = SynsetClassifier("lite2")
    found: dict[int, list[float]] = {size: [] for size in SIZES}
    for truth in watched(truths(files), "photographs", len(files)):
        synset = synset_of(truth.path)
        if synset is None:
            continue
        lab = _middle(truth.rendition.lab)
        light = lab[..., 0].astype(np.float32)
        scores = session.scores(light)
        leant = [replace(scores, map=scores.map + (bins.values @ lean)[:, None, None]) for lean in LEANS]
        coloured = [join(lab[..., 0], session.decode(each, light)).rgb for each in leant]
        wanted = [judge.finds(rgb, synset)[1] for rgb in coloured]
        with torch.inference_mode():
            small = _resized(_tensor(lab), SAMPLE)
            small_ab = _resized(small[:, 1:], SAMPLE // STRIDE)
            for size, loss in losses.items():
                costs = [float(loss(torch.tensor(s.map)[None].float(), small_ab, small[:, :1])) for s in leant]
                found[size].append(np.corrcoef(wanted, np.negative(costs))[0, 1])
    print("size  correlation")
    for size, correlations in found.items():
        error = np.std(correlations, ddof=1) / len(correlations) ** 0.5
        print(f"{size:4d}  {np.mean(correlations):.3f} +- {error:.3f}")


def _middle(picture: np.ndarray) -> np.ndarray:
    """The square in the middle of (H, W, c)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def _tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture, np.float32)).permute(2, 0, 1)[None]


def _resized(pictures: Tensor, side: int) -> Tensor:
    return F.interpolate(pictures, (side, side), mode="bilinear", antialias=True)


if __name__ == "__main__":
    main()
