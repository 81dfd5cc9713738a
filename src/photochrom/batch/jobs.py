"""What is to be done with one input, and what became of it; both go between processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from photochrom.errors import PhotochromError

Status = Literal["coloured", "kept", "skipped", "failed"]

# Told while a long input is in work: parts done, and of how many (None if unknown).
Tell = Callable[[int, int | None], None]


@dataclass(frozen=True)
class BatchJob:
    """One input and where its result goes.

    Attributes:
        source, target: files.
        kind: the name of its entry in `kinds.KINDS`.
        settings: what that kind wants to know besides; it has to be picklable.
        error: what already the planning met, such as an empty folder.
        variant: which of several colourings; None for the likeliest.
    """

    source: Path
    target: Path
    kind: str = "photograph"
    settings: Any = None
    error: PhotochromError | None = None
    variant: int | None = None


@dataclass(frozen=True)
class Done:
    """What a kind says of an input that went well.

    Attributes:
        note: worth telling, such as "it had colour already".
        size: (W, H) of what was coloured.
        kept: it was left as it is.
    """

    note: str = ""
    size: tuple[int, int] | None = None
    kept: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        error: why there is no result; None where there is one.
        done: what is known about the result; None where nothing was done.
        seconds: how long it took.
    """

    job: BatchJob
    error: PhotochromError | None = None
    done: Done | None = None
    seconds: float = 0.0

    @property
    def note(self) -> str:
        """What is worth telling about a result."""
        return self.done.note if self.done else ""

    @property
    def status(self) -> Status:
        """In one word; "skipped" is a result that was there already."""
        if self.error:
            return "failed"
        if not self.done:
            return "skipped"
        return "kept" if self.done.kept else "coloured"
