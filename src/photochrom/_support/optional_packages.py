"""A package that is missing names its extra, not its traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from photochrom.errors import BadSetting, MissingExtra, PhotochromError


def needing(what: str, extra: str) -> AbstractContextManager[None]:
    """Turn a failed import of an optional dependency into one clear line.

    Args:
        what: what needs it, for the message.
        extra: the extra that brings it.

    Raises:
        MissingExtra: a module outside this package is not there.
    """
    return _named(MissingExtra(what, extra))


def training(what: str) -> AbstractContextManager[None]:
    """`needing` for the extra `train`."""
    return needing(what, "train")


def needing_package(what: str, package: str) -> AbstractContextManager[None]:
    """The same for a package that no extra brings.

    Args:
        what: what needs it, for the message.
        package: its name, as pip knows it.

    Raises:
        BadSetting: a module outside this package is not there.
    """
    return _named(BadSetting(f"{what} needs the package '{package}'; install it with: pip install {package}"))


@contextmanager
def _named(missing: PhotochromError) -> Iterator[None]:
    """Raise an error of ours where a module outside this package is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("photochrom"):
            raise
        raise missing from None
