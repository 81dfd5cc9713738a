"""How far real photographs are from other real ones, by Frechet and kernel distance, at several numbers of pictures.

    python benchmarks/realism_floor.py imagenet64/test.tar imagenet64/val.tar

The first set is held against the second, by the features that the study uses; below, gray pictures of the first against
both, which shows what it changes that a set is compared with its own photographs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs

from photochrom.data.sources import list_pictures

with needs("train"):
    import torch

    from photochrom.research.study.measure import Photographs, as_bytes
    from photochrom.research.study.realism import Eye, distances

COUNTS = (100, 300, 450, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs=2, type=Path)
    parser.add_argument("--size", type=int, default=64)
    arguments = parser.parse_args()
    begin("2 minutes", threads=1)
    torch.set_num_threads(1)
    eye = Eye()
    first, second = (Photographs.load(list_pictures([path]), arguments.size) for path in arguments.sets)
    gray = np.stack([as_bytes(first.gray(index)) for index in range(len(first.keys))])
    ours, other, plain = eye(first.rgb), eye(second.rgb), eye(gray)
    order = np.random.default_rng(0).permutation(min(len(ours), len(other)))
    for count in sorted({min(each, len(order)) for each in COUNTS}):
        some = order[:count]
        for name, left, right in (
            ("real, other real", ours, other),
            ("gray, other real", plain, other),
            ("gray, the same real", plain, ours),
        ):
            found = distances(left[some], right[some])
            kernel = f"{found['kernel']:.4g} ± {found['kernel_error']:.2g}"
            print(f"{count:>6}  {name:<20}{found['frechet']:>8.1f}   {kernel}", flush=True)


if __name__ == "__main__":
    main()
