"""What every benchmark says besides its result: what it lacks, how long it takes, how far it is, and on which machine.

    from bench import begin, needs, watched

    with needs("dev"):
        from skimage import data

    begin("about 2 minutes", threads=1)
    for photograph in watched(photographs, "photographs"): ...

The machine stands above the results, on standard output; all else goes to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from photochrom._support.machine import processor
from photochrom._support.processes import usable_cores
from photochrom._support.text import counted
from photochrom.errors import PhotochromError
from photochrom.imaging.formats import is_picture_name

T = TypeVar("T")
EVERY_S = 5


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around imports of optional packages: one that is missing ends the script with a line on how to install it.

    Args:
        extra: the extra that brings them.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(
            f"{_script()} needs the package {error.name}, which the extra '{extra}' brings: "
            f".venv/bin/pip install -c constraints.txt '.[{extra}]'"
        )


def begin(takes: str, threads: int | None = None) -> None:
    """Say how long it takes, and print the machine; from here on an error of photochrom's is one line.

    Args:
        takes: "about 2 minutes".
        threads: how many are used; None where all cores are.
    """
    sys.excepthook = _one_line
    print(f"{_script()}: takes {takes}", file=sys.stderr, flush=True)
    print(machine(threads), flush=True)


def machine(threads: int | None = None) -> str:
    """The processor, its cores, and the threads that are used, in one line."""
    available = usable_cores()
    return f"{processor()}, {counted(available, 'core')}, {counted(threads or available, 'thread')}"


def watched(items: Sequence[T] | Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Go through items, saying now and then how many are done.

    Args:
        items: what there is to do.
        what: their name, in the plural.
        total: how many they are; None where they know it themselves.
    """
    total = len(items) if total is None and isinstance(items, Sequence) else total
    begun = told = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - told >= EVERY_S:
            told = now
            of = f" of {total}" if total else ""
            left = f", about {(now - begun) / done * (total - done):.0f} s left" if total and done else ""
            print(f"{done}{of} {what}, {now - begun:.0f} s{left}", file=sys.stderr, flush=True)
        yield item


def pictures(*folders: Path, every: int = 1) -> list[Path]:
    """The pictures in folders and their subfolders, each `every`-th; none ends the script with one line."""
    found = sorted(file for folder in folders for file in folder.rglob("*") if is_picture_name(file))[::every]
    if not found:
        sys.exit(f"{_script()}: no pictures in {', '.join(map(str, folders))}; name a folder of photographs in colour")
    return found


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, PhotochromError | KeyboardInterrupt):
        print(f"{_script()}: {error or 'stopped'}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _script() -> str:
    return f"benchmarks/{Path(sys.argv[0]).name}"
