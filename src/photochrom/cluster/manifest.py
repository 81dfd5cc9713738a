"""What became of each picture, in Parquet: small parts while a run goes on, one file at its end."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from photochrom._support.text import shown
from photochrom.cluster.ledger import Row
from photochrom.cluster.places import Place
from photochrom.errors import PhotochromError, WriteFailed

NAME = "manifest.parquet"
INNER = ".photochrom"  # hidden, so that a walk passes it over

SCHEMA = pa.schema(
    [
        ("source", pa.string()),  # where it was: FOLDER/a.jpg, SHARD.tar/a.jpg, FILE.parquet#12
        ("target", pa.string()),  # below the output
        ("status", pa.string()),  # "coloured", "kept", "failed", or "unwritten", which the next run tries again
        ("error", pa.string()),  # one line
        ("note", pa.string()),
        ("digest", pa.string()),  # SHA-256 of the source
        ("model", pa.string()),  # the model's digest
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bytes", pa.int64()),  # of the result
        ("seconds", pa.float64()),
        ("time", pa.timestamp("ms", "UTC")),
    ]
)
FINAL = ("coloured", "kept", "failed")
_ROWS, _SECONDS = 2000, 20.0  # what a kill can cost at most


def row(source: str, target: str, status: str, **facts: Any) -> Row:
    """A row; what is not given is empty."""
    empty = dict.fromkeys(SCHEMA.names)
    return empty | {"source": source, "target": target, "status": status, "time": datetime.now(UTC)} | facts


class Manifest:
    """The manifest of an output.

    Args:
        output: the folder of the results.
    """

    def __init__(self, output: Place) -> None:
        self._output = output
        self._rows: list[Row] = []
        self._written = time.monotonic()
        self._run, self._number = secrets.token_hex(4), 0

    def read(self) -> pa.Table:
        """All rows, the last one of each source; empty where there are none.

        Raises:
            PhotochromError: it cannot be read.
        """
        tables = []
        for place in [*self._output.listed(NAME), *self._parts()]:
            try:
                # Not `read_table`, which asks the file system itself and would need its own names for it.
                tables.append(pq.ParquetFile(io.BytesIO(place.read())).read().cast(SCHEMA))
            except (pa.ArrowException, ValueError):
                raise PhotochromError(
                    f"{shown(place.url)} is not a photochrom manifest, or damaged; move it away, or name another folder"
                ) from None
        return _last(pa.concat_tables(tables)) if tables else SCHEMA.empty_table()

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows, and write them when they are many or it is time."""
        self._rows += rows
        if len(self._rows) >= _ROWS or (self._rows and time.monotonic() - self._written > _SECONDS):
            self.flush()

    def flush(self) -> None:
        """Write what is kept.

        Raises:
            WriteFailed: it cannot be written.
        """
        if self._rows:
            place = self._output.at(f"{INNER}/part-{time.time_ns():020}-{self._run}-{self._number:06}.parquet")
            place.write(_bytes(pa.Table.from_pylist(self._rows, SCHEMA)))
            self._rows, self._number = [], self._number + 1
        self._written = time.monotonic()

    def merge(self) -> None:
        """Make one file of it. The parts are removed when it stands; after a kill in between both say the same."""
        self.flush()
        parts = self._parts()
        if parts:
            self._output.at(NAME).write(_bytes(self.read()))
        for part in parts:
            part.remove()

    def _parts(self) -> list[Place]:
        return self._output.at(INNER).listed("part-*.parquet")


def _bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    try:
        pq.write_table(table, out, compression="zstd")
    except pa.ArrowException as error:
        raise WriteFailed(f"the manifest cannot be written: {error}") from None
    return out.getvalue()


def _last(table: pa.Table) -> pa.Table:
    """The last row of each source, in the order of the sources."""
    numbered = table.append_column("place", pa.array(range(len(table)), pa.int64()))
    kept = numbered.group_by("source").aggregate([("place", "max")])["place_max"]
    return table.take(kept).sort_by("source") if len(kept) < len(table) else table.sort_by("source")


def counts(table: pa.Table) -> dict[str, int]:
    """How many rows each status has."""
    found = table["status"].value_counts().to_pylist()
    return {each["values"]: each["counts"] for each in found}
