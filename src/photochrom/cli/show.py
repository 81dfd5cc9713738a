"""What the commands print: one console for messages (standard error) and one for results (standard output)."""

from __future__ import annotations

import sys

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

messages = Console(stderr=True, highlight=False, soft_wrap=True)
results = Console(highlight=False)


def say(line: str) -> None:
    """One line of message; brackets in file names are text, not markup."""
    messages.print(line, markup=False)


def progress(*extra: TextColumn) -> Progress:
    """A progress bar on standard error, gone when it is done; invisible where nobody watches."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *extra,
        TimeRemainingColumn(),
        console=messages,
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def table(rows: list[tuple[str, ...]], title: str | None = None) -> None:
    """Print rows as a table, the first one its heading; columns of numbers are aligned right."""
    view = Table(title=title, title_justify="left", show_header=any(rows[0]), box=SIMPLE)
    for column, heading in enumerate(rows[0]):
        numeric = all(_is_number(row[column]) for row in rows[1:] if row[column])
        view.add_column(heading, justify="right" if numeric and len(rows) > 1 else "left")
    for row in rows[1:]:
        view.add_row(*row)
    results.print(view)


def _is_number(text: str) -> bool:
    try:
        float(text.rstrip("%"))
    except ValueError:
        return False
    return True
