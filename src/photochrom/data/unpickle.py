"""Public datasets come as pickles; these are read without running anything that a pickle names."""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np

from photochrom._support.text import one_line
from photochrom.errors import BadDataset


def load(file: IO[bytes], name: str) -> Any:
    """Read a pickle of arrays, numbers, text and plain containers, from Python 2 or 3.

    numpy's own functions for unpickling are not called either: they trust what they are given.

    Args:
        file: at the start of the pickle.
        name: for messages.

    Returns:
        What was pickled. Text that Python 2 wrote comes as bytes.

    Raises:
        BadDataset: it is damaged, or wants anything else.
    """
    try:
        return _finished(_Unpickler(file, name).load())
    except (BadDataset, MemoryError):
        raise
    except Exception as error:  # documented so: damaged pickles raise whatever their opcodes run into
        raise BadDataset(f"{name}: the pickle is damaged ({one_line(error)}); get it again") from None


class _Dtype:
    def __init__(self, code: str | bytes, *_: Any) -> None:
        self.dtype = np.dtype(code.decode("ascii") if isinstance(code, bytes) else code)
        if self.dtype.kind not in "biuf":
            raise TypeError(f"an array of {self.dtype}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        self.dtype = self.dtype.newbyteorder(order)  # type: ignore[arg-type]


class _Array:
    value: np.ndarray

    def fill(self, raw: Any, dtype: Any, shape: Any, order: Any) -> _Array:
        if not isinstance(dtype, _Dtype):
            raise TypeError("an array without a type")
        self.value = np.frombuffer(raw, dtype.dtype).reshape(shape, order=order)
        return self

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, is_fortran, raw = state
        self.fill(raw, dtype, shape, "F" if is_fortran else "C")


def _empty(*_: Any) -> _Array:
    return _Array()


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> _Array:
    return _Array().fill(raw, dtype, shape, order)


def _scalar(dtype: Any, raw: Any) -> Any:
    return _Array().fill(raw, dtype, (), "C").value[()]


def _bytes(text: str, encoding: str) -> bytes:
    """Python 3 writes bytes so where Python 2 shall be able to read them."""
    if encoding != "latin1":
        raise ValueError(f"bytes in {encoding}")
    return text.encode("latin1")


_ADMITTED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _empty,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _bytes,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(file, encoding="bytes")
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        # numpy 2 calls the same rooms `_core`.
        admitted = _ADMITTED.get((module.replace("numpy._core.", "numpy.core."), name))
        if admitted is None:
            wanted = f"{module}.{name}"
            raise BadDataset(
                f"{self._name}: the pickle asks for {wanted!r}, where only arrays, numbers and plain containers are "
                "admitted; it was not run"
            )
        return admitted


def _finished(value: Any) -> Any:
    """Arrays in the place of their stand-ins: by itself or in a dict, which is where datasets have them."""
    if isinstance(value, _Array):
        return value.value
    return {k: _finished(v) for k, v in value.items()} if isinstance(value, dict) else value
