"""Shards in a bucket, of a real S3 server on this machine: read and written, and what is wrong is one line."""

import io
import sys
import tarfile

import pytest
import torch

from photochrom.data import remote, tar_index
from photochrom.data.config import DataConfig
from photochrom.data.loader import Order, Pictures, batches
from photochrom.data.packing import pack
from photochrom.data.samples import Sampler
from photochrom.data.sources import digest, list_pictures
from photochrom.errors import BadDataset, MissingExtra
from photochrom.train.distributed import ProcessGroup

pytestmark = pytest.mark.slow


BUCKET = "photos"


@pytest.fixture
def album(tmp_path, png):
    (tmp_path / "album").mkdir()
    for i in range(20):
        (tmp_path / "album" / f"{i}.png").write_bytes(png(i, width=80, height=70))
    return tmp_path / "album"


OUT = f"s3://{BUCKET}/train/photos-{{000..}}.tar"


@pytest.fixture
def shards(s3, album):
    """The pattern of shards in the bucket."""
    report = pack([album], OUT, size_mb=0.003, shuffle=1)
    assert len(report.shards) > 3
    return f"s3://{BUCKET}/train/photos-{{000..{len(report.shards) - 1:03d}}}.tar"


def fails(*sources):
    with pytest.raises(BadDataset) as error:
        list_pictures(sources)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_shards_are_the_same_in_a_bucket_and_in_a_folder(shards, album, tmp_path, s3):
    pack([album], f"{tmp_path}/out/photos-{{000..}}.tar", size_mb=0.003, shuffle=1)
    names = [name.rsplit("/", 1)[1] for name in s3.ls(f"{BUCKET}/train")]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "out").iterdir())
    for name in names:
        assert s3.cat_file(f"{BUCKET}/train/{name}") == (tmp_path / "out" / name).read_bytes()
    there, here = (
        list_pictures([shards.replace(f"s3://{BUCKET}/train", p)]) for p in (f"s3://{BUCKET}/train", f"{tmp_path}/out")
    )
    assert digest(there) == digest(here)
    assert [e.read() for e in there] == [e.read() for e in here] == remote.fetch(there)
    assert remote.fetch(here[:2]) == [None, None]


def test_packing_goes_on_in_a_bucket(shards, album):
    lines = []
    pack([album], OUT, size_mb=0.003, shuffle=1, say=lines.append)
    assert "already there, whole" in lines[0]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_from_a_bucket_are_those_of_a_folder(shards, album, tmp_path, workers):
    pack([album], f"{tmp_path}/out/photos-{{000..}}.tar", size_mb=0.003, shuffle=1)
    local = shards.replace(f"s3://{BUCKET}/train", f"{tmp_path}/out")
    for source_a, source_b, start in ((shards, local, 0), (shards, local, 7)):
        one, two = (
            list(
                batches(
                    Pictures(list_pictures([s]), Sampler(DataConfig(size=16), 4), 5),
                    Order(20, 4, 5, start, 11),
                    workers,
                )
            )
            for s in (source_a, source_b)
        )
        assert len(one) == len(two) == 11 - start
        assert all(torch.equal(a, b) for x, y in zip(one, two, strict=True) for a, b in zip(x, y, strict=True))


def test_processes_and_workers_share_without_overlap_or_loss(shards):
    entries = list_pictures([shards])

    class Keys(Pictures):
        def __getitem__(self, where):
            return torch.tensor([*where, len(self._fetched[where[1]])])

    seen = []
    for rank in range(2):
        order = Order(len(entries), 4, 5, 0, 10, ProcessGroup(rank, 2).share)
        seen += [
            tuple(row)
            for batch in batches(Keys(entries, Sampler(DataConfig(size=16), 4), 5), order, 2)
            for row in batch.tolist()
        ]
    assert len(seen) == len(set(seen)) == 40
    assert {(e, i) for e, i, _ in seen} == {(e, i) for e in range(2) for i in range(20)}
    assert all(size == entries[i].size for _, i, size in seen)


def test_a_shard_without_an_index_is_read_through_once(shards, s3, monkeypatch):
    known = list(list_pictures([shards]))
    for path in s3.glob(f"{BUCKET}/train/*.index"):
        s3.rm(path)
    assert list(list_pictures([shards])) == known
    monkeypatch.setattr("tarfile.open", None)
    assert list(list_pictures([shards])) == known, "the index is in the cache folder"


def test_a_bucket_or_shard_that_is_not_there(shards):
    assert fails("s3://nowhere/a.tar") == "s3://nowhere/a.tar: there is no such bucket or file"
    assert fails(f"s3://{BUCKET}/train/photos-{{000..999}}.tar").endswith("there is no such bucket or file")


def test_a_shard_that_is_cut_off(shards, s3):
    name = f"{BUCKET}/train/photos-001.tar"
    whole = s3.cat_file(name)
    s3.pipe_file(name, whole[:1500])
    assert fails(shards) == f"s3://{name}: it is cut off at byte 1500 of {len(whole)}; write it again"
    s3.rm(f"{name}.index")
    assert fails(shards).startswith(f"s3://{name}: not an uncompressed tar, or cut off (")


def test_a_shard_that_is_replaced_while_it_is_read(shards, s3):
    entry = list_pictures([shards])[-1]
    path = entry.path.removeprefix("s3://")
    s3.pipe_file(path, s3.cat_file(path)[: entry.offset + 5])
    with pytest.raises(BadDataset, match="it became shorter while it was read"):
        entry.read()
    assert remote.fetch([entry]) == [None]
    (batch,) = [Pictures([entry], Sampler(DataConfig(size=16), 4), 5).__getitems__([(0, 0)])]
    assert "it became shorter" in str(batch[0])


@pytest.mark.parametrize("pattern", [f"s3://{BUCKET}/photos-{{}}.tar", f"s3://{BUCKET}/{{a.tar", "photos-{}.tar"])
def test_an_empty_pattern(s3, pattern):
    assert fails(pattern) == f"{pattern}: the pattern names no shard; write a range such as {{000000..000009}}"


def test_a_shard_without_pictures(s3):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"))
    s3.pipe_file(f"{BUCKET}/text.tar", data.getvalue())
    assert fails(f"s3://{BUCKET}/text.tar").startswith(f"s3://{BUCKET}/text.tar: there are no pictures in it (")


def test_access_that_is_not_allowed(s3, monkeypatch):
    async def forbidden(*_, **__):
        raise PermissionError("Forbidden")

    monkeypatch.setattr(type(s3), "_info", forbidden)
    assert fails(f"s3://{BUCKET}/a.tar").startswith(
        f"s3://{BUCKET}/a.tar: access is not allowed (Forbidden); check the cred"
    )


def test_no_credentials(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    type(s3).clear_instance_cache()
    assert "access is not allowed (Unable to locate credentials); check the credentials" in fails(
        f"s3://{BUCKET}/a.tar"
    )


def test_no_network(s3_at, nobody):
    s3_at(nobody)
    assert fails("s3://photos/a.tar").startswith("s3://photos/a.tar: it cannot be reached (")


def test_packages_that_are_missing(s3_at, monkeypatch):
    from fsspec import registry

    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setattr(registry, "_registry", {})
    monkeypatch.setattr(registry, "registry", registry._registry)
    with pytest.raises(MissingExtra, match=r"reading from s3:// needs the extra 'shards'"):
        list_pictures(["s3://photos/a.tar"])


def test_an_address_of_no_known_kind():
    pytest.importorskip("fsspec")
    assert fails("tape://photos/a.tar").startswith(
        "tape://photos/a.tar: it cannot be reached (Protocol not known: tape"
    )


def test_the_index_of_a_remote_tar_is_that_of_a_local_one(tar):
    known = list_pictures([tar]).parts[0]
    facts, found = tar_index.parsed(tar_index.packed(known, 7), "a.tar", remote.RemoteStored)
    assert facts == [tar_index.FORMAT, 7, tar_index.ANY_TIME]
    assert [e.key for e in found] == [e.key for e in known]
