"""What can be known of the Dockerfile without an engine: what it names exists, and it is as safe as the docs say."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

import photochrom
from photochrom.cli import app
from photochrom.web.app import create_app

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# A mount namespace of its own, in which nothing but TMPDIR can be written and no process has or gets a right.
ALONE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")
READ_ONLY = """mount --bind "$TMPDIR" "$TMPDIR"
mount --bind . . && cd "$PWD" && mount -o remount,bind,ro .
mount -o remount,bind,ro /
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
"""


@pytest.fixture(scope="module")
def instructions():
    """(INSTRUCTION, arguments), continued lines joined, comments left away."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def last_stage(instructions):
    start = max(at for at, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[start:]


def test_what_it_copies_is_there_and_let_through(instructions):
    allowed = (ROOT / ".dockerignore").read_text().split()
    assert allowed[0] == "*"
    for name, arguments in instructions:
        if name != "COPY" or arguments.startswith("--from"):
            continue
        for source in arguments.split()[:-1]:
            assert (ROOT / source).exists()
            assert "!" + source.removeprefix("./") in allowed


def test_images_are_named_with_a_version_and_nothing_is_fetched_by_hand(instructions):
    for name, arguments in instructions:
        if name == "FROM":
            assert re.match(r"python:3\.\d+-slim( AS \w+)?$", arguments)
        assert name != "ADD"
        assert "curl" not in arguments
        assert "sudo" not in arguments


def test_what_it_installs_is_known_and_enough(instructions):
    (line,) = [arguments for name, arguments in instructions if name == "RUN" and "pip install" in arguments]
    extras = re.search(r"'\.\[(.+)\]'", line)[1].split(",")
    assert set(extras) == {"web", "video"}
    assert set(extras) <= set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    assert "-c constraints.txt" in line


def test_it_does_not_run_as_root(instructions):
    stage = last_stage(instructions)
    names = [name for name, _ in stage]
    (user,) = [arguments for name, arguments in stage if name == "USER"]
    assert int(user) > 0
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert any(f"--uid {user}" in arguments for name, arguments in stage if name == "RUN")


def test_its_command_and_its_check_exist(instructions):
    stage = dict(last_stage(instructions))
    command = json.loads(stage["ENTRYPOINT"])
    assert command[0] == "photochrom"
    function, bound, *_ = app.parse_args([*command[1:], "--token", "long enough a token"], exit_on_error=False)
    assert function.__name__ == "serve"
    assert bound.arguments["host"] == "0.0.0.0"
    path = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", stage["HEALTHCHECK"])
    assert path[1] == stage["EXPOSE"]
    assert path[2] in create_app().openapi()["paths"]


def test_the_docs_run_it_with_a_file_system_that_cannot_be_written():
    text = re.sub(r"\\\n", " ", (ROOT / "docs" / "web" / "deploying.md").read_text())
    (line,) = [line for line in text.splitlines() if line.startswith("docker run")]
    words = shlex.split(line)
    assert "--read-only" in words
    assert words[words.index("--tmpfs") + 1] == "/tmp"
    assert words[words.index("--cap-drop") + 1] == "ALL"
    assert words[words.index("-p") + 1].startswith("127.0.0.1:")
    assert any(word.startswith("PHOTOCHROM_TOKEN=") for word in words)


@pytest.fixture
def in_read_only(tmp_path):
    """Starts a command where nothing but this test's folder can be written."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HOME": "/nonexistent", "OMP_NUM_THREADS": "1"}

    def started(*command):
        words = [*ALONE, READ_ONLY, "sh", *map(str, command)]
        return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)

    with started("true") as trial:
        if trial.wait():
            pytest.skip("this system lets nobody make a namespace")
    return started


def test_it_serves_where_nothing_but_tmp_can_be_written(in_read_only, tmp_path, tiny, png, mp4):
    with in_read_only("touch", "tests/written") as refused:
        assert "Read-only file system" in refused.stderr.read()
    with in_read_only(sys.executable, "-m", "photochrom", "serve", "--port", "0", "--model", tiny) as server:
        address = re.search(r"http://\S+", server.stderr.readline())[0]
        with urllib.request.urlopen(f"{address}/healthz") as health:
            assert json.load(health) == {"status": "ok"}
        client = photochrom.Client(address)
        assert client.colorize(png(1)) == photochrom.Colorizer(tiny).colorize(png(1))
        assert client.submit(mp4).wait().result()[4:8] == b"ftyp"
        assert len(list(tmp_path.iterdir())) == 1
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert server.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []
