"""Time a step of training by two processes: gradients averaged at the update, against DistributedDataParallel.

    torchrun --standalone --nproc-per-node 2 benchmarks/data_parallel.py [RECIPE] [--rounds N] [--batch N]

For supervised recipes: random samples, everything but reading pictures. The ways take turns, so that a noisy machine
disturbs them alike. Printed for each are the quickest and the median round of the slower process, in milliseconds, and
what the one message of the average takes by itself, waiting for the other process left out.
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
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    from photochrom.train.distributed import ALONE, joined
    from photochrom.train.launch import launched
    from photochrom.train.recipe import load_recipe
    from photochrom.train.task import tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", type=Path, default=Path("recipes/default-1.toml"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, help="of all processes; as the recipe has it")
    arguments = parser.parse_args()
    place = launched()
    if place is None:
        parser.error("start it with torchrun, as its help says")
    if place.rank == 0:
        begin("about 3 minutes", threads=1)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    recipe = load_recipe(arguments.recipe)
    recipe = replace(recipe, run=replace(recipe.run, batch=arguments.batch or recipe.run.batch))
    with joined(place.rank, place.size, torch.device("cpu")) as group:
        tasks_by_way = {}
        for way in ("averaged", "DDP"):
            task = tasks[recipe.task.name](recipe, Colorizer(threads=1).network.bins, torch.device("cpu"))
            task.set_rate(10_000, 1.0)
            task.let_encoder_learn(10_000)
            if way == "DDP":
                wrapped = DistributedDataParallel(task.model)
                task.answer = lambda light, task=task, wrapped=wrapped: wrapped(task.normalised(light))
            task.process_group = ALONE if way == "DDP" else group
            tasks_by_way[way] = task
        stride, size, share = int(task.model.stride), recipe.data.size, recipe.run.batch // place.size
        samples = torch.rand(share, 1, size, size) * 100, torch.randn(share, 2, size // stride, size // stride) * 20
        message = torch.zeros(sum(p.numel() for p in task.model.parameters() if p.requires_grad))
        found: dict[str, list[float]] = {"averaged": [], "DDP": [], "the message": []}
        for _ in range(arguments.rounds + 1):
            for way, task in tasks_by_way.items():
                found[way].append(_slowest(lambda task=task: task.step(samples, 10_000)))
            found["the message"].append(_slowest(lambda: dist.all_reduce(message)))
        if place.rank == 0:
            for name, times in found.items():
                print(f"{name:<14}{min(times[1:]):>8.1f}{statistics.median(times[1:]):>8.1f}")
            print(f"{len(message):,} weights, {share} samples of {size} pixels a process")


def _slowest(call) -> float:
    """Milliseconds that a call takes in the process that takes longest, from when all have come."""
    dist.barrier()
    start = time.perf_counter()
    call()
    taken = torch.tensor([1000 * (time.perf_counter() - start)])
    dist.all_reduce(taken, dist.ReduceOp.MAX)
    return float(taken)


main()
