"""Pictures a second through `Colorizer.colorize`, one by one, and through `colorize_batch`.

    python benchmarks/batch.py [MODEL] [--pictures 64] [--side 128] [--threads 2]

Both ways take turns, and the best of three counts.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from bench import begin

from photochrom import Colorizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="default")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    how = parser.parse_args()
    begin("about a minute", how.threads)
    session = Colorizer(how.model, threads=how.threads)
    x = np.random.default_rng(0).integers(0, 256, (how.pictures, how.side, how.side), np.uint8)
    session.colorize_batch(x[:16])
    ways = {
        "one by one": lambda: [session.colorize(each) for each in x],
        "colorize_batch": lambda: session.colorize_batch(x),
    }
    times = {name: [] for name in ways}
    for _ in range(3):
        for name, work in ways.items():
            started, used = time.perf_counter(), time.process_time()
            work()
            times[name].append((time.perf_counter() - started, time.process_time() - used))
    for name, found in times.items():
        wall, processor = (min(column) / how.pictures * 1000 for column in zip(*found, strict=True))
        print(f"{name:16} {1000 / wall:6.1f} pictures/s, {processor:6.1f} ms of processor time a picture")


if __name__ == "__main__":
    main()
