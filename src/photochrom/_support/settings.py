"""Frozen dataclasses as configuration: filled from a dict, every wrong key or type named in one line."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from photochrom.errors import BadRecipe

T = TypeVar("T")


def from_dict(cls: type[T], facts: dict[str, Any], where: str = "") -> T:
    """Build the dataclass `cls` from plain values, nested dataclasses from nested dicts.

    Args:
        cls: a dataclass whose fields are annotated with plain types, tuples of them, or dataclasses.
        facts: what a TOML or JSON file held.
        where: the dotted place of `facts`, for messages.

    Raises:
        BadRecipe: an unknown key (with the closest known one) or a value of another type.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Optim:
        ...     lr: float = 1e-3
        >>> from_dict(Optim, {"lr": 1})
        Optim(lr=1.0)
        >>> from_dict(Optim, {"rl": 1}, "optim")
        Traceback (most recent call last):
        ...
        photochrom.errors.BadRecipe: optim.rl is not a setting; did you mean optim.lr?
    """
    prefix = f"{where}." if where else ""
    if not isinstance(facts, dict):
        raise BadRecipe(f"{where or 'the recipe'} must be a table of settings, not {facts!r}")
    hints = typing.get_type_hints(cls)
    known = {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in facts:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"there are: {', '.join(known)}"
            raise BadRecipe(f"{prefix}{key} is not a setting; {hint}")
    return cls(**{key: _convert(value, known[key], prefix + key) for key, value in facts.items()})


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """What a TOML file holds.

    Args:
        path: the file.
        what: it is, for the message.

    Raises:
        BadRecipe: it is missing, unreadable, or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRecipe(f"{path}: {what} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRecipe(f"{path}: not a TOML file ({error})") from None


def check(ok: bool, name: str, value: Any, allowed: str) -> None:
    """Refuse a setting whose value is out of range.

    Raises:
        BadRecipe: names the setting, its value, and what it may be.
    """
    if not ok:
        raise BadRecipe(f"{name} is {value!r}; it may be {allowed}")


def check_not_negative(settings: Any, where: str, *names: str) -> None:
    """Refuse a dataclass of settings, called `where` in a recipe, one of whose fields `names` is below 0.

    Raises:
        BadRecipe: as `check`.
    """
    for name in names:
        check(getattr(settings, name) >= 0, f"{where}.{name}", getattr(settings, name), "0 or more")


def _convert(value: Any, hint: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _convert(value, next(a for a in args if a is not type(None)), where)
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else from_dict(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple and isinstance(value, list | tuple):
        inner = [args[0]] * len(value) if args[-1:] == (Ellipsis,) else list(args)
        if len(inner) != len(value):
            raise BadRecipe(f"{where} takes {len(inner)} values, not {len(value)}")
        return tuple(_convert(v, t, f"{where}[{i}]") for i, (v, t) in enumerate(zip(value, inner, strict=True)))
    if origin is dict and isinstance(value, dict):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise BadRecipe(f"{where} is {value!r}; it must be {_named(hint)}")


def _named(hint: Any) -> str:
    names = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
    kinds = {tuple: "a list", dict: "a table"}
    return names.get(hint) or kinds.get(typing.get_origin(hint) or hint, str(hint))


def to_dict(settings: Any) -> dict[str, Any]:
    """The settings as plain values that TOML and JSON can hold; entries that are None are left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if v is not None}
        return [plain(v) for v in value] if isinstance(value, tuple | list) else value

    return plain(dataclasses.asdict(settings))
