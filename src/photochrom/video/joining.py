"""Segments and everything else that is in the source, sound, subtitles, chapters, words, joined into one film."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from photochrom.video.codecs import CONTAINERS
from photochrom.video.encoding import naming_target
from photochrom.video.reading import Facts, main_stream, open_film
from photochrom.video.segments import Segment

_OWN_WORDS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_SOUND = {".webm": "libopus"}  # what sound is encoded to where its own kind cannot be kept; AAC elsewhere

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
    """

    source: Path
    segments: Sequence[tuple[Path, Segment]]
    facts: Facts
    cut: Cut
    whole: bool
    words: str


def join(parts: Parts, temporary: Path, target: Path) -> list[str]:
    """Write the film into the file `temporary`; the ending of `target` says the container.

    Returns:
        What could not be kept as it was, in words.

    Raises:
        WriteFailed: the disk is full, ...
    """
    import av

    notes: list[str] = []
    ending = target.suffix.lower()
    options = {"fflags": "bitexact"} | ({"movflags": "+faststart"} if ending in (".mp4", ".m4v", ".mov") else {})
    with open_film(parts.source) as old, av.open(str(parts.segments[0][0])) as first, naming_target(target):
        new = av.open(str(temporary), "w", format=CONTAINERS[ending], options=options)
        film = new.add_stream_from_template(first.streams.video[0], opaque=True)
        film.time_base = parts.facts.time_base
        main = main_stream(old, str(parts.source))
        film.metadata.update(_words(main.metadata))
        copies = _Copies(new, old, main, ending, notes)
        new.metadata.update(_words(old.metadata))
        new.metadata["comment"] = "; ".join(filter(None, (new.metadata.get("comment"), parts.words)))
        new.set_chapters(_chapters(cast(Any, old.chapters()), parts.cut))
        picture, rest = _picture(parts, new, film), copies.packets(None if parts.whole else parts.cut, parts.cut.start)
        for _, put in heapq.merge(picture, rest, key=lambda timed: timed[0]):
            put()
        copies.finish()
        new.close()
    return notes


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


class _Copies:
    """The source's other streams: copied as they are, sound re-encoded where the container needs it."""

    def __init__(self, new: Any, old: Any, main: Any, ending: str, notes: list[str]) -> None:
        self._new, self._old = new, old
        self._put: dict[int, tuple[Any, bool]] = {}
        for stream in old.streams:
            if stream.index == main.index or stream.type not in ("audio", "subtitle", "attachment", "video"):
                continue
            copy, encoded = self._added(stream, ending)
            if copy is None:
                notes.append(f"{stream.type} {stream.index} cannot be kept in {ending}")
                continue
            if encoded:
                notes.append(f"audio {stream.index} was encoded anew for {ending}")
            copy.metadata.update(_words(stream.metadata))
            copy.disposition = stream.disposition
            self._put[stream.index] = copy, encoded

    def _added(self, stream: Any, ending: str) -> tuple[Any, bool]:
        import av

        try:
            return self._new.add_stream_from_template(stream, opaque=True), False
        except (ValueError, av.FFmpegError):
            if stream.type != "audio" or stream.codec_context is None:
                return None, False
        copy = self._new.add_stream(_SOUND.get(ending, "aac"), rate=48000)
        copy.codec_context.layout = stream.codec_context.layout
        copy.codec_context.bit_rate = 128_000
        return copy, True

    def packets(self, cut: Cut | None, origin: Fraction) -> Iterator[Timed]:
        """Each packet inside the cut, its time counted from `origin`."""
        import av

        wanted = [self._old.streams[index] for index in self._put if self._old.streams[index].type != "attachment"]
        at, packets = float("-inf"), self._old.demux(wanted) if wanted else iter(())
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return
            time = packet.pts if packet.dts is None else packet.dts
            if time is None or not packet.size:
                continue
            seconds = time * packet.time_base
            if cut is None or cut.holds(seconds):
                at = max(at, float(seconds - origin))
                yield at, lambda packet=packet: self._pass(packet, origin)

    def _pass(self, packet: Any, origin: Fraction) -> None:
        import av

        copy, encoded = self._put[packet.stream_index]
        shift = round(origin / packet.time_base)
        if not encoded:
            packet.stream = copy
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            self._new.mux(packet)
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # sound that is broken is silent there
        for frame in frames:
            frame.pts = None if frame.pts is None else frame.pts - round(origin / frame.time_base)
            self._new.mux(copy.encode(frame))

    def finish(self) -> None:
        """Flush what is still in the encoders."""
        for copy, encoded in self._put.values():
            if encoded:
                self._new.mux(copy.encode())


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
