"""Colour profiles: samples come in by whatever curve the file says, and leave as sRGB."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photochrom import color
from photochrom.errors import UnreadableImage
from photochrom.imaging.picture import Pixels

Floats = NDArray[np.float64]

_STRIP_ROWS = 64
_NEAR = 2
_CONVERTED = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB", "LAB": "RGB"}
_SPACES = {"RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK", "LAB": b"Lab "}


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """An sRGB profile to embed, the same bytes in every run."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # littlecms writes the time of day here, and equal input is to give equal files.
    made[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(made)


def image_to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """Bring an 8-bit colour image to sRGB; the given one is not changed.

    Args:
        image: RGB, RGBA, CMYK or LAB.
        profile: its ICC profile; one that is broken, or for another kind of image, is ignored.

    Returns:
        The image as RGB or RGBA, and the profile that now holds: the given one if it is an sRGB, a plain sRGB after
        a conversion, None where none was given or it was ignored.
    """
    if profile is None or profile[16:20] != _SPACES[image.mode]:
        return (_lab_to_rgb(image) if image.mode == "LAB" else _plain(image)), None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode in ("RGB", "RGBA") and _is_srgb(source):
            return image, profile
        return _apply(source, image, _CONVERTED[image.mode]), srgb_profile()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _plain(image), None


def gray_to_srgb(gray: Pixels, profile: bytes | None) -> tuple[Pixels, bytes | None]:
    """Re-encode gray samples so that they follow the sRGB curve, and L comes out right.

    Args:
        gray: (H, W), uint8 or uint16.
        profile: a gray profile, or an RGB one (as some programs leave behind), whose green curve then counts.

    Returns:
        (H, W) of the same dtype, and the profile that now holds: sRGB, or None where it was ignored.
    """
    if profile is None:
        return gray, None
    try:
        tags = _tags(profile)
        curve = tags[b"kTRC"] if profile[16:20] == b"GRAY" else tags[b"gTRC"]
        full = int(np.iinfo(gray.dtype).max)
        table = _neutral(_curve(curve, np.arange(full + 1) / full), profile[20:24])
    except (UnreadableImage, KeyError, ValueError, struct.error):
        return gray, None
    table = np.rint(np.clip(table, 0, 1) * full).astype(gray.dtype)
    return table[gray], srgb_profile()


def deep_to_srgb(rgb: Pixels, profile: bytes | None) -> tuple[Pixels, bytes | None]:
    """Bring 16-bit RGB to sRGB in 16 bits, where the profile is three curves and a matrix; others are ignored.

    Args:
        rgb: (H, W, 3) uint16; changed in place.
        profile: its ICC profile.

    Returns:
        (H, W, 3) uint16, and the profile that now holds, as for `image_to_srgb`.
    """
    if profile is None or profile[16:20] != b"RGB ":
        return rgb, None
    try:
        if _is_srgb(ImageCms.ImageCmsProfile(io.BytesIO(profile))):
            return rgb, profile
        tags = _tags(profile)
        codes = np.arange(65536) / 65535
        linear = [_curve(tags[name], codes).astype(np.float32) for name in (b"rTRC", b"gTRC", b"bTRC")]
        matrix = np.linalg.inv(_matrix(_tags(srgb_profile()))) @ _matrix(tags)
    except (ImageCms.PyCMSError, UnreadableImage, KeyError, ValueError, OSError, struct.error):
        return rgb, None
    for top in range(0, len(rgb), _STRIP_ROWS):
        strip = rgb[top : top + _STRIP_ROWS]
        light = np.stack([linear[i][strip[..., i]] for i in range(3)], -1) @ matrix.T.astype(np.float32)
        strip[...] = np.rint(np.clip(color.linear_to_srgb(light), 0, 1) * 65535)
    return rgb, srgb_profile()


def _plain(image: Image.Image) -> Image.Image:
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    return _apply(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), image, "RGB")


def _apply(source: ImageCms.ImageCmsProfile, image: Image.Image, mode: str) -> Image.Image:
    target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    return ImageCms.buildTransform(source, target, image.mode, mode).apply(image)


def _is_srgb(source: ImageCms.ImageCmsProfile) -> bool:
    """Whether a profile does nothing, tried on 6 x 6 x 6 colours: the names of profiles say less."""
    levels = np.linspace(0, 255, 6, dtype=np.uint8)
    patches = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(18, 12, 3)
    out = np.asarray(_apply(source, Image.fromarray(patches), "RGB"))
    return int(np.abs(out.astype(int) - patches).max()) <= _NEAR


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """The tags of a profile by signature. Source: ICC.1:2022, 7.3."""

    def entries() -> Iterator[tuple[bytes, bytes]]:
        (count,) = struct.unpack_from(">I", profile, 128)
        for i in range(min(count, 100)):
            name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
            yield name, profile[offset : offset + size]

    if profile[36:40] != b"acsp":
        raise UnreadableImage("not an ICC profile")
    return dict(entries())


def _curve(tag: bytes, x: Floats) -> Floats:
    """Evaluate a tone curve of type `curv` or `para` on 0..1. Source: ICC.1:2022, 10.6 and 10.18."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        if count == 1:
            return x ** (struct.unpack_from(">H", tag, 12)[0] / 256)
        knots = np.frombuffer(tag, ">u2", count, 12) / 65535
        return np.interp(x, np.linspace(0, 1, count), knots)
    if tag[:4] != b"para":
        raise ValueError(f"a tone curve of type {tag[:4]!r}")
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind)
    if count is None:
        raise ValueError(f"a tone curve of kind {kind}")
    g, *rest = (value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12))
    a, b, c, d, e, f = (rest + [0.0] * 6)[:6]
    if kind == 0:
        return x**g
    power = np.clip(a * x + b, 0, None) ** g
    if kind in (1, 2):
        return np.where(a * x + b >= 0, power + c, c)
    return np.where(x >= d, power + e, c * x + f)


def _matrix(tags: dict[bytes, bytes]) -> Floats:
    """(3, 3): linear RGB to XYZ under D50."""
    columns = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    return np.array(columns).T / 65536


def _neutral(achromatic: Floats, connection: bytes) -> Floats:
    """sRGB gray of what a gray curve yields: Y, or L / 100 where the profile connects through Lab."""
    if connection == b"Lab ":
        lightness = np.clip(achromatic, 0, 1) * 100
        return color.lab_to_rgb(np.stack([lightness, lightness * 0, lightness * 0], -1))[..., 0]
    return color.linear_to_srgb(achromatic)
