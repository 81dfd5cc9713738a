"""Time a step of training by precision, and with the decoder's merges computed as plain convolutions.

    python benchmarks/training_step.py [RECIPE] [--rounds N]

For recipes of the network `photochrom`: one thread, random samples, everything but reading pictures. The ways take
turns, so that a noisy machine disturbs them alike; printed are the quickest and the median round in milliseconds a
sample. bf16 pays where the processor multiplies matrices in it (AMX); elsewhere fp32 may be the quicker one
(`--set run.precision=fp32`).
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

from bench import begin, needs

from photochrom import Colorizer

with needs("train"):
    import torch

    from photochrom.train.recipe import load_recipe
    from photochrom.train.task import tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", type=Path, default=Path("recipes/photochrom-frozen.toml"))
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    begin("about 5 minutes", threads=1)
    torch.set_num_threads(1)
    recipe = load_recipe(arguments.recipe)
    batch, size = recipe.run.batch, recipe.data.size
    bins = Colorizer().network.bins
    ways = {}
    for precision in ("bf16", "fp32"):
        run = replace(recipe.run, precision=precision)
        task = tasks[recipe.task.name](replace(recipe, run=run), bins, torch.device("cpu"))
        task.set_rate(0, 1.0)
        ways[precision] = task, True
        ways[f"{precision}, plain"] = task, False
    stride = int(task.model.stride)
    samples = torch.rand(batch, 1, size, size) * 100, torch.randn(batch, 2, size // stride, size // stride) * 20
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds + 1):
        for name, (task, transposed) in ways.items():
            for merge in (task.model.merge8, task.model.merge4):
                merge.transposed = transposed
            start = time.perf_counter()
            task.step(samples, 0)
            found[name].append(1000 * (time.perf_counter() - start) / batch)
    for name, times in found.items():
        print(f"{name:<22}{min(times[1:]):>8.1f}{statistics.median(times[1:]):>8.1f}")


if __name__ == "__main__":
    main()
