"""What a film costs: frames a second end to end, where the time goes, and memory against length.

    python benchmarks/film.py [FRAMES]

The films are gray pans over the sample photograph that the package ships, with grain, encoded here. Each end-to-end
line is one fresh process of `photochrom colorize`, start included; stages are timed one by one on one core.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from bench import begin, needs
from PIL import Image

from photochrom import Colorizer, color

with needs("video"):
    import av

    from photochrom.video.codecs import encoding_for
    from photochrom.video.consistency import MODES, steady
    from photochrom.video.encoding import SegmentWriter
    from photochrom.video.painting import paint_frame
    from photochrom.video.reading import Reader

SIZES = ((640, 360), (1280, 720))
# A small process in between: the memory of a child counts from that of the process that starts it.
LAUNCH = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run([sys.executable, "-m", "photochrom", *sys.argv[1:]], capture_output=True, text=True)
seconds = time.perf_counter() - start
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps([done.returncode, seconds, memory, done.stderr]))
"""


def make(path: Path, width: int, height: int, frames: int) -> None:
    """A pan over the sample, with the grain of film."""
    with resources.as_file(resources.files("photochrom") / "samples" / "astronaut.jpg") as sample:
        picture = Image.open(sample).convert("L").resize((width * 3 // 2, width * 3 // 2), Image.Resampling.BICUBIC)
    large, rng = np.asarray(picture, np.float32), np.random.default_rng(0)
    grain = rng.normal(0, 3, (8, height, width)).astype(np.float32)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            left = round((large.shape[1] - width) * (0.5 - 0.5 * np.cos(i / 40)))
            gray = np.clip(large[height // 4 : height // 4 + height, left : left + width] + grain[i % 8], 0, 255)
            frame = av.VideoFrame.from_ndarray(np.repeat(gray.astype(np.uint8)[..., None], 3, -1), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def colorize(source: Path, *options: str) -> tuple[float, float]:
    """Seconds and MB of a fresh process."""
    target = source.with_suffix(".out.mp4")
    arguments = ["colorize", str(source), "-o", str(target), "--overwrite", *options]
    said = subprocess.run([sys.executable, "-c", LAUNCH, *arguments], capture_output=True, text=True, check=True)
    status, seconds, memory, errors = json.loads(said.stdout)
    if status:
        raise SystemExit(f"photochrom {' '.join(arguments)} failed: {errors}")
    return seconds, memory


def stages(source: Path) -> dict[str, float]:
    """Milliseconds a frame of each stage by itself, on one core."""
    session, reader = Colorizer(threads=1), Reader(source)
    modes = {name: steady(name, session.card) for name in ("flow", "recurrent")}
    spent: dict[str, float] = {}
    frames = list(reader.frames())[:40]
    first = frames[0].gray
    light = color.srgb_to_lightness(first)
    chroma = session.chroma(session.scores(light), light)
    for gray in (first, first.astype(np.uint16) * 257):  # the tables are made once
        paint_frame(gray, chroma)

    def timed(name: str, call: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        result = call()
        spent[name] = spent.get(name, 0.0) + 1000 * (time.perf_counter() - begun) / len(frames)
        return result

    begun = time.perf_counter()
    count = sum(1 for _ in reader.frames())
    spent["decode to gray"] = 1000 * (time.perf_counter() - begun) / count
    with tempfile.TemporaryDirectory() as folder:
        writer = SegmentWriter(Path(folder, "a.nut"), source, encoding_for("a.mp4"), reader.facts)
        for frame in frames:
            light = color.srgb_to_lightness(frame.gray)
            scores = timed("network", partial(session.scores, light, mirror=False))
            covered = tuple(side / session.card.stride for side in scores.seen)
            fused = {name: timed(name, partial(m, frame.gray, scores.map, covered)) for name, m in modes.items()}
            kept = replace(scores, map=fused["flow"])
            chroma = timed("scores to chroma", partial(session.chroma, kept, light))
            rgb = timed("paint", partial(paint_frame, frame.gray, chroma))
            timed("paint in 16 bits", partial(paint_frame, frame.gray.astype(np.uint16) * 257, chroma))
            timed("encode (x264, its own threads)", partial(writer.write, rgb, frame.pts, frame.duration))
        timed("encode (x264, its own threads)", writer.close)
    return spent


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    begin("about 3 minutes for 150 frames")
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'end to end, one process':<40}{'frames/s':>10}{'MB':>7}")
        for width, height in SIZES:
            for length in (frames, 3 * frames) if height == 360 else (frames,):
                film = Path(folder, f"{height}-{length}.mp4")
                make(film, width, height, length)
                for mode in MODES if length == frames else ("flow",):
                    seconds, memory = colorize(film, "--consistency", mode)
                    what = f"{width} x {height}, {length} frames, {mode}"
                    print(f"{what:<40}{length / seconds:>10.1f}{memory:>7.0f}", flush=True)
        print(f"\n{'one frame, milliseconds':<40}" + "".join(f"{f'{w} x {h}':>14}" for w, h in SIZES))
        columns = [stages(Path(folder, f"{height}-{frames}.mp4")) for _, height in SIZES]
        for name in columns[0]:
            print(f"{name:<40}" + "".join(f"{column[name]:>14.1f}" for column in columns))


if __name__ == "__main__":
    main()
