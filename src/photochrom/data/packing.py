"""Shards: tars of a few hundred megabytes with pictures that are worth training on, written once, read from anywhere.

They are webdataset's format: uncompressed tars in which a picture's name up to its first dot is its key. Beside each
lies its index (see `photochrom.data.tar_index`), written after it, so that a shard with an index is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from PIL import Image

from photochrom._support.npz import DAMAGED, read_arrays
from photochrom._support.processes import usable_cores
from photochrom._support.settings import Range
from photochrom._support.text import counted
from photochrom.data import remote, tar_index
from photochrom.data.entries import EXTENSIONS, Entry
from photochrom.data.samples import decode
from photochrom.data.sources import digest, list_pictures
from photochrom.data.split import group_of
from photochrom.errors import AlreadyThere, BadDataset, BadSetting
from photochrom.imaging.picture import toning_of

LEAST = 64  # pixels of the shorter side
QUALITY = 80  # of WebP
LONGEST = 16383  # pixels of a side that WebP can have
REPORT = "report.json"
_NAMED = 20  # pictures that the report names for each reason
_CHUNK = 128  # pictures that are looked at together
_LOOK = 256  # pixels; large JPEGs are decoded at no less, which is faster

Reason = Literal["unreadable", "tiny", "gray", "duplicate"]
REASONS: tuple[Reason, ...] = ("unreadable", "tiny", "gray", "duplicate")


@dataclass
class PackReport:
    """What was packed; `report.json` beside the shards holds it, after each shard anew.

    Attributes:
        settings: what decides the shards' bytes; another report's are those of other shards.
        finished: whether all pictures were looked at.
        looked_at: pictures of the sources, in the order of packing, up to the end of the last shard.
        packed: pictures in the shards.
        left_out: pictures that are in none, by reason.
        examples: the first ones of each reason, by name.
        shards: name, pictures and bytes of each.
    """

    settings: dict[str, Any]
    finished: bool = False
    looked_at: int = 0
    packed: int = 0
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))
    examples: dict[str, list[str]] = field(default_factory=lambda: {reason: [] for reason in REASONS})
    shards: list[dict[str, Any]] = field(default_factory=list)

    def leave_out(self, entry: Entry, reason: Reason) -> None:
        """Count a picture."""
        self.left_out[reason] += 1
        if len(self.examples[reason]) < _NAMED:
            self.examples[reason].append(f"{entry.path}: {entry.key}")


@dataclass(frozen=True)
class Pattern:
    """What shards are called: `before` a number of `width` digits, which counts from `first`, and `after`."""

    before: str
    width: int
    first: int
    after: str

    @classmethod
    def parsed(cls, text: str) -> Pattern:
        """A pattern such as `s3://bucket/photos-{000000..}.tar`, a folder or its address before the name.

        Raises:
            BadSetting: it is none.

        Example:
            >>> Pattern.parsed("out/photos-{00..}.tar").name(7)
            'out/photos-07.tar'
        """
        found = re.fullmatch(r"([^{}]*)\{(\d+)\.\.\}([^{}/]*\.tar)", text)
        if not found:
            raise BadSetting(
                f"{text}: the shards' names are given as a pattern such as FOLDER/photos-{{000000..}}.tar or "
                "s3://BUCKET/photos-{000000..}.tar"
            )
        before, digits, after = found.groups()
        return cls(before, len(digits), int(digits), after)

    def name(self, number: int) -> str:
        """The shard of a number from 0."""
        return f"{self.before}{self.first + number:0{self.width}d}{self.after}"

    @property
    def report(self) -> str:
        """Where the report lies."""
        folder, slash, _ = self.before.rpartition("/")
        return folder + slash + REPORT


def pack(
    sources: Sequence[str | Path],
    out: str,
    *,
    size_mb: float = 256,
    shuffle: int | None = None,
    least: int = LEAST,
    side: int | None = None,
    quality: int = QUALITY,
    progress: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> PackReport:
    """Write the pictures of sources into shards, without those that teach nothing.

    Left out are pictures that cannot be decoded, that are small, gray or of one tint, and that have the pixels of
    another one (told by 64 bits of a hash, some 80 MB of memory for a million pictures). The bytes of the others stay
    as they are, unless a `side` is given. The same call writes the same bytes. After a kill it goes on after the last
    whole shard.

    Args:
        sources: see `list_pictures`.
        out: see `Pattern`.
        size_mb: of a shard as it lies on the disk, at most, 10^6 bytes; one that holds a single picture may be larger.
        shuffle: the seed of a shuffle of all pictures; None keeps their order. Training shuffles in any case.
        least: pixels of the shorter side.
        side: shrink pictures to this shorter side, in pixels, and to a longer one of at most `LONGEST`, and encode them
            as WebP; None keeps their bytes.
        quality: of the WebP, 1 to 100.
        progress: is told how many pictures were looked at, and of how many.
        say: is told each shard, and where an earlier call is gone on with.

    Raises:
        AlreadyThere: there are shards of other pictures or settings.
        BadDataset: there is no picture to pack, or a place cannot be reached.
        BadSetting, WriteFailed.
    """
    Range(0, above=True).check("size_mb", size_mb)
    Range(1, whole=True).check("least", least)
    Range(1, 100, whole=True).check("quality", quality)
    if side is not None:
        Range(16, 4096, whole=True).check("side", side)
    encoding = None if side is None else _Encoding(side, quality)
    pattern = Pattern.parsed(out)
    entries = list_pictures(sources)
    settings = {
        "pictures": len(entries),
        "digest": digest(entries),
        "size_mb": size_mb,
        "shuffle": shuffle,
        "least": least,
        "side": side,
        "quality": side and quality,
        "shards": Path(pattern.name(0)).name,
    }
    report, seen = _begun(pattern, settings)
    if report.finished:
        say(f"{pattern.report}: the {len(report.shards)} shards of these pictures are already there, whole")
        return report
    if report.shards:
        whole = counted(len(report.shards), "shard")
        say(f"{pattern.report}: going on after {whole}, at picture {report.looked_at + 1}")
    order = np.arange(len(entries)) if shuffle is None else np.random.default_rng(shuffle).permutation(len(entries))
    _write_report(pattern, report)
    with closing(_Writer(pattern, report, say)) as writer:
        for number, entry, found in _looks(entries, order, report.looked_at, least, encoding):
            progress(number, len(entries))
            if isinstance(found, str):
                report.leave_out(entry, found)
            elif found.content in seen:
                report.leave_out(entry, "duplicate")
            else:
                if writer.contents and writer.size_with(len(found.data)) > size_mb * 1e6:
                    writer.finish(number)
                seen.add(found.content)
                writer.add(number, entry, found)
        if writer.contents:
            writer.finish(len(entries))
    if not report.packed:
        counts = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items() if count)
        raise BadDataset(f"no picture is left to pack: of {len(entries)}, {counts}")
    report.finished, report.looked_at = True, len(entries)
    _write_report(pattern, report)
    return report


@dataclass(frozen=True)
class _Look:
    """A picture that is worth keeping: its bytes, the ending they get, and a hash of its pixels."""

    data: bytes
    ending: str
    content: int


@dataclass(frozen=True)
class _Encoding:
    """What smaller copies are: WebP of a shorter side, in pixels, and a quality."""

    side: int
    quality: int

    def copy(self, image: Image.Image) -> bytes:
        """The picture, never enlarged; a panorama has a shorter side than others where WebP can hold no longer one."""
        factor = min(self.side / min(image.size), LONGEST / max(image.size))
        if factor < 1:
            width, height = (max(1, round(length * factor)) for length in image.size)
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=self.quality)
        return buffer.getvalue()


def _look(entry: Entry, data: bytes | None, least: int, encoding: _Encoding | None) -> _Look | Reason:
    try:
        data = data or entry.read()
        image = decode(data, entry.key, max(_LOOK, 2 * encoding.side) if encoding else _LOOK)
    except BadDataset:
        return "unreadable"
    if min(image.size) < least:
        return "tiny"
    pixels = np.asarray(image)
    small = image.copy()
    small.thumbnail((_LOOK, _LOOK))
    if toning_of(np.asarray(small)) != "color":
        return "gray"
    content = hashlib.blake2b(repr(image.size).encode() + pixels.tobytes(), digest_size=8).digest()
    ending = Path(entry.key).suffix.lower().removeprefix(".")
    if encoding:
        data, ending = encoding.copy(image), "webp"
    elif f".{ending}" not in EXTENSIONS:  # a row of an array file, whose bytes are made on reading
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        data, ending = buffer.getvalue(), "png"
    return _Look(data, ending, int.from_bytes(content, "little"))


def _looks(
    entries: Sequence[Entry], order: np.ndarray, start: int, least: int, encoding: _Encoding | None
) -> Iterator[tuple[int, Entry, _Look | Reason]]:
    """The place in the order, the entry and the look of each picture; several are decoded at once, in threads."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        for first in range(start, len(order), _CHUNK):
            ours = [entries[index] for index in order[first : first + _CHUNK]]
            looks = pool.map(partial(_look, least=least, encoding=encoding), ours, remote.fetch(ours))
            yield from zip(range(first, first + len(ours)), ours, looks, strict=True)


class _Writer:
    """Fills shards one after the other; what is not finished is in a temporary file only."""

    def __init__(self, pattern: Pattern, report: PackReport, say: Callable[[str], None]) -> None:
        self.pattern, self.report, self.say = pattern, report, say
        self._open()

    def close(self) -> None:
        """Give up what is not finished."""
        self.file.close()

    def _open(self) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the shard is finished
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self.contents = list[int]()

    def size_with(self, length: int) -> int:
        """The bytes of the shard if it is finished after one more picture of so many bytes: tars are padded."""
        picture = tarfile.BLOCKSIZE * (1 + -(-length // tarfile.BLOCKSIZE))
        end = 2 * tarfile.BLOCKSIZE
        return tarfile.RECORDSIZE * -(-(self.tar.offset + picture + end) // tarfile.RECORDSIZE)

    def add(self, number: int, entry: Entry, look: _Look) -> None:
        """Put a picture in. Its name is its number, in a folder of its class where it had one."""
        # A tar has room for so many bytes of a folder's name, and a letter may take several.
        group = re.sub(r"[^\w-]", "_", group_of(entry)).encode()[:80].decode("utf-8", "ignore")
        member = tarfile.TarInfo(f"{group}/{number:09d}.{look.ending}".removeprefix("/"))
        member.size = len(look.data)
        self.tar.addfile(member, io.BytesIO(look.data))
        self.contents.append(look.content)

    def finish(self, looked_at: int) -> None:
        """Give the shard its name, and begin another."""
        self.tar.close()
        size = self.file.tell()
        name = self.pattern.name(len(self.report.shards))
        self.file.seek(0)
        with tarfile.open(fileobj=self.file, mode="r:") as archive:
            pictures = tar_index.pictures(tar_index.members(archive, name), name)
        remote.write(name, self.file)
        contents = np.array(self.contents, np.uint64)
        remote.write(f"{name}.index", io.BytesIO(tar_index.packed(pictures, size, contents=contents)))
        self.file.close()
        self.report.shards.append({"name": Path(name).name, "pictures": len(pictures), "bytes": size})
        self.report.looked_at, self.report.packed = looked_at, self.report.packed + len(pictures)
        _write_report(self.pattern, self.report)
        self.say(f"{name}: {counted(len(pictures), 'picture')}, {size / 1e6:.0f} MB")
        self._open()


def _write_report(pattern: Pattern, report: PackReport) -> None:
    remote.write(pattern.report, io.BytesIO(json.dumps(asdict(report), indent=1).encode() + b"\n"))


def _begun(pattern: Pattern, settings: dict[str, Any]) -> tuple[PackReport, set[int]]:
    """The report of an earlier call that was ended, and the contents of its shards; a new one where there is none."""
    kept = remote.read(pattern.report)
    if kept is None:
        if remote.exists(pattern.name(0)):
            raise AlreadyThere(f"{pattern.name(0)} is already there; choose another name")
        return PackReport(settings), set()
    try:
        report = PackReport(**json.loads(kept))
        known = dict(report.settings)
        if not report.shards:
            return PackReport(settings), set()  # all of its pictures were left out: nothing is there of others
    except (ValueError, TypeError, RecursionError):
        raise AlreadyThere(f"{pattern.report} is not a shards report, or is damaged; choose another folder") from None
    for name, value in settings.items():
        if known.get(name) != value:
            was = known.get(name)
            raise AlreadyThere(
                f"{pattern.report}: the shards there are of other pictures or settings ({name} was {was!r}, "
                f"now {value!r}); choose another folder, or remove them"
            )
    seen: set[int] = set()
    anew = "remove the report and the shards to start over"
    for number, shard in enumerate(report.shards if not report.finished else ()):
        index = remote.read(f"{pattern.name(number)}.index")
        if index is None or not remote.exists(pattern.name(number)):
            raise BadDataset(f"{pattern.report}: its shard {shard['name']} is gone; {anew}")
        try:
            seen.update(read_arrays(io.BytesIO(index), ("contents",))["contents"].tolist())
        except DAMAGED:
            raise BadDataset(f"{pattern.report}: the index of its shard {shard['name']} is damaged; {anew}") from None
    return report, seen
