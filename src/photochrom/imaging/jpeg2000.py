"""JPEG 2000 with more than 8 bits a sample in colour, which Pillow has not and OpenCV has: with the extra `video`."""

from __future__ import annotations

import io
import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photochrom.errors import MissingExtra
from photochrom.imaging.facts import UUIDS
from photochrom.imaging.picture import Picture
from photochrom.imaging.sixteen_bit import with_alpha
from photochrom.imaging.tags import EXIF_PREFIX
from photochrom.imaging.writing import to_pil

NOTE = "it has more than 8 bits a sample, which the result keeps with the extra: pip install '.[video]'"
_HEAD_BYTES = 1 << 22  # within which the header of the samples stands, behind a profile
_SRGB = 16  # the number of a colour space
_LOSSLESS = 1000
_LONGEST_COMMENT = 65531
_LEAST_SIDE = 32  # OpenCV halves a picture five times


def depth_of(file: IO[bytes]) -> int:
    """Bits a sample; 8 where it cannot be told. Source: ITU-T T.800, A.5.1."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    at = head.find(b"\xff\x4f\xff\x51")
    return (head[at + 42] & 0x7F) + 1 if at >= 0 and len(head) > at + 42 else 8


def profile_of(file: IO[bytes]) -> bytes | None:
    """The ICC profile of a JP2, which Pillow leaves unread. Source: ITU-T T.800, I.5.3.3."""
    head, at = _color(file)
    return head[at + 7 : at - 4 + int.from_bytes(head[at - 4 : at], "big")] if at and head[at + 4] in (2, 3) else None


def deep_samples(image: Image.Image, file: IO[bytes], depth: int, name: str) -> NDArray[np.uint16] | None:
    """(H, W, 3) or (H, W, 4) uint16 of a picture with more than 8 bits; None where Pillow is to read it.

    Args:
        image: opened.
        file: that it reads.
        depth: from `depth_of`.
        name: what to call it in messages.

    Raises:
        MissingExtra: OpenCV is not there. Pillow would make black of white.
    """
    head, at = _color(file)
    is_rgb = not at or head[at + 4] in (2, 3) or int.from_bytes(head[at + 7 : at + 11], "big") == _SRGB
    if depth <= 8 or image.mode not in ("RGB", "RGBA") or not is_rgb:
        return None
    opencv = _opencv()
    if opencv is None:
        raise MissingExtra(f"{name} has more than 8 bits a sample; reading colours like that in JPEG 2000", "video")
    file.seek(0)
    try:
        found = opencv.imdecode(np.frombuffer(file.read(), np.uint8), opencv.IMREAD_UNCHANGED)
    except opencv.error as error:
        raise OSError("its samples cannot be decoded") from error
    if found is None or found.dtype != np.uint16 or found.shape != (image.height, image.width, len(image.mode)):
        raise OSError("its samples cannot be decoded")
    rgb = np.concatenate([found[..., 2::-1], found[..., 3:]], -1)
    full = (1 << depth) - 1
    return rgb if full == 65535 or rgb.max() > full else np.rint(rgb * (65535 / full)).astype(np.uint16)


def _color(file: IO[bytes]) -> tuple[bytes, int]:
    """The head of a file, and where the name of the box that says its colour space is in it; 0 for nowhere."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    samples = head.find(b"\xff\x4f\xff\x51")
    at = head.find(b"colr", 0, samples if samples >= 0 else None)
    return head, max(0, at) if at + 11 <= len(head) else 0


def encode(picture: Picture) -> bytes:
    """The bytes of a file without loss; 8 bits a sample where OpenCV is not there, and in stamps of under 32 pixels."""
    opencv = _opencv()
    if opencv is not None and picture.depth == 16 and not picture.is_gray and min(picture.size) >= _LEAST_SIDE:
        samples = with_alpha(picture)
        bgr = np.concatenate([samples[..., 2::-1], samples[..., 3:]], -1)
        written, data = opencv.imencode(".jp2", bgr, [opencv.IMWRITE_JPEG2000_COMPRESSION_X1000, _LOSSLESS])
        if written:
            return _with_boxes(_with_comment(data.tobytes(), _comment_of(picture)), picture)
    image = to_pil(picture)
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "JPEG2000", comment=_comment_of(picture) or None)
    return _with_boxes(out.getvalue(), picture)


def _comment_of(picture: Picture) -> bytes:
    return b"\n".join(picture.captions.comments)[:_LONGEST_COMMENT]


def _with_comment(jp2: bytes, comment: bytes) -> bytes:
    """A file with a comment behind the header of its samples. Source: ITU-T T.800, A.9.2 and I.4."""
    samples = jp2.index(b"\xff\x4f\xff\x51")
    if not comment:
        return jp2
    at = samples + 4 + int.from_bytes(jp2[samples + 4 : samples + 6], "big")
    segment = struct.pack(">HHH", 0xFF64, 4 + len(comment), 1) + comment
    size = int.from_bytes(jp2[samples - 8 : samples - 4], "big")  # 0 goes to the end
    head = jp2[: samples - 8] + (size and size + len(segment)).to_bytes(4, "big") + jp2[samples - 4 : at]
    return head + segment + jp2[at:]


def _with_boxes(jp2: bytes, picture: Picture) -> bytes:
    """A JPEG 2000 with its metadata in boxes behind the picture."""
    exif = (picture.exif or b"").removeprefix(EXIF_PREFIX)
    content = {"exif": exif, "xmp": picture.xmp, "iptc": picture.captions.iptc}
    boxes = [struct.pack(">I4s", 24 + len(data), b"uuid") + UUIDS[key] + data for key, data in content.items() if data]
    return b"".join([jp2, *boxes])


def is_kept(depth: int) -> bool:
    """Whether the result has as many bits."""
    return depth <= 8 or _opencv() is not None


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        return None
    return cv2
