"""Colour profiles: samples come in by whatever curve the file says, and leave as sRGB."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photochrom import color
from photochrom.errors import UnreadableImage
from photochrom.imaging.icc_tables import Floats, Table, curve, lab_to_xyz, parse
from photochrom.imaging.picture import Pixels

_STRIP_ROWS = 64
_BROKEN = (ImageCms.PyCMSError, UnreadableImage, KeyError, ValueError, OSError, IndexError, struct.error)
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
    full = int(np.iinfo(gray.dtype).max)
    try:
        table = _gray_curve(profile, np.arange(full + 1) / full)
    except _BROKEN:
        return gray, None
    table = np.rint(np.clip(table, 0, 1) * full).astype(gray.dtype)
    return table[gray], srgb_profile()


def _gray_curve(profile: bytes, codes: Floats) -> Floats:
    """sRGB gray of each code."""
    tags = _tags(profile)
    if table := _table(tags, profile):
        luminance = table.to_xyz(np.repeat(codes[:, None], table.channels, -1))[:, 1]
        return color.linear_to_srgb(luminance)
    tone = tags[b"kTRC"] if profile[16:20] == b"GRAY" else tags[b"gTRC"]
    return _neutral(curve(tone, codes), profile[20:24])


def deep_to_srgb(rgb: Pixels, profile: bytes | None) -> tuple[Pixels, bytes | None]:
    """Bring 16-bit RGB to sRGB in 16 bits; littlecms as Pillow has it knows 8 only.

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
        to_xyz = _rgb_to_xyz(profile)
    except _BROKEN:
        return rgb, None
    for top in range(0, len(rgb), _STRIP_ROWS):
        strip = rgb[top : top + _STRIP_ROWS]
        strip[...] = np.rint(_encoded(to_xyz(strip.reshape(-1, 3))) * 65535).reshape(strip.shape)
    return rgb, srgb_profile()


def stored_lab_to_srgb(lab: Pixels, unsigned: bool) -> Pixels:
    """sRGB of a TIFF's Lab under D50.

    Args:
        lab: (H, W, 3) as stored; 8 or 16 bits, or floats in Lab units.
        unsigned: a and b are stored as ICC profiles have them, around the middle; else as signed numbers.

    Returns:
        (H, W, 3), uint8 for 8 bits and uint16 for all others.

    Source: TIFF 6.0, section 23; Adobe's Photoshop TIFF technical notes (ICCLab).
    """
    deep = lab.dtype.itemsize > 1
    out = np.empty(lab.shape, np.uint16 if deep else np.uint8)
    full = np.iinfo(out.dtype).max
    for top in range(0, len(lab), _STRIP_ROWS):
        strip = lab[top : top + _STRIP_ROWS].reshape(-1, 3)
        if strip.dtype.kind == "f":
            units = strip.astype(np.float64)
        else:
            step = 256.0 if deep else 1.0
            ab = strip[:, 1:] / step - 128 if unsigned else strip[:, 1:].view(f"i{strip.dtype.itemsize}") / step
            white = 0xFF00 if unsigned and deep else full
            units = np.column_stack([strip[:, 0] * (100 / white), ab])
        out[top : top + _STRIP_ROWS] = np.rint(_encoded(lab_to_xyz(units)) * full).reshape(-1, *lab.shape[1:])
    return out


def _rgb_to_xyz(profile: bytes) -> Callable[[Pixels], NDArray[np.floating]]:
    """From (n, 3) uint16 to XYZ under D50: by the profile's table, else by its curves and matrix."""
    tags = _tags(profile)
    table = _table(tags, profile)
    if table is not None and table.channels == 3:
        return lambda rgb: table.to_xyz(rgb / 65535)
    codes = np.arange(65536) / 65535
    linear = [curve(tags[name], codes).astype(np.float32) for name in (b"rTRC", b"gTRC", b"bTRC")]
    matrix = _matrix(tags).T.astype(np.float32)
    return lambda rgb: np.stack([linear[i][rgb[:, i]] for i in range(3)], -1) @ matrix


def _table(tags: dict[bytes, bytes], profile: bytes) -> Table | None:
    tag = tags.get(b"A2B0") or tags.get(b"A2B1")
    return parse(tag, profile[20:24]) if tag else None


def _encoded(xyz: NDArray[np.floating]) -> NDArray[np.floating]:
    """sRGB (n, 3) in 0..1 of XYZ under D50."""
    linear = xyz @ np.linalg.inv(_matrix(_tags(srgb_profile()))).T.astype(xyz.dtype)
    return np.clip(color.linear_to_srgb(np.clip(linear, 0, 1)), 0, 1)


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
