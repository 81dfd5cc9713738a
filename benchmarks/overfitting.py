"""Whether a model knows its training photographs better than others of the same collection.

    python benchmarks/overfitting.py --seen TAR|DIR ... --unseen TAR|DIR ... [--model MODEL] [--count N]

N photographs of each are chosen by a fixed seed. Printed is by how many percent CIEDE2000 lies below gray's, for both,
and the difference: near 0 for a model that learned what photographs look like, and not these photographs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, watched

from photochrom import Colorizer
from photochrom.data.samples import decode_entry
from photochrom.data.sources import list_pictures
from photochrom.evaluation.sample import join
from photochrom.metrics import Comparison, Rendition, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seen", type=Path, nargs="+", required=True)
    parser.add_argument("--unseen", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=500)
    arguments = parser.parse_args()
    begin("about a second a photograph, twice --count of them")
    session = Colorizer(arguments.model)
    gains = {name: gain(session, getattr(arguments, name), arguments.count) for name in ("seen", "unseen")}
    for name, (gray, ours) in gains.items():
        print(f"{name:<8} CIEDE2000 {ours:.2f}, gray {gray:.2f}: {100 * (1 - ours / gray):.1f} % below")
    seen, unseen = (100 * (1 - ours / gray) for gray, ours in gains.values())
    print(f"gap: {seen - unseen:.1f} points")


def gain(session: Colorizer, sources: list[Path], count: int) -> tuple[float, float]:
    """Mean CIEDE2000 of gray and of the model."""
    entries = list_pictures(sources)
    chosen = np.random.default_rng(0).permutation(len(entries))[:count]
    found = []
    for index in watched(chosen, "photographs", len(chosen)):
        truth = Rendition(np.asarray(decode_entry(entries[int(index)]), np.float64) / 255)
        light = truth.lab[..., 0]
        versions = (join(light, ab) for ab in (0, session.ab(light.astype(np.float32))))
        found.append([measure(Comparison(ours, truth), ("ciede2000",))["ciede2000"] for ours in versions])
    gray, ours = np.mean(found, 0)
    return float(gray), float(ours)


if __name__ == "__main__":
    main()
