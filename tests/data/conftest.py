"""Batches as the public datasets have them, drawn here."""

import io
import pickle
from typing import ClassVar

import numpy as np
import pytest


class Python2(pickle._Pickler):
    """Writes text and bytes as Python 2 did, and calls numpy's rooms by their old names."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        length = len(value)
        short = length < 256
        self.write((b"U" + bytes([length]) if short else b"T" + length.to_bytes(4, "little")) + value)

    def save_text(self, value):
        self.save_bytes(value.encode("latin1"))

    dispatch[bytes] = save_bytes
    dispatch[str] = save_text

    def save_global(self, value, name=None):
        module = value.__module__.replace("numpy._core", "numpy.core")
        self.write(f"c{module}\n{value.__name__}\n".encode())
        self.memoize(value)

    dispatch[type] = save_global
    dispatch[type(lambda: 0)] = save_global
    dispatch[type(len)] = save_global


@pytest.fixture(scope="session")
def planes():
    """(n, 3, s, s) of random samples."""

    def drawn(count, side=4, seed=0):
        return np.random.default_rng(seed).integers(0, 256, (count, 3, side, side), np.uint8)

    return drawn


@pytest.fixture(scope="session")
def python2():
    """The pickle of a value, of protocol 2 and as Python 2 wrote it."""

    def dumped(value):
        out = io.BytesIO()
        Python2(out, 2).dump(value)
        return out.getvalue()

    return dumped


@pytest.fixture(scope="session")
def cifar(planes, python2):
    """Write a batch as CIFAR-10 has them; `facts` replace its own, and None leaves one out."""

    def write(path, labels, /, side=4, seed=0, **facts):
        data = planes(len(labels), side, seed).reshape(len(labels), -1)
        facts = {"batch_label": b"training batch 1 of 5", "labels": list(labels), "data": data} | facts
        path.write_bytes(python2({key: value for key, value in facts.items() if value is not None}))
        return path

    return write
