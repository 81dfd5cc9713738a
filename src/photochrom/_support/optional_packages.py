"""A package that is missing names its extra, not its traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from photochrom.errors import MissingExtra


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Turn a failed import of an optional dependency into one clear line.

    Args:
        what: what needs it, for the message.
        extra: the extra that brings it.

    Raises:
        MissingExtra: a module outside this package is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("photochrom"):
            raise
        raise MissingExtra(what, extra) from None


def training(what: str) -> AbstractContextManager[None]:
    """`needing` for the extra `train`."""
    return needing(what, "train")
