"""Whether training waits for its samples: the share of time spent waiting, with as many workers as the recipe says.

    python benchmarks/loader.py [RECIPE] [--data DIR|TAR ...]
    python benchmarks/loader.py --samples      # no training: only how fast samples are made, with each data.cache

The second one makes the samples in this process, without workers, on one thread of the CPU or on a GPU.

Without --data it draws 512 noise-and-gradient JPEGs of 200 x 150 pixels, which decode like photographs.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from bench import begin, needs
from PIL import Image, ImageFilter

with needs("train"):
    import torch

    from photochrom.data.loader import Order, Pictures, batches
    from photochrom.data.memory import Memory
    from photochrom.data.memory import batches as memory_batches
    from photochrom.data.samples import Sampler
    from photochrom.data.sources import list_pictures
    from photochrom.train.build import pick_device
    from photochrom.train.config import Recipe
    from photochrom.train.loop import Trainer
    from photochrom.train.progress import Progress
    from photochrom.train.recipe import load_recipe


def draw(path: Path, count: int = 512) -> None:
    """Write a tar of JPEGs with texture at several scales."""
    rng = np.random.default_rng(0)
    with tarfile.open(path, "w") as archive:
        for i in range(count):
            noise = Image.fromarray(rng.integers(0, 256, (150, 200, 3), np.uint8))
            buffer = io.BytesIO()
            noise.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 8)))).save(buffer, "JPEG", quality=90)
            member = tarfile.TarInfo(f"{i:04}.jpg")
            member.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(member, buffer)


def compare(recipe: Recipe, data: list[Path], steps: int) -> None:
    """Print how many samples a second each way makes, and how long the first one takes."""
    torch.set_num_threads(1)
    entries, sampler = list_pictures(data), Sampler(recipe.data, 4)
    order = Order(len(entries), recipe.run.batch, 0, 0, steps)
    print(f"{'cache':<9}{'device':<8}{'begins after':>14}{'images/s':>10}{'CPU ms each':>13}")
    for cache, device in {("false", "cpu"): None, ("memory", "cpu"): None, ("memory", pick_device("auto")): None}:
        began = time.perf_counter()
        if cache == "memory":
            made = memory_batches(Memory(entries, sampler, torch.device(device), 0), order)
        else:
            made = batches(Pictures(entries, sampler, 0), order, 0)
        next(made)
        first, busy = time.perf_counter(), time.process_time()
        for batch in made:
            float(batch[0][0, 0, 0, 0])  # waits for the device
        count = (steps - 1) * recipe.run.batch
        speed, cost = count / (time.perf_counter() - first), 1e3 * (time.process_time() - busy) / count
        print(f"{cache:<9}{device:<8}{first - began:>12.1f} s{speed:>10.1f}{cost:>13.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="recipes/photochrom-m.toml")
    parser.add_argument("--data", nargs="+")
    parser.add_argument("--samples", action="store_true")
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    begin("about 2 minutes")
    overrides = ("run.log_every=20", "run.eval_every=100000", "optim.encoder_from=0", "bins.samples=200")
    recipe = load_recipe(Path(arguments.recipe), overrides)
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or [Path(folder, "drawn.tar")]
        if not arguments.data:
            draw(data[0])
        if arguments.samples:
            compare(recipe, data, arguments.steps)
            return
        seen: list[Progress] = []
        Trainer(recipe, data, Path(folder, "run"), max_steps=arguments.steps).run(seen.append)
    last = seen[-1]
    print(f"{'workers':<9}{'images/s':>10}{'waiting':>10}")
    print(f"{recipe.data.workers:<9}{last.images_per_second:>10.1f}{last.data_wait:>10.1%}")


if __name__ == "__main__":
    main()
