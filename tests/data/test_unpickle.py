"""Pickles: arrays and plain values come back, and nothing else does."""

import io
import os
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photochrom.data.unpickle import load
from photochrom.errors import BadDataset

ARRAYS = {
    "bytes": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "by column": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">f8"),
    "truth": np.array([True, False]),
}


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, strict=True)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_of_python_3(protocol):
    facts = ARRAYS | {"number": np.int64(7)}
    assert_same(load(io.BytesIO(pickle.dumps(facts, protocol)), "x"), facts)


def test_arrays_of_python_2(python2):
    found = load(io.BytesIO(python2(ARRAYS)), "x")
    assert_same(found, {name.encode(): value for name, value in ARRAYS.items()})


def test_plain_values():
    facts = {"text": "ä", "list": [1, -2.5, None, True], "tuple": (1, (2,)), "set": {3}, "bytes": b"\x00\xff"}
    assert load(io.BytesIO(pickle.dumps(facts)), "x") == facts


class Malicious:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_is_run(tmp_path, protocol):
    trace = tmp_path / "trace"
    data = pickle.dumps({"data": Malicious(os.mkdir, str(trace))}, protocol)
    with pytest.raises(BadDataset) as error:
        load(io.BytesIO(data), "bad_batch")
    wanted = f"{os.mkdir.__module__}.mkdir"
    assert str(error.value) == (
        f"bad_batch: the pickle asks for '{wanted}', where only arrays, numbers and plain containers are admitted; "
        "it was not run"
    )
    assert not trace.exists()
    pickle.loads(data)
    assert trace.exists(), "it would have been run"


@pytest.mark.parametrize(
    "wanted", ["numpy load", "numpy.core.multiarray fromfile", "numpy ndarray.tofile", "builtins getattr", "os system"]
)
def test_no_other_name_is_admitted(wanted):
    module, _, name = wanted.partition(" ")
    opcodes = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, name)) + b"\x93."
    assert [o.name for o, _, _ in pickletools.genops(opcodes)][-2] == "STACK_GLOBAL"
    with pytest.raises(BadDataset, match=f"asks for '{module}.{name}'"):
        load(io.BytesIO(opcodes), "x")


def _objects(*_):
    return np.array([None, "x"], object)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (_objects(), "an array of object"),
        (np.array(["a"]), "an array of <U1"),
        (np.zeros(2, "u1,f4"), "an array of "),
        ({"x": np.datetime64(1, "s")}, "an array of datetime64"),
    ],
)
def test_arrays_of_other_things(value, said):
    with pytest.raises(BadDataset) as error:
        load(io.BytesIO(pickle.dumps(value, 4)), "x")
    assert said in str(error.value)


@pytest.mark.parametrize("encoding", [b"zlib_codec", b"utf-8"])
def test_bytes_in_other_codes(encoding):
    text = b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX" + bytes([len(encoding), 0, 0, 0]) + encoding + b"\x86R."
    with pytest.raises(BadDataset, match="bytes in"):
        load(io.BytesIO(text), "x")


@given(st.data())
def test_damaged_pickles_are_one_line(data):
    whole = bytearray(pickle.dumps(ARRAYS | {"labels": [1, 2, 3]}, data.draw(st.sampled_from([2, 5]))))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    said = "a_batch: the pickle "
    try:
        load(io.BytesIO(whole), "a_batch")
    except BadDataset as error:
        said = str(error)
    except MemoryError:
        pass  # a length was hit; the caller names the file
    assert said.startswith("a_batch: the pickle ")
    assert "\n" not in said
