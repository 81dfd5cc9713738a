"""Text for messages."""

from __future__ import annotations

import os


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can stand in a one-line message: line breaks and undecodable bytes are escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)
