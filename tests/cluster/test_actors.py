"""What an actor makes of a batch: the names and bytes that `colorize -o` gives, and a row for each picture."""

# ruff: noqa: E402 - skipped before what is missing is imported

import errno
import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[cluster]'")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install '.[cluster]'")

from photochrom import Colorizer, batch
from photochrom.cluster import actors, sources
from photochrom.cluster.actors import Colouring, Duty
from photochrom.cluster.beside import Beside
from photochrom.cluster.ledger import Ledger
from photochrom.cluster.places import Place
from photochrom.cluster.sources import READ, find
from photochrom.errors import BadSetting, MissingExtra
from photochrom.imaging.damage import NOTE
from photochrom.painting.album import Album


@pytest.fixture
def duty(tiny, tmp_path):
    settings = {name: value for name, value in Colorizer(tiny, threads=1).settings.items() if name != "model"}
    return Duty(str(tmp_path / "out"), tiny.read_bytes(), "tiny", settings)


def colour(duty, url, ledger=None):
    """The rows of all pictures at a URL, by source."""
    worker, rows = Colouring(duty, ledger or Ledger()), []
    for part in find(str(url), Place(duty.output), "image", frozenset()).parts:
        for table in part.read():
            rows += [row for out in worker(table) for row in out.to_pylist()]
    assert len({row["source"] for row in rows}) == len(rows)
    return {row["source"]: row for row in rows}


def as_colorize_does(tiny, inputs, out):
    """{path below `out`: bytes} of `photochrom colorize INPUTS -o OUT`."""
    list(batch.run(Colorizer(tiny, threads=1), batch.plan(inputs, f"{out}/", recursive=True)))
    return {str(path.relative_to(out)): path.read_bytes() for path in Path(out).rglob("*") if path.is_file()}


@pytest.fixture
def album(folder, drawn):
    """Of several formats and sizes, one of them damaged, one cut short, and one of no format."""
    drawn(20).save(folder / "a.tif")
    drawn(21, width=90).convert("L").save(folder / "b.jpg")
    drawn(22).convert("L").save(folder / "c.webp")
    (folder / "cut.png").write_bytes((folder / "1.png").read_bytes()[:-40])
    (folder / "damaged.png").write_bytes(b"no picture")
    (folder / "raw.dng").write_bytes(b"II*\0")
    return folder


@pytest.mark.parametrize(("at_once", "threads"), [(1, 0), (4, 0), (4, 3)])
@pytest.mark.parametrize("where", ["disk", "memory"])
def test_names_and_bytes_are_those_of_colorize(tiny, duty, album, tmp_path, at_once, threads, where):
    expected = as_colorize_does(tiny, [album], tmp_path / "expected")
    assert len(expected) == 13
    duty, url = replace(duty, at_once=at_once, threads=threads), str(album)
    fs = fsspec.filesystem("memory")
    if where == "memory":
        duty, url = replace(duty, output="memory://result"), "memory://source"
        fs.put(str(album), "/source", recursive=True)
    try:
        rows = colour(duty, url)
        if where == "disk":
            found = {str(p.relative_to(duty.output)): p.read_bytes() for p in Path(duty.output).rglob("*.*")}
        else:
            found = {path.removeprefix("/result/"): fs.cat_file(path) for path in fs.find("/result")}
    finally:
        for path in ("/source", "/result"):
            if fs.exists(path):
                fs.rm(path, recursive=True)
    assert found == expected
    good = rows[f"{url}/1.png"]
    assert {key: good[key] for key in ("target", "status", "error", "width", "height", "digest", "model", "bytes")} == {
        "target": "1.png",
        "status": "coloured",
        "error": None,
        "width": 48,
        "height": 40,
        "digest": hashlib.sha256((album / "1.png").read_bytes()).hexdigest(),
        "model": Colorizer(tiny).card.digest,
        "bytes": len(expected["1.png"]),
    }
    assert 0 < good["seconds"] < 60
    failed = {Path(row["source"]).name: row["error"] for row in rows.values() if row["status"] == "failed"}
    assert sorted(failed) == ["damaged.png", "raw.dng"]
    assert failed["damaged.png"].startswith(f"{url}/damaged.png ")
    assert all("\n" not in error for error in failed.values())
    assert NOTE in rows[f"{url}/cut.png"]["note"]


def test_what_has_colour_is_kept(duty, album):
    rows = colour(replace(duty, settings=duty.settings | {"keep_color": True}), album)
    assert rows[f"{album}/0.png"]["status"] == "kept"
    assert Path(duty.output, "0.png").read_bytes() == (album / "0.png").read_bytes()
    assert rows[f"{album}/b.jpg"]["status"] == "coloured"


def test_a_picture_without_a_name_is_named_by_its_content(duty, tmp_path, drawn):
    drawn(1).save(tmp_path / "x.webp")
    data = (tmp_path / "x.webp").read_bytes()
    given = pa.Table.from_pylist([{"source": "p#7", "target": b"p/00000007", "data": data}], READ)
    (out,) = Colouring(duty, Ledger())(given)
    assert out["target"].to_pylist() == ["p/00000007.webp"]
    with Image.open(Path(duty.output, "p/00000007.webp")) as result:
        assert result.format == "WEBP"


def test_alike_pictures_wait_for_each_other(duty, folder, drawn, monkeypatch):
    seen = []
    real = actors.scores_of
    monkeypatch.setattr(actors, "scores_of", lambda session, all_: seen.append(len(all_)) or real(session, all_))
    for i in range(3):
        drawn(30 + i, width=120, height=30).save(folder / f"wide{i}.png")
    colour(replace(duty, at_once=4), folder)
    assert sorted(seen) == [1, 3, 4, 4]  # nine of one shape, three of another
    seen.clear()
    monkeypatch.setattr(actors, "_PIXELS_AT_ONCE", 2 * 48 * 40)
    colour(replace(duty, output=f"{duty.output}2", at_once=4), folder)
    assert max(seen) <= 3


def test_pictures_are_read_and_painted_while_the_network_runs(duty, folder, monkeypatch):
    """The network waits here until another thread has read what comes next, and painted what came before."""
    reads, paints, waits = threading.Semaphore(0), threading.Semaphore(0), []
    read, paint, scores = Colouring._read, Colouring._painted, actors.scores_of
    monkeypatch.setattr(Colouring, "_read", lambda self, *rest: (read(self, *rest), reads.release())[0])
    monkeypatch.setattr(Colouring, "_painted", lambda self, *rest: (paint(self, *rest), paints.release())[0])

    def network(session, pictures):
        first, last = not waits, len(waits) == 2
        # Of nine pictures in groups of three: those of this group, and one of the next.
        waits.append(all(reads.acquire(timeout=30) for _ in range(2 if last else 4 if first else 3)))
        waits[-1] &= first or paints.acquire(timeout=30)
        return scores(session, pictures)

    monkeypatch.setattr(actors, "scores_of", network)
    rows = colour(replace(duty, at_once=3, threads=2), folder)
    assert waits == [True, True, True]
    assert [row["status"] for row in rows.values()] == ["coloured"] * 9
    assert list(rows) == sorted(rows)


def test_what_is_begun_ahead_is_bounded():
    begun = []

    class Unwatched:
        most = 0

        def begin(self, pictures=1):
            self.most = max(self.most, pictures)

    with Beside(2, Unwatched()) as beside:
        for done, number in enumerate(beside.ahead(lambda n: begun.append(n) or n, [(n,) for n in range(20)]), 1):
            assert number == done - 1
            assert len(begun) <= done + 3
            list(beside.rest(2))
            list(beside.do(int, number))
            assert beside.waiting <= 3
        assert list(beside.rest())[-1] == 19
        assert beside.waiting == 0
        assert 1 < beside.watch.most <= 6


def test_a_lost_batch_is_coloured_once(duty, folder, monkeypatch):
    """An actor dies with a batch half done: what is done is not done again, and nothing counts against a picture."""
    ledger, coloured = Ledger(), []
    real = Colouring._write

    def write(self, given, *rest):
        if given["source"].endswith("5.png") and "5" not in coloured:
            coloured.append("5")
            raise KeyboardInterrupt  # stands for the end of the process, as it is no Exception
        coloured.append(given["source"])
        return real(self, given, *rest)

    monkeypatch.setattr(Colouring, "_write", write)
    with pytest.raises(KeyboardInterrupt):
        colour(duty, folder, ledger)
    rows = colour(duty, folder, ledger)
    assert {row["status"] for row in rows.values()} == {"coloured"}
    coloured.remove("5")
    assert sorted(coloured) == sorted(rows)
    assert len(rows) == 9


@pytest.mark.parametrize("threads", [0, 2])
def test_a_picture_that_kills_is_left_out(duty, folder, monkeypatch, threads):
    duty = replace(duty, threads=threads)
    ledger, deaths = Ledger(), []
    real = Colouring._read

    def read(self, given, *rest):
        if given["source"].endswith("5.png"):
            deaths.append(given["source"])
            raise KeyboardInterrupt
        return real(self, given, *rest)

    monkeypatch.setattr(Colouring, "_read", read)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            colour(duty, folder, ledger)
    rows = colour(duty, folder, ledger)
    failed = [row for row in rows.values() if row["status"] == "failed"]
    assert [row["error"] for row in failed] == [
        f"{folder}/5.png: it ended or held up the process that coloured it, 2 times; colour it by itself to see why"
    ]
    assert len(deaths) == 3  # once with its batch, twice alone
    assert len(rows) == 9


def test_a_process_that_hangs_is_ended():
    code = "import time; from photochrom.cluster.beside import Watch\nwith Watch(0.5) as w: w.begin(); time.sleep(100)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_what_cannot_be_written_is_tried_again(duty, folder):
    blocked = Path(duty.output)
    blocked.mkdir()
    (blocked / "0.png").mkdir()
    rows = colour(duty, folder)
    assert rows[f"{folder}/0.png"]["status"] == "unwritten"
    assert "there is a folder of that name" in rows[f"{folder}/0.png"]["error"]
    assert sum(row["status"] == "coloured" for row in rows.values()) == 8


@pytest.mark.parametrize("fetched_by_the_actor", [False, True])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TimeoutError(), "unwritten"),
        (ConnectionResetError("the peer went away"), "unwritten"),
        (OSError(errno.ENOSPC, "No space left on device"), "unwritten"),
        (RuntimeError("SlowDown"), "unwritten"),  # each store's library has errors of its own
        (FileNotFoundError(), "failed"),
        (PermissionError(), "failed"),
    ],
)
def test_what_its_store_does_not_give_now_is_tried_again(
    duty, png, tmp_path, monkeypatch, error, status, fetched_by_the_actor
):
    fs = fsspec.filesystem("memory")
    method = "get_file" if fetched_by_the_actor else "cat_file"
    real = getattr(type(fs), method)

    def breaking(self, path, *rest, **more):
        if path.endswith("a.png"):
            raise error
        return real(self, path, *rest, **more)

    monkeypatch.setattr(type(fs), method, breaking)
    if fetched_by_the_actor:
        monkeypatch.setattr(sources, "_LARGE", 0)
    fs.pipe({f"/source/{name}.png": png(i) for i, name in enumerate("abc")} | {"/source/d.png": b"no picture"})
    try:
        rows = colour(duty, "memory://source")
    finally:
        fs.rm("/source", recursive=True)
    assert [row["status"] for row in rows.values()] == [status, "coloured", "coloured", "failed"]
    assert rows["memory://source/a.png"]["error"].startswith("memory://source/a.png ")


def test_a_machine_without_the_album_is_refused_in_one_line(duty, folder, tmp_path):
    album = Album(tmp_path / "gone", [tmp_path / "gone" / "0.png"], np.ones((1, 32)))
    (row,) = colour(replace(duty, settings=duty.settings | {"like": album}), folder).values()
    assert row["status"] == "refused"
    assert row["error"].endswith(
        f": {tmp_path}/gone does not exist; put the pictures of --like on a disk that all machines share"
    )


def test_another_version_is_refused_in_one_line(duty, folder):
    (row,) = colour(replace(duty, version="9.9.9"), folder).values()
    assert row["status"] == "refused"
    assert "has photochrom 0.1.0, this one 9.9.9; install one version on all" in row["error"]


def test_a_model_that_is_damaged_is_refused_in_one_line(duty, folder):
    (row,) = colour(replace(duty, model=duty.model[:-9]), folder).values()
    assert row["status"] == "refused"
    assert row["error"].startswith(os.uname().nodename)


def test_without_ray(monkeypatch, tiny, folder, tmp_path):
    import importlib.util

    from photochrom.cluster.runner import Order, run

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="an archive needs the extra 'cluster'"):
        next(run(Order(str(folder), str(tmp_path / "out")), str(tiny), {}))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"batch": 0}, "--batch is 0"), ({"actors": -1}, "--actors is -1"), ({"gpus": -1}, "--gpus-per-actor is -1")],
)
def test_settings_that_are_not_possible(setting, message):
    from photochrom.cluster.runner import Order

    with pytest.raises(BadSetting, match=message):
        Order("a", "b", **setting)


def test_addresses_where_no_cluster_is():
    from photochrom.cluster.session import _check, _refusal

    with pytest.raises(
        BadSetting, match=r"no Ray cluster answers at 127\.0\.0\.1:9; start one with `ray start --head`"
    ):
        _check("127.0.0.1:9")
    for address, message in (("ray://a:1", "ray job submit"), ("a", "may be auto or HOST:PORT")):
        with pytest.raises(BadSetting, match=message):
            _check(address)
    error = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.1.0\n    Python: 3.11.7")
    assert str(_refusal("a:1", error)) == (
        "the cluster has other versions than this machine: "
        "Version mismatch: The cluster was started with: Ray: 2.1.0 Python: 3.11.7"
    )
