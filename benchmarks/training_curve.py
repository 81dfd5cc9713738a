"""Draw a run's log: training loss and rate, and what was measured on the validation pictures.

python benchmarks/training_curve.py RUN/log.csv -o curve.png
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from bench import needs

with needs("train"):
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes


def read(path: Path) -> dict[str, np.ndarray]:
    """Each logged value as (n, 2): step, value."""
    values: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            values[row["name"]].append((float(row["step"]), float(row["value"])))
    return {name: np.array(rows) for name, rows in values.items()}


def smooth(values: np.ndarray, window: int = 9) -> np.ndarray:
    """A running mean that shrinks its window at the ends."""
    kernel = np.ones(min(window, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same")


def _draw_training(axes: Axes, log: dict[str, np.ndarray]) -> None:
    axes.plot(*log["loss"].T, color="0.8", linewidth=0.8)
    axes.plot(log["loss"][:, 0], smooth(log["loss"][:, 1]), color="C0", label="training loss")
    axes.set(xlabel="step", ylabel="cross-entropy")
    rate = axes.twinx()
    rate.plot(*log["lr_decoder"].T, color="C1", linewidth=1, label="learning rate (decoder)")
    rate.set_yscale("log")
    axes.legend(handles=[axes.lines[1], rate.lines[0]], loc="upper right", frameon=False)


def _draw_validation(axes: Axes, log: dict[str, np.ndarray]) -> None:
    axes.plot(*log["val_ciede2000"].T, "o-", color="C0", markersize=3, label="CIEDE2000")
    axes.set(xlabel="step", ylabel="CIEDE2000 (validation squares)")
    colour = axes.twinx()
    colour.plot(*log["val_colorfulness"].T, "o-", color="C3", markersize=3, label="colorfulness")
    colour.set_ylabel("colorfulness")
    axes.legend(handles=[axes.lines[0], colour.lines[0]], loc="center right", frameon=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    log = read(arguments.log)
    looked = "val_ciede2000" in log  # a run without --val has the loss alone
    figure, axes = plt.subplots(1, 1 + looked, figsize=(5 + 5 * looked, 3.6), layout="constrained", squeeze=False)
    _draw_training(axes[0, 0], log)
    if looked:
        _draw_validation(axes[0, 1], log)
    figure.savefig(arguments.output, dpi=110)


if __name__ == "__main__":
    main()
