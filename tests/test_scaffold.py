"""`photochrom new`: one plug-in of each kind works as it is written, and what cannot be written is one line."""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter

import pytest

from photochrom.cli import main
from photochrom.errors import BadSetting, UnknownName, WriteFailed
from photochrom.scaffold import KINDS, create


@pytest.mark.slow
def test_new_parts_are_installed_and_pass_their_tests(tmp_path):
    """All of them in one process: most of its time is torch's import."""
    folders = [installed(create(kind, f"my_{kind}", tmp_path / kind)) for kind in KINDS]
    words = [sys.executable, "-m", "pytest", "-q", "-rp", "-W", "error", "-p", "no:cacheprovider", "."]
    done = run(words, tmp_path, os.pathsep.join(map(str, folders)))
    passed = Counter(re.findall(r"^PASSED (\w+)/tests/test_my_\1\.py::", done, re.M))
    assert all(passed[kind] >= 2 for kind in KINDS), done


def installed(folder):
    """The folder, which as a place on the path is what `pip install -e` makes of it, without the wait."""
    facts = tomllib.loads((folder / "pyproject.toml").read_text())
    name, version = facts["project"]["name"], facts["project"]["version"]
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{n} = {m}\n" for n, m in points.items())
        for group, points in facts["project"]["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("".join(lines))
    assert [f"{module}.py" for module in facts["tool"]["setuptools"]["py-modules"]] == [
        path.name for path in folder.glob("*.py")
    ]
    return folder


@pytest.mark.slow
def test_a_plug_ins_settings_come_from_the_recipe(tmp_path):
    folder = installed(create("loss", "my_loss", tmp_path / "new"))
    code = """
from photochrom.errors import BadRecipe
from photochrom.train.build import build_loss, resolved_loss
from photochrom.train.config import LossConfig, Recipe
print(resolved_loss(LossConfig("my_loss")).settings)
print(build_loss(Recipe(loss=LossConfig("my_loss", settings={"power": 2})), None).power)
try:
    resolved_loss(LossConfig("my_loss", settings={"pover": 2}))
except BadRecipe as error:
    print(error)
"""
    lines = run([sys.executable, "-c", code], tmp_path, folder).splitlines()
    assert lines[0] == "{'power': 1.5}"
    assert float(lines[1]) == 2
    assert "did you mean loss.settings.power?" in lines[2]


def run(words, cwd, site=None):
    environment = os.environ | ({"PYTHONPATH": str(site)} if site else {}) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["my-metric", "", "3d", "class", "Mine", "a b", "../x", "ü"])
def test_a_name_that_is_none(name, tmp_path):
    with pytest.raises(BadSetting, match="cannot be a part's name; take small letters, digits and _, as in my_metric"):
        create("metric", name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_taken(tmp_path):
    with pytest.raises(BadSetting, match="there is a metric called 'psnr' already; choose another name"):
        create("metric", "psnr", tmp_path / "new")


def test_a_kind_that_is_none(tmp_path):
    with pytest.raises(UnknownName, match="no kind of part is called 'los'; did you mean 'loss'"):
        create("los", "mine", tmp_path / "new")


@pytest.mark.parametrize("what", ["a full folder", "a file"])
def test_nothing_is_overwritten(what, tmp_path):
    target = tmp_path / "new"
    if what == "a file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    with pytest.raises(WriteFailed, match="not an empty folder; give another --out"):
        create("decoder", "mine", target)
    assert (target if what == "a file" else target / "mine.txt").read_text() == "mine"


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as status:
        main(["new", "metric", "my_metric"])
    assert not status.value.code
    assert "photochrom-my-metric" in capsys.readouterr().err
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    folder = "photochrom-my-metric"
    assert found == [
        f"{folder}/README.md",
        f"{folder}/photochrom_my_metric.py",
        f"{folder}/pyproject.toml",
        f"{folder}/tests/test_my_metric.py",
    ]
    with pytest.raises(SystemExit) as status:
        main(["new", "metric", "my_metric"])
    assert status.value.code == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
