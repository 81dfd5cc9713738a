"""What a recurrent network trusts at cuts and elsewhere, and how well it finds motion, on clips out of stills.

    python benchmarks/trust.py DIR [--model FILE.onnx] [--recipe recipes/recurrent.toml]

The clips are those that `photochrom train --val DIR` of the recipe looks at. A scene begins where the mean trust over a
frame is under `photochrom.video.recurrent.CUT`, which has to lie between the two kinds of frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs

with needs("dev"):
    import torch

    from photochrom.train.export import load_model
    from photochrom.train.recipe import load_recipe
    from photochrom.train.tasks.recurrent import RecurrentTask
    from photochrom.video.recurrent import CUT, PACKAGED

RECIPE = Path(__file__).parents[1] / "recipes" / "recurrent.toml"
SHOWN = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=PACKAGED)
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    arguments = parser.parse_args()
    begin("about a minute")
    recipe = load_recipe(arguments.recipe)
    basis = RecurrentTask.basis(recipe, [], None)
    task = RecurrentTask(recipe, basis.bins, torch.device("cpu"), basis.center)
    model, _ = load_model(arguments.model)
    clips = task.validation([arguments.data]).clips
    trusts: dict[bool, list[float]] = {True: [], False: []}
    missed, moved = list[np.ndarray](), list[np.ndarray]()
    for light, _ab, motion, seen in zip(*(part.split(1) for part in clips), strict=True):
        with torch.inference_mode():
            frames = task.unrolled(model, *task.answered(light))
        for t in range(1, len(frames)):
            there = seen[0, t, 0] > 0
            trusts[not there.any()].append(float(frames[t].trust.mean()))
            missed.append((frames[t].motion[0] - motion[0, t]).square().sum(0).sqrt()[there].numpy())
            moved.append(motion[0, t].square().sum(0).sqrt()[there].numpy())
    cuts, others = sorted(trusts[True], reverse=True), sorted(trusts[False])
    print(f"trust at {len(cuts)} cuts, highest first:", *(f"{trust:.2f}" for trust in cuts[:SHOWN]))
    print(f"a scene begins under: {CUT}")
    print(f"trust in {len(others)} other frames, lowest first:", *(f"{trust:.2f}" for trust in others[:SHOWN]))
    off, still = (float(np.concatenate(each).mean()) for each in (missed, moved))
    print(f"motion is missed by {off:.2f} points of the map; taking none, by {still:.2f}")


if __name__ == "__main__":
    main()
