"""kill -9 at random instants of a run: what stands under a final name is whole, and the resumed result is the same.

    python benchmarks/kill.py [--kills 50] [--seed 0] [RUN ...]

An uninterrupted run gives the expected files and its duration. Then the same command is started again and again, and
killed at an instant drawn evenly from that duration: every second time with all its processes, otherwise the first
alone. Each time the files under final names are compared with the expected ones, the command that resumes is run to its
end, and all files are compared. A further kind of run is one more entry of RUNS.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench import begin, watched
from throughput import write_album


@dataclass(frozen=True)
class Run:
    """A kind of run.

    Attributes:
        prepare: writes the inputs into a new folder and gives the arguments that name them.
        start: further arguments of the command.
        resume: arguments of the command that goes on.
    """

    prepare: Callable[[Path], list[str]]
    start: list[str]
    resume: list[str]


def album(folder: Path) -> list[str]:
    """24 photographs, some in a folder within, one of them damaged."""
    write_album(folder, 24)
    (folder / "within").mkdir()
    for path in sorted(folder.glob("*.jpg"))[::3]:
        path.rename(folder / "within" / path.name)
    (folder / "00001.jpg").write_bytes(b"\xff\xd8\xff damaged")
    return [str(folder), "--recursive"]


RUNS = {"folder": Run(album, ["--jobs", "2"], ["--jobs", "2", "--skip-existing"])}


def finished(out: Path) -> dict[str, bytes]:
    """The files under final names; what is in work, and what is kept to go on, has a name that begins with a dot."""
    paths = (path for path in out.rglob("*") if path.is_file())
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in paths
        if not any(part.startswith(".") for part in path.relative_to(out).parts)
    }


def started(arguments: list[str], out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "photochrom", "colorize", *arguments, "-o", f"{out}/"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def left_over(out: Path, age_s: float = 0) -> list[Path]:
    """Files of killed writers; made older, so that a run need not wait until they are clearly left over."""
    parts = list(out.rglob("*.part"))
    for path in parts if age_s else ():
        os.utime(path, (time.time() - age_s,) * 2)
    return parts


def has_ended(group: int) -> bool:
    """Whether processes whose first one was killed end by themselves, within a minute."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def kills(name: str, number: int, rng: np.random.Generator, folder: Path) -> int:
    """Kill and resume a run so many times; returns how often something was not as it has to be."""
    run = RUNS[name]
    inputs = run.prepare(folder / "in")
    begun = time.perf_counter()
    started([*inputs, *run.start], folder / "expected").wait()
    duration, expected = time.perf_counter() - begun, finished(folder / "expected")
    wrong = cut = parts = whole = 0
    for i in watched(range(number), f"kills of {name}"):
        out = folder / f"out{i}"
        process = started([*inputs, *run.start], out)
        time.sleep(rng.uniform(0, duration))
        cut += process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if i % 2 else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        wrong += not has_ended(process.pid)
        found = finished(out) if out.exists() else {}
        whole += len(found)
        parts += len(left_over(out, 120)) if out.exists() else 0
        wrong += sum(expected.get(path) != data for path, data in found.items())
        started([*inputs, *run.resume], out).wait()
        wrong += finished(out) != expected or bool(left_over(out))
    print(
        f"{name}: {number} kills within {duration:.1f} s, {cut} of them before the end; of {number * len(expected)} "
        f"files {whole} were there, and {parts} half-written under temporary names; wrong: {wrong}"
    )
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("runs", nargs="*", help=f"of {', '.join(RUNS)}; all by default")
    asked = parser.parse_args()
    begin("about 10 minutes for 50 kills of each run")
    wrong = 0
    for name in asked.runs or RUNS:
        with tempfile.TemporaryDirectory() as folder:
            wrong += kills(name, asked.kills, np.random.default_rng(asked.seed), Path(folder))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
