"""What is found in folders, tars and Parquet files, and how it is named."""

# ruff: noqa: E402 - skipped before what is missing is imported

import io
import os
import tarfile
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[cluster]'")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install '.[cluster]'")

import pyarrow.parquet as pq

from photochrom.cluster.places import Place
from photochrom.cluster.sources import expanded, find
from photochrom.errors import BadSetting, UnreadableImage


def rows_of(url, output="/nowhere", column="image", done=frozenset()):
    source = find(str(url), Place(str(output)), column, done)
    rows = [row for part in source.parts for table in part.read() for row in table.to_pylist()]
    return source, rows


def named(rows):
    return [(row["source"], os.fsdecode(row["target"])) for row in rows]


@pytest.fixture
def shard(tmp_path, png):
    def write(name, members):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as archive:
            for member, data in members:
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path

    return write


def test_a_folder_and_what_is_passed_over_in_it(folder):
    (folder / "3.color.png").write_bytes(b"a result")
    (folder / ".hidden.png").write_bytes(b"hidden")
    (folder / "@eaDir").mkdir()
    (folder / "@eaDir" / "thumb.png").write_bytes(b"a thumbnail")
    (folder / "film.mp4").write_bytes(b"a film")
    (folder / "out").mkdir()
    (folder / "out" / "0.png").write_bytes(b"of an earlier run")
    source, rows = rows_of(folder, folder / "out")
    names = [*(f"{i}.png" for i in range(8)), "deeper/8.PNG"]
    assert named(rows) == [(f"{folder}/{name}", name) for name in names]
    assert source.total == 9
    assert all(row["data"] is None and os.fsdecode(row["url"]) == row["source"] for row in rows)


def test_what_is_done_is_left_out(folder):
    done = {f"{folder}/{i}.png" for i in range(8)}
    source, rows = rows_of(folder, done=done)
    assert named(rows) == [(f"{folder}/deeper/8.PNG", "deeper/8.PNG")]
    assert source.total == 9


def test_a_folder_in_memory_gives_bytes(png):
    fs = fsspec.filesystem("memory")
    fs.pipe({"/album/a.png": png(1), "/album/b/c.png": png(2), "/album/notes.txt": b"text"})
    try:
        _, rows = rows_of("memory://album", "memory://out")
        assert named(rows) == [("memory://album/a.png", "a.png"), ("memory://album/b/c.png", "b/c.png")]
        assert [row["data"] for row in rows] == [png(1), png(2)]
    finally:
        fs.rm("/album", recursive=True)


def test_shards_by_numbers(shard, png):
    shard("s/000.tar", [("a/0.png", png(0)), ("a/0.json", b"{}"), ("a/._0.png", b"a Mac's"), ("1.png", png(1))])
    shard("s/001.tar", [("0.png", png(2))])
    url = str(shard("s/002.tar", [])).replace("002", "{000..001}")
    source, rows = rows_of(url)
    at = url.replace("{000..001}.tar", "")
    assert source.total is None
    assert named(rows) == [
        (f"{at}000.tar/a/0.png", "000/a/0.png"),
        (f"{at}000.tar/1.png", "000/1.png"),
        (f"{at}001.tar/0.png", "001/0.png"),
    ]
    assert [row["data"] for row in rows] == [png(0), png(1), png(2)]
    done = {f"{at}000.tar/1.png", f"{at}001.tar/0.png"}
    assert named(rows_of(url, done=done)[1]) == [(f"{at}000.tar/a/0.png", "000/a/0.png")]


@pytest.mark.parametrize("folder", ["plain", "scans#2", "old.tar", "p.parquet#3"])
@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".parquet"])
def test_any_name_in_an_archive_is_left_out_when_done(shard, tmp_path, png, folder, ending):
    names = ["photo#1.jpg", "a#2/b.png", "c.tar/d.png", "x#12", "caf\udce9.png"]
    path = tmp_path / folder / f"s#1{ending}"
    if ending == ".parquet":
        path.parent.mkdir()
        pq.write_table(pa.table({"image": [png(i) for i in range(4)]}), path)
    else:
        shard(path, [(name, png(i)) for i, name in enumerate(names)])
    other = shard(tmp_path / folder / "s.tar", [("1.jpg", png(9))])
    sources = [source for source, _ in named(rows_of(path)[1])]
    assert len(sources) == 4  # x#12 has no ending of a picture
    done = {*sources[:3], str(path), f"{other}/1.jpg"}
    assert [source for source, _ in named(rows_of(path, done=done)[1])] == sources[3:]
    assert rows_of(path, done={*sources})[1] == []


def test_a_folder_of_shards_keeps_its_folders(shard, tmp_path, png):
    shard("s/x/000.tar", [("0.png", png(0))])
    shard("s/y/000.tar.gz", [("0.png", png(0))])
    assert [target for _, target in named(rows_of(tmp_path / "s")[1])] == ["x/000/0.png", "y/000/0.png"]


def test_names_that_lead_out_or_come_twice(shard, png):
    path = shard("s.tar", [("../../etc/0.png", png(0)), ("a.png", png(1)), ("a.png", png(2))])
    _, rows = rows_of(path)
    assert [row["error"] for row in rows] == [
        f"{path}/../../etc/0.png: its name leads out of the archive",
        None,
        f"{path}/a.png: a second one of this name",
    ]


def test_a_tar_that_ends_early(shard, png):
    path = shard("s.tar", [("0.png", png(0)), ("1.png", b"x" * 40_000)])
    path.write_bytes(path.read_bytes()[:20_000])
    _, rows = rows_of(path)
    assert [row["source"] for row in rows] == [f"{path}/0.png", str(path)]
    assert "is damaged or no tar" in rows[-1]["error"]


class Breaking(io.BytesIO):
    """A file whose store breaks off after so many bytes."""

    def __init__(self, data, after):
        super().__init__(data)
        self.after = after

    def read(self, *size):
        data = super().read(*size)
        if self.tell() > self.after:
            raise ConnectionResetError("the peer went away")
        return data


def test_a_store_that_breaks_off_within_an_archive_is_told_from_damage(shard, png, monkeypatch):
    path = shard("s.tar", [("0.png", png(0)), ("1.png", bytes(40_000))])
    data = path.read_bytes()
    monkeypatch.setattr(type(Place(str(path)).fs), "open", lambda *_, **__: Breaking(data, 20_000))
    _, rows = rows_of(path)
    assert [(row["source"], row["unreached"]) for row in rows] == [(f"{path}/0.png", None), (str(path), True)]
    assert rows[1]["error"] == f"{path} cannot be read (the peer went away)"
    monkeypatch.setattr(type(Place(str(path)).fs), "open", lambda *_, **__: io.BytesIO(data[:20_000]))
    assert [row["unreached"] for row in rows_of(path)[1]] == [None, False]


def test_a_parquet_file_whose_store_breaks_off_while_it_is_listed(tmp_path, png, monkeypatch):
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"image": [png(i) for i in range(5)]}), path, row_group_size=2)
    data, breaking = path.read_bytes(), True
    files = type(Place(str(path)).fs)
    monkeypatch.setattr(files, "open", lambda *_, **__: Breaking(data, 0 if breaking else len(data)))
    done = {f"{path}#{i}" for i in (1, 3)}
    (part,) = find(str(path), Place("/nowhere"), "image", done).parts
    (row,) = [row for table in part.read() for row in table.to_pylist()]
    assert (row["source"], row["unreached"]) == (str(path), True)
    breaking = False
    rows = [row for table in part.read() for row in table.to_pylist()]
    assert [row["source"] for row in rows] == [f"{path}#{i}" for i in (0, 2, 4)]
    assert [row["data"] for row in rows] == [png(0), png(2), png(4)]


@pytest.mark.parametrize("what", ["footer", "pages", "none"])
def test_a_parquet_file_that_is_damaged(tmp_path, png, what):
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"image": [png(i) for i in range(5)]}), path)
    data = bytearray(path.read_bytes())
    if what == "footer":
        data[-60:-8] = bytes(52)
    elif what == "pages":
        data[4:400] = bytes(396)
    path.write_bytes(b"" if what == "none" else data)
    _, rows = rows_of(path)
    assert [(row["source"], row["unreached"]) for row in rows] == [(str(path), False)]
    assert rows[0]["error"].startswith(f"{path} is damaged or no Parquet file (")


@pytest.mark.parametrize("as_struct", [True, False])
def test_parquet(tmp_path, png, as_struct):
    values = [png(i) for i in range(5)]
    column = [{"bytes": value, "path": None} for value in values] if as_struct else values
    column[3] = None
    pq.write_table(pa.table({"image": column, "text": list("abcde")}), tmp_path / "p.parquet", row_group_size=2)
    source, rows = rows_of(tmp_path / "p.parquet")
    assert source.total == 5
    assert len(source.parts) == 3
    assert named(rows) == [(f"{tmp_path}/p.parquet#{i}", f"p/{i:08}") for i in range(5)]
    assert rows[3]["error"] == f"{tmp_path}/p.parquet#3: there is no picture in the column 'image'"
    assert [row["data"] for row in rows] == [*values[:3], None, values[4]]
    done = {f"{tmp_path}/p.parquet#{i}" for i in (0, 1, 4)}
    source, rows = rows_of(tmp_path / "*.parquet", done=done)
    assert len(source.parts) == 1
    assert [row["source"][-1] for row in rows] == ["2", "3"]


def test_a_column_that_is_not_there(tmp_path):
    pq.write_table(pa.table({"jpg": [b""]}), tmp_path / "p.parquet")
    with pytest.raises(BadSetting, match=r"has no column 'image'; its columns are jpg$"):
        rows_of(tmp_path / "p.parquet")


def test_what_is_not_there_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    for url, message in (
        (tmp_path / "gone", "does not exist; check the name, and the bucket or folder$"),
        (tmp_path / "empty", "holds no photographs, tars or Parquet files$"),
        (tmp_path / "*.tar", "matches no file"),
        ("memory://no-such-bucket/folder", "does not exist"),
    ):
        with pytest.raises(UnreadableImage, match=message):
            rows_of(url)
    with pytest.raises(BadSetting, match="nosuch://x is not an address of files"):
        rows_of("nosuch://x")
    with pytest.raises(BadSetting, match="is the source and the output"):
        rows_of(tmp_path, tmp_path)


def test_a_shard_that_is_not_there_is_a_row(shard, png, tmp_path):
    shard("s/0.tar", [("0.png", png(0))])
    _, rows = rows_of(f"{tmp_path}/s/{{0..1}}.tar")
    assert rows[1]["error"] == f"{tmp_path}/s/1.tar does not exist; check the name, and the bucket or folder"


def test_numbers():
    assert expanded("a{9..10}-{0..1}") == ["a9-0", "a9-1", "a10-0", "a10-1"]
    with pytest.raises(BadSetting, match="upwards"):
        expanded("{5..1}")


def test_a_name_of_undecodable_bytes(tmp_path, png):
    (tmp_path / "album").mkdir()
    path = Path(os.fsdecode(os.fsencode(tmp_path / "album") + b"/\xff.png"))
    path.write_bytes(png(0))
    _, rows = rows_of(tmp_path / "album")
    assert os.fsencode(path) == rows[0]["url"]
    assert rows[0]["target"] == b"\xff.png"
    assert "\\udcff" in rows[0]["source"]
