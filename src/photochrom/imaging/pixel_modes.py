"""Pillow's many modes become gray or sRGB samples with or without alpha."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from photochrom.errors import UnsupportedFormat
from photochrom.imaging import icc
from photochrom.imaging.picture import Pixels
from photochrom.imaging.sixteen_bit import samples

Split = tuple[Pixels, Pixels | None, bytes | None]

_BITS, _PHOTOMETRIC = 258, 262


def split(image: Image.Image) -> Split:
    """Take a loaded image of any mode apart.

    Returns:
        pixels: (H, W) or (H, W, 3), sRGB; uint8, uint16 or float32.
        alpha: (H, W) of the same dtype, or None.
        icc: the profile that now holds, or None.

    Raises:
        UnsupportedFormat: integers or floats of a range that means nothing.
    """
    profile = image.info.get("icc_profile")
    key = image.info.get("transparency")
    if image.mode.startswith("I") or image.mode == "F":
        gray = _wide_gray(image)
        return _gray(gray, profile, _keyed(gray, key))
    image = _eight_bit(image)
    if image.mode == "L":
        gray = samples(image)
        return _gray(gray, profile, _keyed(gray, key))
    if image.mode == "LA":
        gray, alpha = _channels(samples(image), 1)
        return _gray(gray, profile, alpha)
    image, profile = icc.image_to_srgb(image, profile)
    rgb, alpha = _channels(samples(image), 3)
    return rgb, alpha, profile


def split_wide(wide: Pixels, info: dict[Any, Any]) -> Split:
    """The same for (H, W, 2), (H, W, 3) or (H, W, 4) uint16 and what the file says besides."""
    profile, key = info.get("icc_profile"), info.get("transparency")
    if wide.shape[2] == 2:
        gray, alpha = _channels(wide, 1)
        return _gray(gray, profile, alpha)
    rgb, alpha = _channels(wide, 3)
    if alpha is None:
        alpha = _keyed(rgb, key)
    rgb, profile = icc.deep_to_srgb(rgb, profile)
    return rgb, alpha, profile


def _channels(both: Pixels, colors: int) -> tuple[Pixels, Pixels | None]:
    if both.shape[2] == colors:
        return both, None
    main = both[..., 0] if colors == 1 else both[..., :colors]
    return np.ascontiguousarray(main), np.ascontiguousarray(both[..., colors])


def _gray(gray: Pixels, profile: bytes | None, alpha: Pixels | None) -> Split:
    if gray.dtype.kind == "f":
        return gray, alpha, None
    gray, profile = icc.gray_to_srgb(gray, profile)
    return gray, alpha, profile


def _keyed(pixels: Pixels, key: Any) -> Pixels | None:
    """Alpha of pixels of which one value or colour stands for transparent; None where `key` names none."""
    if pixels.dtype.kind == "f" or not isinstance(key, (int, tuple)):
        return None
    same = pixels == np.array(key)
    hit = same if pixels.ndim == 2 else same.all(-1)
    return np.where(hit, 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)


def _wide_gray(image: Image.Image) -> Pixels:
    """(H, W) uint16 or float32 of an image with one channel of more than 8 bits."""
    values = samples(image)
    tags = getattr(image, "tag_v2", {})
    if image.mode == "F":
        if not (values.min() >= 0 and values.max() <= 1):
            raise UnsupportedFormat("has floating samples that are not within 0..1; save it with 8 or 16 bits")
        return values
    if image.mode == "I" and not (values.min() >= 0 and values.max() <= 65535):
        raise UnsupportedFormat("has samples that do not fit 16 bits; save it with 8 or 16 bits")
    values = values.astype(np.uint16)
    if tags.get(_BITS) == (12,):
        values = (values << 4) | (values >> 8)
    # Pillow turns "white is zero" round for 8 bits only.
    return 65535 - values if tags.get(_PHOTOMETRIC) == 0 else values


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring the modes with 8 bits or fewer to L, LA, RGB, RGBA, CMYK or LAB."""
    mode, key = image.mode, image.info.get("transparency")
    if mode in ("L", "LA", "RGBA", "CMYK", "LAB"):
        return image
    if mode == "RGB":
        return image.convert("RGBA") if isinstance(key, tuple) else image
    if mode in ("P", "PA"):
        clear = mode == "PA" or image.has_transparency_data
        table = np.array(image.getpalette("RGB")).reshape(-1, 3)
        if (table == table[:, :1]).all():
            return image.convert("RGBA").convert("LA") if clear else image.convert("L")
        return image.convert("RGBA" if clear else "RGB")
    return image.convert({"1": "L", "La": "LA", "RGBa": "RGBA"}.get(mode, "RGB"))
