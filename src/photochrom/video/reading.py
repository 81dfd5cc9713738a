"""A film's frames as gray pictures with their times, in the order of showing; what is broken is bridged."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from photochrom._support.optional_packages import needing
from photochrom._support.text import shown
from photochrom.errors import ImageTooLarge, UnreadableFilm
from photochrom.video.gray import bits_of, gray_of, has_full_grays
from photochrom.video.orientation import Orientation, orientation_of
from photochrom.video.timeline import CLOCK, Timeline, reason_of, survey

Fields = Literal["top", "bottom"]

_BOTTOM_FIRST = (3, 5)  # AV_FIELD_BB and AV_FIELD_BT, the latter as QuickTime means it and ffmpeg writes it

# Demuxers that fetch what a text file names are left out: a film must not open other files or addresses.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,nut,dv,mxf,gxf,"
    "yuv4mpegpipe,h264,hevc,m4v,ivf,wtv,rm",
}


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a film.

    Attributes:
        gray: (H, W) uint8, upright, full range: what a grayscale photograph of it would hold; uint16 where the film
            has more than 8 bits and they are wanted.
        pts: when it is shown, in ticks of the film's time base.
        duration: for how long, in ticks; 0 is unknown.
        repeated: it could not be decoded, and its neighbour stands in for it.
        in_color: the film shows it in colour.
    """

    gray: np.ndarray
    pts: int
    duration: int = 0
    repeated: bool = False
    in_color: bool = False

    def without_pixels(self) -> Frame:
        """The same without what takes memory."""
        return replace(self, gray=np.empty((0, 0), np.uint8))


@dataclass(frozen=True)
class Facts:
    """What a film's headers and its first frame say.

    Attributes:
        width, height: upright, pixels.
        orientation: what makes its frames upright.
        time_base: seconds of a tick.
        rate: mean frames a second.
        start: when the film starts on its own clock, seconds; most start at 0.
        seconds: how long it is; None is unknown.
        frames: how many there are, about; None is unknown.
        aspect: width of a pixel over its height, upright.
        space: the matrix of its colours by ffmpeg's number; 2 is unsaid.
        bits: of a sample.
        fields: where each frame holds the lines of two moments, those of the first one: "top" or "bottom". None where
            it holds one moment, and where its lines do not stay lines.
    """

    width: int
    height: int
    orientation: Orientation
    time_base: Fraction
    rate: Fraction
    start: float
    seconds: float | None
    frames: int | None
    aspect: Fraction
    space: int
    bits: int
    fields: Fields | None


def open_film(path: str | os.PathLike[str]) -> Any:
    """The film as PyAV's container.

    Raises:
        UnreadableFilm: it is not there, or no film.
        MissingExtra: without the extra `video`.
    """
    with needing("colouring films", "video"):
        import av
    name = shown(path)
    if not os.path.isfile(path):
        there = "is not a file" if os.path.exists(path) else "does not exist"
        raise UnreadableFilm(f"{name} {there}; give a film file")
    try:
        if os.path.getsize(path) == 0:
            raise UnreadableFilm(f"{name} is empty; get a new copy of the file")
        # As an address with its scheme, so that no name is taken for another one.
        return av.open("file:" + os.path.abspath(os.fsdecode(path)), options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableFilm(f"{name} cannot be read as a film ({reason_of(error)}); get a new copy of it") from None


def main_stream(container: Any, name: str) -> Any:
    """The video stream that is the film, and not its cover.

    Raises:
        UnreadableFilm: there is none.
    """
    from av.stream import Disposition

    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic:
            return stream
    raise UnreadableFilm(f"{name} holds no moving picture that can be decoded")


class Reader:
    """A film that can be read from its beginning or from a time, again and again with the same result.

    Args:
        path: the film.
        max_pixels: the largest frame that is decoded; None is no limit.
        sixteen_bit: give frames of more than 8 bits as uint16.

    Attributes:
        facts: see `Facts`.
        timeline: see `timeline.survey`.
        end: why reading ended before the film did, or None.

    Raises:
        UnreadableFilm, ImageTooLarge, MissingExtra.
    """

    def __init__(
        self, path: str | os.PathLike[str], max_pixels: int | None = None, *, sixteen_bit: bool = False
    ) -> None:
        self.path, self._sixteen_bit = path, sixteen_bit
        self._name, self._limit = shown(path), max_pixels
        with open_film(path) as container:
            self.timeline = survey(container, main_stream(container, self._name))
        self.end = self.timeline.broken
        with open_film(path) as container:
            stream = main_stream(container, self._name)
            self._check_size(stream.width, stream.height)
            self._rate = _rate(stream, self.timeline)
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise UnreadableFilm(f"{self._name} holds no frame that can be decoded; get a new copy of the file")
            self.facts = _facts(container, stream, first[0], self._rate, self.timeline.end)

    def frames(self, wanted: int | None = None) -> Iterator[Frame]:
        """The frames in order of showing.

        Args:
            wanted: the first tick of interest; None is the beginning.

        Raises:
            UnreadableFilm, ImageTooLarge: the file changed, or a frame outgrew the limit.
        """
        # To the key frame before; where that leads astray, or would, all is decoded and passed over.
        leads_there = wanted is not None and self.timeline.timed and not self.timeline.shifts
        for seek in (True, False) if leads_there else (False,):
            with open_film(self.path) as container:
                stream = main_stream(container, self._name)
                if seek and not _sought(container, stream, wanted):
                    continue
                astray = seek
                full = has_full_grays(stream.codec_context.name)
                for raw, pts, duration, repeated in self._decoded(container, stream):
                    if astray and pts > (wanted or 0):
                        break
                    astray = False
                    if wanted is None or pts >= wanted:
                        gray, in_color = gray_of(self._same_size(raw), self._sixteen_bit, full_grays=full)
                        yield Frame(self.facts.orientation.upright(gray), pts, duration, repeated, in_color)
                if not astray:
                    return

    def _decoded(self, container: Any, stream: Any) -> Iterator[tuple[Any, int, int, bool]]:
        """(frame, pts, duration, whether it stands in for a broken one), times growing.

        A packet that could not be decoded leaves its time without a frame. As frames come in the order of showing, a
        gap is known when the next one comes.
        """
        import av

        awaited: list[int] = []
        broken, last = 0, None
        at: int | None = None
        step = max(1, round(1 / (self._rate * stream.time_base)))  # ticks, where nothing says better
        for packet in self._packets(container, stream):
            if packet.pts is not None and packet.size and not packet.is_discard:
                heapq.heappush(awaited, packet.pts)
            try:
                raws = packet.decode()
            except av.FFmpegError:
                broken, raws = broken + 1, []
            for raw in raws:
                self._check_size(raw.width, raw.height)
                pts = raw.pts if raw.pts is not None else (0 if at is None else at + step)
                # Time that does not grow, as of a frame that is there twice, still leaves each frame its moment.
                pts = pts if at is None or pts > at else at + max(1, step // 2)
                while awaited and awaited[0] <= pts:
                    missed = heapq.heappop(awaited)
                    if missed < pts and broken and (at is None or missed > at):
                        broken, at = broken - 1, missed
                        yield last or raw, missed, 0, True
                damaged = raw.is_corrupt and last is not None
                last, at = last if damaged else raw, pts
                yield last, pts, raw.duration or step, damaged
        while last is not None and awaited and broken:
            missed, broken = heapq.heappop(awaited), broken - 1
            if at is None or missed > at:
                at = missed
                yield last, missed, step, True

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        import av

        packets = self.timeline.moved(container.demux(stream))
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                self.end = reason_of(error)
                return

    def _same_size(self, raw: Any) -> Any:
        """A frame of another size than the first, as some broadcasts have them, is brought to the first's."""
        facts = self.facts
        size = facts.orientation.size(facts.width, facts.height)
        return raw if (raw.width, raw.height) == size else raw.reformat(width=size[0], height=size[1])

    def _check_size(self, width: int, height: int) -> None:
        if self._limit is not None and width * height > self._limit:
            raise ImageTooLarge(
                f"{self._name} has frames of {width} x {height}, over the limit of {self._limit} pixels"
            )


def _rate(stream: Any, timeline: Timeline) -> Fraction:
    """Frames a second: what the film says, unless its packets are far from that."""
    said = Fraction(stream.average_rate or stream.guessed_rate or 25)
    count = timeline.counts[stream.index]
    if count < 2 or timeline.start is None or timeline.end is None or not timeline.end > timeline.start:
        return said
    mean = Fraction(count / (timeline.end - timeline.start)).limit_denominator(1001)
    # A damaged header may make a tick last for hours, so that the mean is 0 to any precision that matters.
    return said if not mean or 0.25 <= mean / said <= 4 else mean


def _facts(container: Any, stream: Any, raw: Any, rate: Fraction, end: float | None) -> Facts:
    orientation = orientation_of(raw)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    start = (container.start_time or 0) / CLOCK
    seconds = None if end is None else max(0.0, end - start)
    return Facts(
        *orientation.size(raw.width, raw.height),
        orientation=orientation,
        time_base=stream.time_base,
        rate=rate,
        start=start,
        seconds=seconds,
        frames=stream.frames or (round(seconds * rate) if seconds else None),
        aspect=Fraction(1) / aspect if orientation.swapped else Fraction(aspect),
        space=raw.colorspace,
        bits=bits_of(raw),
        fields=None if orientation.swapped or orientation.flipped else _fields(stream.codec_context, raw),
    )


def _fields(context: Any, raw: Any) -> Fields | None:
    if not raw.interlaced_frame:
        return None
    # A tape's DV begins with the bottom field, and says nothing.
    bottom = context.field_order in _BOTTOM_FIRST or (context.field_order == 0 and context.name == "dvvideo")
    return "bottom" if bottom else "top"


def _sought(container: Any, stream: Any, wanted: int | None) -> bool:
    import av

    try:
        container.seek(wanted, stream=stream)
    except (av.FFmpegError, OverflowError):
        return False
    return True
