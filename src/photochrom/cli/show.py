"""What the commands print: messages on standard error, results on standard output."""

from __future__ import annotations

import contextlib
import json as json_text
import os
import sys
from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

# Brackets and colons in names are text, neither markup nor emoji.
messages = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
# What is piped or written to a file is as wide as it has to be; only a terminal has an edge to fold at.
_ENDLESS = 10_000


def say(line: str) -> None:
    """One line of message."""
    messages.print(line)


def result(line: str, *, bold: bool = False) -> None:
    """One line of what was asked for."""
    _results().print(line, style="bold" if bold else None)


def json(data: Any) -> None:
    """Plain JSON, for other programs."""
    _results().out(json_text.dumps(data, indent=2, ensure_ascii=False), highlight=False)


def progress(*extra: ProgressColumn) -> Progress:
    """A progress bar on standard error, removed at its end; invisible without a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *extra,
        TimeRemainingColumn(),
        console=messages,
        transient=True,
        disable=not (sys.stderr and sys.stderr.isatty()),
    )


@contextlib.contextmanager
def counting(what: str, total: int) -> Iterator[Any]:
    """A progress bar, as what takes how many are done, how many there are, and the file."""
    with progress() as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, total, path: bar.update(task, completed=done, total=total)


def table(rows: list[tuple[str, ...]], title: str | None = None) -> None:
    """Print rows as a table, the first one its heading; columns of numbers are aligned right."""
    view = Table(show_header=any(rows[0]), box=SIMPLE)
    for column, heading in enumerate(rows[0]):
        numeric = all(_is_number(row[column]) for row in rows[1:] if row[column])
        view.add_column(heading, justify="right" if numeric and len(rows) > 1 else "left")
    for row in rows[1:]:
        view.add_row(*row)
    if title:
        result(title)
    results = _results()
    if sys.stdout.isatty():
        results.print(view, soft_wrap=False)
        return
    # rich fills every line to the width of the widest, which a pipe or a file would keep.
    with results.capture() as drawn:
        results.print(view, soft_wrap=False)
    for line in drawn.get().splitlines():
        results.out(line.rstrip(), highlight=False)


def _results() -> Console:
    width = None if sys.stdout.isatty() else _ENDLESS
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False, width=width)


@contextlib.contextmanager
def only_our_words() -> Iterator[None]:
    """Keep what native decoders print on descriptor 2 (libtiff, about damaged files) from between our own lines.

    Our own messages, and Python's, go on through a copy of the descriptor.
    """
    stream = sys.stderr
    try:
        stream.flush()
        ours, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError, AttributeError):
        yield  # there is no standard error
        return
    if _descriptor(stream) == 2:
        sys.stderr = open(  # noqa: SIM115 - closed below, by its descriptor
            ours, "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False
        )
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        sys.stderr = stream
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)


def _descriptor(stream: Any) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _is_number(text: str) -> bool:
    try:
        float(text.rstrip("%"))
    except ValueError:
        return False
    return True
