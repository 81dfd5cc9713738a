"""Public datasets that come as arrays: the batches of CIFAR-10, CIFAR-100 and downsampled ImageNet."""

from __future__ import annotations

import math
import operator
import zipfile
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any

import numpy as np

from photochrom._support.npz import DAMAGED, read_arrays
from photochrom.data import unpickle
from photochrom.errors import BadDataset

_ZIP = b"PK\x03\x04"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # by protocol
_LABELS = ("labels", "fine_labels")
_HELD_BACK = ("test_batch", "test", "val_data", "meta")


@dataclass(frozen=True)
class Batch:
    """One file of pictures.

    Attributes:
        planes: (n, 3, s, s) uint8: red, green and blue of each picture.
        labels: the class of each.
    """

    planes: np.ndarray
    labels: list[int]


def is_batch(file: IO[bytes]) -> bool:
    """Whether the file is a pickle or an npz, by its content; it is left at its start."""
    magic = file.read(4)
    file.seek(0)
    return magic[:2] in _PICKLES or (magic == _ZIP and _holds_arrays(file))


def is_for_training(name: str) -> bool:
    """Whether a file of a dataset's folder counts without being named: test sets and the facts beside them do not.

    Example:
        >>> [n for n in ("data_batch_1", "test_batch", "batches.meta", "val_data.npz", "meta") if is_for_training(n)]
        ['data_batch_1']
    """
    return PurePath(name).name.removesuffix(".npz") not in _HELD_BACK and not name.endswith(".meta")


def read_batch(file: IO[bytes], name: str) -> Batch:
    """Read a batch whole: 150 MB for a file of CIFAR-100, 1.6 GB for one of ImageNet at 64 pixels.

    Args:
        file: for which `is_batch`; holds `data` (n, 3 s s) uint8, each row a red, a green and a blue plane, and
            `labels` or `fine_labels` (n).
        name: for messages.

    Raises:
        BadDataset: it is damaged, or holds something else.

    Source: the paper, sections 4.1 and 4.2.1. The layout is CIFAR's (cs.toronto.edu/~kriz/cifar.html),
        also used by downsampled ImageNet (Chrabaszcz, Loshchilov, Hutter 2017).
    """
    facts = _npz(file, name) if file.read(4) == _ZIP else _pickled(file, name)
    data = facts.get("data")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2:
        raise BadDataset(f"{name}: it holds no array 'data' with a row of 8-bit samples for each picture")
    count, length = data.shape
    side = math.isqrt(length // 3)
    if not data.size or length != 3 * side * side:
        raise BadDataset(f"{name}: 'data' is {count} rows of {length} samples; a square RGB picture has 3 s s of them")
    labels = next((facts[key] for key in _LABELS if key in facts), None)
    labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
    if not isinstance(labels, list):
        raise BadDataset(f"{name}: it holds no list 'labels' or 'fine_labels'")
    if len(labels) != count:
        raise BadDataset(f"{name}: it holds {count} pictures, but {len(labels)} labels")
    try:
        return Batch(data.reshape(count, 3, side, side), [operator.index(label) for label in labels])
    except TypeError:
        raise BadDataset(f"{name}: its labels are not whole numbers") from None


def _holds_arrays(file: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except DAMAGED:
        return True  # such as cut off; reading it says so
    finally:
        file.seek(0)


def _pickled(file: IO[bytes], name: str) -> dict[str, Any]:
    file.seek(0)
    facts = unpickle.load(file, name)
    if not isinstance(facts, dict):
        raise BadDataset(f"{name}: it is not a batch of pictures but a pickled {type(facts).__name__}")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in facts.items()}


def _npz(file: IO[bytes], name: str) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(read_arrays(file, ("data", *_LABELS)))
    except DAMAGED as error:
        raise BadDataset(f"{name}: the npz cannot be read ({' '.join(str(error).split())}); get it again") from None
