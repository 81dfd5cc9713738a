"""Tables with a column of pictures: a Hugging Face `datasets` folder, Arrow and Parquet files, by pyarrow.

An Arrow file, as `save_to_disk` writes it, is mapped into memory, and its pictures are read at random like those of a
folder. Of a Parquet file, a picture can only be read with its row group, the last of which is kept: in the order of
the file that is fast, at random it is not. Pack it first for training: `photochrom shards TABLE.parquet -o ...`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.optional_packages import needing
from photochrom.data.entries import Entry, Joined, Listing
from photochrom.errors import BadDataset

ENDINGS = (".arrow", ".parquet")
_HELD_BACK = ("test", "validation", "valid", "val", "dev")
_USUAL = ("image", "img", "picture", "photo", "jpg", "png", "bytes")


@dataclass(frozen=True)
class Cell(Entry):
    """One picture of a table, in the `offset`-th row; `size` is that of an average one in its file.

    Attributes:
        column: its name.
    """

    column: str = field(repr=False)

    def read(self) -> bytes:
        with _reading(self.path):
            value = _value(self.path, self.column, self.offset)
        if isinstance(value, dict):
            data, path = value.get("bytes"), value.get("path")
            if data is None and path:
                value = Path(self.path).parent.joinpath(path).read_bytes() if os.path.exists(path) else None
            else:
                value = data
        if not isinstance(value, bytes) or not value:
            raise BadDataset(f"{self.path}: {self.key} holds no picture; its file may have been left elsewhere")
        return value


class Column(Listing):
    """The pictures of one table.

    Args:
        path: the file.
        column: the pictures' column.
        labels: of the rows, (n,) whole numbers; None where there are none.
        rows: their number.
        size: of the file, bytes.
    """

    def __init__(self, path: str, column: str, labels: np.ndarray | None, count: int, size: int) -> None:
        self.path, self.column, self.labels, self.rows, self.size = path, column, labels, count, size

    def __len__(self) -> int:
        return self.rows

    def at(self, index: int) -> Cell:
        name = f"{Path(self.path).name}-{index}"
        key = name if self.labels is None else f"{self.labels[index]}/{name}"
        return Cell(self.path, index, self.size // self.rows, key, self.column)


def is_table(path: Path) -> bool:
    """Whether a file is read as a table, by its name."""
    return path.suffix.lower() in ENDINGS


def is_for_training(path: Path) -> bool:
    """Whether a file in a folder counts without being named: test and validation splits do not.

    Example:
        >>> names = ("train-00000-of-00002.parquet", "validation-00000-of-00001.parquet", "a.arrow", "cache-1.arrow")
        >>> [is_for_training(Path(name)) for name in names]
        [True, False, True, False]
    """
    parts = (path.parent.name, path.name.split("-")[0].split(".")[0])
    # What `datasets` computes from a table, it keeps beside it under this name.
    return is_table(path) and not path.name.startswith("cache-") and not any(part in _HELD_BACK for part in parts)


def list_tables(paths: Sequence[Path]) -> Joined:
    """The pictures of tables, in their order; the key of a picture is "file-row", with "label/" before it if known.

    Raises:
        BadDataset: one is damaged, or has no column of pictures.
        MissingExtra: pyarrow is missing.
    """
    return Joined([_list_table(path) for path in paths])


def _list_table(path: Path) -> Sequence[Entry]:
    with _reading(str(path)):
        schema, count = _facts(str(path))
        column = _image_column(path, schema)
        labels = None
        if count and "label" in schema.names and str(schema.field("label").type).startswith(("int", "uint")):
            labels = _labels(str(path))
        return Column(str(path), column, labels, count, path.stat().st_size) if count else []


def _image_column(path: Path, schema: Any) -> str:
    """The column that the file's own facts call one of pictures; else the one that looks so."""
    try:
        facts = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = facts.get("info", {}).get("features", {}).items()
    except (ValueError, AttributeError, RecursionError):
        features = ()
    named = [name for name, kind in features if isinstance(kind, dict) and kind.get("_type") == "Image"]
    likely = [name for name in schema.names if _may_hold(schema.field(name).type)]
    found = [name for name in named if name in likely] or likely
    usual = [name for name in _USUAL if name in found]
    if len(found) != 1 and not usual:
        raise BadDataset(
            f"{path}: it has {len(found) or 'no'} columns of bytes that may be pictures (columns: "
            f"{', '.join(schema.names)}); one of them has to be called 'image'"
        )
    return found[0] if len(found) == 1 else usual[0]


def _may_hold(kind: Any) -> bool:
    if str(kind).startswith("struct<"):
        return "bytes" in [kind.field(i).name for i in range(kind.num_fields)]
    return str(kind) in ("binary", "large_binary", "binary_view")


@lru_cache(maxsize=256)
def _arrow(path: str) -> Any:
    """A table in a file of Arrow's, mapped into memory; nothing of it is read."""
    import pyarrow

    source = pyarrow.memory_map(path)
    try:
        return pyarrow.ipc.open_stream(source).read_all()
    except pyarrow.ArrowInvalid:
        return pyarrow.ipc.open_file(source).read_all()


@lru_cache(maxsize=64)
def _parquet(path: str) -> tuple[Any, np.ndarray]:
    """A Parquet file, and where its row groups end."""
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    return file, np.cumsum(rows, dtype=np.int64)


@lru_cache(maxsize=1)
def _group(path: str, column: str, number: int) -> Any:
    return _parquet(path)[0].read_row_group(number, columns=[column]).column(0)


def _facts(path: str) -> tuple[Any, int]:
    if path.lower().endswith(".arrow"):
        table = _arrow(path)
        return table.schema, table.num_rows
    file, ends = _parquet(path)
    return file.schema_arrow, int(ends[-1]) if len(ends) else 0


def _labels(path: str) -> np.ndarray:
    if path.lower().endswith(".arrow"):
        return _arrow(path).column("label").to_numpy()
    return _parquet(path)[0].read(columns=["label"]).column(0).to_numpy()


def _value(path: str, column: str, row: int) -> Any:
    if path.lower().endswith(".arrow"):
        return _arrow(path).column(column)[row].as_py()
    ends = _parquet(path)[1]
    number = int(np.searchsorted(ends, row, "right"))
    return _group(path, column, number)[row - (int(ends[number - 1]) if number else 0)].as_py()


@contextmanager
def _reading(path: str) -> Iterator[None]:
    with needing("reading Arrow and Parquet", "datasets"):
        import pyarrow
    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        # Of pyarrow's errors some are ValueErrors, and its message may go over several lines.
        reason = " ".join(str(error).split())
        raise BadDataset(f"{path}: it cannot be read as a table ({reason}); get it again") from None
