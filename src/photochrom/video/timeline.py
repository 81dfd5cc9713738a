"""The times of a film's packets on one line: where they restart, leap or go astray, they are moved back onto it.

Recordings that were joined end to end, clocks that wrap and packets that were damaged on the air all have times that
do not go on. What is played has to: a player stands still for as long as a leap says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from photochrom.errors import BadSetting

_BACK = 0.1  # seconds by which times may waver, as those of packets of one film do
_LEAP = 1800.0  # seconds that a picture may stand
_LEAP_ON_AIR = 10.0  # the same where the clock is a broadcaster's, as ffmpeg has it (-dts_delta_threshold)
_APART = 1.0  # seconds at most between the ends of sound and picture at a joint
_REORDERED = 5.0  # seconds at most between a picture's times of decoding and of showing
_MISSING = 0.5  # seconds that may be missing of the length that a film states
_ON_AIR = ("mpegts", "mpeg")
_STATE_THEIR_LENGTH = {"mov", "matroska", "asf", "flv"}

CLOCK = 1_000_000  # ticks of a container's own clock in a second


def check_part(start: float | None, end: float | None) -> None:
    """Refuse a part that no film can have.

    Args:
        start, end: seconds from a film's beginning; None is its own.

    Raises:
        BadSetting: it begins before the film, or ends before it begins.
    """
    if not (0 <= (start or 0) < math.inf and (end is None or (start or 0) < end < math.inf)):
        raise BadSetting(f"a part must start at 0 or later and end after its start, not {part_in_words(start, end)}")


def part_in_words(start: float | None, end: float | None) -> str:
    """A part as messages name it.

    Example:
        >>> part_in_words(2, None), part_in_words(None, 1.5)
        ('from 2 s on', 'from 0 to 1.5 s')
    """
    return f"from {start or 0:g} s on" if end is None else f"from {start or 0:g} to {end:g} s"


@dataclass(frozen=True)
class Timeline:
    """What one pass over a film's packets finds.

    Attributes:
        start, end: seconds between which its packets lie, once moved; None where they have no times.
        counts: packets of each stream.
        timed: packets of the picture have times.
        shifts: of a stream, the seconds (n, 2) by which each packet's times of decoding and of showing are moved;
            empty where all times go on.
        broken: why the file ends before the film does, in words, or None.
    """

    start: float | None
    end: float | None
    counts: Counter[int]
    timed: bool
    shifts: dict[int, np.ndarray] = field(default_factory=dict)
    broken: str | None = None

    def moved(self, packets: Iterator[Any]) -> Iterator[Any]:
        """Packets from the film's first one on, each with the times that it should have."""
        seen: Counter[int] = Counter()
        for packet in packets:
            shifts = self.shifts.get(packet.stream_index)
            if shifts is not None and not is_flush(packet):
                place = seen[packet.stream_index]
                seen[packet.stream_index] += 1
                if place < len(shifts) and shifts[place].any():
                    decoded, shown = (round(float(shift) / packet.time_base) for shift in shifts[place])
                    packet.dts = None if packet.dts is None else packet.dts + decoded
                    packet.pts = None if packet.pts is None else packet.pts + shown
            yield packet


def survey(container: Any, main: Any) -> Timeline:
    """Read all packets of a film once, without decoding them.

    Args:
        container: PyAV's, at its beginning.
        main: the stream of its picture.
    """
    leading = {main.index} | {stream.index for stream in container.streams.audio}
    streams, decoded, shown, ends = list[int](), list[float](), list[float](), list[float]()
    reason = None
    packets = container.demux()
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except Exception as error:  # PyAV's, of many kinds
            reason = reason_of(error)
            break
        if is_flush(packet):
            continue
        dts, pts = packet.dts, packet.pts
        streams.append(packet.stream_index)
        decoded.append(np.nan if dts is None else float(dts * packet.time_base))
        shown.append(np.nan if pts is None else float(pts * packet.time_base))
        ends.append(np.nan if pts is None else float((pts + (packet.duration or 0)) * packet.time_base))
    order, dts, pts, shown_until = np.array(streams, int), np.array(decoded), np.array(shown), np.array(ends)
    raw = np.where(np.isnan(dts), pts, dts)
    later = pts - raw
    shifts = mended(order, _comparable(order, dts, pts), leading, container.format.name in _ON_AIR)
    if not shifts:
        reason = reason or _cut(container, main, shown_until, raw[order == main.index])
    for stream, moves in shifts.items():
        raw[order == stream] += moves
        shown_until[order == stream] += moves
        # What lasts up to a leap is as long as the leap was.
        shown_until = np.minimum(shown_until, raw + _APART)
    shifts = {s: np.stack([moves, _of_showing(moves, later[order == s])], 1) for s, moves in shifts.items()}
    tells = np.isin(order, list(leading)) & ~np.isnan(shown_until)
    return Timeline(
        start=float(np.nanmin(raw[tells])) if tells.any() else None,
        end=float(shown_until[tells].max()) if tells.any() else None,
        counts=Counter(streams),
        timed=bool((~np.isnan(raw[order == main.index])).any()),
        shifts=shifts,
        broken=reason,
    )


def _comparable(streams: np.ndarray, dts: np.ndarray, pts: np.ndarray) -> np.ndarray:
    """Each packet's time of decoding (n,), and those of showing only of streams that have no others.

    Matroska stores times of showing alone, and ffmpeg cannot tell those of decoding of a stream's first packets: where
    pictures are reordered, the two do not lie on one line.
    """
    times = dts.copy()
    for stream in np.unique(streams):
        own = streams == stream
        if np.isnan(dts[own]).all():
            times[own] = pts[own]
    return times


def is_flush(packet: Any) -> bool:
    """Whether it is no packet of the file's, but the one that ends a stream."""
    return not packet.size and packet.pts is None and packet.dts is None


def reason_of(error: Exception) -> str:
    """An error of PyAV's in a few words, without the file's name."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())


def _cut(container: Any, main: Any, ends: np.ndarray, pictures: np.ndarray) -> str | None:
    """How much is missing of the length that the file states, by the ends of all packets and the pictures' times."""
    if container.format.name == "avi" and len(pictures) < main.frames - max(2, main.frames // 50):
        return f"after {len(pictures)} of {main.frames} frames"
    states = not _STATE_THEIR_LENGTH.isdisjoint(container.format.name.split(","))
    if not (states and container.duration) or np.isnan(ends).all():
        return None
    stated, last = (container.duration + (container.start_time or 0)) / CLOCK, float(np.nanmax(ends))
    told = np.sort(pictures[~np.isnan(pictures)])
    # A file may not say how long its last picture stays.
    longest = float(np.diff(told).max()) if len(told) > 1 else 0.0
    return f"at {last:.1f} of {stated:.1f} seconds" if last < stated - _MISSING - longest else None


def mended(streams: np.ndarray, times: np.ndarray, leading: set[int], on_air: bool) -> dict[int, np.ndarray]:
    """By how much packets are moved so that the times of each stream go on, and sound stays with its picture.

    Args:
        streams: (n,) the stream of each packet, in the order of the file.
        times: (n,) seconds; NaN where a packet says none.
        leading: the streams that tell the time; the others are moved as the last of these was.
        on_air: the times are a broadcaster's clock.

    Returns:
        Of each stream, the move of each packet in seconds; nothing where all times go on.

    Example:
        >>> moves = mended(np.zeros(5, int), np.array([5.0, 5.04, 5.08, 0.0, 0.04]), {0}, False)
        >>> moves[0].round(2).tolist()
        [0.0, 0.0, 0.0, 5.12, 5.12]
    """
    told = times.copy()
    steps: dict[int, float] = {}
    for stream in leading:
        places = np.flatnonzero((streams == stream) & ~np.isnan(times))
        told[places] = _without_strays(times[places])
        grows = np.diff(told[places])
        steps[stream] = float(np.median(grows[grows > 0])) if (grows > 0).any() else 0.04
    line = _Line(_LEAP_ON_AIR if on_air else _LEAP, on_air)
    moves, newest = np.zeros(len(times)), 0.0
    for place, (stream, time) in enumerate(zip(streams.tolist(), told.tolist(), strict=True)):
        if stream in leading and time == time:  # not NaN
            moves[place] = line.put(stream, time, steps[stream]) - times[place]
            newest = line.offsets[line.epoch[stream]]
        else:
            moves[place] = newest
    moves[np.abs(moves) < 1e-9] = 0
    return {stream: moves[streams == stream] for stream in np.unique(streams).tolist()} if moves.any() else {}


def _of_showing(moves: np.ndarray, later: np.ndarray) -> np.ndarray:
    """The moves (n,) of a stream's times of showing, from those of decoding and how much `later` they are.

    Where a picture is decoded before a joint and shown after it, its times lie in two epochs.
    """
    moved, offsets = moves.copy(), np.unique(moves)
    for place in np.flatnonzero(np.abs(later) > _REORDERED):
        nearest = offsets[np.abs(later[place] + offsets - moves[place]).argmin()]
        off = later[place] + nearest - moves[place]
        moved[place] = nearest if abs(off) <= _REORDERED else moves[place] - later[place]
    return moved


def _without_strays(times: np.ndarray) -> np.ndarray:
    """A stream's times (n,), where one that lies outside of its two neighbours, which go on, is put between them."""
    if len(times) < 3:
        return times
    before, own, after = times[:-2], times[1:-1], times[2:]
    goes_on = (after >= before) & (after - before < _APART)
    astray = goes_on & ((own < before - _BACK) | (own > after + _BACK))
    mended = times.copy()
    mended[1:-1][astray] = ((before + after) / 2)[astray]
    return mended


class _Line:
    """Puts packets onto one line, stream by stream.

    Attributes:
        offsets: seconds that are added, of each epoch; a new one begins where times do not go on.
        epoch: in which each stream is. At a joint some streams are there before the others.
    """

    def __init__(self, leap: float, on_air: bool) -> None:
        self.offsets: list[float] = [0.0]
        self.epoch: dict[int, int] = {}
        self._last: dict[int, float] = {}
        self._leap, self._on_air = leap, on_air

    def put(self, stream: int, time: float, step: float) -> float:
        """The packet's place in seconds; `step` is how far its stream's packets lie apart."""
        now = max(self._last.values(), default=time)
        if stream not in self.epoch:
            self._enter(stream, time, now)
        at = time + self.offsets[self.epoch[stream]]
        if not self._last.get(stream, at) - _BACK <= at <= now + self._leap:
            self._go_on(stream, time, self._last[stream] + step)
        self._last[stream] = time + self.offsets[self.epoch[stream]]
        return self._last[stream]

    def _enter(self, stream: int, time: float, now: float) -> None:
        """Its first packet: in the epoch in which it lies nearest to the others, if it has their clock."""
        epoch = min(range(len(self.offsets)), key=lambda epoch: abs(time + self.offsets[epoch] - now))
        if self._on_air and abs(time + self.offsets[epoch] - now) > self._leap:
            self.offsets.append(now - time)
            epoch = len(self.offsets) - 1
        self.epoch[stream] = epoch

    def _go_on(self, stream: int, time: float, expected: float) -> None:
        """In the epoch in which it goes on: a later one, an earlier one that was left for a while, or a new one."""
        own = self.epoch[stream]
        off = {epoch: time + offset - expected for epoch, offset in enumerate(self.offsets) if epoch != own}
        fits = [epoch for epoch, by in off.items() if (-_APART if epoch > own else -_BACK) <= by <= _APART]
        if fits:
            self.epoch[stream] = min(fits, key=lambda epoch: abs(off[epoch]))
            return
        self.offsets.append(expected - time)
        self.epoch[stream] = len(self.offsets) - 1
