"""Pictures a second through `Colorizer.colorize`, one by one, and through `colorize_batch`.

    python benchmarks/batch.py [MODEL] [--pictures 64] [--side 128] [--threads 2]

A model exported with `photochrom export default -o FILE` takes many pictures at once; the packaged file takes one.
Both ways take turns, and the best of three counts.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from photochrom import Colorizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="default")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    how = parser.parse_args()
    session = Colorizer(how.model, threads=how.threads)
    x = np.random.default_rng(0).integers(0, 256, (how.pictures, how.side, how.side), np.uint8)
    session.colorize_batch(x[:16])
    single, batch = [], []
    for _ in range(3):
        single.append(seconds(lambda: [session.colorize(each) for each in x]))
        batch.append(seconds(lambda: session.colorize_batch(x)))
    rates = [how.pictures / min(times) for times in (single, batch)]
    print(f"{how.model}: one by one {rates[0]:.1f} pictures/s, colorize_batch {rates[1]:.1f} pictures/s")


def seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
