"""What a scan of 200 megapixels with 16 bits costs: time and memory of a fresh process, and whether its colours are
those of a small copy.

    python benchmarks/scan.py

The plates are enlarged from the sample that the package ships, with grain, and written in the ways that scanners and
editors write them. About 5 GB of temporary files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
from bench import begin, needs
from photograph import fresh
from PIL import Image

from photochrom import Colorizer, color
from photochrom.imaging import io

with needs("dev"):
    import tifffile

SIDE = 14_142
SMALL = 1024
ROWS = 1_000

# How the samples are stored, in tifffile's words.
LAYOUTS: dict[str, dict[str, object]] = {
    "gray, one strip, not compressed": {"rowsperstrip": SIDE},
    "gray, strips of 16 rows, deflate": {"rowsperstrip": 16, "compression": "zlib", "predictor": 2},
    "gray, tiles of 512, deflate": {"tile": (512, 512), "compression": "zlib", "predictor": 2},
    "RGB, strips of 16 rows, not compressed": {"rowsperstrip": 16, "photometric": "rgb"},
}


def plate(channels: int) -> Iterator[np.ndarray]:
    """Strips of (h, SIDE[, 3]) uint16."""
    with resources.as_file(resources.files("photochrom") / "samples" / "astronaut.jpg") as path:
        sample = Image.fromarray(np.asarray(Image.open(path).convert("L"), np.float32))
    rng = np.random.default_rng(0)
    for top in range(0, SIDE, ROWS):
        rows = min(ROWS, SIDE - top)
        box = (0, top * sample.height / SIDE, sample.width, (top + rows) * sample.height / SIDE)
        strip = np.asarray(sample.resize((SIDE, rows), Image.Resampling.BILINEAR, box=box)) * 257
        strip = np.clip(strip + rng.normal(0, 400, strip.shape).astype(np.float32), 0, 65535).astype(np.uint16)
        yield strip if channels == 1 else np.repeat(strip[..., None], 3, -1)


def write(path: Path, layout: dict[str, object]) -> None:
    channels = 3 if layout.get("photometric") == "rgb" else 1
    shape = (SIDE, SIDE) if channels == 1 else (SIDE, SIDE, 3)
    whole = np.memmap(path.with_suffix(".raw"), np.uint16, "w+", shape=shape)
    for i, strip in enumerate(plate(channels)):
        whole[i * ROWS : i * ROWS + len(strip)] = strip
    tifffile.imwrite(path, whole, **layout)  # type: ignore[arg-type]
    path.with_suffix(".raw").unlink()


def shrunk(path: Path) -> np.ndarray:
    """A small copy in sRGB 0..1, from the rows of a TIFF read by tifffile."""
    whole = tifffile.memmap(path) if tifffile.TiffFile(path).pages[0].is_memmappable else tifffile.imread(path)
    step = SIDE // SMALL
    blocks = [
        whole[top : top + step, : SIDE // step * step].reshape(step, SIDE // step, step, -1).mean((0, 2), np.float32)
        for top in range(0, SIDE - step + 1, step)
    ]
    return np.stack(blocks).squeeze() / 65535


def main() -> None:
    begin("about 5 minutes, and 5 GB of temporary files")
    print(f"{'16-bit TIFF, 14142 x 14142':<44}{'seconds':>9}{'MB':>7}{'ab, mean':>10}{'worst':>7}")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "plate.tif"), Path(folder, "out.tif")
        for name, layout in LAYOUTS.items():
            write(source, layout)
            seconds, memory = fresh(["colorize", str(source), "-o", str(target), "--overwrite"], 1)
            small = io.Picture(np.rint(shrunk(source) * 65535).astype(np.uint16))
            expected = color.rgb_to_lab(Colorizer().colorize_picture(small).pixels / 65535)[..., 1:]
            off = np.hypot(*np.moveaxis(color.rgb_to_lab(shrunk(target))[..., 1:] - expected, -1, 0))
            print(f"{name:<44}{seconds:>9.1f}{memory:>7.0f}{off.mean():>10.2f}{np.percentile(off, 99.9):>7.2f}")


if __name__ == "__main__":
    main()
