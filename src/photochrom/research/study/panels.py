"""Panels of pictures for the figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from photochrom import color
from photochrom.imaging.picture import to_dtype


def gray(rgb: np.ndarray) -> np.ndarray:
    """What the network saw: the L of uint8 pictures (..., 3) as neutral pictures, uint8."""
    lab = color.rgb_to_lab(rgb / 255.0)
    lab[..., 1:] = 0
    return to_dtype(color.lab_to_rgb(lab), "uint8")


def grid(columns: Sequence[tuple[str, np.ndarray]], labels: Sequence[str] = ()) -> Figure:
    """Pictures (n, s, s, 3) in columns under their headings, a row each."""
    rows = len(columns[0][1])
    figure = Figure(figsize=(1.5 * len(columns) + 0.4, 1.5 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, len(columns), squeeze=False)
    for i, (heading, pictures) in enumerate(columns):
        for j, picture in enumerate(pictures):
            show(axes[j][i], picture)
            if j == 0:
                axes[j][i].set_title(heading, fontsize=9)
            if i == 0 and labels:
                axes[j][i].set_ylabel(labels[j], fontsize=9)
    return figure


def strip(rows: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """The same lying down: pictures (n, s, s, 3) in rows beside their labels, a column each."""
    labels, pictures = zip(*rows, strict=True)
    return grid([("", column) for column in np.stack(pictures, 1)], labels)


def show(axes: Axes, picture: np.ndarray) -> None:
    """A picture without ticks."""
    axes.imshow(picture, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
