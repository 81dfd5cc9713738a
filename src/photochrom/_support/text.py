"""Text for messages, and what people write."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable


def counted(number: int, thing: str) -> str:
    """A number of things in words.

    Example:
        >>> counted(1, "frame"), counted(3, "frame")
        ('1 frame', '3 frames')
    """
    return f"{number} {thing}" + ("" if number == 1 else "s")


def either(names: Iterable[str]) -> str:
    """What a setting must be, where there are several possibilities.

    Example:
        >>> either(["cpu"]), either(["cpu", "cuda"]), either(["auto", "cpu", "cuda"])
        ('cpu', 'cpu or cuda', 'auto, cpu or cuda')
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def one_line(error: BaseException) -> str:
    """What an error says, on one line and at most 200 characters; its kind where it says nothing.

    Example:
        >>> one_line(ValueError("no\\n  end")), one_line(EOFError())
        ('no end', 'EOFError')
    """
    return " ".join(str(error).split())[:200] or type(error).__name__


def shown(path: str | os.PathLike[str]) -> str:
    """A path as it can stand in a one-line message: line breaks and undecodable bytes are escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


def closest(name: str, known: Iterable[str], otherwise: str | None = None, least: float = 0.5) -> str:
    """What to try instead of an unknown name, for the end of a message.

    Args:
        name: as it was given.
        known: the names that there are.
        otherwise: what is said where none of them is close; by default, what they are.
        least: how alike two close names are, 0..1; see `difflib.SequenceMatcher.ratio`.

    Example:
        >>> closest("flat", ["flag", "tree"]), closest("x", ["flag", "tree"])
        ("did you mean 'flag'?", 'there are: flag, tree')
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=least)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there are: {', '.join(known)}" if otherwise is None else otherwise


def seconds_of(text: str) -> float:
    """The seconds of a time such as 12.5, 12.5s, 1:02.5 or 1:00:02.5.

    Raises:
        ValueError: it is none.

    Examples:
        >>> seconds_of("1:02.5")
        62.5
    """
    found = re.fullmatch(r"(-?)(?:(?:(\d+):)?(\d+):)?(\d*\.?\d+|\d+\.)s?", text)
    if not found:
        raise ValueError(f"'{text}' is not a time; give seconds, M:S or H:M:S")
    sign, *parts = found.groups()
    hours, minutes, seconds = (float(part or 0) for part in parts)
    total = 3600 * hours + 60 * minutes + seconds
    return -total if sign else total
