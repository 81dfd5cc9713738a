"""The pictures of README and docs/default-model.md: what the default model makes of real photographs.

    python benchmarks/pictures.py OLD

OLD is a folder of photographs in black and white: acrobats-1934.jpg, detroit-1915.jpg, nipomo-1936.jpg (Dorothea Lange,
Farm Security Administration), portrait-sepia.png and saratoga-1910.jpg, all in the public domain. The others are
scikit-image's: astronaut and rocket (NASA and SpaceX), camera (Lav Varshney), chelsea (Stefan van der Walt) and coffee
(Rachel Michetti), in the public domain or CC0; they are shown to the model in gray.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs
from PIL import Image, ImageDraw

from photochrom import Colorizer, Hint

with needs("dev"):
    from skimage import data

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MODERN = ("astronaut", "coffee", "chelsea", "rocket", "camera")
GAP = 6  # pixels of white between pairs


def gray(picture: Image.Image, height: int) -> Image.Image:
    """Its lightness, at that height."""
    picture = picture.convert("L")
    return picture.resize((round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS)


def beside(*pictures: Image.Image) -> Image.Image:
    """Pictures of one height in a row."""
    row = Image.new("RGB", (sum(p.width for p in pictures), pictures[0].height))
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width
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
    row = Image.new("RGB", (width, round(line[0].height * factor)), "white")
    left = 0
    for pair in line:
        row.paste(pair.resize((round(pair.width * factor), row.height), Image.Resampling.LANCZOS), (left, 0))
        left += round(pair.width * factor) + GAP
    return row


def one_hint(session: Colorizer) -> Image.Image:
    """The cup in gray, in the network's colours, and with one hint, which is marked."""
    cup = gray(Image.fromarray(data.coffee()), 400)
    hint = Hint(300, 330, "#7a1f10")
    hinted = session.colorize(cup, hints=[hint])
    ImageDraw.Draw(hinted).ellipse((293, 323, 307, 337), fill=hint.color, outline="white", width=3)
    return beside(cup.convert("RGB"), session.colorize(cup), hinted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    arguments = parser.parse_args()
    begin("about 20 seconds")
    session = Colorizer()
    old = {file.stem: Image.open(file) for file in sorted(arguments.old.iterdir())}
    photographs = old | {name: Image.fromarray(np.asarray(getattr(data, name)())) for name in MODERN}
    pairs = {}
    for name, photograph in photographs.items():
        light = gray(photograph, 480)
        pairs[name] = beside(*(p.convert("RGB").reduce(2) for p in (light, session.colorize(light))))
    rows(list(pairs.values()), 1500).save(IMAGES / "before-after.jpg", quality=85)
    rows([pairs["nipomo-1936"], pairs["chelsea"]], 1200).save(IMAGES / "demo.jpg", quality=85)
    one_hint(session).resize((1200, 267), Image.Resampling.LANCZOS).save(IMAGES / "hints.jpg", quality=85)


if __name__ == "__main__":
    main()
