"""Where pictures lie: folders, tars and files; what is wrong is one line."""

import gzip
import io
import os
import sys
import tarfile

import numpy as np
import pytest

from photochrom.data import tar_index
from photochrom.data.entries import Entry, Joined, Stored
from photochrom.data.sources import digest, list_pictures
from photochrom.errors import BadDataset


def fails(*sources):
    with pytest.raises(BadDataset) as error:
        list_pictures(sources)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_is_listed_with_what_is_below(folder, png):
    entries = list_pictures([folder])
    assert [e.key for e in entries] == [*(f"{i}.png" for i in range(8)), os.path.join("deeper", "8.PNG")]
    assert [e.read() for e in entries] == [png(i) for i in range(9)]


def test_a_tar_is_read_in_place(tar, png):
    entries = list_pictures([tar])
    assert [e.key for e in entries] == ["a/0.png", "1.png", "2.png"]
    assert [e.read() for e in entries] == [png(i) for i in range(3)]
    assert {e.path for e in entries} == {str(tar)}


def test_a_file_is_itself(folder, png):
    (entry,) = list_pictures([folder / "3.png"])
    assert entry == Entry(str(folder / "3.png"), 0, len(png(3)), "3.png")


def test_sources_follow_each_other_and_twice_counts_twice(folder, tar):
    keys = [e.key for e in list_pictures([tar, folder, tar])]
    assert keys == ["a/0.png", "1.png", "2.png", *(e.key for e in list_pictures([folder])), "a/0.png", "1.png", "2.png"]


def test_what_is_hidden_or_a_systems_is_passed_over(folder, png):
    before = list(list_pictures([folder]))
    for name in (".trash/b.png", "@eaDir/x.png", "deeper/__MACOSX/8.png", "deeper/.8.png", ".0.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(png(9))
    assert list(list_pictures([folder])) == before
    assert [e.key for e in list_pictures([folder / "@eaDir"])] == ["x.png"]  # it was named


def test_results_beside_their_sources_are_passed_over(folder, png):
    before = list(list_pictures([folder]))
    results = ("0.color.png", "0.color-2.png", "0.color.color.png", "1.color.jpg", "deeper/8.color.PNG")
    for name in (*results, "notes.color.png"):
        (folder / name).write_bytes(png(9))
    assert list(list_pictures([folder])) == before


def test_names_like_those_of_results_are_pictures_where_nothing_is_beside_them(tmp_path, png):
    for name in ("frame-1.color.png", "frame-1.depth.png", "frame-1.pose.txt", "below/frame-1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(1))
    assert [e.key for e in list_pictures([tmp_path])] == ["below/frame-1.png", "frame-1.color.png", "frame-1.depth.png"]


def test_each_picture_of_a_folder_is_looked_at_once(folder, png, monkeypatch):
    (folder / "0.color.png").write_bytes(png(9))
    real, asked = os.stat, []

    def stat(path, *args, **named):
        asked.append(str(path))
        return real(path, *args, **named)

    monkeypatch.setattr("os.stat", stat)
    entries = list_pictures([folder])
    monkeypatch.undo()
    assert sorted(path for path in asked if path != str(folder)) == sorted(e.path for e in entries)


def test_macs_leftovers_are_no_pictures(folder):
    (folder / "._0.png").write_bytes(b"finder")
    assert len(list_pictures([folder])) == 9


def test_nothing_was_named():
    assert fails() == "no pictures to train on; name a folder or a tar with --data"


@pytest.mark.parametrize("name", ["nowhere", "nowhere.tar", "nowhere.png"])
def test_a_source_that_is_not_there(tmp_path, name):
    assert fails(tmp_path / name) == f"{tmp_path / name}: it cannot be read (No such file or directory)"


def test_sources_without_pictures(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    assert fails(tmp_path / "empty").startswith(f"{tmp_path / 'empty'}: there are no pictures in it (.avif, .bmp")
    # One good source does not hide another that is empty.
    assert "there are no pictures in it" in fails(folder, tmp_path / "empty")


def test_tars_that_are_none(tmp_path, tar):
    (tmp_path / "text.tar").write_text("no tar at all" * 100)
    (tmp_path / "empty.tar").write_bytes(b"")
    (tmp_path / "packed.tar.gz").write_bytes(gzip.compress(tar.read_bytes()))
    for name in ("text.tar", "empty.tar", "packed.tar.gz"):
        assert fails(tmp_path / name).startswith(f"{tmp_path / name}: not a folder and not an uncompressed tar (")


def test_damaged_tars(tar):
    whole = tar.read_bytes()
    first, second, _ = list_pictures([tar])
    tar.write_bytes(whole[: first.offset + first.size // 2])
    assert "not an uncompressed tar (unexpected end of data)" in fails(tar)
    # A header that is damaged further in would end the list without a word.
    place = second.offset - 512
    tar.write_bytes(whole[:place] + b"x" * 512 + whole[second.offset :])
    assert fails(tar) == f"{tar}: the tar is damaged at byte {place}; get it again"
    tar.write_bytes(whole[: place + 100])
    assert fails(tar) == f"{tar}: the tar is damaged at byte {place}; get it again"


def test_a_tar_without_its_closing_zeros_is_whole(tar):
    last = list_pictures([tar])[-1]
    tar.write_bytes(tar.read_bytes()[: last.offset + -(-last.size // 512) * 512])
    assert len(list_pictures([tar])) == 3


def test_a_file_that_shrinks_or_goes_is_named(folder):
    entry = list_pictures([folder / "0.png"])[0]
    (folder / "0.png").write_bytes(b"short")
    with pytest.raises(BadDataset, match=r"became shorter while it was read; 0\.png is cut off"):
        entry.read()
    (folder / "0.png").unlink()
    with pytest.raises(BadDataset, match=r"0\.png cannot be read \(No such file or directory\)"):
        entry.read()


def test_the_digest_knows_names_and_sizes(folder, tmp_path):
    before = digest(list_pictures([folder]))
    assert len(before) == 16
    moved = tmp_path / "moved"
    folder.rename(moved)
    assert digest(list_pictures([moved])) == before
    (moved / "0.png").rename(moved / "00.png")
    renamed = digest(list_pictures([moved]))
    assert renamed != before
    (moved / "00.png").write_bytes((moved / "00.png").read_bytes() + b" ")
    assert digest(list_pictures([moved])) != renamed


@pytest.fixture
def indexed(tar, monkeypatch):
    monkeypatch.setattr(tar_index, "LEAST", 1)
    list_pictures([tar])
    return tar


def test_an_index_beside_a_tar_says_what_the_tar_says(indexed, png, monkeypatch):
    def unread(*_, **__):
        raise AssertionError("the tar itself is not read through")

    assert tar_index.path_of(indexed).exists()
    monkeypatch.setattr("tarfile.open", unread)
    entries = list_pictures([indexed])
    assert [e.key for e in entries] == ["a/0.png", "1.png", "2.png"]
    assert [e.read() for e in entries] == [png(i) for i in range(3)]


def test_a_small_tar_gets_no_index(tar):
    list_pictures([tar])
    assert not tar_index.path_of(tar).exists()


@pytest.mark.parametrize("damage", [b"", b"no index", b"PK\x03\x04 cut off"])
def test_an_index_that_is_damaged_is_made_anew(indexed, damage):
    tar_index.path_of(indexed).write_bytes(damage)
    assert [e.key for e in list_pictures([indexed])] == ["a/0.png", "1.png", "2.png"]
    assert tar_index.read(indexed) is not None


def test_an_index_that_is_damaged_anywhere_is_as_none(indexed):
    whole = tar_index.path_of(indexed).read_bytes()
    known = list(tar_index.read(indexed))

    def found(index):
        tar_index.path_of(indexed).write_bytes(index)
        return tar_index.read(indexed)

    assert all(found(whole[:length]) is None for length in range(len(whole)))
    for put in (b"\0", b"\xff", b"9"):
        for start in range(0, len(whole), 3):
            for length in (1, 16):
                read = found(whole[:start] + put * length + whole[start + length :])
                assert read is None or list(read) == known  # not every byte counts


def test_an_index_of_another_tar_does_not_count(indexed, png):
    with tarfile.open(indexed, "a") as archive:
        member = tarfile.TarInfo("3.png")
        member.size = len(png(3))
        archive.addfile(member, io.BytesIO(png(3)))
    assert [e.key for e in list_pictures([indexed])] == ["a/0.png", "1.png", "2.png", "3.png"]


def test_a_long_list_takes_little_memory():
    count = 100_000
    listing = Stored("photos.tar", np.arange(count), np.full(count, 9), (f"photos/{i:06d}.jpg" for i in range(count)))
    assert listing[-1] == Entry("photos.tar", count - 1, 9, "photos/099999.jpg")
    assert (
        sum(sys.getsizeof(part) for part in (listing.text, listing.ends, listing.offsets, listing.sizes)) < 50 * count
    )
    both = Joined([listing, [Entry("a.png", 0, 3, "a.png")], listing])
    assert len(both) == 2 * count + 1
    assert [e.key for e in both[count - 1 : count + 2]] == ["photos/099999.jpg", "a.png", "photos/000000.jpg"]
    with pytest.raises(IndexError):
        both[len(both)]
