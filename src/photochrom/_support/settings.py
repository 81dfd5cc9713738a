"""Frozen dataclasses as configuration: filled from a dict, every wrong key or type named in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import math
import numbers
import tomllib
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from photochrom._support.text import either
from photochrom.errors import BadRecipe, BadSetting, PhotochromError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class NoSettings:
    """Of a part (a task, a loss) that has none."""


@dataclasses.dataclass(frozen=True)
class Range:
    """The finite values that a setting can have; `Annotated[float, Range(0, 1)]` gives one to a field of a `Checked`.

    Attributes:
        low, high: both may be reached.
        whole: whole numbers only.
        above: `low` itself is left out.
        below: `high` itself is left out.

    Example:
        >>> 0.5 in Range(0, 1), float("nan") in Range(0, 1), 1.5 in Range(0, 4, whole=True), math.inf in Range(0)
        (True, False, False, False)
        >>> str(Range(0, 1, above=True)), str(Range(0, 1, below=True)), str(Range(0, above=True))
        ('above 0 and at most 1', 'at least 0 and below 1', 'above 0')
        >>> str(Range(1, 4)), str(Range(1, whole=True))
        ('between 1 and 4', 'a whole number of at least 1')
    """

    low: float
    high: float = math.inf
    whole: bool = False
    above: bool = False
    below: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, numbers.Integral if self.whole else numbers.Real) or isinstance(value, bool):
            return False
        if (self.above and value == self.low) or (self.below and value == self.high):
            return False
        return self.low <= value <= self.high and value < math.inf  # type: ignore[operator]

    def __str__(self) -> str:
        if self.high < math.inf and not (self.above or self.below):
            return f"{'a whole number ' if self.whole else ''}between {self.low} and {self.high}"
        low = f"{'above' if self.above else 'at least'} {self.low}"
        high = f" and {'below' if self.below else 'at most'} {self.high}" if self.high < math.inf else ""
        return f"{'a whole number of ' if self.whole else ''}{low}{high}"

    def check(self, name: str, value: Any, error: type[PhotochromError] = BadSetting) -> None:
        """Refuse a value outside.

        Raises:
            PhotochromError: of the type `error`; it names the setting, its value and its range.
        """
        if value not in self:
            raise error(f"{name} is {value!r}; it must be {'finite' if value == math.inf == self.high else self}")


class Checked:
    """A dataclass of settings that refuses values which the annotations of its fields do not allow.

    A field `Annotated[float, Range(0, 1)]` must be between 0 and 1, a field `Literal["sum", "mean"]` one of the two.
    What depends on several fields is checked in the subclass's own `__post_init__`, after this one.

    Args:
        where: what the settings are called in a recipe.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Mean(Checked, where="mean"):
        ...     share: typing.Annotated[float, Range(0, 1)] = 0.5
        >>> Mean(2)
        Traceback (most recent call last):
        ...
        photochrom.errors.BadRecipe: mean.share is 2; it must be between 0 and 1
    """

    _where: typing.ClassVar[str]

    def __init_subclass__(cls, where: str = "", **others: Any) -> None:
        super().__init_subclass__(**others)
        if where:
            cls._where = where

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            BadRecipe: it names the setting, its value and what is allowed.
        """
        check_fields(self, f"{self._where}.{{}}".format, BadRecipe)


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
            hint = f"did you mean {prefix}{close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
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
    """Refuse a setting that fails a condition other than a range.

    Raises:
        BadRecipe: it names the setting, its value and what is allowed.
    """
    if not ok:
        raise BadRecipe(f"{name} is {value!r}; it must be {allowed}")


def check_fields(settings: Any, name: Callable[[str], str], error: type[PhotochromError]) -> None:
    """Refuse a dataclass of settings with a value that the annotation of its field does not allow; see `Checked`.

    Args:
        settings: the dataclass; fields without a range or a choice are not looked at.
        name: what a field is called in the message.
        error: what is raised.
    """
    for field, allowed in _allowed(type(settings)).items():
        value = getattr(settings, field)
        if isinstance(allowed, Range):
            allowed.check(name(field), value, error)
        elif value not in allowed:
            raise error(f"{name(field)} is {value!r}; it must be {either(map(str, allowed))}")


@functools.cache
def _allowed(cls: type) -> dict[str, Range | tuple[Any, ...]]:
    found: dict[str, Range | tuple[Any, ...]] = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        for extra in getattr(hint, "__metadata__", ()):
            if isinstance(extra, Range):
                found[name] = extra
        if typing.get_origin(hint) is typing.Literal:
            found[name] = typing.get_args(hint)
    return found


def _convert(value: Any, hint: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return _convert(value, type(args[0]), where)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        options = [option for option in args if option is not type(None)]
        if len(options) == 1:
            return _convert(value, options[0], where)
        for option in options:
            with contextlib.suppress(BadRecipe):
                return _convert(value, option, where)
        raise BadRecipe(f"{where} is {value!r}; it must be {', or '.join(map(_named, options))}")
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else from_dict(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple and isinstance(value, list | tuple):
        inner = [args[0]] * len(value) if args[-1:] == (Ellipsis,) else list(args)
        if len(inner) != len(value):
            raise BadRecipe(f"{where} needs {len(inner)} values, not {len(value)}")
        return tuple(_convert(v, t, f"{where}[{i}]") for i, (v, t) in enumerate(zip(value, inner, strict=True)))
    if origin is dict and isinstance(value, dict):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise BadRecipe(f"{where} is {value!r}; it must be {_named(hint)}")


def _named(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return either(map(repr, typing.get_args(hint)))
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
