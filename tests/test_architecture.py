"""The import graph, read from the source: no circles, floors that stay below, no torch where pictures are coloured."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path

import pytest

PACKAGE = Path(str(resources.files("photochrom")))
HEAVY = ("torch", "onnx", "safetensors", "tensorboard", "matplotlib", "optuna")
# What colours, from the command to the page; and of what it imports, everything.
COLOURING = ("photochrom", "colorizer", "photographs", "client", "cli", "cli.colorize", "batch", "video", "web")
# Rooms that know nothing of the rooms after them.
FLOORS = ("_support", "imaging", "inference", "painting", "photographs", "colorizer", "batch")


def name_of(path: Path) -> str:
    parts = ("photochrom", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for path in PACKAGE.rglob("*.py")}


def statements(tree: ast.AST, at_once: bool) -> Iterator[ast.AST]:
    """Every statement; `at_once`, only what runs when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        late = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not at_once or not (late or types):
            yield node
            yield from statements(node, at_once)


@cache
def imported(name: str, at_once: bool) -> frozenset[str]:
    """What a module imports, by full names; of the package its modules, not what is taken from them."""
    found = set()
    for node in statements(ast.parse(modules()[name].read_text(encoding="utf-8")), at_once):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import"
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= full & modules().keys() or {str(node.module)}
            if not full <= modules().keys():
                found.add(str(node.module))
    return frozenset(found - {name})


def room_of(name: str) -> str:
    """The folder that a module is in; of those at the top, the module itself."""
    if name == "photochrom" or modules()[name].name == "__init__.py":
        return name
    folder = name.rpartition(".")[0]
    return name if folder == "photochrom" else folder


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(reversed(error.args[1])))


def test_the_graph_is_read():
    assert "photochrom.errors" in imported("photochrom.imaging.formats", True)
    assert "photochrom.colorizer" in imported("photochrom", False) - imported("photochrom", True)
    assert imported("photochrom._support.text", False) == {"__future__", "collections.abc", "difflib", "os", "re"}


# Not even by what is imported late or for its types only: it would be a circle in the head of who reads it.
@pytest.mark.parametrize("at_once", [True, False])
def test_modules_import_each_other_in_no_circle(at_once):
    assert_no_circle({name: set(imported(name, at_once) & modules().keys()) for name in modules()})


@pytest.mark.parametrize("at_once", [True, False])
def test_rooms_import_each_other_in_no_circle(at_once):
    graph: dict[str, set[str]] = {room_of(name): set() for name in modules()}
    for name in modules():
        graph[room_of(name)] |= {room_of(other) for other in imported(name, at_once) & modules().keys()}
    assert_no_circle({room: others - {room} for room, others in graph.items()})


def test_floors_know_nothing_of_those_above():
    for name in modules():
        room = room_of(name).split(".")[1:2]
        above = FLOORS[FLOORS.index(room[0]) + 1 :] if room and room[0] in FLOORS else ()
        for other in imported(name, True) & modules().keys():
            assert other.split(".")[1:2][:1] not in [[floor] for floor in above], f"{name} imports {other}"


def test_nothing_that_colours_imports_torch():
    waiting = [
        name
        for name in modules()
        if any(name == f"photochrom.{part}".removesuffix(".photochrom") for part in COLOURING)
        or name.startswith(("photochrom.batch.", "photochrom.video.", "photochrom.web."))
    ]
    assert len(waiting) > 50
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            heavy = [other for other in imported(name, True) if other.split(".")[0] in HEAVY]
            assert not heavy, f"{name} imports {heavy}"
            assert not name.startswith(("photochrom.train", "photochrom.models", "photochrom.losses")), name
            waiting += imported(name, True) & modules().keys()
    assert {"photochrom.inference.network", "photochrom.painting.painter", "photochrom.imaging.io"} <= seen
