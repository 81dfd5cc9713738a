"""A run from listing to manifest, with a stand-in that does in this process what Ray Data is asked to do."""

# ruff: noqa: E402 - skipped before what is missing is imported

import contextlib
import importlib.util
import os
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[cluster]'")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install '.[cluster]'")

from photochrom import Colorizer, guidance
from photochrom.cli import main
from photochrom.cluster import runner
from photochrom.cluster.actors import Colouring
from photochrom.cluster.manifest import Manifest
from photochrom.cluster.places import Place
from photochrom.cluster.runner import Begun, Order, run
from photochrom.errors import AlreadyThere, BadSetting, DeviceUnavailable, PhotochromError, UnreadableImage, WriteFailed


class Dataset:
    """Tables that are batched anew and mapped, one after the other."""

    def __init__(self, tables):
        self.tables = tables

    def map_batches(self, function, *, batch_size, fn_constructor_args=(), **_):
        if isinstance(function, type):
            function = function(*fn_constructor_args)

        def tables():
            whole = pa.concat_tables(self.tables)
            for at in range(0, len(whole), batch_size):
                yield from function(whole.slice(at, batch_size))

        return Dataset(tables())

    def iter_batches(self, **_):
        return self.tables


class Failed(Exception):
    """What Ray raises."""


class StandIn:
    """Of the module `ray`, what the runner calls."""

    def __init__(self, room):
        self.room, self.started = room, 0
        self.data = SimpleNamespace(
            from_items=lambda items, **_: Dataset([pa.Table.from_pylist(items)]),
            ActorPoolStrategy=lambda **given: given,
        )
        self.exceptions = SimpleNamespace(RayError=Failed)
        self.util = SimpleNamespace(
            scheduling_strategies=SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: None)
        )

    def cluster_resources(self):
        return self.room

    def get_runtime_context(self):
        return SimpleNamespace(get_node_id=lambda: "here")

    def remote(self, **_):
        def actor(kind):
            held = kind()
            handle = SimpleNamespace(held=held, forget=SimpleNamespace(remote=held.forget))
            return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda: handle))

        return actor


@pytest.fixture
def stand_in(monkeypatch):
    ray = StandIn({"CPU": 2.0})

    @contextlib.contextmanager
    def joined(address, actors=None):
        ray.started += 1
        yield ray

    monkeypatch.setattr(runner, "joined", joined)
    monkeypatch.setattr(runner, "_Remote", lambda ray, ledger: ledger.held)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there" if name == "ray" else found(name))
    return ray


def statuses(events):
    return Counter(event["status"] for event in events if not isinstance(event, Begun))


def test_a_run_and_what_the_next_ones_do(stand_in, tiny, folder, tmp_path, png):
    (folder / "damaged.png").write_bytes(b"no picture")
    order = Order(str(folder), str(tmp_path / "out"), batch=4)
    begun, *rows = run(order, str(tiny), {})
    assert begun == Begun(10, {})
    assert statuses(rows) == {"coloured": 9, "failed": 1}
    session = Colorizer(tiny, threads=1)
    session.colorize_file(folder / "deeper" / "8.PNG", tmp_path / "8.png")
    assert (tmp_path / "out" / "deeper" / "8.PNG").read_bytes() == (tmp_path / "8.png").read_bytes()
    assert Manifest(Place(order.output)).read().num_rows == 10

    assert list(run(order, str(tiny), {})) == [Begun(0, {"coloured": 9, "failed": 1})]
    assert stand_in.started == 1
    (folder / "new.png").write_bytes(png(40))
    begun, *rows = run(order, str(tiny), {})
    assert begun.total == 1
    assert [(Path(row["source"]).name, row["status"]) for row in rows] == [("new.png", "coloured")]
    (folder / "damaged.png").write_bytes(png(41))
    _, *rows = run(Order(str(folder), str(tmp_path / "out"), retry_failed=True), str(tiny), {})
    assert [(Path(row["source"]).name, row["status"]) for row in rows] == [("damaged.png", "coloured")]
    assert Manifest(Place(order.output)).read()["status"].to_pylist() == ["coloured"] * 11


def test_a_run_that_is_stopped_keeps_what_is_done(stand_in, tiny, folder, tmp_path):
    order = Order(str(folder), str(tmp_path / "out"), batch=2)
    events = run(order, str(tiny), {})
    next(events)
    first = [next(events) for _ in range(3)]
    events.close()
    done = Manifest(Place(order.output)).read()["source"].to_pylist()
    assert {row["source"] for row in first} <= set(done)
    assert len(done) == 4  # two batches
    begun, *rows = run(order, str(tiny), {})
    assert begun.total == 5
    assert {row["source"] for row in rows}.isdisjoint(done)


def test_two_runs_and_other_settings(stand_in, tiny, folder, tmp_path):
    order = Order(str(folder), str(tmp_path / "out"))
    first = run(order, str(tiny), {})
    next(first)
    with pytest.raises(AlreadyThere, match="is being written by another run"):
        next(run(order, str(tiny), {}))
    assert statuses(first) == {"coloured": 9}
    with pytest.raises(BadSetting, match="holds results of other settings; name another folder"):
        next(run(order, str(tiny), {"saturation": 0.5}))
    with pytest.raises(BadSetting, match="holds results of another model"):
        next(run(order, "default", {}))


def test_what_a_store_did_not_give_is_tried_again(stand_in, tiny, png, tmp_path, monkeypatch):
    fs = fsspec.filesystem("memory")
    fs.pipe({"/source/a.png": png(0), "/source/b.png": png(1)})
    order = Order("memory://source", str(tmp_path / "out"))

    def silent(*_, **__):
        raise TimeoutError("no answer")

    try:
        with monkeypatch.context() as broken:
            broken.setattr(type(fs), "cat_file", silent)
            assert statuses(run(order, str(tiny), {})) == {"unwritten": 2}
        begun, *rows = run(order, str(tiny), {})
    finally:
        fs.rm("/source", recursive=True)
    assert (begun, statuses(rows)) == (Begun(2, {"unwritten": 2}), {"coloured": 2})
    assert Manifest(Place(order.output)).read()["status"].to_pylist() == ["coloured"] * 2


def test_an_album_is_looked_at_once(stand_in, tiny, folder, tmp_path, png, monkeypatch):
    album = tmp_path / "album"
    album.mkdir()
    for i in range(4):
        (album / f"{i}.png").write_bytes(png(50 + i))
    expected = Colorizer(tiny, threads=1, like=album)
    looked_at = []
    real = guidance.album_in
    monkeypatch.setattr(guidance, "album_in", lambda *given: looked_at.append(given) or real(*given))

    class Elsewhere(Colouring):
        def __init__(self, duty, book):
            super().__init__(pickle.loads(pickle.dumps(duty)), book)

    monkeypatch.setattr(runner, "Colouring", Elsewhere)
    order = Order(str(folder), str(tmp_path / "out"))
    assert statuses(run(order, str(tiny), {"like": album})) == {"coloured": 9}
    assert len(looked_at) == 1
    expected.colorize_file(folder / "1.png", tmp_path / "1.png")
    assert (tmp_path / "out" / "1.png").read_bytes() == (tmp_path / "1.png").read_bytes()
    Colorizer(tiny, threads=1).colorize_file(folder / "1.png", tmp_path / "plain.png")
    assert (tmp_path / "plain.png").read_bytes() != (tmp_path / "1.png").read_bytes()

    moved = album.rename(tmp_path / "moved")
    assert list(run(order, str(tiny), {"like": moved})) == [Begun(0, {"coloured": 9})]
    (moved / "0.png").write_bytes(png(60))
    for settings in ({"like": moved}, {}):
        with pytest.raises(BadSetting, match="holds results of other settings; name another folder"):
            next(run(order, str(tiny), settings))


def test_what_a_cluster_lacks_is_one_line(stand_in, tiny, folder, tmp_path, monkeypatch):
    with pytest.raises(DeviceUnavailable, match=r"no machine of the cluster has 0\.5 GPUs"):
        list(run(Order(str(folder), str(tmp_path / "a"), gpus=0.5), str(tiny), {}))
    with pytest.raises(UnreadableImage, match="does not exist"):
        list(run(Order(str(tmp_path / "gone"), str(tmp_path / "b")), str(tiny), {}))

    class Older(Colouring):
        def __init__(self, duty, book):
            super().__init__(duty, book)
            self._refused = f"a machine of the cluster ({os.uname().nodename}) has photochrom 0.0.1"

    monkeypatch.setattr(runner, "Colouring", Older)
    with pytest.raises(PhotochromError, match=r"has photochrom 0\.0\.1$"):
        list(run(Order(str(folder), str(tmp_path / "c")), str(tiny), {}))
    assert Manifest(Place(str(tmp_path / "c"))).read().num_rows == 0

    def lost(*_):
        raise Failed("the head is gone\nActorDiedError: lost")

    monkeypatch.setattr(runner, "_coloured", lost)
    with pytest.raises(PhotochromError, match=r"^the cluster gave up \(ActorDiedError: lost\); the same "):
        list(run(Order(str(folder), str(tmp_path / "d")), str(tiny), {}))


@pytest.mark.slow
def test_an_archive_in_a_bucket(stand_in, s3, tiny, folder, tar, tmp_path):
    """A real S3 server on this machine: results are those of files, and what is wrong is one line."""
    (folder / "damaged.png").write_bytes(b"no picture")
    s3.put(str(folder), "photos/album", recursive=True)
    s3.put_file(str(tar), "photos/shards/000.tar")
    s3.pipe_file("photos/shards/001.tar", tar.read_bytes()[:-9000])
    session = Colorizer(tiny, threads=1)

    order = Order("s3://photos/album", "s3://photos/out", batch=4)
    begun, *rows = run(order, str(tiny), {})
    assert (begun, statuses(rows)) == (Begun(10, {}), {"coloured": 9, "failed": 1})
    for row in rows:
        if row["status"] == "coloured":
            expected = tmp_path / Path(row["target"]).name
            session.colorize_file(folder / row["target"], expected)
            assert s3.cat_file(f"photos/out/{row['target']}") == expected.read_bytes()
    found = {path.removeprefix("photos/out/") for path in s3.find("photos/out")}
    targets = {row["target"] for row in rows if row["status"] == "coloured"}
    assert {path for path in found if not path.startswith(".")} == {*targets, "manifest.parquet"}
    assert list(run(order, str(tiny), {})) == [Begun(0, {"coloured": 9, "failed": 1})]

    shards = Order("s3://photos/shards/{000..001}.tar", "s3://photos/from-shards")
    rows = [row for row in run(shards, str(tiny), {}) if not isinstance(row, Begun)]
    assert statuses(rows)["failed"] == 1, "the shard that is cut off"
    assert {row["target"] for row in rows if row["target"].startswith("000/")} == {
        "000/1.png",
        "000/2.png",
        "000/a/0.png",
    }

    first = run(replace(order, source="s3://photos/shards/000.tar", output="s3://photos/third"), str(tiny), {})
    next(first)
    with pytest.raises(AlreadyThere, match=r"^s3://photos/third is being written by another run \(process"):
        next(run(replace(order, output="s3://photos/third"), str(tiny), {}))
    first.close()
    with pytest.raises(UnreadableImage, match=r"^s3://nowhere/a does not exist; check the name, and the bucket"):
        next(run(replace(order, source="s3://nowhere/a"), str(tiny), {}))
    with pytest.raises(WriteFailed, match=r"^s3://nowhere/out/\.photochrom/claim\.json cannot be written: there is no"):
        next(run(replace(order, output="s3://nowhere/out"), str(tiny), {}))


@pytest.mark.slow
def test_a_bucket_that_is_not_allowed(stand_in, s3, tiny, folder, monkeypatch):
    s3.put(str(folder), "photos/album", recursive=True)

    async def forbidden(*_, **__):
        raise PermissionError("Forbidden")

    with monkeypatch.context() as closed:
        closed.setattr(type(s3), "_pipe_file", forbidden)
        type(s3).clear_instance_cache()
        with pytest.raises(WriteFailed, match=r"^s3://photos/out/.* it may not be written to; check its permissions$"):
            next(run(Order("s3://photos/album", "s3://photos/out"), str(tiny), {}))
    monkeypatch.setattr(type(s3), "_lsdir", forbidden)
    type(s3).clear_instance_cache()
    with pytest.raises(UnreadableImage, match=r"^s3://photos/\S+ may not be read; check its permissions$"):
        next(run(Order("s3://photos/album", "s3://photos/out"), str(tiny), {}))


@pytest.mark.parametrize(
    ("cores", "gpus", "actors", "threads"), [(8, 1, None, 4), (8, 1, 1, 8), (200, 1, 1, 16), (1, 2, None, 1)]
)
def test_actors_with_a_gpu_share_the_cores(stand_in, tiny, folder, tmp_path, monkeypatch, cores, gpus, actors, threads):
    duties = []

    class OnTheCpu(Colouring):
        def __init__(self, duty, book):
            duties.append(duty)
            super().__init__(replace(duty, settings=duty.settings | {"device": "cpu", "threads": 1}), book)

    monkeypatch.setattr(runner, "Colouring", OnTheCpu)
    stand_in.room = {"CPU": cores, "GPU": gpus}
    order = Order(str(folder), str(tmp_path / "out"), gpus=0.5, actors=actors, batch=4, tries=3, timeout_s=50.0)
    assert statuses(run(order, str(tiny), {})) == {"coloured": 9}
    (duty,) = duties
    assert (duty.at_once, duty.threads, duty.settings["device"]) == (4, threads, "cuda")
    assert (duty.tries, duty.timeout_s) == (3, 50.0)


def test_the_command(stand_in, tiny, folder, tmp_path, capsys):
    (folder / "damaged.png").write_bytes(b"no picture")
    arguments = ["batch", str(folder), str(tmp_path / "out"), "--model", str(tiny)]

    def call(*more):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *more])
        return ended.value.code, capsys.readouterr().err.splitlines()

    status, lines = call()
    assert status == 1
    assert lines[-1] == "9 coloured, 1 failed"
    assert [line for line in lines if line.startswith(f"photochrom: {folder}/damaged.png is not a picture")]
    assert call() == (
        1,
        ["0 coloured, 9 skipped, 0 failed", "1 failed in an earlier run; --retry-failed tries them again"],
    )
    (folder / "damaged.png").unlink()
    assert call("--batch", "0") == (2, ["photochrom: --batch is 0; it may be 1 to 1024"])
    assert call("--device", "cuda")[0] == 2
