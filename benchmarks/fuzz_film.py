"""Damaged films: bit flips, truncations, zeroed and doubled stretches, lying headers, in every container.

    python benchmarks/fuzz_film.py [CASES] [SEED]

Each case colours a damaged copy of a small film in a child process. Right are a film, or one line of an error of ours.
Wrong are any other error, a crash of the child, and more than a minute's work.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from bench import begin, needs, watched
from PIL import Image

with needs("video"):
    import av

PATIENCE_S = 60
KINDS = ("a.mp4", "a.mkv", "a.webm", "a.avi", "a.mov", "a.gif", "a.webp", "a.png")
CODECS = {".webm": "libvpx-vp9", ".avi": "mpeg4"}


def make(folder: Path) -> list[Path]:
    """A small film in each container, and moving pictures."""
    rng = np.random.default_rng(0)
    grays = [np.clip(rng.normal(128, 10, (32, 48)) + 4 * i, 0, 255).astype(np.uint8) for i in range(10)]
    for name in KINDS:
        path = folder / name
        if path.suffix in (".gif", ".webp", ".png"):
            frames = [Image.fromarray(gray) for gray in grays]
            frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
            continue
        with av.open(str(path), "w") as out:
            stream = out.add_stream(CODECS.get(path.suffix, "libx264"), rate=25)
            stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
            for gray in grays:
                frame = av.VideoFrame.from_ndarray(np.repeat(gray[..., None], 3, -1), format="rgb24")
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
    return [folder / name for name in KINDS]


def damaged(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """What was done, and the bytes."""
    spoiled, how = bytearray(data), rng.choice(("flips", "cut", "zeros", "doubled", "header"))
    if how == "flips":
        for _ in range(rng.choice((1, 4, 32))):
            spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
    elif how == "cut":
        del spoiled[rng.randrange(len(spoiled)) :]
    elif how == "zeros":
        at = rng.randrange(len(spoiled))
        spoiled[at : at + 64] = bytes(len(spoiled[at : at + 64]))
    elif how == "doubled":
        at = rng.randrange(len(spoiled))
        spoiled[at:at] = spoiled[at : at + rng.randrange(1, 256)]
    else:
        for _ in range(4):
            at = rng.randrange(min(len(spoiled) - 4, 256))
            spoiled[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"))
    return how, bytes(spoiled)


def child(pipe: Connection, folder: str) -> None:
    from photochrom import Colorizer, PhotochromError
    from photochrom.video import colorize_film

    session = Colorizer(render_size=32, threads=1, max_pixels=4_000_000)
    while path := pipe.recv():
        target = Path(folder, "out" + Path(path).suffix)
        try:
            colorize_film(path, target, session, consistency="flow", overwrite=True)
            pipe.send("film")
        except PhotochromError as error:
            pipe.send("error" if "\n" not in str(error) else f"an error of several lines: {error}")
        except BaseException as error:
            pipe.send(f"{type(error).__name__}: {error}")


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng, found = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0), Counter[str]()
    begin("about 10 minutes for 2,000 cases")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        sources = [(path, path.read_bytes()) for path in make(Path(name))]
        process = pipe = None
        for case in watched(range(cases), "cases"):
            if process is None:
                pipe, theirs = multiprocessing.Pipe()
                process = multiprocessing.get_context("spawn").Process(target=child, args=(theirs, name), daemon=True)
                process.start()
                theirs.close()
            path, data = sources[case % len(sources)]
            how, spoiled = damaged(data, rng)
            spoiled_path = Path(name, f"spoiled{path.suffix}")
            spoiled_path.write_bytes(spoiled)
            pipe.send(str(spoiled_path))
            try:
                outcome = pipe.recv() if pipe.poll(PATIENCE_S) else "hang"
            except EOFError:
                outcome = "crash"
            if outcome in ("hang", "crash"):
                process.kill()
                process = None
            if outcome not in ("film", "error"):
                keep = Path(tempfile.gettempdir(), f"fuzz-{case}{path.suffix}")
                keep.write_bytes(spoiled)
                print(f"case {case}, {how}, kept as {keep}: {outcome}", flush=True)
            found[outcome if outcome in ("film", "error", "hang", "crash") else "other"] += 1
    print(f"{cases} cases in {time.perf_counter() - begun:.0f} s: " + ", ".join(f"{v} {k}" for k, v in found.items()))


if __name__ == "__main__":
    main()
