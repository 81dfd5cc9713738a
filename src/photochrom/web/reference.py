"""Flattens the OpenAPI schema for the docs template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One part of a path or a query."""

    name: str
    kind: str
    limits: str
    default: str
    about: str


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked."""

    method: str
    path: str
    about: str
    parameters: tuple[Parameter, ...]
    bodies: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """Its name in the page's address."""
        return f"{self.method}{self.path}".lower().replace("/", "-").replace("{", "").replace("}", "")


def operations(description: dict[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI description, in its order."""
    return [
        _operation(method, path, operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]


def _operation(method: str, path: str, operation: dict[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        about=operation.get("description", ""),
        parameters=tuple(map(_parameter, operation.get("parameters", []))),
        bodies=tuple(operation.get("requestBody", {}).get("content", {})),
        answers=tuple(_answers(operation["responses"])),
    )


def _parameter(entry: dict[str, Any]) -> Parameter:
    schema = entry["schema"]
    # What can be omitted is described as "this or null".
    plain = next((kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"), schema)
    limits = [str(plain[key]) for key in ("minimum", "maximum") if key in plain]
    default = schema.get("default")
    return Parameter(
        name=entry["name"],
        kind=", ".join(plain["enum"]) if "enum" in plain else plain.get("type", ""),
        limits=" to ".join(limits),
        default="" if default is None else f"{default}",
        about=entry.get("description", ""),
    )


def _answers(responses: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for status, answer in sorted(responses.items()):
        kinds = answer.get("content", {})
        yield status, answer["description"] + (f": {', '.join(kinds)}" if status < "300" and kinds else "")
