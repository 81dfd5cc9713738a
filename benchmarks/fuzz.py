"""Damaged files, thousands of them: none may crash the reading, hang it, fill the memory, or fail unclearly.

    python benchmarks/fuzz.py [--cases 20000] [--seed 0] [--keep FOLDER]

Real encodings of every format (each written by its encoder, with metadata, profiles, strips, pages, alpha) are
mutated: bits flipped, bytes replaced, the end cut off, parts left out, doubled or exchanged between files, and numbers
in headers made very large, zero or negative. Half are read strictly, half as far as their data go, TIFFs by strips too;
one in ten is coloured whole by the default model and encoded again. The process is watched from outside: it may
neither end nor be silent for a minute, nor hold over 1.5 GB. With --keep, cases that fail are written to a folder.
"""

from __future__ import annotations

import argparse
import collections
import io
import multiprocessing
import os
import resource
import sys
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from bench import begin
from seeds import mutated, seeds

SILENCE_S = 60
MEMORY_MB = 1500
MAX_PIXELS = 4_000_000
COLOURED_EVERY = 10


def read_in_strips(data: bytes, strict: bool) -> None:
    from photochrom.imaging.tiff_strips import pages_in_strips

    for page in pages_in_strips(io.BytesIO(data), "the data given", MAX_PIXELS, strict) or ():
        for top in page.tops:
            page.strip(top).lightness()


def judge(pipe: Connection, cases: int, seed: int, first: int) -> None:
    """Run cases and say of each what came of it: "ok", an error's name, or a line on what is wrong."""
    from photochrom import Colorizer, errors
    from photochrom.imaging import io as pio

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff writes there, line after line
    session, originals = Colorizer(threads=1), seeds()
    for case in range(first, cases):
        kind, data = mutated(originals, np.random.default_rng((seed, case)))
        pipe.send(("start", case, kind, data))
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                strict = case % 4 < 2
                picture = pio.read(data, MAX_PIXELS, strict)
                picture.lightness()
                if kind == "tif":
                    read_in_strips(data, strict)
                if case % COLOURED_EVERY == 0:
                    pio.encode(session.colorize_picture(picture), picture.format or "PNG")
            verdict = "ok"
        except errors.PhotochromError as error:
            text = str(error)
            verdict = type(error).__name__ if "\n" not in text and len(text) < 400 else f"unclear: {text!r}"
        except Exception as error:
            verdict = f"unclear: {type(error).__name__}: {error}"
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if memory > MEMORY_MB:
            verdict = f"unclear: {memory:.0f} MB"
        pipe.send(("end", case, verdict, time.perf_counter() - start, memory))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    begin("about half an hour for 20,000 cases", threads=1)
    verdicts: collections.Counter[tuple[str, str]] = collections.Counter()
    slowest, memory, wrong, case, begun = 0.0, 0.0, 0, 0, time.perf_counter()
    context = multiprocessing.get_context("spawn")
    while case < asked.cases:
        ours, theirs = context.Pipe()
        process = context.Process(target=judge, args=(theirs, asked.cases, asked.seed, case), daemon=True)
        process.start()
        theirs.close()
        kind, data, problem = "", b"", ""
        try:
            while case < asked.cases:
                if not ours.poll(SILENCE_S):
                    problem = f"silent for {SILENCE_S} s"
                    break
                message = ours.recv()
                if message[0] == "start":
                    _, case, kind, data = message
                    continue
                _, case, verdict, seconds, used = message
                slowest, memory, case = max(slowest, seconds), max(memory, used), case + 1
                if case % 1000 == 0:
                    print(f"{case} of {asked.cases} cases", file=sys.stderr, flush=True)
                problem = verdict if verdict.startswith("unclear") else ""
                verdicts[kind, verdict.split(":")[0]] += 1
                if problem:
                    break
        except EOFError:
            process.join(5)
            problem = f"the process died ({process.exitcode})"
        process.kill()
        process.join()
        if problem:
            wrong += 1
            print(f"case {case} ({kind}): {problem}")
            if asked.keep:
                asked.keep.mkdir(parents=True, exist_ok=True)
                (asked.keep / f"{asked.seed}-{case}.{kind}").write_bytes(data)
            if not problem.startswith("unclear"):
                verdicts[kind, "dead"] += 1
                case += 1
    names = sorted({verdict for _, verdict in verdicts})
    print(f"{'':<12}" + "".join(f"{name:>20}" for name in names))
    for kind in sorted({kind for kind, _ in verdicts}):
        print(f"{kind:<12}" + "".join(f"{verdicts[kind, name]:>20}" for name in names))
    print(
        f"{sum(verdicts.values())} cases in {time.perf_counter() - begun:.0f} s: {wrong} crashed, hung, grew or failed "
        f"unclearly; the slowest took {slowest:.2f} s, the process held {memory:.0f} MB at most"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
