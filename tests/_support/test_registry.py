"""Registries: names, hints, duplicates, and what is imported when."""

import sys
import threading

import pytest

from photochrom._support.registry import Registry
from photochrom.errors import UnknownName
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
    for name in [n for n in sys.modules if n.split(".")[0] == "things_pkg"]:
        del sys.modules[name]


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


def test_the_decoders():
    assert list(decoders) == ["annealed_mean", "argmax", "mean", "sample", "tilted"]
    with pytest.raises(UnknownName, match=r"no decoder is called 'annealed'; did you mean 'annealed_mean'\?"):
        decoders["annealed"]
