"""The pictures of docs/guidance.md and its pages: what hints, references, palettes, variants and the confidence do.

    python benchmarks/guidance.py docs/images

It writes guidance.jpg, hints.jpg, reference.jpg, palettes.jpg and variants.jpg. The photographs are scikit-image's:
coffee (Rachel Michetti), chelsea (Stefan van der Walt) and astronaut (NASA), CC0 and public domain.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench import begin, needs
from PIL import Image, ImageDraw

from photochrom import Colorizer, Hint, Stroke
from photochrom.imaging import io
from photochrom.painting.hints import Colored

with needs("dev"):
    from skimage import data

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
HINT = Hint(300, 330, "#7a1f10")
MORE_PALETTES = ("#1f4e5f,#c9a27c", "#7a1f10,#d8c9a8,#2f4a36")
VARIANTS = 5
MARGIN = ((2, 2), (3, 3), (0, 0))  # white, around each picture


def main() -> None:
    begin("about 30 seconds")
    out, session = Path(sys.argv[1]), Colorizer()
    _write([_overview(session, name) for name in STROKES], out / "guidance.jpg", 200)
    gray = _gray("coffee")
    _write([[gray, session.colorize(gray), _ringed(session.colorize(gray, hints=[HINT]))]], out / "hints.jpg", 267)
    _write([_reference(session)], out / "reference.jpg", 240)
    portrait = _gray("astronaut")
    tinted = [Colorizer(palette=palette).colorize(portrait) for palette in MORE_PALETTES]
    _write([[session.colorize(portrait), *tinted]], out / "palettes.jpg", 300)
    picture = io.from_array(portrait)
    numbers = range(1, 1 + VARIANTS)
    leaning = [io.to_array(session.colorize_picture(picture, variant=n), np.dtype(np.uint8)) for n in numbers]
    _write([leaning], out / "variants.jpg", 240)


def _overview(session: Colorizer, name: str) -> list[np.ndarray]:
    """The network's colours, strokes, the colours with them, with a palette, and the confidence."""
    gray, strokes = _gray(name), STROKES[name]
    drawn = Image.fromarray(gray).convert("RGB")
    pen = ImageDraw.Draw(drawn)
    for stroke in strokes:
        pen.line([tuple(point) for point in stroke.points], stroke.color, int(stroke.width), "curve")
    sure = session.confidence(gray / np.float32(2.55))
    return [
        session.colorize(gray),
        np.asarray(drawn),
        session.colorize(gray, hints=strokes),
        Colorizer(palette=PALETTES[name]).colorize(gray),
        np.rint(255 * sure).astype(np.uint8),
    ]


def _reference(session: Colorizer) -> list[np.ndarray]:
    """The left half of a photograph, the right half as the network colours it, and with the left as a reference."""
    photograph = data.coffee()
    middle = photograph.shape[1] // 2
    gray = _gray("coffee")[:, middle:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "left.png"
        Image.fromarray(photograph[:, :middle]).save(path)
        referring = Colorizer(references=[path])
    return [photograph[:, :middle], session.colorize(gray), referring.colorize(gray), photograph[:, middle:]]


def _gray(name: str) -> np.ndarray:
    return np.asarray(Image.fromarray(getattr(data, name)()).convert("L"))


def _ringed(picture: np.ndarray) -> np.ndarray:
    """With a ring around the hint."""
    drawn = Image.fromarray(picture)
    ImageDraw.Draw(drawn).circle((HINT.x, HINT.y), 9, outline="white", width=3)
    return np.asarray(drawn)


def _write(rows: Sequence[Sequence[np.ndarray]], path: Path, height: int) -> None:
    """Rows of pictures, each brought to one height."""
    strips = []
    for row in rows:
        pictures = [Image.fromarray(picture).convert("RGB") for picture in row]
        sizes = [(round(p.width * height / p.height), height) for p in pictures]
        small = [p.resize(size, Image.Resampling.LANCZOS) for p, size in zip(pictures, sizes, strict=True)]
        strips.append(np.concatenate([np.pad(p, MARGIN, constant_values=255) for p in small], 1))
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in strips]
    Image.fromarray(np.concatenate(padded)).save(path, quality=85)


if __name__ == "__main__":
    main()
