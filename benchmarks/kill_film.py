"""kill -9 at random instants of a film run: what is left, and whether the resumed film is the uninterrupted one.

    python benchmarks/kill_film.py [KILLS] [SEED]

A gray film with sound is coloured once without interruption. Then the same command is started and killed, again and
again, until it has been killed KILLS times; whenever it lives to its end, its film is compared byte for byte, and a new
target is begun. After each kill, what lies under the target's name has to be nothing, or the whole film.
"""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench import begin, needs

with needs("video"):
    import av

FRAMES, WIDTH, HEIGHT = 300, 128, 64


def make(path: Path) -> None:
    rng = np.random.default_rng(0)
    texture = rng.uniform(0, 255, (HEIGHT // 8, 3 * WIDTH // 8)).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = out.add_stream("aac", rate=48000)
        for i in range(FRAMES):
            view = texture[:, i % (2 * WIDTH) : i % (2 * WIDTH) + WIDTH] + rng.normal(0, 4, (HEIGHT, WIDTH))
            gray = np.clip(view, 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.repeat(gray[..., None], 3, -1), format="rgb24")))
        out.mux(stream.encode())
        tone = (8000 * np.sin(np.arange(48000 * FRAMES // 25) / 20)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 48000
        out.mux(sound.encode(frame))
        out.mux(sound.encode())


def start(source: Path, target: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "photochrom", "colorize", str(source), "-o", str(target), "--render-size", "64"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    begin("about 5 minutes for 50 kills")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, target = folder / "film.mp4", folder / "coloured.mp4"
        make(source)
        begun = time.perf_counter()
        if start(source, folder / "whole.mp4").wait():
            raise SystemExit("the uninterrupted run failed")
        seconds, whole = time.perf_counter() - begun, digest(folder / "whole.mp4")
        print(f"uninterrupted: {FRAMES} frames in {seconds:.1f} s, {whole[:12]}", flush=True)
        killed = ended = partial = different = 0
        while killed < kills or not ended:
            process = start(source, target)
            try:
                process.wait(rng.uniform(0.2, seconds) if killed < kills else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
                partial += target.exists() and digest(target) != whole
                print(
                    f"killed {killed}, ended {ended}: {partial} partial, {different} different",
                    file=sys.stderr,
                    flush=True,
                )
            else:
                if process.returncode:
                    raise SystemExit(f"a resumed run failed: {process.stderr.read().decode()}")  # type: ignore[union-attr]
                ended += 1
                different += digest(target) != whole
            if target.exists():
                target.unlink()
        left = [path.name for path in folder.iterdir() if path.name not in ("film.mp4", "whole.mp4")]
        print(
            f"killed {killed} times, {ended} films ended: {partial} partial, {different} different from the whole one"
        )
        print(f"left over: {', '.join(left) or 'nothing'}")


if __name__ == "__main__":
    main()
