"""The paper's figures from our own runs, as PNG bytes."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from photochrom import color
from photochrom.models.plain import map_sides
from photochrom.research.study import gan_figures, verdict_figure
from photochrom.research.study.findings import CLOSENESS, SATURATION
from photochrom.research.study.panels import gray, grid, show, strip
from photochrom.research.study.results import Results, Run

MAIN = "cnn-ce10"
LOSSES = {"cnn-l2-dropout": "L2 with dropout", "cnn-smooth-l1": "Smooth L1", "cnn-l2": "L2", MAIN: "Cross-entropy"}
SAMPLES = 6
# Okabe and Ito's colours, which the colour-blind tell apart; lines differ in style as well.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
STYLE: dict[Any, Any] = {"axes.prop_cycle": cycler(color=COLORS) + cycler(linestyle=LINES)}


def figures(results: Results) -> dict[str, tuple[str, bytes]]:
    """By file name (without ending): caption and PNG; a figure whose run or its pictures are not there is left out."""
    drawn = {}
    with rc_context(STYLE):
        for name, (needs, caption, draw) in _FIGURES.items():
            there = [run in results and (name in _WITHOUT_PICTURES or results.first(run).pictured) for run in needs]
            if all(there):
                drawn[name] = (caption.format(count=results.trained_on), _png(draw(results)))
    return drawn


def curves(results: Results) -> dict[str, bytes]:
    """By run: its training loss by epoch, every seed, as PNG; given models have none."""
    with rc_context(STYLE):
        return {name: _png(_curve(results, name)) for name in results.runs if results.first(name)["loss"]}


def _curve(results: Results, name: str) -> Figure:
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="training loss", title=name)
    for seed, run in sorted(results.runs[name].items()):
        steps, losses = zip(*run["loss"], strict=True)
        axes.plot(np.array(steps) * run.epochs / run["steps"], losses, label=f"seed {seed}")
    axes.legend(loc="upper right")
    return figure


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    return data.getvalue()


def _triples(results: Results, chosen: np.ndarray, run: Run) -> Figure:
    truth = results.truth()[chosen]
    return strip([("input", gray(truth)), ("cross-entropy", run.pictures["test"][chosen]), ("truth", truth)])


def _ranked(run: Run, references: np.ndarray) -> np.ndarray:
    """Test photographs from best to worst: by how far the error is under that of leaving them gray.

    By the bare error the best would be those that have hardly any colour.
    """
    ours = np.array([float(row["ciede2000"]) for row in run.rows])
    return np.argsort(ours / np.maximum(references, 1))


def _gray_errors(results: Results) -> np.ndarray:
    truth = color.rgb_to_lab(results.truth() / 255.0)
    plain = truth.copy()
    plain[..., 1:] = 0
    return color.ciede2000(plain, truth).mean((1, 2))


def _one(results: Results) -> Figure:
    run = results.first(MAIN)
    best = _ranked(run, _gray_errors(results))[:1]
    truth = results.truth()[best]
    return grid([("input", gray(truth)), ("output", run.pictures["test"][best])])


def _baseline(results: Results) -> Figure:
    truth = results.truth("test", "cifar")[:SAMPLES]
    ours = results.first("baseline-cifar").pictures["test"][:SAMPLES]
    return strip([("input", gray(truth)), ("baseline", ours), ("truth", truth)])


def _samples(results: Results) -> Figure:
    pictures = results.truth("seen")[:18]
    figure = Figure(figsize=(9, 3.2 * max(1, len(pictures) / 18)), layout="constrained")
    for axes, picture in zip(
        figure.subplots(max(1, len(pictures) // 9), min(9, len(pictures)), squeeze=False).flat, pictures, strict=False
    ):
        show(axes, picture)
    return figure


def _architecture(results: Results) -> Figure:
    settings = results.first(MAIN)["recipe"]["model"]["settings"]
    scores = results.first(MAIN)["scores"]
    size, channels = settings["size"], settings["channels"]
    sides = map_sides(size, len(channels), settings["kernel"], settings["stride"], settings["padding"])
    maps = [(1, size), *zip(channels, sides, strict=True)]
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    for i, (depth, side) in enumerate([*maps, (scores, size)]):
        height = 0.25 + 2.0 * side / size
        last = i == len(maps)
        shade = "#d9a05b" if last else "#dddddd" if i == 0 else "#7aa6c2"
        axes.add_patch(
            FancyBboxPatch((i * 1.15, -height / 2), 0.55, height, boxstyle="round,pad=0.03", fc=shade, ec="black")
        )
        axes.text(i * 1.15 + 0.28, height / 2 + 0.12, f"{depth}", ha="center", fontsize=9)
        axes.text(
            i * 1.15 + 0.28,
            -height / 2 - 0.3,
            f"{side}x{side}" if not last else f"{size}x{size}",
            ha="center",
            fontsize=8,
        )
        name = "L" if i == 0 else "fully\nconnected" if last else f"conv{i}"
        axes.text(i * 1.15 + 0.28, 0, name, ha="center", va="center", fontsize=7, rotation=90)
    axes.set_xlim(-0.3, (len(maps) + 1) * 1.15)
    axes.set_ylim(-1.8, 1.7)
    return figure


def _loss(results: Results) -> Figure:
    run = results.first(MAIN)
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="iteration", ylabel="cross-entropy (training)")
    axes.plot(*zip(*run["loss"], strict=True))
    rates = run["rate"]
    drops = [step for (_, before), (step, after) in itertools.pairwise(rates) if after < 0.5 * before]
    for step in drops:
        axes.axvline(step, color="gray", linestyle="--")
        axes.annotate("learning rate / 10", (step, axes.get_ylim()[1]), rotation=90, va="top", ha="right", fontsize=8)
    return figure


def _four_losses(results: Results) -> Figure:
    # The same photographs for all: the first with much colour, so that there is something to lose.
    columns: list[tuple[str, np.ndarray]] = []
    truth = {"seen": results.truth("seen"), "test": results.truth()}
    chosen = {part: int(np.argmax(_chroma(pictures[:60]))) for part, pictures in truth.items()}
    for name, heading in LOSSES.items():
        pictures = results.first(name).pictures
        columns.append((heading, np.stack([pictures[part][i] for part, i in chosen.items()])))
    columns.append(("truth", np.stack([truth[part][i] for part, i in chosen.items()])))
    return grid(columns, ("training", "test"))


def _chroma(rgb: np.ndarray) -> np.ndarray:
    ab = color.rgb_to_lab(rgb / 255.0)[..., 1:]
    return np.hypot(ab[..., 0], ab[..., 1]).mean((1, 2))


def _best(results: Results) -> Figure:
    run = results.first(MAIN)
    return _triples(results, _ranked(run, _gray_errors(results))[:SAMPLES], run)


def _worst(results: Results) -> Figure:
    run = results.first(MAIN)
    return _triples(results, _ranked(run, _gray_errors(results))[::-1][:SAMPLES], run)


def _histogram(results: Results) -> Figure:
    ab = color.rgb_to_lab(results.truth() / 255.0)[..., 1:].reshape(-1, 2)
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="Lab units", ylabel="share of pixels (log)", yscale="log")
    for channel, name in enumerate("ab"):
        axes.hist(ab[:, channel], bins=100, range=(-100, 100), density=True, histtype="step", label=name)
    axes.legend(loc="upper right")
    return figure


def _curves(results: Results) -> Figure:
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = figure.add_subplot(xlabel="iteration", ylabel="cross-entropy (training)")
    for name in (MAIN, "cnn-ce10-nadam", "cnn-ce10-sgd"):
        if name in results:
            axes.plot(
                *zip(*results.first(name)["loss"], strict=True), label=results.first(name)["recipe"]["optim"]["name"]
            )
    axes.legend(loc="upper right")
    return figure


def _trade(results: Results) -> Figure:
    """Every run as a point: error against colour; the names stand in a column, where they cannot overlap."""
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot(xlabel="mean saturation", ylabel="closeness in ab (lower is closer)")
    points = {
        name.removeprefix("cnn-"): (results.spread(name, SATURATION).mean, results.spread(name, CLOSENESS).mean)
        for name in results.runs
        if name != "baseline-cifar"
    }
    for i, (name, point) in enumerate(sorted(points.items(), key=lambda item: item[1][1])):
        axes.plot(*point, "o", color=COLORS[0])
        axes.annotate(
            name,
            point,
            (1.06, (i + 0.5) / len(points)),
            textcoords="axes fraction",
            fontsize=7,
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "0.75", "relpos": (0, 0.5)},
        )
    known = results.references["imagenet"]
    axes.plot(known["gray"][SATURATION], known["gray"][CLOSENESS], "s", color="gray", label="gray")
    axes.axvline(known["truth"][SATURATION], color="gray", linestyle=":", label="truth's saturation")
    axes.legend(loc="best")
    return figure


_WITHOUT_PICTURES = ("figure4", "figure5", "optimizers")
"""Figures that a run's numbers are enough for."""

_FIGURES: dict[str, tuple[tuple[str, ...], str, Callable[[Results], Figure]]] = {
    "verdicts": (
        (),
        "The paper's claims: each line is a comparison, as the difference in per cent that should lie left of 0. "
        "Bar: 95 % interval over the test photographs; points: the seeds. Circles hold, crosses do not, squares are "
        "undecided. Trained on {count} photographs.",
        verdict_figure.draw,
    ),
    "figure1": (
        (MAIN,),
        "Figure 1: a test photograph as the network sees it, in gray, and as the network trained with cross-entropy "
        "over 10 bins on {count} photographs colours it. It is the one that improves most on leaving it gray.",
        _one,
    ),
    "figure2": (
        ("baseline-cifar",),
        "Figure 2: the paper's baseline, three convolutions under L2, on the first test photographs of CIFAR-10: "
        "what it sees, what it makes of them, and their own colours.",
        _baseline,
    ),
    "figure3": (
        (),
        "Figure 3: some of the {count} training photographs, of downsampled ImageNet at 64 pixels.",
        _samples,
    ),
    "figure4": (
        (MAIN,),
        "Figure 4: the network that predicts a score for each of 10 bins of a and of b. Above each map its channels,"
        " below it its sides in pixels; every convolution is followed by a ReLU and batch norm.",
        _architecture,
    ),
    "figure5": (
        (MAIN,),
        "Figure 5: the training loss of cross-entropy over 10 bins by iteration, first seed, {count} photographs. A "
        "dashed line, where there is one, marks the fall of the learning rate to a tenth.",
        _loss,
    ),
    "figure6": (
        tuple(LOSSES),
        "Figure 6: a training photograph (above) and a test photograph (below) as the four losses of table 1 colour "
        "them, trained on {count} photographs, beside their own colours. Each is the one with the most chroma of the"
        " first 60.",
        _four_losses,
    ),
    "figure7": (
        (MAIN,),
        "Figure 7: the test photographs whose colours by cross-entropy over 10 bins improve most on gray "
        "(CIEDE2000), trained on {count} photographs.",
        _best,
    ),
    "figure8": (
        (MAIN,),
        "Figure 8: the test photographs whose colours by cross-entropy over 10 bins are worst, measured against "
        "leaving them gray (CIEDE2000), trained on {count} photographs. The coloured speckles are the paper's "
        "blotches.",
        _worst,
    ),
    "figure9": (
        (),
        "Figure 9: how often each value of a and of b occurs in the test photographs, as a share of their pixels on "
        "a logarithmic scale. Most lie near 0, which is gray.",
        _histogram,
    ),
    "optimizers": (
        (MAIN,),
        "The update rules: training loss of cross-entropy over 10 bins by iteration under Adam, NAdam and SGD with "
        "Nesterov momentum, first seed, {count} photographs.",
        _curves,
    ),
    "gans": (
        (gan_figures.PLAIN, gan_figures.GAN),
        "GANs beside L2, trained on {count} photographs: test photographs chosen by their place in the set, not by "
        "how they came out.",
        gan_figures.pictures,
    ),
    "game": (
        (gan_figures.GAN,),
        "The conditional GAN's game, every seed: both losses, the share of patches that the discriminator judges "
        "right, and the sizes of both gradients.",
        gan_figures.game,
    ),
    "trade": (
        (),
        "Every run as a point, trained on {count} photographs: how far it is from the truth (down is closer) against"
        " how saturated it is. The square is gray, the dotted line the saturation of the photographs themselves.",
        _trade,
    ),
}
