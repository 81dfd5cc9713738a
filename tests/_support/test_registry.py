"""Registries: names, hints, duplicates, and what is imported when."""

import os
import subprocess
import sys
import threading

import pytest

from photochrom._support.registry import Registry
from photochrom.errors import BadPlugin, UnknownName
from photochrom.inference.decoders import decoders


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules that register into its `things`; the modules' texts can be replaced."""
    root = tmp_path / "things_pkg"
    root.mkdir()
    (root / "__init__.py").write_text(
        "from photochrom._support.registry import Registry\nthings = Registry('thing', 'things_pkg')\n"
    )
    (root / "one.py").write_text("from things_pkg import things\n@things.register('round')\ndef f(): return 1\n")
    (root / "two.py").write_text("from things_pkg import things\n@things.register('square')\ndef f(): return 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield root
    for name in [n for n in sys.modules if n.startswith("things_pkg")]:
        del sys.modules[name]


def plug_in(folder, group, module, text, distribution="extra-things"):
    """Install a distribution with one module and one entry point, 'extra', into a folder on the path."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nextra = {module}\n")
    (folder / f"{module}.py").write_text(text)


TRIANGLE = "from things_pkg import things\nthings.register('triangle')(3)\n"


def test_the_first_look_up_imports_every_module(package):
    from things_pkg import things

    assert "things_pkg.one" not in sys.modules
    assert list(things) == ["round", "square"]
    assert things["square"]() == 2
    assert len(things) == 2
    assert "round" in things
    assert "oval" not in things


def test_an_unknown_name_comes_with_the_closest_ones(package):
    from things_pkg import things

    with pytest.raises(UnknownName) as error:
        things["sqare"]
    assert str(error.value) == "no thing is called 'sqare'; did you mean 'square'?"
    with pytest.raises(UnknownName) as error:
        things["zzz"]
    assert str(error.value) == "no thing is called 'zzz'; there are: round, square"


def test_a_name_is_registered_once():
    shapes = Registry("shape", "nowhere")
    shapes.register("disc")(1)
    with pytest.raises(ValueError, match="the shape name 'disc' is registered twice"):
        shapes.register("disc")(2)


def test_an_entry_is_returned_as_it_was():
    def entry():
        return 3

    assert Registry("shape", "nowhere").register("x")(entry) is entry


def test_a_module_that_cannot_be_imported_is_named_each_time(package):
    (package / "two.py").write_text("import a_package_that_is_not_there\n")
    from things_pkg import things

    for _ in range(2):
        with pytest.raises(ImportError, match="a_package_that_is_not_there"):
            list(things)


def test_a_module_may_look_names_up_while_it_is_imported(package):
    (package / "two.py").write_text("from things_pkg import things\nassert 'round' in things\n")
    from things_pkg import things

    assert list(things) == ["round"]


def test_a_second_thread_waits_until_all_are_there(package):
    (package / "one.py").write_text(
        "import time; time.sleep(0.2)\nfrom things_pkg import things\nthings.register('round')(1)\n"
    )
    from things_pkg import things

    seen = []
    threads = [threading.Thread(target=lambda: seen.append(list(things))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["round", "square"]] * 4


def test_a_plug_in_adds_its_names(package):
    plug_in(package.parent, "things_pkg", "things_pkg_more", TRIANGLE)
    from things_pkg import things

    assert things["triangle"] == 3
    assert list(things) == ["round", "square", "triangle"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TRIANGLE + "import a_package_that_is_not_there\n", "ModuleNotFoundError: No module named 'a_package_that_is_"),
        (TRIANGLE + "1 / 0\n", "ZeroDivisionError: division by zero"),
        (TRIANGLE + "things.register('square')(4)\n", "the thing name 'square' is registered twice"),
    ],
)
def test_a_broken_plug_in_is_one_line_for_who_needs_it(package, text, reason):
    plug_in(package.parent, "things_pkg", "things_pkg_more", text)
    from things_pkg import things

    assert things["square"]() == 2
    assert "round" in things
    for look_up in (lambda: list(things), lambda: len(things), lambda: things["triangle"], lambda: "oval" in things):
        with pytest.raises(BadPlugin) as error:
            look_up()
        line = str(error.value)
        assert line.startswith(
            "the plug-in 'extra' (things_pkg_more) of extra-things, in the entry-point group things_pkg, "
            f"cannot be loaded ({reason}"
        )
        assert line.endswith("); update extra-things, or uninstall it")
    assert things["round"]() == 1
    assert "triangle" not in things._entries, "nothing of it is left"


def test_of_two_plug_ins_with_one_name_the_second_is_named(package):
    plug_in(package.parent, "things_pkg", "things_pkg_more", TRIANGLE)
    plug_in(package.parent, "things_pkg", "things_pkg_most", TRIANGLE, "other-things")
    from things_pkg import things

    with pytest.raises(BadPlugin, match=r"of (extra|other)-things, .*the thing name 'triangle' is registered twice"):
        things["triangle"]


@pytest.mark.slow
def test_a_command_fails_in_one_line_only_where_it_needs_the_plug_in(tmp_path):
    for kind in ("decoders", "metrics"):
        plug_in(tmp_path, f"photochrom.{kind}", f"broken_{kind}", "import a_package_that_is_not_there\n", f"my-{kind}")

    def command(*argv):
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
        words = [sys.executable, "-m", "photochrom", *argv]
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert command("demo").returncode == 0
    done = command("evaluate", "photochrom-demo.jpg")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "photochrom: the plug-in 'extra' (broken_metrics) of my-metrics, in the entry-point group photochrom.metrics, "
    )
    assert "Traceback" not in done.stderr


def test_the_decoders():
    assert list(decoders) == ["annealed_mean", "argmax", "mean", "sample", "tilted"]
    with pytest.raises(UnknownName, match=r"no decoder is called 'annealed'; did you mean 'annealed_mean'\?"):
        decoders["annealed"]
