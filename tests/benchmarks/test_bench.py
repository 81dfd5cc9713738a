"""What benchmarks say besides their results."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from photochrom.errors import BadDataset

FOLDER = Path(__file__).parents[2] / "benchmarks"
# They draw pictures of what was measured before, compute without measuring, or are no script.
SILENT = {"adversarial_curves", "training_curve", "cost", "bench", "seeds", "levin"}


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/sizes.py"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    spec = importlib.util.spec_from_file_location("bench", FOLDER / "bench.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_missing_package_ends_the_script_with_one_line(bench):
    with pytest.raises(SystemExit) as stopped, bench.needs("dev"):
        import no_such_package  # noqa: F401
    assert str(stopped.value) == (
        "benchmarks/sizes.py needs the package no_such_package, which the extra 'dev' brings: "
        ".venv/bin/pip install -c constraints.txt '.[dev]'"
    )


def test_it_names_the_machine_and_how_long_it_takes(bench, capsys):
    bench.begin("about 2 minutes", threads=1)
    out, err = capsys.readouterr()
    assert err == "benchmarks/sizes.py: takes about 2 minutes\n"
    assert out == bench.machine(1) + "\n"
    assert out.endswith(", 1 thread\n")
    assert bench.processor() in out


def test_errors_of_ours_are_one_line(bench, capsys):
    bench.begin("a second")
    capsys.readouterr()
    sys.excepthook(BadDataset, BadDataset("no photographs"), None)
    assert capsys.readouterr().err == "benchmarks/sizes.py: no photographs\n"


def test_progress_tells_how_much_is_done_and_left(bench, capsys, monkeypatch):
    now = iter(range(0, 100, 3))
    monkeypatch.setattr(bench.time, "monotonic", lambda: next(now))
    assert list(bench.watched("abcd", "letters")) == list("abcd")
    assert capsys.readouterr().err == "1 of 4 letters, 6 s, about 18 s left\n3 of 4 letters, 12 s, about 4 s left\n"


def test_a_folder_without_pictures_is_named(bench, tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("a.png", "b/c.jpg", "d.txt", "e.png"):
        (tmp_path / name).touch()
    assert [p.name for p in bench.pictures(tmp_path, every=2)] == ["a.png", "e.png"]
    with pytest.raises(SystemExit, match=r"benchmarks/sizes\.py: no pictures in .*/none; name a folder"):
        bench.pictures(tmp_path / "none")


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_begins_so(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert "begin" in calls or script.stem in SILENT


def test_a_films_stages_can_be_timed(bench, monkeypatch, tmp_path):
    """They call what lies deep inside, which changes."""
    monkeypatch.setitem(sys.modules, "bench", bench)
    spec = importlib.util.spec_from_file_location("film", FOLDER / "film.py")
    film = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(film)
    film.make(tmp_path / "a.mp4", 64, 48, 3)
    spent = film.stages(tmp_path / "a.mp4")
    assert {"decode to gray", "network", "flow", "recurrent", "scores to chroma", "paint"} < spent.keys()
    assert min(spent.values()) > 0
