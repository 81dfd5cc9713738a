"""How much the colours depend on the size of the copy: one photograph at several sizes, compared at 256 pixels.

    python benchmarks/sizes.py [FILE|DIR ...]

Without arguments it takes scikit-image's public-domain photographs (extra dev). Each is shrunk or enlarged to a
long side of 256, 512, 1024 and 4000 pixels, coloured, brought back to 256, and compared with what came of the
1024-pixel copy. As a yardstick, the last column is how far that colouring is from gray.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from bench import begin, needs, watched
from PIL import Image

from photochrom import Colorizer, color
from photochrom.imaging.formats import is_picture_name

SIZES = (256, 512, 1024, 4000)


def photographs(arguments: list[str]) -> dict[str, Image.Image]:
    """The photographs, gray, by name."""
    if not arguments:
        with needs("dev"):
            from skimage import data

        sources = {
            name: Image.fromarray(getattr(data, name)()) for name in ("astronaut", "coffee", "chelsea", "rocket")
        }
    else:
        files = [f for a in map(Path, arguments) for f in (sorted(a.rglob("*")) if a.is_dir() else [a])]
        sources = {f.name: Image.open(f) for f in files if is_picture_name(f)}
    return {name: image.convert("L") for name, image in sources.items()}


def resized(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    return image.resize([max(1, round(s * scale)) for s in image.size], Image.Resampling.LANCZOS)


def main() -> None:
    begin("about 10 seconds a photograph")
    given = photographs(sys.argv[1:])
    colorizer = Colorizer()
    rows = []
    print(f"{'photograph':<28}" + "".join(f"{s:>8}" for s in SIZES) + f"{'gray':>8}")
    for name, image in watched(given.items(), "photographs", len(given)):
        small = {}
        for size in SIZES:
            coloured = colorizer.colorize(resized(image, size)).resize(resized(image, 256).size, Image.Resampling.BOX)
            small[size] = color.rgb_to_lab(np.asarray(coloured, np.float32) / 255)
        reference = small[1024]
        gray = reference * np.array([1, 0, 0], np.float32)
        rows.append([float(color.ciede2000(lab, reference).mean()) for lab in (*small.values(), gray)])
        print(f"{name[:27]:<28}" + "".join(f"{v:>8.2f}" for v in rows[-1]))
    print(f"{'mean':<28}" + "".join(f"{v:>8.2f}" for v in np.mean(rows, 0)))


if __name__ == "__main__":
    main()
