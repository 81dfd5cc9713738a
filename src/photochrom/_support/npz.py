"""numpy's archives of arrays (.npz), which may be damaged."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Container
from typing import IO

import numpy as np

# What reading a damaged one raises. A flipped bit that says encrypted, or packed as nobody does it, is a RuntimeError.
DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def read_arrays(file: IO[bytes], names: Container[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an archive by name.

    Args:
        file: the archive; from a path, numpy would leave a damaged one open.
        names: those that are wanted, as far as they are there; None reads all.

    Raises:
        DAMAGED: it cannot be read.
    """
    with np.load(file, allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files if names is None or name in names}
    if not all(isinstance(array, np.ndarray) for array in found.values()):
        raise ValueError("an entry is no array")  # numpy gives the bytes of such a one
    return found
