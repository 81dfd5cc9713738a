"""The picture of docs/guidance.md: what strokes, a palette and the confidence look like.

    python benchmarks/guidance.py docs/images/guidance.jpg

The photographs are scikit-image's: coffee (Rachel Michetti) and chelsea (Stefan van der Walt), both CC0.
"""

from __future__ import annotations

import sys

import numpy as np
from bench import begin, needs
from PIL import Image, ImageDraw

from photochrom import Colorizer, Stroke
from photochrom.painting.hints import Colored

with needs("dev"):
    from skimage import data

HEIGHT = 200
STROKES: dict[str, list[Colored]] = {
    "coffee": [
        Stroke(((110, 300), (160, 345), (300, 372), (390, 345)), "#7a1f10", width=14),
        Stroke(((40, 90), (160, 30)), "#7b5a3c", width=14),
        Stroke(((500, 330), (560, 200), (540, 60)), "#7b5a3c", width=14),
        Stroke(((265, 165), (330, 150)), "#3b2013", width=14),
    ],
    "chelsea": [
        Stroke(((60, 120), (190, 40), (330, 60)), "#9c7550", width=12),
        Stroke(((180, 200), (250, 180), (330, 220)), "#9c7550", width=12),
        Stroke(((152, 128), (182, 128)), "#7d8f5a", width=8),
        Stroke(((308, 136), (326, 136)), "#7d8f5a", width=8),
        Stroke(((250, 238), (270, 238)), "#b4767a", width=8),
        Stroke(((400, 90), (420, 260)), "gray", width=12),
        Stroke(((15, 20), (15, 60)), "gray", width=12),
    ],
}
PALETTES = {"coffee": "#1f4e5f,#c9a27c", "chelsea": "#38507a,#8a8d91"}


def main() -> None:
    begin("about 10 seconds")
    session = Colorizer()
    rows = []
    for name, strokes in STROKES.items():
        gray = np.asarray(Image.fromarray(getattr(data, name)()).convert("L"))
        drawn = Image.fromarray(gray).convert("RGB")
        pen = ImageDraw.Draw(drawn)
        for stroke in strokes:
            pen.line([tuple(point) for point in stroke.points], stroke.color, int(stroke.width), "curve")
        sure = session.confidence(gray / np.float32(2.55))
        panels = [
            session.colorize(gray),
            np.asarray(drawn),
            session.colorize(gray, hints=strokes),
            Colorizer(palette=PALETTES[name]).colorize(gray),
            np.repeat(np.rint(255 * sure).astype(np.uint8)[..., None], 3, -1),
        ]
        small = [Image.fromarray(p) for p in panels]
        small = [p.resize((round(p.width * HEIGHT / p.height), HEIGHT), Image.Resampling.LANCZOS) for p in small]
        rows.append(np.concatenate([np.asarray(p) for p in small], 1))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    Image.fromarray(np.concatenate(padded)).save(sys.argv[1], quality=85)


if __name__ == "__main__":
    main()
