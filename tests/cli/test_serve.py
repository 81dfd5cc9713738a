"""`photochrom serve`: what it refuses before it starts."""

import socket
import sys

import pytest

from photochrom.cli import main


def status(*argv):
    with pytest.raises(SystemExit) as caught:
        main(["serve", *argv])
    return caught.value.code


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--host", "0.0.0.0"], "--token"),
        (["--token", "short"], "16 or more"),
        (["--queue", "0"], "length of the queue is 0"),
        (["--model", "defalt"], "did you mean 'default'?"),
        (["--host", "no.such.host.invalid", "--token", "long enough to be safe"], "nothing can listen"),
    ],
)
def test_wrong_calls(argv, line, capsys):
    assert status(*argv) == 2
    assert line in capsys.readouterr().err


def test_a_study_that_is_none(tmp_path, capsys):
    assert status("--turing", str(tmp_path)) == 1
    assert "no Turing study; make one with `photochrom turing new`" in capsys.readouterr().err


def test_a_port_that_is_taken(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert status("--port", str(port)) == 2
    assert f"port {port}" in capsys.readouterr().err


def test_the_extra_that_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "photochrom.web.server", raising=False)
    assert status() == 1
    assert "extra 'web'" in capsys.readouterr().err
