"""Figures of the GANs: their pictures beside L2's, and how the game went."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from photochrom.research.study.panels import gray, grid
from photochrom.research.study.results import Results
from photochrom.train.log import series

PLAIN, GAN = "unet-l2-small", "cgan-small"
COLUMNS = {
    "cnn-l2": "L2, the paper's CNN",
    PLAIN: "L2, U-Net",
    GAN: "cGAN",
    "cyclegan-small": "CycleGAN",
    "cyclegan-small-free": "CycleGAN, free L",
    "photochrom-content": "photochrom",
    "photochrom-adversarial": "photochrom, adversarial",
}
SAMPLES = 8
GAME = {
    "the losses": ("discriminator_loss", "adversarial"),
    "judged right": ("discriminator_right_real", "discriminator_right_generated"),
    "gradient norms": ("discriminator_gradient_norm", "gradient_norm"),
}


def pictures(results: Results) -> Figure:
    """The same test photographs, evenly spread over the set, by each network that is there."""
    truth = results.truth()
    chosen = np.linspace(0, len(truth) - 1, min(SAMPLES, len(truth))).round().astype(int)
    columns = [("input", gray(truth[chosen]))]
    for name, heading in COLUMNS.items():
        if name in results and results.first(name).pictured:
            columns.append((heading, results.first(name).pictures["test"][chosen]))
    return grid([*columns, ("truth", truth[chosen])])


def game(results: Results) -> Figure:
    """Both sides along the training of the conditional GAN, all seeds."""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(GAME)), GAME.items(), strict=True):
        for run in results.runs[GAN].values():
            for i, name in enumerate(names):
                axes.plot(*zip(*series(run.folder, name), strict=True), color=f"C{i}", linewidth=0.8, label=name)
        shown = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        axes.legend(shown.values(), shown.keys(), fontsize=7)
        axes.set(title=title, xlabel="step")
    return figure
