"""A film in colour: frames are read, coloured, made steady, painted and encoded at the same time, and then joined."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.files import check_free, move, write_failed
from photochrom._support.text import counted, shown
from photochrom._support.version import __version__
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, UnreadableFilm
from photochrom.imaging.result_names import errors_naming
from photochrom.painting.hints import Colored
from photochrom.video import streams
from photochrom.video.codecs import CODECS, Codec, Encoding, encoding_for
from photochrom.video.coloring import Painted, depends, paint_film
from photochrom.video.consistency import steady
from photochrom.video.encoding import SegmentWriter
from photochrom.video.followed import FilmHints, follow_hints, moments_of_film
from photochrom.video.joining import Cut, Parts, join
from photochrom.video.progress import FilmReport, Listener, Meter
from photochrom.video.reading import Facts, Frame, Reader
from photochrom.video.segments import Segment, SegmentFolder
from photochrom.video.steadiness import Steady
from photochrom.video.timeline import check_part, part_in_words

SEGMENT = 120  # frames that a kill can cost


@dataclass(frozen=True)
class FilmJob:
    """One film and how it is done.

    Attributes:
        source, target: the files.
        consistency: see `consistency.steady`.
        codec, crf: see `codecs.encoding_for`.
        start, end: the part that is wanted, in seconds from the film's beginning; None is all of it.
        overwrite: replace a target that is there.
        audio: keep sound.
        hints: see `followed`.
    """

    source: Path
    target: Path
    consistency: str = "flow"
    codec: str | None = None
    crf: int | None = None
    start: float | None = None
    end: float | None = None
    overwrite: bool = False
    audio: bool = True
    hints: Sequence[Colored] = ()

    def __post_init__(self) -> None:
        check_part(self.start, self.end)


def colorize(job: FilmJob, colorizer: Colorizer, listener: Listener | None = None) -> FilmReport:
    """Colour a film; see `photochrom.video.colorize_film`."""
    began = time.perf_counter()
    encoding = encoding_for(job.target, job.codec, job.crf)
    check_free(job.target, job.overwrite)
    mode = steady(job.consistency, colorizer.card)
    reader = Reader(job.source, colorizer.max_pixels, sixteen_bit=max(encoding.codec.pixels) > 8)
    if colorizer.strict:
        _check_whole(job, reader, [])
    cut = _cut(job, reader)
    ways = streams.plan(job.source, reader.timeline, job.target.suffix.lower(), audio=job.audio)
    followed = FilmHints()
    if job.hints:
        looking = Reader(job.source, colorizer.max_pixels)
        size = reader.facts.width, reader.facts.height
        with errors_naming(job.source):
            followed = follow_hints(job.hints, size, moments_of_film(looking))
    work = SegmentFolder(job.target, _depends(job, colorizer, mode, encoding))
    with work.open():
        earlier = work.finished()
        done = [segment for segment, _ in earlier]
        if earlier:
            mode.restore(earlier[-1][1])
            mode.cuts = done[-1].cuts
        resumed = sum(segment.frames for segment in done)
        meter = Meter(listener, _expected(reader, cut), resumed)
        painted = paint_film(_wanted(reader, cut, job.start is None, done), colorizer, mode, SEGMENT, followed.frames)
        try:
            done += _encode(painted, work, len(done), encoding, reader, meter)
        finally:
            painted.close()
        if not done:
            work.remove()
            raise BadSetting(f"{shown(job.source)} has no frame {part_in_words(job.start, job.end)}")
        if colorizer.strict:
            _check_whole(job, reader, done)
        notes = [*followed.notes(), *_finish(job, work, done, reader, cut, ways)]
    return _report(done, reader, encoding, job.target, resumed, notes, time.perf_counter() - began)


def _check_whole(job: FilmJob, reader: Reader, done: list[Segment]) -> None:
    """Refuse what has been found to be damaged; what is coloured of it stays for a session that is not strict.

    Raises:
        UnreadableFilm: it is.
    """
    broken = sum(len(segment.repeated) for segment in done)
    if not (broken or reader.end):
        return
    what = f"it ends early ({reader.end})" if reader.end else f"{counted(broken, 'frame')} cannot be decoded"
    raise UnreadableFilm(f"{shown(job.source)} is damaged: {what}; without --strict it is coloured as far as it goes")


def _encode(
    painted: Iterator[Painted[Frame, np.ndarray]],
    work: SegmentFolder,
    index: int,
    encoding: Encoding,
    reader: Reader,
    meter: Meter,
) -> Iterator[Segment]:
    """Encode segment after segment, each whole before it has its name."""
    while (first := next(painted, None)) is not None:
        temporary = work.folder / "segment.part"
        writer, last = SegmentWriter(temporary, work.target, encoding, reader.facts), first
        frames: list[Frame] = []
        try:
            for each in itertools.chain([first], itertools.islice(painted, SEGMENT - 1)):
                writer.write(each.result, each.frame.pts, each.frame.duration)
                frames.append(each.frame.without_pixels())
                last = each
                meter.tick()
            writer.close()
        except BaseException:
            writer.close(whole=False)
            raise
        segment = _segment(frames, last.cuts, writer.depth)
        work.finish(index, temporary, segment, last.state or {})
        index += 1
        yield segment


def _segment(frames: list[Frame], cuts: int, depth: int) -> Segment:
    return Segment(
        frames=len(frames),
        first=frames[0].pts,
        last=frames[-1].pts,
        last_duration=frames[-1].duration,
        repeated=tuple(frame.pts for frame in frames if frame.repeated),
        cuts=cuts,
        colored=sum(frame.in_color for frame in frames),
        depth=depth,
    )


def _wanted(reader: Reader, cut: Cut, whole: bool, done: list[Segment]) -> Iterator[Frame]:
    """The frames of the part that are not done yet."""
    base = reader.facts.time_base
    begin = None if whole else math.ceil(cut.start / base)
    for frame in reader.frames(done[-1].last + 1 if done else begin):
        if cut.end is not None and frame.pts * base >= cut.end:
            return
        yield frame


def _cut(job: FilmJob, reader: Reader) -> Cut:
    begin = Fraction(reader.facts.start)
    exact = [None if at is None else Fraction(at).limit_denominator(1_000_000) for at in (job.start, job.end)]
    return Cut(begin + (exact[0] or 0), None if exact[1] is None else begin + exact[1])


def _expected(reader: Reader, cut: Cut) -> int | None:
    """About how many frames the part has."""
    facts = reader.facts
    if facts.frames is None or facts.seconds is None:
        return facts.frames
    begin = Fraction(facts.start)
    end = begin + Fraction(facts.seconds)
    seconds = min(cut.end or end, end) - cut.start
    return min(facts.frames, max(1, round(seconds * facts.rate)))


def _finish(
    job: FilmJob, work: SegmentFolder, done: list[Segment], reader: Reader, cut: Cut, ways: streams.Ways
) -> list[str]:
    """Join the segments, give the film its name, and drop the folder; returns what was not kept as it was."""
    segments = [(work.path(index), segment) for index, segment in enumerate(done)]
    whole = job.start is None and job.end is None
    temporary, ending = work.folder / "film.part", work.target.suffix.lower()
    words = f"Colours by photochrom {__version__}: likely, not known"
    parts = Parts(job.source, segments, reader.facts, cut, whole, words, reader.timeline)
    ways = join(parts, ways, temporary, work.target)
    try:
        move(temporary, work.target, job.overwrite)
    except OSError as error:
        raise write_failed(job.target, error) from error
    work.remove()
    return streams.notes(ways, job.source, reader.timeline, ending, audio=job.audio)


def _report(
    done: list[Segment],
    reader: Reader,
    encoding: Encoding,
    target: Path,
    resumed: int,
    notes: list[str],
    seconds: float,
) -> FilmReport:
    facts = reader.facts
    notes = [*notes, *_losses(facts, encoding, target)]
    if reader.timeline.shifts:
        notes = [*notes, "times that restarted or jumped are now continuous"]
    if reader.end:
        notes = [*notes, f"the film ends early ({reader.end})"]
    base, begin = facts.time_base, Fraction(facts.start)
    width, height = encoding.size(facts.width, facts.height)
    return FilmReport(
        frames=sum(segment.frames for segment in done),
        width=width,
        height=height,
        repeated=tuple(float(pts * base - begin) for segment in done for pts in segment.repeated),
        cuts=done[-1].cuts,
        resumed=resumed,
        has_color=any(segment.colored > segment.frames // 2 for segment in done),
        notes=tuple(notes),
        seconds=seconds,
    )


def _losses(facts: Facts, encoding: Encoding, target: Path) -> list[str]:
    """What the codec cannot keep, in words, and which other one that the target takes could."""

    def instead(keeps: Callable[[Codec], bool]) -> str:
        fits = [name for name, other in CODECS.items() if target.suffix.lower() in other.endings and keeps(other)]
        return f"; kept by --codec {' or '.join(fits)}" if fits else ""

    notes: list[str] = []
    codec = encoding.codec
    size = facts.width, facts.height
    if encoding.size(*size) != size:
        notes.append(f"{encoding.name} needs even sizes: {size[0]} x {size[1]} was padded by a pixel")
    kept = codec.bits(facts.bits)
    if kept < facts.bits:
        more = instead(lambda other: other.bits(facts.bits) > kept)
        notes.append(f"{encoding.name} has {kept} of the film's {facts.bits} bits a sample{more}")
    if facts.fields and not codec.first_field(facts):
        apart = instead(lambda other: other.first_field(facts) is not None)
        notes.append(
            f"{encoding.name} stores both fields of a frame as one picture, so moving edges look like combs{apart}"
        )
    return notes


def _depends(job: FilmJob, colorizer: Colorizer, mode: Steady, encoding: Encoding) -> dict[str, Any]:
    """All that the result depends on, so that no segments of another job are taken for this one's."""
    return depends(job.source, colorizer, mode, job.hints, SEGMENT) | {
        "encoding": asdict(encoding),
        "part": (job.start, job.end),
    }
