"""That the manifest loses nothing, whenever a run is killed, and that an output belongs to one run."""

# ruff: noqa: E402 - skipped before what is missing is imported

import json
import os
import time

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[cluster]'")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install '.[cluster]'")

from photochrom.cluster.manifest import Manifest, counts, row
from photochrom.cluster.output import claimed
from photochrom.cluster.places import Place, Unreached
from photochrom.errors import AlreadyThere, BadSetting, PhotochromError, WriteFailed


@pytest.fixture(params=["disk", "memory"])
def output(request, tmp_path):
    if request.param == "disk":
        yield Place(str(tmp_path / "out"))
        return
    fs = fsspec.filesystem("memory")
    yield Place("memory://bucket/out")
    fs.rm("/bucket", recursive=True)


def test_the_last_row_of_each_source_counts(output):
    first, second = Manifest(output), Manifest(output)
    first.add([row("b", "b", "failed", error="x"), row("a", "a", "coloured", seconds=0.5, width=4)])
    first.flush()
    assert [name.url.rpartition("/")[2][:5] for name in output.at(".photochrom").listed("*")] == ["part-"]
    second.add([row("b", "b", "coloured"), row("c", "c", "kept")])
    second.merge()
    table = Manifest(output).read()
    assert table["source"].to_pylist() == ["a", "b", "c"]
    assert table["status"].to_pylist() == ["coloured", "coloured", "kept"]
    assert table["seconds"].to_pylist() == [0.5, None, None]
    assert counts(table) == {"coloured": 2, "kept": 1}
    assert not output.at(".photochrom").listed("part-*")


def test_a_kill_between_merging_and_removing_changes_nothing(output, monkeypatch):
    manifest = Manifest(output)
    manifest.add([row("a", "a", "coloured")])
    monkeypatch.setattr(Place, "remove", lambda place: None)
    manifest.merge()
    monkeypatch.undo()
    assert len(output.at(".photochrom").listed("part-*")) == 1
    assert Manifest(output).read()["source"].to_pylist() == ["a"]
    Manifest(output).merge()
    assert Manifest(output).read()["source"].to_pylist() == ["a"]


def test_rows_are_written_before_they_are_many(output, monkeypatch):
    manifest = Manifest(output)
    manifest.add([row("a", "a", "coloured")])
    assert not output.at(".photochrom").listed("part-*")
    start = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 60)
    manifest.add([row("b", "b", "coloured")])
    assert Manifest(output).read().num_rows == 2


def test_what_is_no_manifest(output):
    output.at("manifest.parquet").write(b"something else")
    with pytest.raises(PhotochromError, match="is not a photochrom manifest, or damaged"):
        Manifest(output).read()


def test_of_two_runs_the_second_is_refused(output):
    second = claimed(output, "m", {"vividness": 1})
    refused = pytest.raises(AlreadyThere, match=r"is being written by another run \(process \d+ on ")
    with claimed(output, "m", {"vividness": 1}), refused, second:
        pass
    with claimed(output, "m", {"vividness": 1}):
        pass
    assert not output.at(".photochrom").listed("claim.json")


@pytest.mark.parametrize(
    "holder",
    [
        {"host": os.uname().nodename, "pid": 2**22 - 3, "token": "x", "time": time.time()},
        {"host": "elsewhere", "pid": 1, "token": "x", "time": time.time() - 600},
    ],
)
def test_the_claim_of_a_run_that_was_killed_is_taken_over(output, holder):
    output.at(".photochrom/claim.json").write(json.dumps(holder).encode())
    with claimed(output, "m", {}) as claim:
        claim.check()
        assert json.loads(output.at(".photochrom/claim.json").read())["pid"] == os.getpid()


def test_the_claim_of_a_run_elsewhere_holds(output):
    holder = {"host": "elsewhere", "pid": 1, "token": "x", "time": time.time()}
    output.at(".photochrom/claim.json").write(json.dumps(holder).encode())
    with pytest.raises(AlreadyThere, match="process 1 on elsewhere"), claimed(output, "m", {}):
        pass


def test_an_output_has_one_model_and_one_look(output):
    with claimed(output, "m", {"vividness": None}):
        pass
    for model, settings, what in (
        ("n", {"vividness": None}, "another model"),
        ("m", {"vividness": 1}, "other settings"),
    ):
        with (
            pytest.raises(BadSetting, match=f"holds results of {what}; name another folder"),
            claimed(output, model, settings),
        ):
            pass


def test_files_of_others_are_left_alone(output):
    output.at("holiday.jpg").write(b"mine")
    with pytest.raises(BadSetting, match="holds files that no earlier run made"), claimed(output, "m", {}):
        pass
    assert output.at("holiday.jpg").read() == b"mine"


class Bucketless(fsspec.AbstractFileSystem):
    """A store as one looks whose bucket is not there."""

    protocol = "bucketless"

    def ls(self, path, detail=True, **kwargs):
        raise FileNotFoundError(path)

    def info(self, path, **kwargs):
        raise FileNotFoundError(path)

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        raise FileNotFoundError("The specified bucket does not exist")

    def cat_file(self, path, start=None, end=None, **kwargs):
        raise RuntimeError("Unable to locate\ncredentials")


def test_a_bucket_that_is_not_there_is_one_line():
    fsspec.register_implementation("bucketless", Bucketless, clobber=True)
    place = Place("bucketless://gone/out")
    with (
        pytest.raises(
            WriteFailed, match=r"^bucketless://gone/out/.photochrom/claim.json cannot be written: there is no"
        ),
        claimed(place, "m", {}),
    ):
        pass
    with pytest.raises(PhotochromError, match=r"cannot be read \(Unable to locate credentials\)$"):
        place.read()


def test_a_result_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    place = Place(str(tmp_path / "a" / "b.png"))
    place.write(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed, match="the disk is full"):
        place.write(b"new")
    assert place.read() == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.png"]


def test_a_claim_that_cannot_be_read_now_is_not_taken_over(output, monkeypatch):
    def broken(place):
        raise Unreached(f"{place.url} cannot be read (the connection broke)")

    with claimed(output, "m", {}):
        monkeypatch.setattr(Place, "read", broken)
        with pytest.raises(Unreached, match="the connection broke"), claimed(output, "m", {}):
            pass
        monkeypatch.undo()
