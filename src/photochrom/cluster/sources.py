"""What is coloured: the pictures of a folder, of tars (webdataset shards) or of a column in Parquet, at any URL.

The driver only lists; files are opened by tasks of the cluster, a part at a time.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import posixpath
import re
import tarfile
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from photochrom._support.text import one_line, shown
from photochrom.batch.kinds import kind_of
from photochrom.cluster.places import Place, Unreached, reading
from photochrom.errors import BadSetting, PhotochromError, UnreadableImage
from photochrom.imaging.folders import is_passed_over
from photochrom.imaging.result_names import is_result

TARS = (".tar", ".tar.gz", ".tgz")
PARQUET = (".parquet", ".pq")
_FILES_A_PART = 64
_BYTES_A_TABLE = 8_000_000
_LARGE = 64_000_000  # such files are fetched by whoever colours them, and never lie in the object store
_NUMBERS = re.compile(r"\{(\d+)\.\.(\d+)\}")
# What may be the end of an archive's name in that of a picture; members of tars may have a # in their names.
_ARCHIVE = re.compile(rf"({'|'.join(map(re.escape, TARS))})(?=/)|({'|'.join(map(re.escape, PARQUET))})(?=#\d+$)")

# What a reading task gives for each picture: where it was, where it goes, and its bytes, its URL, or an error.
READ = pa.schema(
    [
        ("source", pa.string()),
        ("target", pa.binary()),
        ("data", pa.large_binary()),
        ("url", pa.binary()),
        ("error", pa.string()),
        ("unreached", pa.bool_()),  # the error is one of the store, and another try may do
    ]
)


@dataclass(frozen=True)
class Part:
    """What one task reads.

    Attributes:
        url: a folder, a tar or a Parquet file.
        below: where its results go, below the output.
        files: paths below a folder.
        column: of a Parquet file.
        group: a row group of it, and the number of its first row; None is all of them.
        done: sources that are left out.
    """

    url: str
    below: str = ""
    files: tuple[str, ...] = ()
    column: str = ""
    group: tuple[int, int] | None = None
    done: frozenset[str] = frozenset()

    def read(self) -> Iterator[pa.Table]:
        """Its pictures in tables of some megabytes, of the schema `READ`; what cannot be read is a row, too."""
        rows, size = [], 0
        for row in self._rows():
            rows.append(row)
            size += len(row.get("data") or b"")
            if size > _BYTES_A_TABLE:
                yield pa.Table.from_pylist(rows, READ)
                rows, size = [], 0
        yield pa.Table.from_pylist(rows, READ)

    def _rows(self) -> Iterator[dict[str, Any]]:
        try:
            if self.files:
                yield from self._of_files()
            elif self.column:
                yield from self._of_parquet()
            else:
                yield from self._of_tar()
        except PhotochromError as error:
            yield _refused(shown(self.url), "", error)

    def _of_files(self) -> Iterator[dict[str, Any]]:
        for name in self.files:
            place = Place(self.url).at(name)
            source = shown(place.url)
            try:
                with reading(place.url):
                    if place.is_local or place.fs.size(place.path) > _LARGE:
                        yield _row(source, name, url=os.fsencode(place.url))
                        continue
                    data = place.read()
                yield _row(source, name, data=data)
            except PhotochromError as error:
                yield _refused(source, name, error)

    def _of_tar(self) -> Iterator[dict[str, Any]]:
        place, met = Place(self.url), set()
        with reading(self.url):
            try:
                with place.fs.open(place.path, "rb") as file, tarfile.open(fileobj=file, mode="r|*") as tar:
                    for member in tar:
                        if not (member.isfile() and _is_wanted(member.name)):
                            continue
                        source = shown(f"{self.url}/{member.name}")
                        if source in self.done:
                            continue
                        name = posixpath.normpath(member.name)
                        if name.startswith(("/", "..")):
                            yield _row(source, "", error=f"{source}: its name leads out of the archive")
                        elif name in met:
                            yield _row(f"{source} (again)", "", error=f"{source}: a second one of this name")
                        else:
                            met.add(name)
                            content = tar.extractfile(member)
                            yield _row(source, f"{self.below}/{name}", data=content.read() if content else b"")
            except (tarfile.TarError, EOFError) as error:
                raise UnreadableImage(
                    f"{shown(self.url)} is damaged or no tar ({error}); what comes before that was read"
                ) from None

    def _of_parquet(self) -> Iterator[dict[str, Any]]:
        place = Place(self.url)
        group, number = self.group or (None, 0)
        with reading(self.url), place.fs.open(place.path, "rb") as file, _decoding(self.url):
            parquet = pq.ParquetFile(file)
            _check_column(self.url, self.column, parquet)
            groups = None if group is None else [group]
            batches = parquet.iter_batches(16, groups, columns=[self.column])
            for value in itertools.chain.from_iterable(batch.column(0).to_pylist() for batch in batches):
                source, name = shown(f"{self.url}#{number}"), f"{self.below}/{number:08}"
                number += 1
                data = value.get("bytes") if isinstance(value, dict) else value
                if source in self.done:
                    continue
                if isinstance(data, bytes):
                    yield _row(source, name, data=data)
                else:
                    yield _row(source, name, error=f"{source}: there is no picture in the column '{self.column}'")


def _row(source: str, target: str, **given: Any) -> dict[str, Any]:
    return {"source": source, "target": os.fsencode(target), **given}


def _refused(source: str, target: str, error: PhotochromError) -> dict[str, Any]:
    return _row(source, target, error=str(error), unreached=isinstance(error, Unreached))


@dataclass(frozen=True)
class Source:
    """What was found.

    Attributes:
        parts: what tasks read, without what is done.
        total: how many pictures there are in all; None where only reading the tars would tell.
    """

    parts: list[Part]
    total: int | None


def find(url: str, output: Place, column: str, done: Set[str]) -> Source:
    """List what is to be coloured.

    Args:
        url: a folder, tars or Parquet files; `*` and {000..999} stand for several. A folder stands for the pictures in
            it and below it, else for the tars or the Parquet files in it.
        output: the folder of the results, which is passed over.
        column: of Parquet files, with the bytes of pictures, or with structs whose field `bytes` has them.
        done: sources that are left out.

    Raises:
        UnreadableImage: there is nothing.
        BadSetting: the output is the source, or a Parquet file has no such column.
    """
    places = [Place(each) for each in expanded(url)]
    if "*" in url:
        parents = [(Place(posixpath.dirname(place.url) or "."), posixpath.basename(place.url)) for place in places]
        places = [found for parent, pattern in parents for found in parent.listed(pattern)]
    elif len(places) == 1 and not url.endswith((*TARS, *PARQUET)):
        return _of_folder(places[0], output, column, done)
    if not places:
        raise UnreadableImage(f"{shown(url)} matches no file; check the name, and the bucket or folder")
    return _of_archives(places, column, done)


def expanded(url: str) -> list[str]:
    """What a name with {FIRST..LAST} stands for.

    Example:
        >>> expanded("s3://b/{08..11}.tar")
        ['s3://b/08.tar', 's3://b/09.tar', 's3://b/10.tar', 's3://b/11.tar']

    Raises:
        BadSetting: it would be nothing, or millions.
    """
    match = _NUMBERS.search(url)
    if match is None:
        return [url]
    first, last = int(match[1]), int(match[2])
    if not 0 <= last - first < 1_000_000:
        raise BadSetting(f"{shown(match[0])} has to go upwards, and over at most a million numbers")
    names = (f"{url[: match.start()]}{n:0{len(match[1])}}{url[match.end() :]}" for n in range(first, last + 1))
    return [each for name in names for each in expanded(name)]


def _of_folder(place: Place, output: Place, column: str, done: Set[str]) -> Source:
    here = os.path.realpath(place.path) if place.is_local else place.path
    results = os.path.realpath(output.path) if output.is_local else output.path
    if here == results and place.is_local == output.is_local:
        raise BadSetting(f"{shown(place.url)} is the source and the output; name another folder for the results")
    names: list[str] = []
    archives: list[str] = []
    with reading(place.url):
        if not place.fs.exists(place.path):
            raise FileNotFoundError
        if place.fs.isfile(place.path):
            raise UnreadableImage(f"{shown(place.url)} is neither a folder nor a tar or Parquet file")
        for root, _, files in place.fs.walk(place.path, on_error="raise"):
            below = posixpath.relpath(root, place.path)
            below = "" if below == "." else f"{below}/"
            within = results.startswith(f"{here}/") and f"{here}/{below}".startswith(f"{results}/")
            if within or any(map(is_passed_over, below.split("/"))):
                continue  # not all stores let a walk be led past what is not wanted
            names += [f"{below}{name}" for name in files if _is_wanted(name)]
            archives += [f"{below}{name}" for name in files if name.endswith((*TARS, *PARQUET)) and name[0] != "."]
    if not names and archives:
        return _of_archives([place.at(name) for name in sorted(archives)], column, done, place.url)
    if not names:
        raise UnreadableImage(f"{shown(place.url)} holds no photographs, tars or Parquet files")
    left = [name for name in sorted(names) if shown(place.at(name).url) not in done]
    chunks = [tuple(left[at : at + _FILES_A_PART]) for at in range(0, len(left), _FILES_A_PART)]
    return Source([Part(place.url, files=chunk) for chunk in chunks], len(names))


def _of_archives(places: list[Place], column: str, done: Set[str], folder: str | None = None) -> Source:
    parts: list[Part] = []
    total: int | None = 0
    top = folder or os.path.commonpath([posixpath.dirname(place.url) or "." for place in places])
    by_archive: dict[str, set[str]] = {place.url: set() for place in places}
    for source in done:
        # A folder may be called like an archive, too.
        if archive := next((each for each in _archives_of(source) if each in by_archive), None):
            by_archive[archive].add(source)
    for place in places:
        below = posixpath.relpath(place.url, top)
        kept = frozenset(by_archive[place.url])
        if place.url.endswith(PARQUET):
            found, rows = _of_parquet(place, posixpath.splitext(below)[0], column, kept)
            parts += found
            total = None if total is None else total + rows
        elif place.url.endswith(TARS):
            stem = next(below.removesuffix(ending) for ending in reversed(TARS) if below.endswith(ending))
            parts.append(Part(place.url, stem, done=kept))
            total = None
        else:
            raise BadSetting(f"{shown(place.url)} is neither a tar nor a Parquet file")
    return Source(parts, total)


def _archives_of(source: str) -> Iterator[str]:
    """The tars and Parquet files that a source's name, as it is shown, may begin with."""
    name = source
    with contextlib.suppress(ValueError, SyntaxError):  # most names are shown as they are
        if shown(text := str(ast.literal_eval(source))) == source:
            name = text
    for match in _ARCHIVE.finditer(name):
        yield name[: match.end()]


def _of_parquet(place: Place, below: str, column: str, done: frozenset[str]) -> tuple[list[Part], int]:
    try:
        with reading(place.url), place.fs.open(place.path, "rb") as file, _decoding(place.url):
            parquet = pq.ParquetFile(file)
            _check_column(place.url, column, parquet)
            sizes = [parquet.metadata.row_group(i).num_rows for i in range(parquet.metadata.num_row_groups)]
    except UnreadableImage as error:
        # Its row in the manifest says so, and the others are read.
        if "does not exist" in str(error):
            raise
        return [Part(place.url, below, column=column, done=done)], 0
    firsts = itertools.accumulate(sizes, initial=0)
    # A row group whose rows are all done is not read.
    parts = [
        Part(place.url, below, column=column, group=(group, first), done=done)
        for group, (first, size) in enumerate(zip(firsts, sizes, strict=False))
        if any(shown(f"{place.url}#{number}") not in done for number in range(first, first + size))
    ]
    return parts, sum(sizes)


@contextlib.contextmanager
def _decoding(url: str) -> Iterator[None]:
    """Tell data that are damaged from a store that breaks off: pyarrow raises OSErrors of its own, without a number."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
            raise
        raise UnreadableImage(f"{shown(url)} is damaged or no Parquet file ({one_line(error)})") from None


def _check_column(url: str, column: str, parquet: pq.ParquetFile) -> None:
    names = parquet.schema_arrow.names
    if column not in names:
        raise BadSetting(f"{shown(url)} has no column '{column}'; its columns are {', '.join(names)}")


def _is_wanted(name: str) -> bool:
    base = posixpath.basename(name)
    kind = kind_of(base)
    hidden = any(
        is_passed_over(folder) for folder in posixpath.dirname(name).split("/") if folder not in ("", ".", "..")
    )
    return (
        kind is not None
        and kind.name != "film"
        and not base.startswith(".")
        and not is_result(Path(base))
        and not hidden
    )
