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
BT709 = 1
"""ffmpeg's number of the matrix, the primaries and the transfer curve that players of today expect."""
_RGB, _LIMITED, _FULL = 0, 1, 2


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
            declare_colors(context, self._pixels, self._matrix)

    def write(self, rgb: np.ndarray, pts: int, duration: int) -> None:
        """Encode a frame (H, W, 3) uint8 or uint16 that is shown at `pts`."""
        rgb = padded(rgb, self._size)
        with naming_target(self._target):
            frame = self._woven(rgb) if self._fields else converted(rgb, self._pixels, self._matrix)
            frame.pts, frame.duration, frame.time_base = pts, duration, self._facts.time_base
            self._put(self._stream.encode(frame))

    def _woven(self, rgb: np.ndarray) -> Any:
        """Two fields, line by line; the lines of one moment share their colours, and not those of two."""
        import av

        frame = av.VideoFrame(*self._size, self._pixels)
        fields = [converted(np.ascontiguousarray(rgb[first::2]), self._pixels, self._matrix) for first in (0, 1)]
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


def declare_colors(context: Any, pixels: str, matrix: int = BT709) -> None:
    """Have a stream say how its samples become colours.

    Args:
        context: the stream's codec context.
        pixels: ffmpeg's pixel format.
        matrix: ffmpeg's number of it, where the format is one of luma and chroma.
    """
    yuv = _is_yuv(pixels)
    context.color_primaries = context.color_trc = BT709
    context.colorspace, context.color_range = (matrix, _LIMITED) if yuv else (_RGB, _FULL)


def converted(rgb: np.ndarray, pixels: str, matrix: int = BT709) -> Any:
    """A frame (H, W, 3) uint8 or uint16 as an av.VideoFrame in a stream's pixel format; see `declare_colors`."""
    import av

    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24" if rgb.dtype == np.uint8 else "rgb48le")
    return frame.reformat(
        format=pixels,
        dst_colorspace="ITU709" if matrix == BT709 else "ITU601",
        dst_color_range="MPEG" if _is_yuv(pixels) else "JPEG",
    )


def padded(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A frame (H, W, 3) at the (w, h) that is encoded, its last column and row again where it lacks some."""
    (width, height), (rows, columns) = size, rgb.shape[:2]
    if (columns, rows) == size:
        return rgb
    return np.pad(rgb, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")


def _is_yuv(pixels: str) -> bool:
    return pixels.startswith("yuv")


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
