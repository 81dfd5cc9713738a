"""A package that is missing names its extra, not its traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from photochrom.errors import MissingExtra


@contextmanager
def training(what: str) -> Iterator[None]:
    """Turn a failed import of a training dependency into one clear line.

    Args:
        what: what needs it, for the message.

    Raises:
        MissingExtra: a module outside this package is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("photochrom"):
            raise
        raise MissingExtra(what, "train") from None
