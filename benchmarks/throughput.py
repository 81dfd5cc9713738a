"""How fast a folder of 500 x 375 JPEGs is coloured, and where the time goes.

    python benchmarks/throughput.py [NUMBER]

First the stages of one photograph, on one thread, then whole commands in fresh processes, their start included. The
photographs are crops of the sample that the package ships, each another one, with grain.
"""

from __future__ import annotations

import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from bench import begin
from photograph import fresh
from PIL import Image

from photochrom import Colorizer
from photochrom._support import files
from photochrom.imaging import io, provenance
from photochrom.inference.decode import scores_to_ab
from photochrom.painting.upsample import GuidedChroma, resize

SIZE = (500, 375)


def write_album(folder: Path, number: int) -> None:
    with resources.as_file(resources.files("photochrom") / "samples" / "astronaut.jpg") as path:
        sample = Image.open(path).convert("L")
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(number):
        side = rng.uniform(0.5, 1) * min(sample.width, sample.height * 4 / 3)
        left, top = rng.uniform(0, sample.width - side), rng.uniform(0, sample.height - side * 3 / 4)
        crop = sample.resize(SIZE, Image.Resampling.BICUBIC, box=(left, top, left + side, top + side * 3 / 4))
        grain = np.clip(np.asarray(crop, np.float32) + rng.normal(0, 4, SIZE[::-1]), 0, 255).astype(np.uint8)
        Image.fromarray(grain).save(folder / f"{i:05}.jpg", quality=92)


class Clock:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, stage: str, value: Any) -> Any:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0) + now - self._last
        self._last = time.perf_counter()
        return value

    def start(self) -> None:
        self._last = time.perf_counter()


def stages(album: list[Path], out: Path) -> dict[str, float]:
    """Seconds a photograph by stage; the parts of `Colorizer.colorize_file`, one by one."""
    session, clock = Colorizer(threads=1), Clock()
    session.colorize_picture(io.read(album[0]))
    for path in album:
        clock.start()
        picture = clock("decode the JPEG", io.read(path))
        light = clock("lightness", picture.lightness())
        scores = clock("network, both passes", session.scores(light))
        seen, size = session.sizes(light.shape, scores.seen)
        ab = scores_to_ab(scores.map, session.network.bins, session.decoding, None, session.card.ab_scale)
        GuidedChroma.fit(ab, resize(light, size), session.network.covered(seen), session.decoding.smooth_radius)
        clock("scores to colours", None)
        painter = session._painter_of(light, scores, session.decoding)
        clock.start()
        rgb = clock("paint at full size", painter.whole(light, picture.pixels.dtype, 1))
        result = clock("metadata", provenance.signed(picture.with_rgb(rgb)))
        data = clock("encode the JPEG", io.encode(result, "JPEG"))
        clock("write to the disk", files.write_bytes(out / path.name, data))
    return {stage: seconds / len(album) for stage, seconds in clock.seconds.items()}


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    begin("about 2 minutes for 200 photographs")
    with tempfile.TemporaryDirectory() as folder:
        album = Path(folder, "album")
        write_album(album, number)
        found = stages(sorted(album.iterdir())[:50], Path(folder))
        total = sum(found.values())
        print(f"{'one photograph, one thread':<32}{'ms':>8}{'share':>8}")
        for stage, seconds in found.items():
            print(f"{stage:<32}{seconds * 1000:>8.1f}{seconds / total:>8.0%}")
        print(f"{'all':<32}{total * 1000:>8.1f}{1 / total:>8.1f} a second\n")
        print(f"{f'a folder of {number}, whole command':<32}{'seconds':>8}{'a second':>10}{'MB a process':>14}")
        for jobs in ("1", "2"):
            seconds, memory = fresh(["colorize", str(album), "-o", f"{folder}/out{jobs}", "--jobs", jobs], 1)
            print(f"{f'--jobs {jobs}':<32}{seconds:>8.1f}{number / seconds:>10.1f}{memory:>14.0f}")


if __name__ == "__main__":
    main()
