"""Painted frames to an encoded segment of a film."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.files import write_failed
from photochrom._support.text import shown
from photochrom.errors import UnsupportedFormat
from photochrom.video.codecs import Encoding, matrix_for
from photochrom.video.gray import samples_of
from photochrom.video.reading import Facts
from photochrom.video.timeline import reason_of

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_BT709, _LIMITED, _RGB = 1, 1, 0


class SegmentWriter:
    """Encodes frames into a file of its own that begins with a key frame, so that segments can be joined.

    Args:
        path: of the file, in the NUT container, which keeps any time base exactly.
        target: the film that it is for, for messages.
        encoding: see `codecs.encoding_for`.
        facts: of the source.
    """

    def __init__(self, path: Path, target: Path, encoding: Encoding, facts: Facts) -> None:
        import av

        self._facts, self._target = facts, target
        self._matrix = matrix_for(facts.space, facts.height)
        codec = encoding.codec
        self._pixels, self._fields = codec.pixels[codec.bits(facts.bits)], codec.first_field(facts)
        self._rgb = not self._pixels.startswith("yuv")
        self._times: list[int] = []  # of showing, in the order of decoding
        with naming_target(target):
            self._file = av.open(str(path), "w", format="nut", options={"fflags": "bitexact"})
            options = encoding.options | (codec.fields[self._fields] if self._fields else {})
            self._stream: Any = self._file.add_stream(codec.encoder, rate=facts.rate, options=options)
            stream, context = self._stream, self._stream.codec_context
            self._size = encoding.size(facts.width, facts.height)
            stream.width, stream.height = self._size
            stream.pix_fmt = self._pixels
            context.time_base = facts.time_base
            stream.time_base = facts.time_base
            context.sample_aspect_ratio = facts.aspect
            context.color_primaries = context.color_trc = _BT709
            context.colorspace = _RGB if self._rgb else self._matrix
            context.color_range = 2 if self._rgb else _LIMITED

    def write(self, rgb: np.ndarray, pts: int, duration: int) -> None:
        """Encode a frame (H, W, 3) uint8 or uint16 that is shown at `pts`."""
        (width, height), (rows, columns) = self._size, rgb.shape[:2]
        if (columns, rows) != (width, height):
            rgb = np.pad(rgb, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")
        with naming_target(self._target):
            frame = self._woven(rgb) if self._fields else self._converted(rgb)
            frame.pts, frame.duration, frame.time_base = pts, duration, self._facts.time_base
            self._put(self._stream.encode(frame))

    def _converted(self, rgb: np.ndarray) -> Any:
        import av

        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24" if rgb.dtype == np.uint8 else "rgb48le")
        return picture.reformat(
            format=self._pixels,
            dst_colorspace="ITU709" if self._matrix == _BT709 else "ITU601",
            dst_color_range="JPEG" if self._rgb else "MPEG",
        )

    def _woven(self, rgb: np.ndarray) -> Any:
        """Two fields, line by line; the lines of one moment share their colours, and not those of two."""
        import av

        frame = av.VideoFrame(*self._size, self._pixels)
        fields = [self._converted(np.ascontiguousarray(rgb[first::2])) for first in (0, 1)]
        for index, plane in enumerate(frame.planes):
            lines = np.zeros((plane.height, plane.line_size), np.uint8)
            for first, field in enumerate(fields):
                lines[first::2, : plane.width] = samples_of(field, index, 8)
            plane.update(lines.tobytes())
        return frame

    def close(self, *, whole: bool = True) -> None:
        """End the file; what is not `whole` is only let go of."""
        if not whole:
            with contextlib.suppress(Exception):
                self._file.close()
            return
        with naming_target(self._target):
            self._put(self._stream.encode())
            self._file.close()

    @property
    def depth(self) -> int:
        """How many places a frame is decoded before it is shown, at most; known when all is written."""
        place = {pts: i for i, pts in enumerate(sorted(self._times))}
        return max((i - place[pts] for i, pts in enumerate(self._times)), default=0)

    def _put(self, packets: list[Any]) -> None:
        self._times += [packet.pts for packet in packets]
        self._file.mux(packets)


@contextlib.contextmanager
def naming_target(target: Path) -> Iterator[None]:
    """Turn an encoder's or a muxer's error into one line that names the film."""
    import av

    try:
        yield
    except (OSError, av.FFmpegError, ValueError) as error:
        # A muxer says EPERM and the like of what it does not take; only what a disk says is about the disk.
        if isinstance(error, OSError) and (error.errno in _DISK or not isinstance(error, av.FFmpegError)):
            raise write_failed(target, error) from error
        reason = reason_of(error)
        raise UnsupportedFormat(
            f"{shown(target)} cannot be encoded ({reason}); try another --codec or ending"
        ) from error
