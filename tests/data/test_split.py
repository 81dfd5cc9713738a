"""Splits: the counts that were asked for, even over the classes, by the seed, and no picture on two sides."""

import io
import logging
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photochrom.data.sources import Row, list_pictures
from photochrom.data.split import check_disjoint, check_size, distinct, group_of, split
from photochrom.errors import BadDataset, BadSetting


def rows(sizes):
    """Entries whose contents all differ: `sizes[g]` of the class g."""
    count = sum(sizes)
    planes = np.arange(count * 12, dtype=np.uint32).astype(">u4").view(np.uint8).reshape(-1, 3, 4, 4)
    labels = [g for g, size in enumerate(sizes) for _ in range(size)]
    return [Row("batch", i, 59, f"{label}/batch-{i}", planes) for i, label in enumerate(labels)]


def keys(parts):
    return {name: [entry.key for entry in entries] for name, entries in parts.items()}


counted = st.dictionaries(st.sampled_from(["train", "val", "test"]), st.integers(0, 20), min_size=1)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8), counted, st.integers(0, 3))
def test_counts_evenness_and_disjointness(sizes, counts, seed):
    entries = rows(sizes)
    if sum(counts.values()) > len(entries):
        with pytest.raises(BadDataset, match=f"but there are {len(entries)}; name more, or lower the counts"):
            split(entries, counts, seed)
        return
    parts = split(entries, counts, seed)
    assert list(parts) == list(counts)
    assert {name: len(part) for name, part in parts.items()} == counts
    chosen = [key for part in keys(parts).values() for key in part]
    assert len(set(chosen)) == len(chosen)
    check_disjoint(parts)
    used = Counter(key.partition("/")[0] for key in chosen)
    for part in parts.values():
        for end in (len(part) // 2, len(part)):
            classes = Counter(group_of(entry) for entry in part[:end])
            for group, size in enumerate(sizes):
                fewest = max(classes.values(), default=0) - 1
                assert classes[str(group)] >= fewest or used[str(group)] == size, "fewer only where there are no more"


def test_the_papers_proportions():
    parts = split(rows([60] * 20), {"train": 1000, "val": 100, "test": 100}, seed=0)
    for name, each in {"train": 50, "val": 5, "test": 5}.items():
        assert Counter(map(group_of, parts[name])) == {str(g): each for g in range(20)}
    assert len({group_of(e) for e in parts["train"][:20]}) == 20


def test_a_small_class_is_measured_first():
    parts = split(rows([1, 30]), {"train": 20, "test": 4}, seed=0)
    assert Counter(map(group_of, parts["test"])) == {"0": 1, "1": 3}
    assert Counter(map(group_of, parts["train"])) == {"1": 20}


def test_the_seed_decides():
    entries = rows([9, 9, 9])
    counts = {"train": 10, "test": 5}
    one, same, other = (keys(split(entries, counts, seed)) for seed in (3, 3, 4))
    assert one == same
    assert one != other
    assert set(one["test"]) != set(other["test"])


def test_too_few():
    entries = rows([2, 2])
    with pytest.raises(BadDataset) as error:
        split([*entries, entries[0]], {"train": 4, "val": 1, "test": 1}, 0)
    assert str(error.value) == (
        "the split needs 4 train + 1 val + 1 test = 6 pictures, but there are 4 (and 1 duplicates); "
        "name more, or lower the counts"
    )
    with pytest.raises(BadSetting, match="each part of a split needs 0 or more pictures"):
        split(entries, {"train": -1}, 0)


@pytest.fixture
def classes(tmp_path, png):
    """Two classes of three; b/2.png is a/0.png under another name."""
    root = tmp_path / "classes"
    for name, seeds in (("a", (0, 1, 2)), ("b", (3, 4, 0))):
        (root / name).mkdir(parents=True)
        for i, seed in enumerate(seeds):
            (root / name / f"{i}.png").write_bytes(png(seed))
    return root


def test_duplicates_are_dropped_and_counted(classes, caplog):
    entries = list_pictures([classes])
    assert [e.key for e in distinct(entries)] == ["a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/1.png"]
    with caplog.at_level(logging.INFO, "photochrom"):
        parts = split(entries, {"train": 4, "test": 1}, 0)
    assert caplog.messages == ["1 of 6 pictures are duplicates and are left out"]
    contents = [entry.read() for part in parts.values() for entry in part]
    assert len(set(contents)) == len(contents) == 5
    with pytest.raises(BadDataset, match="there are 5 \\(and 1 duplicates\\)"):
        split(entries, {"train": 5, "test": 1}, 0)


def test_equal_sizes_are_no_duplicates(tmp_path):
    for i in range(3):
        Image.new("RGB", (4, 4), (i, 0, 0)).save(tmp_path / f"{i}.bmp")
    entries = list_pictures([tmp_path])
    assert len({e.size for e in entries}) == 1
    assert distinct([*entries, entries[1]]) == list(entries)


def test_parts_that_share_a_picture(classes):
    train, test = list_pictures([classes / "a"]), list_pictures([classes / "b"])
    with pytest.raises(BadDataset) as error:
        check_disjoint({"train": train, "test": test})
    assert str(error.value) == (
        f"{classes / 'a' / '0.png'}: 0.png (train) and {classes / 'b' / '2.png'}: 2.png (test) are the same picture; "
        "remove one"
    )
    check_disjoint({"train": [*train, *train], "test": test[:2]})


def test_sizes_are_read_from_the_header(tmp_path):
    for name, size in (("wide", (20, 8)), ("large", (9, 9))):
        Image.new("RGB", size).save(tmp_path / f"{name}.jpg")
    large, wide = list_pictures([tmp_path])
    check_size([large, wide], 8)
    with pytest.raises(BadDataset) as error:
        check_size([large, wide], 9)
    assert str(error.value) == f"{wide.path}: wide.jpg: it is 20 x 8; each side must have at least 9 pixels"
    check_size(rows([2]), 4)
    with pytest.raises(BadDataset, match=r"batch: 0/batch-0: it is 4 x 4; each side must have at least 5"):
        check_size(rows([2]), 5)


def test_the_pixels_are_not_decoded_for_the_size(tmp_path, png):
    out = io.BytesIO()
    Image.new("RGB", (200, 200)).save(out, "JPEG")
    (tmp_path / "0.jpg").write_bytes(out.getvalue()[:700])
    check_size(list_pictures([tmp_path]), 200)
    (tmp_path / "0.jpg").write_bytes(b"no picture")
    with pytest.raises(BadDataset, match=r"0\.jpg: not a picture that can be decoded"):
        check_size(list_pictures([tmp_path]), 200)
