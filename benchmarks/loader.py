"""Whether training waits for its samples: the share of time spent waiting, with as many workers as the recipe says.

    python benchmarks/loader.py [RECIPE] [--data DIR|TAR ...]

Without --data it draws 512 noise-and-gradient JPEGs of 200 x 150 pixels, which decode like photographs.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from bench import begin, needs
from PIL import Image, ImageFilter

with needs("train"):
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="recipes/photochrom-m.toml")
    parser.add_argument("--data", nargs="+")
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    begin("about 2 minutes")
    overrides = ("run.log_every=20", "run.eval_every=100000", "optim.encoder_from=0", "bins.samples=200")
    recipe = load_recipe(Path(arguments.recipe), overrides)
    print(f"{'workers':<9}{'images/s':>10}{'waiting':>10}")
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or [Path(folder, "drawn.tar")]
        if not arguments.data:
            draw(data[0])
        seen: list[Progress] = []
        Trainer(recipe, data, Path(folder, "run"), max_steps=arguments.steps).run(seen.append)
    last = seen[-1]
    print(f"{recipe.data.workers:<9}{last.images_per_second:>10.1f}{last.data_wait:>10.1%}")


if __name__ == "__main__":
    main()
