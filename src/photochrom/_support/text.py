"""Text for messages."""

from __future__ import annotations

import os


def counted(number: int, thing: str) -> str:
    """A number of things in words.

    Example:
        >>> counted(1, "frame"), counted(3, "frame")
        ('1 frame', '3 frames')
    """
    return f"{number} {thing}" + ("" if number == 1 else "s")


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can stand in a one-line message: line breaks and undecodable bytes are escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)
