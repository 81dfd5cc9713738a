"""A file appears whole or not at all, whatever happens on the way."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from photochrom._support import files
from photochrom.errors import AlreadyThere, WriteFailed


class Interrupting:
    """A file that fails when half is written, as a full disk does."""

    def __init__(self, file, error):
        self.file, self.error = file, error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def fileno(self):
        return self.file.fileno()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        raise self.error


ERRORS = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EIO, "Input/output error"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("error", ERRORS, ids=["disk full", "broken disk", "ctrl-c"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_in_the_middle_leaves_things_as_they_were(tmp_path, monkeypatch, error, overwrite):
    path = tmp_path / "out.png"
    if overwrite:
        path.write_bytes(b"old")
    monkeypatch.setattr(files, "open", lambda *a: Interrupting(Path(a[0]).open("xb"), error), raising=False)  # noqa: SIM115
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else WriteFailed) as caught:
        files.write_bytes(path, b"new" * 1000, overwrite)
    if isinstance(caught.value, WriteFailed):
        text = str(caught.value)
        assert "\n" not in text
        assert text.startswith(f"{path} cannot be written: ")
        assert ("the disk is full" in text) == (error.errno == errno.ENOSPC)
    assert os.listdir(tmp_path) == (["out.png"] if overwrite else [])
    if overwrite:
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["link", "replace"])
def test_ctrl_c_at_the_rename(tmp_path, monkeypatch, step):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(tmp_path / "a", b"x", overwrite=step == "replace")
    assert os.listdir(tmp_path) == []


def test_ctrl_c_in_the_cleaning_up(tmp_path):
    script = """
import os, pathlib, shutil, sys
from photochrom._support import files
folder = pathlib.Path(sys.argv[1])
def at_first(module, name):
    usual = getattr(module, name)
    def interrupted(*_, **__):
        setattr(module, name, usual)
        raise KeyboardInterrupt
    setattr(module, name, interrupted)
at_first(os, "unlink")
at_first(shutil, "rmtree")
try:
    files.write_bytes(folder / "out", b"whole")
except KeyboardInterrupt:
    print(len(list(folder.glob(".photochrom-*"))))
try:
    with files.making(folder / "made") as made:
        (made / "file").write_bytes(b"half")
        raise ValueError
except KeyboardInterrupt:
    print(len(list(folder.glob(".photochrom-*"))))
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "2"]  # at first they are left over
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_bytes() == b"whole"


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_write_and_no_clobber(tmp_path, monkeypatch, links):
    if not links:

        def refuse(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a" / "b" / "out.png"
    files.write_bytes(path, b"first")
    assert path.read_bytes() == b"first"
    monkeypatch.setattr(files, "check_free", lambda *_: None)
    with pytest.raises(WriteFailed, match=r"out\.png is already there; choose another name"):
        files.write_bytes(path, b"second")
    assert path.read_bytes() == b"first"
    files.write_bytes(path, b"third", overwrite=True)
    assert path.read_bytes() == b"third"
    assert os.listdir(path.parent) == ["out.png"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_of_many_writers_one_wins(tmp_path, monkeypatch, links):
    if not links:

        def refuse(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    won, start = [], threading.Barrier(8)

    def write(number):
        start.wait()
        try:
            files.write_bytes(tmp_path / "out", b"%d" % number * 1000)
        except WriteFailed:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (tmp_path / "out").read_bytes() == b"%d" % won[0] * 1000
    assert os.listdir(tmp_path) == ["out"]


def test_a_folder_of_that_name(tmp_path):
    with pytest.raises(WriteFailed, match="there is a folder of that name"):
        files.write_bytes(tmp_path, b"x", overwrite=True)


@pytest.mark.parametrize("name", ["file/out.png", "file/deep/out.png"])
def test_a_file_in_the_place_of_a_folder(tmp_path, name):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(WriteFailed, match="a part of the path is a file"):
        files.write_bytes(tmp_path / name, b"x")


@pytest.mark.parametrize(("name", "words"), [("n" * 300, "name is too long"), ("a\0b", "null")])
def test_impossible_names(tmp_path, name, words):
    with pytest.raises(WriteFailed, match=words):
        files.write_bytes(tmp_path / name, b"x")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("number", "words"), [(errno.EROFS, "read-only"), (errno.EACCES, "may not be written to")])
def test_a_folder_that_refuses(tmp_path, monkeypatch, number, words):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "open", refuse, raising=False)
    with pytest.raises(WriteFailed, match=words):
        files.write_bytes(tmp_path / "a", b"x")


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(WriteFailed, match="already there"):
        files.write_bytes(tmp_path / "link", b"new")
    files.write_bytes(tmp_path / "link", b"new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_permissions_follow_the_umask(tmp_path):
    files.write_bytes(tmp_path / "a", b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_a_real_limit_on_file_size(tmp_path):
    script = (
        "import resource, signal, sys; from photochrom import errors; from photochrom._support import files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try: files.write_bytes(sys.argv[1], bytes(10**6))\n"
        "except errors.WriteFailed as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert "larger than this disk can hold" in done.stdout
    assert os.listdir(tmp_path) == []


def test_what_killed_processes_left_is_swept(tmp_path):
    """A file in work, even of long ago, is not: it is locked."""
    left, other = tmp_path / ".photochrom-0.part", tmp_path / "photochrom.part"
    for path in (left, other):
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    with files.writing(tmp_path / "out") as file:
        file.write(b"x")
        file.flush()
        (working,) = {*tmp_path.glob(".photochrom-*.part")} - {left}
        os.utime(working, (0, 0))
        files.sweep(tmp_path)
        assert not left.exists()
        assert working.exists()
    assert sorted(os.listdir(tmp_path)) == ["out", "photochrom.part"]
    files.sweep(tmp_path / "gone")


def test_a_folder_appears_whole_and_what_killed_processes_left_of_others_is_swept(tmp_path):
    left = tmp_path / ".photochrom-0.part"
    (left / "deeper").mkdir(parents=True)
    (left / "deeper" / "file").write_bytes(b"half")
    os.utime(left, (0, 0))
    with files.making(tmp_path / "out") as folder:
        assert not left.exists()
        (folder / "file").write_bytes(b"whole")
        os.utime(folder, (0, 0))
        files.sweep(tmp_path)
        assert os.listdir(tmp_path) == [folder.name]
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out" / "file").read_bytes() == b"whole"
    with pytest.raises(AlreadyThere, match="already there"), files.making(tmp_path / "out"):
        pass


@pytest.mark.parametrize("error", ERRORS)
def test_a_folder_that_breaks_off_leaves_nothing(tmp_path, error):
    def broken():
        with files.making(tmp_path / "deeper" / "out") as folder:
            (folder / "file").write_bytes(b"half")
            raise error

    with pytest.raises((WriteFailed, KeyboardInterrupt)):
        broken()
    assert os.listdir(tmp_path / "deeper") == []


def test_a_file_in_work_can_be_searched_and_read(tmp_path):
    with files.writing(tmp_path / "out") as file:
        file.write(b"12345")
        file.seek(1)
        file.write(b"x")
        file.seek(0)
        assert file.read() == b"1x345"
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out").read_bytes() == b"1x345"
