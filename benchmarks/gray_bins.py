"""What gray and nearly gray pictures score in accuracy, by the number of bins and by the signs of a and b.

    python benchmarks/gray_bins.py --data IMAGENET64... [--plan recipes/study/small.toml]

Over the test photographs that `photochrom study` chooses from the same files. "pale" is the truth with a hundredth of
its chroma, which nobody can see; "opposite" is the same with both signs turned round.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs

from photochrom.data.sources import list_pictures
from photochrom.data.split import split
from photochrom.metrics.accuracy import gray_by_signs, share_right

with needs("train"):
    from photochrom.research.study.measure import Photographs
    from photochrom.research.study.plan import load_plan

PALE = 0.01
SIDE = 64  # pixels, of the paper's networks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--plan", type=Path, default=Path("recipes/study/small.toml"))
    arguments = parser.parse_args()
    begin("about a minute")
    counts = load_plan(arguments.plan).photographs
    wanted = {"train": counts.train, "val": counts.val, "test": counts.test}
    chosen = split(list_pictures(arguments.data), wanted, counts.seed)["test"]
    photographs = Photographs.load(chosen, SIDE)
    truth = np.stack([picture.ab for picture in photographs.renditions])
    gray = np.stack([photographs.gray(i).ab for i in range(len(chosen))])
    print("| bins | gray, converted | a < 0, b < 0 | a < 0, b > 0 | a > 0, b < 0 | a > 0, b > 0 | pale | opposite |")
    print("|---|---|---|---|---|---|---|---|")
    for count in (10, 11, 30, 31, 50, 51):
        signs = gray_by_signs(truth, count)
        pale = (share_right(share * truth, truth, count) for share in (PALE, -PALE))
        shares = (share_right(gray, truth, count), *(signs[s] for s in ("--", "-+", "+-", "++")), *pale)
        print(f"| {count} | " + " | ".join(f"{100 * share:.2f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
