"""Draw what was tried with the small conditional GAN: error against colour along the training of each run.

python benchmarks/adversarial_curves.py docs/adversarial/tried.csv -o docs/adversarial/tried.png

The table has the rows of the runs' log.csv that are drawn, with a column `run` before them.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from bench import needs

with needs("train"):
    import matplotlib.pyplot as plt

TRUTH = "colorfulness of the truth"


def read(path: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """By run and name: step and value."""
    runs: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            runs[row["run"]][row["name"]].append((int(row["step"]), float(row["value"])))
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for i, (name, values) in enumerate(read(arguments.table).items()):
        error, color = (dict(values[f"val_{m}"]) for m in ("ciede2000", "colorfulness"))
        left.plot(list(error.values()), list(color.values()), "o-", color=f"C{i}", markersize=3, label=name)
        for step in error:
            left.annotate(str(step), (error[step], color[step]), fontsize=6, xytext=(3, 3), textcoords="offset points")
        for side, style in (("real", "-"), ("generated", ":")):
            curve = values[f"discriminator_right_{side}"]
            if curve:
                right.plot(*zip(*curve, strict=True), style, color=f"C{i}", linewidth=0.9)
    left.set(xlabel="CIEDE2000 (validation)", ylabel="colorfulness")
    left.legend(fontsize=8)
    right.set(xlabel="step", ylabel="patches judged right: real (line), generated (dots)", ylim=(0, 1))
    figure.savefig(arguments.output, dpi=110)


if __name__ == "__main__":
    main()
