"""Recipes as files: read, overridden by dotted names, and written back resolved."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from photochrom._support.settings import from_dict, read_toml, to_dict
from photochrom.errors import BadRecipe
from photochrom.train.config import Recipe


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe and apply overrides such as "optim.lr=1e-3".

    Raises:
        BadRecipe: the file is missing or no TOML, a key is unknown, a value out of range.
    """
    facts = read_toml(path, "the recipe")
    for text in overrides:
        _override(facts, text)
    try:
        return from_dict(Recipe, facts)
    except BadRecipe as error:
        raise BadRecipe(f"{path}: {error}") from None


def _override(facts: dict[str, Any], text: str) -> None:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadRecipe(f"'{text}' sets nothing; write it as section.name=value")
    try:
        parsed = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        parsed = value
    put(facts, name, parsed, f"'{text}'")


def put(facts: dict[str, Any], name: str, value: Any, where: str) -> None:
    """Set a field of a recipe's plain values by its dotted name; `where` is named in messages.

    Raises:
        BadRecipe: a part of the name is a value, not a section.
    """
    *path, last = name.split(".")
    table = facts
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise BadRecipe(f"{where}: {part} is not a section of the recipe")
    table[last] = value


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """The resolved recipe as plain values."""
    return to_dict(recipe)


def recipe_from_dict(facts: dict[str, Any]) -> Recipe:
    """The recipe of a run folder or a card."""
    return from_dict(Recipe, facts)


def recipe_text(recipe: Recipe) -> str:
    """The resolved recipe as TOML."""
    return tomli_w.dumps(recipe_dict(recipe))
