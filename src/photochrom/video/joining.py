"""Segments and everything else that is in the source, sound, subtitles, chapters, words, joined into one film."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from photochrom.errors import UnsupportedFormat
from photochrom.video.codecs import CONTAINERS
from photochrom.video.encoding import naming_target
from photochrom.video.reading import Facts, main_stream, open_film
from photochrom.video.segments import Segment
from photochrom.video.streams import MUXER_OPTIONS, Copy, Way, Ways, readable, worse
from photochrom.video.timeline import Timeline

_QUICKTIME = (".mp4", ".m4v", ".mov")
_OWN_WORDS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}

Timed = tuple[float, Callable[[], None]]
"""Seconds, and what puts a packet of that time into the film."""


@dataclass(frozen=True)
class Cut:
    """The part of the source that is wanted, in seconds on its own clock; `end` None is its end."""

    start: Fraction
    end: Fraction | None = None

    def holds(self, seconds: Fraction) -> bool:
        """Whether a time lies in it."""
        return seconds >= self.start and (self.end is None or seconds < self.end)


@dataclass(frozen=True)
class Parts:
    """What a film is joined from.

    Attributes:
        source: where all but the picture is copied from.
        segments: the encoded picture, in order.
        facts: of the source.
        cut: the part that is wanted; its start becomes the time 0.
        whole: the cut is the whole film, and sound that leads it by a little is kept.
        words: what is added to the film's comment.
        timeline: where the packets of the source lie.
    """

    source: Path
    segments: Sequence[tuple[Path, Segment]]
    facts: Facts
    cut: Cut
    whole: bool
    words: str
    timeline: Timeline


def join(parts: Parts, ways: Ways, temporary: Path, target: Path) -> Ways:
    """Write the film into the file `temporary`; the ending of `target` says the container.

    The picture is never lost for another stream: what the container refuses after all is re-encoded or left out.

    Args:
        parts: see `Parts`.
        ways: how the source's other streams are to be kept.
        temporary: the file.
        target: what it will be.

    Returns:
        How they were kept.

    Raises:
        WriteFailed: the disk is full, ...
        UnsupportedFormat: the container does not take the picture.
    """
    while True:
        try:
            _write(parts, ways, temporary, target)
            return ways
        except UnsupportedFormat:
            if all(way == "leave" for way in ways.values()):
                raise
            ways = worse(ways, parts.source, parts.timeline, target.suffix.lower())


def _write(parts: Parts, ways: Ways, temporary: Path, target: Path) -> None:
    import av

    ending = target.suffix.lower()
    with open_film(parts.source) as old, av.open(str(parts.segments[0][0])) as first, naming_target(target):
        options = MUXER_OPTIONS | _movflags(ending, old.metadata)
        new = av.open(str(temporary), "w", format=CONTAINERS[ending], options=options)
        film = new.add_stream_from_template(first.streams.video[0], opaque=True)
        film.time_base = parts.facts.time_base
        film.metadata.update(_words(main_stream(old, str(parts.source)).metadata))
        copies = {index: _copy(new, old.streams[index], way, ending) for index, way in ways.items() if way != "leave"}
        new.metadata.update(_words(old.metadata))
        new.metadata["comment"] = "; ".join(filter(None, (new.metadata.get("comment"), parts.words)))
        if ending in _QUICKTIME:
            # A track is made of a time code, and fails without the rate of frames, which a stream that is copied lacks.
            for words in (film.metadata, new.metadata):
                words.pop("timecode", None)
        new.set_chapters(_chapters(cast(Any, old.chapters()), parts.cut))
        new.start_encoding()  # from here on each stream counts in the container's ticks
        for _, put in heapq.merge(_picture(parts, new, film), _rest(parts, old, copies), key=lambda timed: timed[0]):
            put()
        for copy in copies.values():
            copy.finish()
        new.close()


def _movflags(ending: str, words: dict[str, str]) -> dict[str, str]:
    """QuickTime's options; a phone's own keys (place, time with its zone, make) are kept by one of them only."""
    if ending not in _QUICKTIME:
        return {}
    own_keys = any(key.startswith(("com.apple.", "com.android.")) for key in words)
    return {"movflags": "+faststart" + ("+use_metadata_tags" if own_keys else "")}


def _copy(new: Any, stream: Any, way: Way, ending: str) -> Copy:
    copy = Copy(new, stream, way, ending)
    copy.stream.metadata.update(_words(stream.metadata))
    copy.stream.disposition = stream.disposition
    return copy


def _rest(parts: Parts, old: Any, copies: dict[int, Copy]) -> Iterator[Timed]:
    """The packets of the other streams inside the cut, with their times on the film's clock."""
    wanted = [old.streams[index] for index in copies if old.streams[index].type != "attachment"]
    at, origin = float("-inf"), parts.cut.start
    for packet in parts.timeline.moved(readable(old.demux(wanted))) if wanted else ():
        time = packet.pts if packet.dts is None else packet.dts
        if time is None or not packet.size:
            continue
        seconds = time * packet.time_base
        if parts.whole or parts.cut.holds(seconds):
            at = max(at, float(seconds - origin))
            yield at, lambda packet=packet: copies[packet.stream_index].put(packet, origin)


def _picture(parts: Parts, new: Any, film: Any) -> Iterator[Timed]:
    """The packets of all segments with their times on the film's clock.

    In what order frames are decoded is each encoder's own matter, and a container needs growing times of decoding
    across all segments: that of a packet is the time of showing of the frame `depth` places before it, in the order
    of showing.
    """
    base = parts.facts.time_base
    origin = round(parts.cut.start / base)
    depth = max(segment.depth for _, segment in parts.segments)
    step = max(1, round(1 / (parts.facts.rate * base)))
    first = parts.segments[0][1].first
    before = [first - (depth - i) * step for i in range(depth)]
    for index, (path, segment) in enumerate(parts.segments):
        packets, times = _read_segment(path, segment, base)
        following = parts.segments[index + 1][1].first if index + 1 < len(parts.segments) else None
        shown = sorted(times)
        after = dict(zip(shown, [*shown[1:], following or shown[-1] + (segment.last_duration or step)], strict=True))
        order = before + shown
        for i, (packet, pts) in enumerate(zip(packets, times, strict=True)):
            packet.stream, packet.time_base = film, base
            packet.pts, packet.dts, packet.duration = pts - origin, order[i] - origin, after[pts] - pts
            yield float((order[i] - origin) * base), lambda packet=packet: new.mux(packet)
        before = order[len(shown) :]


def _read_segment(path: Path, segment: Segment, base: Fraction) -> tuple[list[Any], list[int]]:
    """A segment's packets in the order of decoding, and the times of their frames on the source's clock."""
    import av

    with av.open(str(path)) as file:
        stream: Any = file.streams.video[0]
        packets: list[Any] = [packet for packet in file.demux(stream) if packet.size]
        # The container may have shifted all times alike, so that none is below 0.
        first = min(packet.pts for packet in packets)
        ticks = stream.time_base / base
        return packets, [segment.first + round((packet.pts - first) * ticks) for packet in packets]


def _words(metadata: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key.lower() not in _OWN_WORDS}


def _chapters(chapters: list[dict[str, Any]], cut: Cut) -> list[Any]:
    """The chapters that the cut touches, on its clock."""
    kept = []
    for chapter in chapters:
        base = chapter["time_base"]
        start, end = (max(Fraction(0), chapter[at] * base - cut.start) for at in ("start", "end"))
        if cut.end is not None:
            start, end = min(start, cut.end - cut.start), min(end, cut.end - cut.start)
        if end > start:
            kept.append(chapter | {"start": round(start / base), "end": round(end / base)})
    return kept
