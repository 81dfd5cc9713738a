"""Hugging Face folders, Arrow and Parquet files as sources."""

import json

import pytest

from photochrom.data import tables
from photochrom.data.sources import list_pictures
from photochrom.errors import BadDataset

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra 'datasets'")
from pyarrow import parquet  # noqa: E402

FACTS = {b"huggingface": json.dumps({"info": {"features": {"photo": {"_type": "Image"}}}}).encode()}


def table(pictures, **more):
    """As `datasets` writes it: structs of bytes and path."""
    made = pyarrow.table({"photo": [{"bytes": data, "path": None} for data in pictures], **more})
    return made.replace_schema_metadata(FACTS)


def save(path, made, stream=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    with (pyarrow.ipc.new_stream if stream else pyarrow.ipc.new_file)(str(path), made.schema) as out:
        out.write_table(made, max_chunksize=2)
    return path


def fails(source):
    with pytest.raises(BadDataset) as error:
        list_pictures([source])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_that_was_saved_to_disk(tmp_path, png):
    made = table([png(i) for i in range(5)], label=[0, 1, 0, 1, 1], extra=[b"x"] * 5)
    for split, part in (("train", made), ("test", made.slice(0, 1)), ("validation", made.slice(0, 2))):
        save(tmp_path / "set" / split / "data-00000-of-00001.arrow", part)
        (tmp_path / "set" / split / "state.json").write_text("{}")
    save(tmp_path / "set" / "train" / "cache-1234.arrow", made)
    entries = list_pictures([tmp_path / "set"])
    assert [e.read() for e in entries] == [png(i) for i in range(5)]
    assert [e.key for e in entries][:2] == ["0/data-00000-of-00001.arrow-0", "1/data-00000-of-00001.arrow-1"]
    assert len(list_pictures([tmp_path / "set" / "test" / "data-00000-of-00001.arrow"])) == 1


@pytest.mark.parametrize(
    "facts", ["{", "[]", '{"info": null}', '{"info": {"features": 3}}', "[" * 100_000, "\xff"], ids=lambda f: f[:20]
)
def test_facts_that_cannot_be_read_are_as_none(tmp_path, png, facts):
    made = table([png(1)]).replace_schema_metadata({b"huggingface": facts.encode("latin1")})
    save(tmp_path / "a.arrow", made)
    assert [e.read() for e in list_pictures([tmp_path / "a.arrow"])] == [png(1)]


def test_a_folder_of_parquet_files(tmp_path, png):
    for first in (0, 3):
        path = tmp_path / f"train-{first:05d}-of-00002.parquet"
        parquet.write_table(table([png(first + i) for i in range(3)]), path, row_group_size=2)
    parquet.write_table(table([png(9)]), tmp_path / "test-00000-of-00001.parquet")
    entries = list_pictures([tmp_path])
    assert [e.read() for e in entries] == [png(i) for i in range(6)]
    assert [entries[i].read() for i in (4, 0, 5, 2)] == [png(i) for i in (4, 0, 5, 2)]
    assert entries[3].key == "train-00003-of-00002.parquet-0"
    assert len(list_pictures([tmp_path / "test-00000-of-00001.parquet"])) == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_column_of_bytes(tmp_path, png, stream):
    made = pyarrow.table({"id": [1, 2], "jpg": [png(0), png(1)]})
    entries = list_pictures([save(tmp_path / "a.arrow", made, stream)])
    assert [e.read() for e in entries] == [png(0), png(1)]
    assert [e.key for e in entries] == ["a.arrow-0", "a.arrow-1"]


def test_a_picture_that_is_a_file_of_its_own(tmp_path, png):
    (tmp_path / "1.png").write_bytes(png(1))
    paths = [str(tmp_path / "1.png"), str(tmp_path / "gone.png")]
    kind = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    column = pyarrow.array([{"bytes": None, "path": path} for path in paths], kind)
    path = save(tmp_path / "set" / "a.arrow", pyarrow.table({"image": column}))
    there, gone = list_pictures([path])
    assert there.read() == png(1)
    with pytest.raises(BadDataset, match=r"a\.arrow-1 holds no picture; its file may have been left elsewhere"):
        gone.read()


def test_which_column(tmp_path, png):
    made = pyarrow.table({"mask": [png(0)], "depth": [png(1)]})
    assert fails(save(tmp_path / "a.arrow", made)).endswith(
        "it has 2 columns of bytes that may be pictures (columns: mask, depth); one of them has to be called 'image'"
    )
    named = pyarrow.table({"mask": [png(0)], "image": [png(1)]})
    assert list_pictures([save(tmp_path / "b.arrow", named)])[0].read() == png(1)
    assert "it has no columns of bytes that may be pictures (columns: text)" in fails(
        save(tmp_path / "c.arrow", pyarrow.table({"text": ["a"]}))
    )


@pytest.mark.parametrize("name", ["a.arrow", "a.parquet"])
def test_tables_that_are_damaged(tmp_path, png, name):
    (tmp_path / name).write_bytes(b"no table at all")
    assert fails(tmp_path / name).startswith(f"{tmp_path / name}: it cannot be read as a table (")
    assert fails(tmp_path / f"x{name}").startswith(f"{tmp_path / f'x{name}'}: it cannot be read as a table (")


def test_empty_tables_hold_no_pictures(tmp_path):
    made = pyarrow.table({"image": pyarrow.array([], pyarrow.binary())})
    assert "there are no pictures in it" in fails(save(tmp_path / "a.arrow", made))


def test_the_last_row_group_is_kept(tmp_path, png):
    parquet.write_table(table([png(i) for i in range(4)]), tmp_path / "a.parquet", row_group_size=2)
    tables._group.cache_clear()
    for entry in list_pictures([tmp_path / "a.parquet"]):
        entry.read()
    assert tables._group.cache_info().misses == 2
