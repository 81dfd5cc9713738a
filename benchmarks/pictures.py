"""The pictures of README and docs/default-model.md: what the default model makes of photographs.

    python benchmarks/pictures.py

They are scikit-image's: astronaut and rocket (NASA and SpaceX), camera (Lav Varshney), chelsea (Stefan van der Walt),
and coffee (Rachel Michetti), in the public domain or CC0. The model sees them in gray, which camera is anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench import begin, needs
from PIL import Image

from photochrom import Colorizer

with needs("dev"):
    from skimage import data

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PHOTOGRAPHS = ("astronaut", "camera", "coffee", "chelsea", "rocket")
GAP = 6  # pixels of white between pairs


def gray(picture: Image.Image, height: int) -> Image.Image:
    """Its lightness, at that height."""
    picture = picture.convert("L")
    return picture.resize((round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS)


def beside(pictures: Sequence[Image.Image], gap: int = 0, width: int | None = None) -> Image.Image:
    """Pictures of one height in a row, on white; the row is as wide as they are, or `width`."""
    row = Image.new("RGB", (width or sum(p.width for p in pictures), pictures[0].height), "white")
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width + gap
    return row


def rows(pairs: list[Image.Image], width: int) -> Image.Image:
    """Pictures of one height in rows of that width; each row is enlarged or shrunk to fill it."""
    lines: list[list[Image.Image]] = [[]]
    for pair in pairs:
        if sum(p.width for p in lines[-1]) + pair.width / 2 > width:
            lines.append([])
        lines[-1].append(pair)
    drawn = [_row(line, width) for line in lines]
    sheet = Image.new("RGB", (width, sum(row.height + GAP for row in drawn) - GAP), "white")
    top = 0
    for row in drawn:
        sheet.paste(row, (0, top))
        top += row.height + GAP
    return sheet


def _row(line: list[Image.Image], width: int) -> Image.Image:
    factor = (width - GAP * (len(line) - 1)) / sum(p.width for p in line)
    sizes = [(round(pair.width * factor), round(pair.height * factor)) for pair in line]
    resized = [pair.resize(size, Image.Resampling.LANCZOS) for pair, size in zip(line, sizes, strict=True)]
    return beside(resized, GAP, width)


def main() -> None:
    begin("about 5 seconds")
    session = Colorizer()
    pairs = {}
    for name in PHOTOGRAPHS:
        light = gray(Image.fromarray(np.asarray(getattr(data, name)())), 480)
        pairs[name] = beside([p.convert("RGB").reduce(2) for p in (light, session.colorize(light))])
    rows(list(pairs.values()), 1500).save(IMAGES / "before-after.jpg", quality=85)
    rows([pairs["astronaut"], pairs["coffee"]], 1200).save(IMAGES / "demo.jpg", quality=85)


if __name__ == "__main__":
    main()
