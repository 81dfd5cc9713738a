"""What a step of the study's networks costs, and what makes it cheaper: photographs a second by processor time.

    python benchmarks/study_step.py [--batch N] [--rounds N] [--bf16]

One thread, random samples, the ways taking turns. Counted is the processor time of this process, not the clock, so that
work beside it disturbs less; a training beside it still takes caches and memory, so compare the ratios of one run.
"--bf16" pays where the processor multiplies in it (`grep bf16 /proc/cpuinfo`), "channels first" undoes what training
does anyway, "log-softmax" and "fused" are two ways to the same loss of bins.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bench import begin, needs

from photochrom.inference.bins import ChannelBins

with needs("train"):
    import torch
    from torch.nn import functional as F

    from photochrom.train.recipe import load_recipe
    from photochrom.train.task import Task, tasks

CHANNELS = "model.settings.channels=[16, 16, 32, 32, 32, 16, 16, 8, 1]"


def task_of(name: str, *changes: str, first: bool = False) -> Task:
    recipe = load_recipe(Path(f"recipes/{name}.toml"), (CHANNELS, 'run.precision="fp32"', *changes))
    ab = np.random.default_rng(0).normal(0, 15, (5000, 2))
    bins = ChannelBins.equal_width(recipe.bins.count).fit(ab) if recipe.loss.name == "cross_entropy" else None
    task = tasks[recipe.task.name](recipe, bins, torch.device("cpu"))
    task.set_rate(0, 1.0)
    if first:
        task.model.to(memory_format=torch.contiguous_format)
        normalised = task.normalised
        task.normalised = lambda light: normalised(light).contiguous()  # type: ignore[method-assign]
    return task


def fused(scores: torch.Tensor, ab: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """The loss of `CrossEntropy` over bins a channel in one call of torch."""
    index = torch.stack([torch.bucketize(ab[:, c].contiguous(), edges[c].contiguous(), right=True) for c in (0, 1)], 1)
    return F.cross_entropy(scores.unflatten(1, (2, -1)).flatten(0, 1), index.flatten(0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="minutes, where the processor has none")
    arguments = parser.parse_args()
    begin("about a minute on an idle core", threads=1)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)

    def samples(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        light = torch.rand(count, 1, 64, 64, generator=generator) * 100
        return light, torch.randn(count, 2, 64, 64, generator=generator) * 15

    def step(task: Task, count: int) -> Callable[[], object]:
        batch = samples(count)
        return lambda: task.step(batch, 0)

    count = arguments.batch
    plain, narrow = task_of("cnn-ce10"), task_of("cnn-l2")
    scores = torch.randn(count, 20, 64, 64, generator=generator, requires_grad=True)
    ab, loss = samples(count)[1], plain.loss  # type: ignore[attr-defined]
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "10 bins": (count, step(plain, count)),
        "10 bins, a fifth of the batch": (count // 5, step(plain, count // 5)),
        "L2": (count, step(narrow, count)),
        "L2, channels first": (count, step(task_of("cnn-l2", first=True), count)),
        "loss of bins, log-softmax": (count, lambda: loss(scores, ab).backward()),
        "loss of bins, fused": (count, lambda: fused(scores, ab, loss.edges).backward()),
    }
    if arguments.bf16:
        ways["L2, bf16"] = count, step(task_of("cnn-l2", 'run.precision="bf16"'), count)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds + 1):
        for name, (_, run) in ways.items():
            start = time.process_time()
            run()
            found[name].append(time.process_time() - start)
    for name, times in found.items():
        least = min(times[1:])
        print(f"{name:<34}{1000 * least:>9.1f} ms{ways[name][0] / least:>9.1f} photographs/s", flush=True)
    print(
        f"{'the two losses differ by':<34}{abs(float((loss(scores, ab) - fused(scores, ab, loss.edges)).detach())):.1e}"
    )


if __name__ == "__main__":
    main()
