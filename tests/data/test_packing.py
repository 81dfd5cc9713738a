"""Shards: what is packed, what is left out, and that the same call writes the same bytes."""

import importlib.util
import io
import json
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from photochrom.data import packing, tar_index
from photochrom.data.packing import Pattern, pack
from photochrom.data.sources import list_pictures
from photochrom.errors import AlreadyThere, BadDataset, BadSetting

pytest.importorskip("braceexpand")


def encoded(picture, kind="PNG", **how):
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


@pytest.fixture
def album(tmp_path, drawn):
    """Ten colour photographs in two classes, and two each of what is left out."""
    root = tmp_path / "album"
    for i in range(10):
        path = root / f"class{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(drawn(i, 96, 80)))
    gray = drawn(20, 96, 80).convert("L")
    sepia = np.asarray(gray, np.float32)[..., None] * [1, 0.85, 0.65]
    whole = encoded(drawn(30, 96, 80), "JPEG")
    for name, data in {
        "gray.png": encoded(gray),
        "sepia.png": encoded(Image.fromarray(sepia.astype(np.uint8))),
        "small.png": encoded(drawn(21, 63, 80)),
        "low.png": encoded(drawn(22, 80, 63)),
        "cut.jpg": whole[: len(whole) // 2],
        "text.jpg": b"no picture",
        "same.png": encoded(drawn(3, 96, 80)),
        # The same pixels in another file.
        "same.webp": encoded(drawn(4, 96, 80), "WEBP", lossless=True),
    }.items():
        (root / name).write_bytes(data)
    return root


def packed(album, folder, **how):
    return pack([album], f"{folder}/photos-{{000..}}.tar", **{"size_mb": 0.011} | how)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_is_left_out_is_counted(album, tmp_path):
    lines = []
    report = packed(album, tmp_path / "out", say=lines.append)
    assert report.left_out == {"unreadable": 2, "tiny": 2, "gray": 2, "duplicate": 2}
    assert report.packed == 10
    assert report.examples["tiny"] == [f"{album / name}: {name}" for name in ("low.png", "small.png")]
    kept = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert kept["finished"]
    assert kept["left_out"] == report.left_out
    assert sum(shard["pictures"] for shard in kept["shards"]) == 10
    assert len(kept["shards"]) == len(lines) > 2
    first = kept["shards"][0]["pictures"]
    assert lines[0] == f"{tmp_path}/out/photos-000.tar: {first} picture{'s' * (first > 1)}, 0 MB"


def test_shards_are_read_in_place_as_they_were(album, tmp_path):
    report = packed(album, tmp_path / "out")
    count = len(report.shards)
    found = list_pictures([f"{tmp_path}/out/photos-{{000..{count - 1:03d}}}.tar"])
    assert sorted(e.read() for e in found) == sorted(
        (album / f"class{i % 2}" / f"{i}.png").read_bytes() for i in range(10)
    )
    assert {e.key.split("/")[0] for e in found} == {"class0", "class1"}
    for path in (tmp_path / "out").glob("*.tar"):
        (tmp_path / "out" / f"{path.name}.index").unlink()
    without = list_pictures([f"{tmp_path}/out/photos-{{000..{count - 1:03d}}}.tar"])
    assert list(without) == list(found)


def test_smaller_copies_are_webp_of_the_side_that_was_asked_for(tmp_path, drawn):
    root = tmp_path / "album"
    root.mkdir()
    for name, size in {"wide": (300, 200), "tall": (90, 240), "small": (70, 80)}.items():
        drawn(len(name), *size).save(root / f"{name}.png")
    report = pack([root], f"{tmp_path}/out/p-{{0..}}.tar", side=100)
    assert (report.settings["side"], report.settings["quality"]) == (100, 80)
    copies = [Image.open(io.BytesIO(entry.read())) for entry in list_pictures([tmp_path / "out" / "p-0.tar"])]
    assert {(copy.format, copy.size) for copy in copies} == {
        ("WEBP", (150, 100)),
        ("WEBP", (90, 240)),
        ("WEBP", (70, 80)),
    }
    whole = np.asarray(Image.open(root / "wide.png").resize((150, 100), Image.Resampling.LANCZOS), float)
    wide = next(np.asarray(copy.convert("RGB"), float) for copy in copies if copy.size == (150, 100))
    assert np.abs(whole - wide).mean() < 4
    smaller = pack([root], f"{tmp_path}/small/p-{{0..}}.tar", side=100, quality=10)
    assert smaller.shards[0]["bytes"] <= report.shards[0]["bytes"]
    with pytest.raises(AlreadyThere, match="side was 100, now 64"):
        pack([root], f"{tmp_path}/out/p-{{0..}}.tar", side=64)
    with pytest.raises(BadSetting, match="quality"):
        pack([root], f"{tmp_path}/other/p-{{0..}}.tar", side=100, quality=101)


@pytest.mark.parametrize("size_mb", [0.0205, 0.031, 0.05])
def test_a_shard_is_as_large_as_it_may_be_on_the_disk(album, tmp_path, size_mb):
    report = packed(album, tmp_path / "out", size_mb=size_mb)
    sizes = [(tmp_path / "out" / shard["name"]).stat().st_size for shard in report.shards]
    assert sizes == [shard["bytes"] for shard in report.shards]
    assert max(sizes) <= size_mb * 1e6
    assert report.shards[0]["pictures"] > 1
    # One more picture would not have fitted, with its header and what it is padded with.
    for place, shard in enumerate(report.shards[:-1]):
        entries = list_pictures([tmp_path / "out" / other["name"] for other in report.shards[place : place + 2]])
        both = sum(512 + -(-e.size // 512) * 512 for e in entries[: shard["pictures"] + 1]) + 1024
        assert -(-both // 10240) * 10240 > size_mb * 1e6


def test_the_name_of_a_class_may_have_letters_of_many_bytes(tmp_path, drawn):
    (tmp_path / "album" / ("写" * 80)).mkdir(parents=True)
    (tmp_path / "album" / ("写" * 80) / "1.png").write_bytes(encoded(drawn(1, 96, 80)))
    packed(tmp_path / "album", tmp_path / "out")
    assert [e.key for e in list_pictures([tmp_path / "out" / "photos-000.tar"])] == ["写" * 26 + "/000000000.png"]


def test_a_panorama_becomes_as_long_as_webp_can_be(tmp_path, drawn):
    (tmp_path / "album").mkdir()
    for name, size in {"shrunk": (34_000, 40), "kept": (17_000, 17), "high": (17, 17_000)}.items():
        drawn(1, *size).save(tmp_path / "album" / f"{name}.png")
    report = pack([tmp_path / "album"], f"{tmp_path}/out/p-{{0..}}.tar", side=32, least=16)
    assert (report.packed, report.finished) == (3, True)
    copies = [Image.open(io.BytesIO(entry.read())) for entry in list_pictures([tmp_path / "out" / "p-0.tar"])]
    assert [copy.size for copy in copies] == [(16, 16_383), (16_383, 16), (16_383, 19)]


def test_a_copied_shard_keeps_its_index(album, tmp_path):
    packed(album, tmp_path / "out")
    first = tmp_path / "out" / "photos-000.tar"
    known = tar_index.read(first)
    first.touch()
    assert list(tar_index.read(first)) == list(known)
    first.write_bytes(first.read_bytes() + bytes(512))
    assert tar_index.read(first) is None


def test_webdataset_reads_them(album, tmp_path):
    if not importlib.util.find_spec("webdataset"):
        pytest.skip("needs webdataset")
    report = packed(album, tmp_path / "out")
    shards = [str(tmp_path / "out" / shard["name"]) for shard in report.shards]
    # In a process of its own: it leaves files open, and warnings are errors here.
    code = f"import webdataset; print(*(len(s['png']) for s in webdataset.WebDataset({shards}, shardshuffle=False)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    sizes = [(album / f"class{i % 2}" / f"{i}.png").stat().st_size for i in range(10)]
    assert sorted(map(int, found)) == sorted(sizes)


def test_the_same_call_writes_the_same_bytes(album, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2), ("d", None)):
        packed(album, tmp_path / name, shuffle=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")
    assert contents(tmp_path / "c") != contents(tmp_path / "d")


@pytest.mark.parametrize("ends_at", ["tar", "index", "report"])
def test_a_call_that_was_ended_is_gone_on_with(album, tmp_path, monkeypatch, ends_at):
    packed(album, tmp_path / "whole", shuffle=5)
    real, written = packing.remote.write, []

    def write(place, content):
        written.append(place)
        if len(written) == {"tar": 5, "index": 6, "report": 7}[ends_at]:
            raise KeyboardInterrupt
        real(place, content)

    monkeypatch.setattr(packing.remote, "write", write)
    with pytest.raises(KeyboardInterrupt):
        packed(album, tmp_path / "out", shuffle=5)
    monkeypatch.undo()
    lines = []
    packed(album, tmp_path / "out", shuffle=5, say=lines.append)
    assert lines[0].startswith(f"{tmp_path}/out/report.json: going on after 1 shard, at picture ")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    lines.clear()
    packed(album, tmp_path / "out", shuffle=5, say=lines.append)
    count = len(list((tmp_path / "out").glob("*.tar")))
    assert lines == [f"{tmp_path}/out/report.json: the {count} shards of these pictures are already there, whole"]


def test_other_pictures_or_settings_are_refused(album, tmp_path):
    packed(album, tmp_path / "out", shuffle=5)
    with pytest.raises(AlreadyThere, match=r"settings \(shuffle was 5, now 6\); choose another folder, or remove them"):
        packed(album, tmp_path / "out", shuffle=6)
    (tmp_path / "out" / "report.json").unlink()
    with pytest.raises(AlreadyThere, match=r"photos-000.tar is already there; choose another name"):
        packed(album, tmp_path / "out", shuffle=5)
    (tmp_path / "out" / "report.json").write_text("{}")
    with pytest.raises(AlreadyThere, match="not a shards report"):
        packed(album, tmp_path / "out", shuffle=5)


@pytest.fixture
def begun(album, tmp_path, monkeypatch):
    """The folder of a call that was ended after two shards."""
    monkeypatch.setattr(packing._Writer, "_open", stopping(packing._Writer._open, 3))
    with pytest.raises(KeyboardInterrupt):
        packed(album, tmp_path / "out")
    monkeypatch.undo()
    return tmp_path / "out"


def test_a_shard_that_is_gone_is_named(album, begun):
    (begun / "photos-000.tar").unlink()
    message = r"its shard photos-000.tar is gone; remove the report and the shards to start over"
    with pytest.raises(BadDataset, match=message):
        packed(album, begun)


def test_an_index_that_is_damaged_is_named(album, begun):
    index = begun / "photos-001.tar.index"
    whole = index.read_bytes()
    for damaged in (b"", b"no index", *(whole[:length] for length in range(1, len(whole), 37))):
        index.write_bytes(damaged)
        with pytest.raises(
            BadDataset, match=r"index of its shard photos-001.tar is damaged; remove the report and the"
        ):
            packed(album, begun)


def test_bytes_that_are_damaged_in_an_index_are_no_traceback(begun):
    index = begun / "photos-001.tar.index"
    report = json.loads((begun / "report.json").read_bytes())
    pattern, whole = Pattern.parsed(f"{begun}/photos-{{000..}}.tar"), index.read_bytes()
    _, known = packing._begun(pattern, report["settings"])
    for start in range(0, len(whole), 3):
        index.write_bytes(whole[:start] + b"9" * 8 + whole[start + 8 :])
        try:
            assert packing._begun(pattern, report["settings"])[1] == known  # not every byte counts
        except BadDataset as error:
            assert "is damaged" in str(error)  # noqa: PT017 - either way is right


@pytest.mark.parametrize("report", [b"", b"[]", b"[" * 100_000, b'{"settings": 7}', b"\xff"], ids=lambda r: r[:15])
def test_a_report_that_is_damaged_is_named(album, begun, report):
    (begun / "report.json").write_bytes(report)
    with pytest.raises(AlreadyThere, match="not a shards report, or is damaged; choose another folder"):
        packed(album, begun)


def stopping(function, call):
    calls = []

    def stopped(*arguments):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return function(*arguments)

    return stopped


def test_nothing_is_left_to_pack(tmp_path, drawn):
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "1.png").write_bytes(encoded(drawn(1, 20, 20)))
    with pytest.raises(BadDataset, match="no picture is left to pack: of 1, 1 tiny"):
        packed(tmp_path / "album", tmp_path / "out")
    (tmp_path / "album" / "2.png").write_bytes(encoded(drawn(1, 90, 90)))
    assert packed(tmp_path / "album", tmp_path / "out").packed == 1, "and nothing is in the way of other pictures"


@pytest.mark.parametrize(
    "pattern", ["photos.tar", "photos-{}.tar", "photos-{000..009}.tar", "p{0..}{0..}.tar", "p{0..}"]
)
def test_patterns_that_are_none(pattern):
    with pytest.raises(BadSetting, match=r"names are given as a pattern such as FOLDER/photos-\{000000\.\.\}\.tar"):
        Pattern.parsed(pattern)


def test_rows_of_an_array_file_become_files(cifar, tmp_path):
    batch = cifar(tmp_path / "data_batch_1", [7, 3], side=64)
    pack([batch], f"{tmp_path}/out/p-{{0..}}.tar")
    with tarfile.open(tmp_path / "out" / "p-0.tar") as archive:
        assert archive.getnames() == ["7/000000000.png", "3/000000001.png"]
    for one, two in zip(list_pictures([tmp_path / "out" / "p-0.tar"]), list_pictures([batch]), strict=True):
        assert np.array_equal(Image.open(io.BytesIO(one.read())), Image.open(io.BytesIO(two.read())))
