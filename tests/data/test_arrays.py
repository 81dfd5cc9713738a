"""Array files of public datasets, each drawn in its own layout: pictures, keys, and what is wrong in one line."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from photochrom.data.entries import Entry
from photochrom.data.samples import decode
from photochrom.data.sources import digest, list_pictures
from photochrom.errors import BadDataset, OutOfMemory


def pictures(entries):
    return np.stack([np.asarray(decode(e.read(), e.key)) for e in entries])


def fails(*sources):
    with pytest.raises(BadDataset) as error:
        list_pictures(sources)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_layout_is_plane_by_plane(tmp_path, cifar):
    row = np.array([[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]], np.uint8)
    (entry,) = list_pictures([cifar(tmp_path / "one", [3], data=row)])
    assert pictures([entry])[0].tolist() == [[[10, 50, 90], [20, 60, 100]], [[30, 70, 110], [40, 80, 120]]]
    assert entry.key == "3/one-0"


def test_cifar_10(tmp_path, cifar, planes):
    path = cifar(tmp_path / "data_batch_1", [6, 9, 9], side=32)
    entries = list_pictures([path])
    assert [e.key for e in entries] == ["6/data_batch_1-0", "9/data_batch_1-1", "9/data_batch_1-2"]
    assert {e.path for e in entries} == {str(path)}
    np.testing.assert_array_equal(pictures(entries), planes(3, 32).transpose(0, 2, 3, 1))
    assert [len(e.read()) for e in entries] == [e.size for e in entries]
    path.unlink()
    assert pictures(entries[1:2]).shape == (1, 32, 32, 3), "the file is read once"


def test_cifar_100_goes_by_the_fine_labels(tmp_path, cifar):
    path = cifar(tmp_path / "train", [1, 2], labels=None, coarse_labels=[0, 0], fine_labels=[50, 99])
    assert [e.key for e in list_pictures([path])] == ["50/train-0", "99/train-1"]


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("as_array", [False, True])
def test_downsampled_imagenet_as_pickles(tmp_path, planes, protocol, as_array):
    labels = np.array([1000, 1]) if as_array else [1000, 1]
    facts = {"data": planes(2, 8).reshape(2, -1), "labels": labels, "mean": np.zeros(192)}
    path = tmp_path / "train_data_batch_1"
    path.write_bytes(pickle.dumps(facts, protocol))
    entries = list_pictures([path])
    assert [e.key for e in entries] == ["1000/train_data_batch_1-0", "1/train_data_batch_1-1"]
    np.testing.assert_array_equal(pictures(entries), planes(2, 8).transpose(0, 2, 3, 1))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_downsampled_imagenet_as_npz(tmp_path, planes, save):
    path = tmp_path / "named_at_will"
    with path.open("wb") as file:
        save(file, data=planes(2, 8).reshape(2, -1), labels=np.array([7, 8]), mean=np.zeros(192))
    entries = list_pictures([path])
    assert [e.key for e in entries] == ["7/named_at_will-0", "8/named_at_will-1"]
    np.testing.assert_array_equal(pictures(entries), planes(2, 8).transpose(0, 2, 3, 1))


@pytest.fixture
def dataset(tmp_path, cifar, python2):
    root = tmp_path / "cifar-10-batches-py"
    root.mkdir()
    for seed, name in enumerate(("data_batch_2", "data_batch_1", "test_batch", "val_data", "test")):
        cifar(root / name, [seed], seed=seed)
    for name in ("batches.meta", "meta"):
        (root / name).write_bytes(python2({"label_names": [b"frog"]}))
    (root / "readme.html").write_text("no batch")
    (root / "paper.docx").write_bytes(b"PK\x05\x06" + bytes(18))
    return root


def packed(root):
    path = root.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        archive.add(root, root.name)
    return path


def test_a_folder_gives_its_training_batches_in_order(dataset, planes):
    entries = list_pictures([dataset])
    assert [e.key for e in entries] == ["1/data_batch_1-0", "0/data_batch_2-0"]
    np.testing.assert_array_equal(pictures(entries)[1], planes(1, seed=0)[0].transpose(1, 2, 0))
    assert [e.key for e in list_pictures([dataset / "test_batch"])] == ["2/test_batch-0"]


def test_so_does_a_tar(dataset):
    path = packed(dataset)
    folder, tar = list_pictures([dataset]), list_pictures([path])
    assert [e.key for e in tar] == [e.key for e in folder]
    assert [e.read() for e in tar] == [e.read() for e in folder]
    assert digest(tar) == digest(folder)


def test_pictures_come_before_batches(dataset, png):
    (dataset / "sheet.png").write_bytes(png(0))
    assert [e.key for e in list_pictures([dataset])] == ["sheet.png"]


def test_only_tests_and_facts(dataset):
    for path in dataset.glob("data_batch_*"):
        path.unlink()
    assert fails(dataset).endswith(") and no training batches")


def test_a_damaged_batch_in_a_folder_or_tar_is_named(dataset):
    path = dataset / "data_batch_1"
    path.write_bytes(path.read_bytes()[:80])
    assert fails(dataset).startswith(f"{path}: the pickle is damaged (")
    tar = packed(dataset)
    assert fails(tar).startswith(f"{tar}: cifar-10-batches-py/data_batch_1: the pickle is damaged (")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"data": None}, "it holds no array 'data' with a row of 8-bit samples for each picture"),
        ({"data": np.zeros((1, 48))}, "it holds no array 'data' with a row of 8-bit samples for each picture"),
        ({"data": np.zeros(48, np.uint8)}, "it holds no array 'data' with a row of 8-bit samples for each picture"),
        ({"data": [b"row"]}, "it holds no array 'data' with a row of 8-bit samples for each picture"),
        (
            {"data": np.zeros((1, 47), np.uint8)},
            "'data' is 1 rows of 47 samples; a square RGB picture has 3 s s of them",
        ),
        (
            {"data": np.zeros((1, 0), np.uint8)},
            "'data' is 1 rows of 0 samples; a square RGB picture has 3 s s of them",
        ),
        ({"labels": None}, "it holds no list 'labels' or 'fine_labels'"),
        ({"labels": 7}, "it holds no list 'labels' or 'fine_labels'"),
        ({"labels": np.array(7)}, "it holds no list 'labels' or 'fine_labels'"),
        ({"labels": [1, 2]}, "it holds 1 pictures, but 2 labels"),
        ({"labels": [0.5]}, "its labels are not whole numbers"),
        ({"labels": [b"frog"]}, "its labels are not whole numbers"),
    ],
)
def test_what_is_wrong_in_a_batch(tmp_path, cifar, facts, said):
    path = cifar(tmp_path / "data_batch_1", [5], **facts)
    assert fails(path) == f"{path}: {said}"


def test_other_pickles(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(pickle.dumps([1, 2]))
    assert fails(path) == f"{path}: it is not a batch of pictures but a pickled list"


def test_damaged_npz_files(tmp_path, planes):
    out = io.BytesIO()
    np.savez_compressed(out, data=planes(4, 8).reshape(4, -1), labels=np.arange(4))
    path = tmp_path / "train.npz"
    path.write_bytes(out.getvalue()[:500])
    assert fails(path) == f"{path}: the npz cannot be read (File is not a zip file); get it again"
    path.write_bytes(out.getvalue()[:200] + b"xxxx" + out.getvalue()[204:])
    assert fails(path).startswith(f"{path}: the npz cannot be read (")
    np.savez(path, labels=np.arange(4))
    assert "no array 'data'" in fails(path)


def test_an_npz_with_pickles_inside_is_not_opened(tmp_path):
    path = tmp_path / "train.npz"
    np.savez(path, data=np.array([{"a": 1}], object), labels=np.arange(1))
    assert "allow_pickle=False" in fails(path)


def test_a_batch_that_does_not_fit_in_memory(tmp_path, cifar, monkeypatch):
    path = cifar(tmp_path / "data_batch_1", [0])

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("photochrom.data.arrays.read_batch", full)
    with pytest.raises(OutOfMemory, match="data_batch_1 does not fit in memory; name fewer batches"):
        list_pictures([path])


def test_entries_pass_through(tmp_path, cifar, tar):
    listed = list_pictures([tar, cifar(tmp_path / "data_batch_1", [4])])
    assert list(list_pictures(listed)) == list(listed)
    assert list_pictures([listed[0], tar])[:2] == [listed[0], listed[0]]
    assert list(list_pictures([Entry("nowhere", 0, 1, "a")])) == [Entry("nowhere", 0, 1, "a")]


def test_rows_travel_to_workers_with_their_planes(tmp_path, cifar):
    entries = list_pictures([cifar(tmp_path / "data_batch_1", [4] * 50, side=32)])
    data = pickle.dumps(entries)
    assert len(data) < 2 * 50 * 32 * 32 * 3, "once, not once a row"
    assert [e.read() for e in pickle.loads(data)] == [e.read() for e in entries]
