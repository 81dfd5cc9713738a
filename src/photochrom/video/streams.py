"""How a film's other streams come into the result: copied, re-encoded or left out, as its container allows."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from photochrom.video.codecs import CONTAINERS
from photochrom.video.reading import main_stream, open_film
from photochrom.video.timeline import Timeline, is_flush

Way = Literal["copy", "encode", "leave"]
Ways = dict[int, Way]
"""Of each stream but the picture, by its index."""

TYPES = ("audio", "subtitle", "attachment", "video")
MUXER_OPTIONS = {"fflags": "+bitexact"}  # beside those that are on, among them that streams are converted as needed

_ENCODERS = {".webm": "libopus"}  # of sound; AAC elsewhere
_RATE = 48_000  # samples a second of re-encoded sound
_WAVER = _RATE // 20  # samples by which decoded sound may be off its time before it is brought back
_USUAL = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_REHEARSED = 3000  # packets of the film, some ten seconds or more
_MAY_BE_EQUAL = (".mkv", ".webm")  # times of packets


def plan(source: Path, timeline: Timeline, ending: str, *, audio: bool = True) -> Ways:
    """How each stream is kept, tried out on the film's first packets.

    Args:
        source: the film.
        timeline: its times.
        ending: of the target.
        audio: keep sound.
    """
    with open_film(source) as film:
        main = main_stream(film, str(source))
        others = [(s.index, s.type) for s in film.streams if s.index != main.index and s.type in TYPES]
    ways: Ways = {}
    for index, kind in others:
        unwanted = kind == "audio" and not (audio and timeline.counts[index])
        ways[index] = "leave" if unwanted else _first_that_works(source, timeline, index, kind, ending)
    return ways


def worse(ways: Ways, source: Path, timeline: Timeline, ending: str) -> Ways:
    """What is left to try where joining failed: for streams that fail by themselves their next way, or else no stream.

    A container may notice late, when its file is nearly done, and then says no more than that something is wrong.
    """
    found: Ways = {}
    for index, way in ways.items():
        works = way == "leave" or _works(source, timeline, index, way, ending, None)
        found[index] = way if works else _next(way)
    return found if found != ways else dict.fromkeys(ways, "leave")


def notes(ways: Ways, source: Path, timeline: Timeline, ending: str, *, audio: bool = True) -> list[str]:
    """What was not kept as it was, in words."""
    said: list[str] = []
    with open_film(source) as film:
        for index, way in ways.items():
            kind = film.streams[index].type
            if kind == "audio" and not audio:
                continue
            if way == "encode":
                said.append(f"{kind} {index} was re-encoded for {ending}")
            elif way == "leave":
                empty = kind == "audio" and not timeline.counts[index]
                said.append(f"{kind} {index} " + ("is declared but empty" if empty else f"cannot be kept in {ending}"))
    return said


def _first_that_works(source: Path, timeline: Timeline, index: int, kind: str, ending: str) -> Way:
    tried: tuple[Way, ...] = ("copy", "encode") if kind == "audio" else ("copy",)
    for way in tried:
        if _works(source, timeline, index, way, ending, _REHEARSED):
            return way
    return "leave"


def _next(way: Way) -> Way:
    return "encode" if way == "copy" else "leave"


def _works(source: Path, timeline: Timeline, index: int, way: Way, ending: str, limit: int | None) -> bool:
    """Whether the container takes a stream's packets among the film's first `limit`; they go nowhere."""
    import av

    if way == "encode" and not _is_sound(source, index):
        return False
    try:
        with open_film(source) as film:
            container = av.open(_Nowhere(), "w", format=CONTAINERS[ending], options=MUXER_OPTIONS)
            copy = Copy(container, film.streams[index], way, ending)
            container.start_encoding()
            for packet in itertools.islice(timeline.moved(readable(film.demux())), limit):
                if packet.stream_index == index and not is_flush(packet):
                    copy.put(packet, Fraction(0))
            copy.finish()
            container.close()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _is_sound(source: Path, index: int) -> bool:
    with open_film(source) as film:
        stream = film.streams[index]
        return stream.type == "audio" and stream.codec_context is not None


def readable(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets up to where the file is broken."""
    import av

    while True:
        try:
            yield next(packets)
        except (StopIteration, av.FFmpegError):
            return


class Copy:
    """One stream of a film on its way into another container.

    Args:
        container: PyAV's, for output.
        stream: of the film.
        way: "copy" or "encode".
        ending: of the target.

    Raises:
        ValueError, av.FFmpegError: the container or the encoder does not take it.
    """

    def __init__(self, container: Any, stream: Any, way: Way, ending: str) -> None:
        self._container, self._sound = container, stream.type == "audio"
        self._grows = ending not in _MAY_BE_EQUAL
        self._read: int | None = None  # times of decoding of the last packet: read,
        self._written: int | None = None  # and written
        self._encoder = None
        if way == "copy":
            self.stream: Any = container.add_stream_from_template(stream, opaque=True)
        else:
            self.stream = container.add_stream(_ENCODERS.get(ending, "aac"), rate=_RATE)
            layout = stream.codec_context.layout
            self.stream.codec_context.layout = _ordered(layout)
            self.stream.codec_context.bit_rate = 64_000 * max(2, layout.nb_channels)
            self._encoder = _Sound(self.stream)

    def put(self, packet: Any, origin: Fraction) -> None:
        """Write a packet, its time counted from `origin`, in seconds."""
        if self._encoder:
            for encoded in self._encoder.packets(packet, origin):
                self._container.mux(encoded)
            return
        at = packet.pts if packet.dts is None else packet.dts
        if at is None:
            return
        if self._sound and self._read is not None and at < self._read:
            return  # sound that is there twice, or has the time of another
        shift = round(origin / packet.time_base)
        least = -(-self.stream.time_base // packet.time_base) if self._grows else 0  # the container's tick
        dts = at - shift if self._written is None else max(at - shift, self._written + least)
        self._read, self._written = at, dts
        packet.stream, packet.dts = self.stream, dts
        packet.pts = max(dts, (at if packet.pts is None else packet.pts) - shift)
        self._container.mux(packet)

    def finish(self) -> None:
        """Flush what is still in the encoder."""
        for encoded in self._encoder.rest() if self._encoder else ():
            self._container.mux(encoded)


def _ordered(layout: Any) -> Any:
    """How a stream's channels are ordered; where it does not say, as PCM in AVI and MXF, as so many usually are."""
    told = layout.nb_channels and all(channel.name != "NONE" for channel in layout.channels)
    return layout if told else _USUAL.get(layout.nb_channels, "stereo")


class _Sound:
    """Decoded sound on the encoder's clock: gaps are silent, and what is there twice is heard once."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._context = stream, stream.codec_context
        self._resampler: Any = None
        self._form: Any = None
        self._next: int | None = None  # sample

    def packets(self, packet: Any, origin: Fraction) -> Iterator[Any]:
        """A re-encoded packet, its time counted from `origin`, in seconds."""
        import av

        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # sound that is broken is silent there
        for frame in frames:
            at = None if frame.pts is None else round((frame.pts * frame.time_base - origin) * _RATE)
            yield from self._encoded(frame, at)

    def rest(self) -> Iterator[Any]:
        """What the encoder still holds."""
        yield from self._stream.encode(None)

    def _encoded(self, frame: Any, at: int | None) -> Iterator[Any]:
        import av

        form = frame.format.name, frame.layout.name, frame.sample_rate
        if form != self._form:
            self._form = form
            self._resampler = av.AudioResampler(self._context.format, self._context.layout, _RATE)
        frame.pts = None
        for sound in self._resampler.resample(frame):
            if self._next is None:
                self._next = at or 0
            elif at is not None and self._next - at > _WAVER:
                return
            elif at is not None and at - self._next > _WAVER:
                yield from self._silence(at - self._next)
            yield from self._put(sound)
            at = None

    def _silence(self, samples: int) -> Iterator[Any]:
        import av

        while samples > 0:
            frame = av.AudioFrame(self._context.format.name, self._context.layout.name, min(samples, _RATE))
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate = _RATE
            samples -= frame.samples
            yield from self._put(frame)

    def _put(self, frame: Any) -> Iterator[Any]:
        frame.pts, frame.time_base = self._next, Fraction(1, _RATE)
        self._next = (self._next or 0) + frame.samples
        yield from self._stream.encode(frame)


class _Nowhere(io.RawIOBase):
    """A file that takes everything and keeps nothing."""

    def __init__(self) -> None:
        self._at = self._end = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._at += size
        self._end = max(self._end, self._at)
        return size

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = {0: 0, 1: self._at, 2: self._end}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at
