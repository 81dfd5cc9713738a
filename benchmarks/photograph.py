"""What one photograph costs: time and memory of a fresh process, and of the network alone.

    python benchmarks/photograph.py

Each line is the best of several runs, since other work on the machine only ever adds to a time. Pictures are enlarged
copies of the sample that the package ships.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
from bench import begin
from PIL import Image

from photochrom import Colorizer
from photochrom.loading import load_backend

# A small process in between: the memory of a child counts from that of the process that starts it.
LAUNCH = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run([sys.executable, "-m", "photochrom", *sys.argv[1:]], capture_output=True)
seconds = time.perf_counter() - start
print(json.dumps([done.returncode, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


FAST = ["--model", "fast"]


def fresh(arguments: list[str], runs: int) -> tuple[float, float]:
    """Best wall time in seconds and largest resident memory in MB of a command in a fresh process."""
    best, memory = float("inf"), 0.0
    for _ in range(runs):
        said = subprocess.run([sys.executable, "-c", LAUNCH, *arguments], capture_output=True, text=True, check=True)
        status, seconds, megabytes = json.loads(said.stdout)
        if status:
            raise SystemExit(f"photochrom {' '.join(arguments)} failed")
        best, memory = min(best, seconds), max(memory, megabytes)
    return best, memory


def best_of(call: Callable[[], object], runs: int = 20) -> float:
    """Best time of a call in seconds."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    begin("about a minute", threads=1)
    with resources.as_file(resources.files("photochrom") / "samples" / "astronaut.jpg") as path:
        sample = Image.open(path).convert("L")
    print(f"{'what':<44}{'seconds':>9}{'MB':>7}")
    rng, backend, session = np.random.default_rng(0), load_backend("default", "cpu", threads=1), Colorizer(threads=1)
    for size in (192, 256):
        x = np.zeros((1, session.card.channels, size, size), np.float32)
        x[:, 0] = rng.uniform(-1, 1, (size, size))  # the others are hints
        print(f"{f'network, {size} x {size}, one core':<44}{best_of(partial(backend.run, x)):>9.3f}")
    light = rng.uniform(0, 100, (512, 512)).astype(np.float32)
    print(f"{'both passes (mirrored too) at the render size':<44}{best_of(partial(session.scores, light)):>9.3f}")
    fast = Colorizer("fast", threads=1)
    print(f"{'--model fast, its one pass':<44}{best_of(partial(fast.scores, light)):>9.3f}")
    with tempfile.TemporaryDirectory() as folder:
        for width, height, runs in ((500, 375, 5), (6000, 4000, 3)):
            file = Path(folder, f"{width}.jpg")
            sample.resize((width, height), Image.Resampling.BICUBIC).save(file, quality=92)
            seconds, memory = fresh(["colorize", str(file), "-o", f"{folder}/out.jpg", "--overwrite"], runs)
            print(f"{f'photochrom colorize, {width} x {height} JPEG':<44}{seconds:>9.2f}{memory:>7.0f}")
            if width < 1000:
                seconds, memory = fresh(["colorize", str(file), "-o", f"{folder}/out.jpg", "--overwrite", *FAST], runs)
                print(f"{'the same, --model fast':<44}{seconds:>9.2f}{memory:>7.0f}")
    seconds, memory = fresh(["--help"], 5)
    print(f"{'photochrom --help':<44}{seconds:>9.2f}{memory:>7.0f}")


if __name__ == "__main__":
    main()
