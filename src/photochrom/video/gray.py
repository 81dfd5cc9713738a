"""A decoded film frame as the gray picture that it is, or that its lightness gives."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from photochrom import color
from photochrom.imaging.picture import to_dtype

NEUTRAL = 4  # how far the chroma of a gray film strays from its middle, of 255; sepia and colour go further
_LUMA = re.compile(r"(yuvj?|yuva)4(20|22|44)p(9le|1[0246]le)?|gray(9le|1[0246]le)?")
_WITH_LUMA = ("yuv", "yuyv", "yvyu", "uyvy", "uyyvyy", "nv", "p0", "p2", "p4", "y2", "xv", "v30", "vuy", "vyu", "ayuv")
_GRAYS = ("gray", "ya")
_LIMITED_RANGE, _FULL_RANGE = 1, 2  # AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG
# A film of these that says nothing has limited range, by their standards; the others store what a picture would.
_LIMITED_UNSAID = ("h264", "hevc", "vvc", "av1", "libdav1d", "libaom-av1", "vp9", "libvpx-vp9", "mpeg4", "mpeg2video")


def has_full_grays(decoder: str) -> bool:
    """Whether the frames of a decoder that are gray only, and do not say their range, have the full one."""
    return decoder not in _LIMITED_UNSAID


def bits_of(frame: Any) -> int:
    """How many bits a sample of the frame has; 8 where there are fewer."""
    return max(8, *(component.bits for component in frame.format.components))


def gray_of(frame: Any, sixteen_bit: bool = False, *, full_grays: bool = True) -> tuple[np.ndarray, bool]:
    """The frame as (H, W) uint8 of full range, and whether it is in colour.

    A gray film's luma is its gray, sample for sample. Where there is colour, sepia included, the gray is that of equal
    CIE L.

    Args:
        frame: PyAV's.
        sixteen_bit: a frame of more than 8 bits a sample as uint16.
        full_grays: see `has_full_grays`.
    """
    gray, in_color = _own_gray(frame, full_grays)
    return (gray if sixteen_bit else to_dtype(gray, "uint8")), in_color


def _own_gray(frame: Any, full_grays: bool) -> tuple[np.ndarray, bool]:
    """As `gray_of`, uint16 where the frame has more than 8 bits."""
    bits, full = bits_of(frame), _is_full(frame, full_grays)
    frame = _in_planes(frame, bits, full)
    if _LUMA.fullmatch(frame.format.name) and _is_neutral(frame, bits):
        return _grays(bits, full)[samples_of(frame, 0, bits)], False
    rgb = frame.to_ndarray(format="rgb24" if bits == 8 else "rgb48le")
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red), False
    astray = max(int(cast.max()) for cast in (_apart(red, green), _apart(blue, green)))
    # As far as chroma may stray: a codec of RGB is not exact either.
    return gray_of_rgb(rgb), astray > 2 * NEUTRAL * (1 if bits == 8 else 257)


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.maximum(one, other) - np.minimum(one, other)


def _is_full(frame: Any, full_grays: bool) -> bool:
    """Whether 0 to the largest sample is all of its range."""
    name = frame.format.name
    if name.startswith("yuvj") or frame.color_range == _FULL_RANGE:
        return True
    return frame.color_range != _LIMITED_RANGE and name.startswith(_GRAYS) and full_grays


def _in_planes(frame: Any, bits: int, full: bool) -> Any:
    """The same samples with luma in a plane of its own, where there is luma and it is not."""
    name = frame.format.name
    if _LUMA.fullmatch(name) or not name.startswith(_WITH_LUMA + _GRAYS):
        return frame
    if name.startswith(_GRAYS):
        # The swscale of ffmpeg takes every gray for one of full range, and so leaves it as it is.
        return frame.reformat(format="gray" if bits == 8 else f"gray{bits}le")
    across = frame.format.chroma_width(64), frame.format.chroma_height(64)
    kind = {(32, 32): "420", (32, 64): "422"}.get(across, "444")
    scale = _FULL_RANGE if full else _LIMITED_RANGE
    form = f"yuv{kind}p" if bits == 8 else f"yuv{kind}p{bits}le"
    return frame.reformat(format=form, src_color_range=scale, dst_color_range=scale)


def gray_of_rgb(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) sRGB, uint8 or uint16, to the gray (H, W) of the same type that has its CIE L.

    Example:
        >>> gray_of_rgb(np.array([[[255, 0, 0], [77, 77, 77]]], np.uint8)).tolist()
        [[127, 77]]
    """
    of_channel, of_luminance = _tables(rgb.dtype.name)
    luminance = of_channel[0][rgb[..., 0]]
    luminance += of_channel[1][rgb[..., 1]]
    luminance += of_channel[2][rgb[..., 2]]
    return of_luminance[luminance.astype(np.uint16)]


@lru_cache(maxsize=2)
def _tables(name: str) -> tuple[np.ndarray, np.ndarray]:
    """What each sample of a type adds to the luminance, (3, n), in steps of a fine scale; and the gray of each step."""
    fine, top = 65535, np.iinfo(name).max
    linear = color.srgb_to_linear(np.arange(top + 1) / top)
    parts = (np.array(color.LUMINANCE)[:, None] * linear * fine).astype(np.float32)
    grays = np.rint(top * color.linear_to_srgb(np.arange(fine + 1) / fine)).astype(name)
    return parts, grays


@lru_cache(maxsize=4)
def _grays(bits: int, full: bool) -> np.ndarray:
    """The gray of each luma: uint8 for 8 bits, else uint16; 16 to 235 of 255 is all of it where the range is not."""
    more = 2.0 ** (bits - 8)
    low, high = (0, 2**bits - 1) if full else (16 * more, 235 * more)
    name = "uint8" if bits == 8 else "uint16"
    share = (np.arange(2**bits) - low) / (high - low)
    return np.rint(np.iinfo(name).max * share.clip(0, 1)).astype(name)


def _is_neutral(frame: Any, bits: int) -> bool:
    middle = 128 << (bits - 8)
    for plane in range(1, min(3, len(frame.planes))):  # a fourth one is transparency
        # Every few samples tell a film's tint as well as all of them.
        chroma = samples_of(frame, plane, bits)[::4, ::2].astype(np.int32)
        if chroma.size and np.abs(chroma - middle).max() > NEUTRAL << (bits - 8):
            return False
    return True


def samples_of(frame: Any, index: int, bits: int) -> np.ndarray:
    """(h, w) of a frame's plane, as they lie in its memory; uint8, or uint16 where they have more than 8 bits."""
    plane = frame.planes[index]
    samples = np.frombuffer(plane, np.uint8 if bits == 8 else "<u2")
    return samples.reshape(-1, plane.line_size // samples.itemsize)[: plane.height, : plane.width]
