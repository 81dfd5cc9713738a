"""Pillow's many modes, and TIFF's many kinds of samples, become gray or sRGB with or without alpha."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from photochrom.errors import UnsupportedFormat
from photochrom.imaging import icc
from photochrom.imaging.picture import Pixels, to_dtype
from photochrom.imaging.sixteen_bit import samples
from photochrom.imaging.tiff_reading import Layout

Split = tuple[Pixels, Pixels | None, bytes | None]

_WHITE_IS_ZERO, _SEPARATED, _LAB, _ICC_LAB = 0, 5, 8, 9  # photometric interpretations of a TIFF
_BITS, _PHOTOMETRIC = 258, 262
# What floating samples may go up to, and between which values their largest then lies.
_FLOATING = ((1.0, 0.0, 1.5), (255.0, 32.0, 300.0), (65535.0, 2000.0, 70000.0))
_LEAST = -0.1  # of floating samples, as a share; resampling overshoots


@dataclass(frozen=True)
class Scale:
    """What signed and floating samples mean.

    Attributes:
        zero: the sample that is black.
        full: the one that is white.
    """

    zero: float
    full: float

    @property
    def note(self) -> str:
        """What is worth telling about it."""
        return "" if self.full in (1.0, 32767.0) else f"its samples were taken as {self.zero:g} to {self.full:g}"


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


def needs_scale(layout: Layout) -> bool:
    """Whether samples of this layout mean nothing by themselves."""
    whole = layout.dtype.kind == "u" and layout.dtype.itemsize < 4
    return not whole and layout.photometric not in (_LAB, _ICC_LAB)


def extremes_of(values: Pixels, layout: Layout) -> tuple[float, float]:
    """The lowest and the highest sample of the colours that is a number; (inf, -inf) where there is none.

    Args:
        values: (H, W, C) as stored.
        layout: of the page.
    """
    colors = values[..., : layout.colors]
    colors = colors[np.isfinite(colors)] if colors.dtype.kind == "f" else colors
    return (float(colors.min()), float(colors.max())) if colors.size else (np.inf, -np.inf)


def scale_of(low: float, high: float, layout: Layout) -> Scale | None:
    """The scale of signed and floating samples between `low` and `high`; None where none is needed.

    Raises:
        UnsupportedFormat: they are of a range that means nothing.
    """
    kind, bits = layout.dtype.kind, 8 * layout.dtype.itemsize
    if not needs_scale(layout):
        return None
    if kind == "f":
        for full, least, most in _FLOATING:
            if high <= most and (high > least or full == 1) and low >= _LEAST * full:
                return Scale(0.0, full)
        raise UnsupportedFormat(
            f"has floating samples from {low:g} to {high:g}; save it with 8 or 16 bits, or with 0 to 1, 255 or 65535"
        )
    if bits == 32:
        if low < 0 or high > 65535:
            raise UnsupportedFormat("has samples that do not fit 16 bits; save it with 8 or 16 bits")
        return Scale(0.0, 65535.0)
    half = 1 << (bits - 1)
    return Scale(-half, half - 1) if low < 0 else Scale(0.0, half - 1)


def split_tiff(values: Pixels, layout: Layout, profile: bytes | None, scale: Scale | None) -> Split:
    """The same for the stored samples of a TIFF's page.

    Args:
        values: (H, W, C) as stored.
        layout: of the page.
        profile: its colour profile, or None.
        scale: from `scale_of` for the whole page.
    """
    colors, alpha = values[..., : layout.colors], None
    if layout.alpha is not None:
        alpha = _scaled(values[..., layout.alpha], _alpha_scale(values[..., layout.alpha], layout, scale))
    if layout.photometric in (_LAB, _ICC_LAB):
        rgb = icc.stored_lab_to_srgb(colors, layout.photometric == _ICC_LAB)
        return rgb, None if alpha is None else to_dtype(alpha, rgb.dtype.name), icc.srgb_profile()
    colors = _scaled(colors, scale)
    if layout.photometric == _SEPARATED:
        image = Image.fromarray(np.ascontiguousarray(to_dtype(colors, "uint8")), "CMYK")
        image, profile = icc.image_to_srgb(image, profile)
        return np.asarray(image), None if alpha is None else to_dtype(alpha, "uint8"), profile
    if layout.premultiplied and alpha is not None:
        colors = _unmultiplied(colors, alpha)
    if layout.photometric == _WHITE_IS_ZERO:
        colors = (1 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max) - colors
    if colors.dtype.kind == "f" and profile:
        colors, alpha = to_dtype(colors, "uint16"), None if alpha is None else to_dtype(alpha, "uint16")
    if layout.colors == 1:
        return _gray(np.ascontiguousarray(colors[..., 0]), profile, alpha)
    rgb = np.ascontiguousarray(colors)
    if rgb.dtype == np.uint16:
        rgb, profile = icc.deep_to_srgb(rgb, profile)
    elif rgb.dtype == np.uint8:
        image, profile = icc.image_to_srgb(Image.fromarray(rgb), profile)
        rgb = samples(image)
    return rgb, alpha, profile


def _alpha_scale(alpha: Pixels, layout: Layout, scale: Scale | None) -> Scale | None:
    """Transparency goes from 0 to 1 in some files whose colours go further."""
    if scale is None or layout.dtype.kind != "f":
        return scale
    return Scale(0.0, 1.0) if np.nanmax(alpha, initial=0) <= 1 else scale


def _scaled(values: Pixels, scale: Scale | None) -> Pixels:
    """uint8 or uint16 of whole numbers, float32 in 0..1 of floating ones; what is no number is black."""
    if values.dtype.kind == "f":
        full = 1.0 if scale is None else scale.full
        return np.clip(np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=full) / np.float32(full), 0, 1)
    if scale is None:
        return np.ascontiguousarray(values)
    most = 255 if values.dtype.itemsize == 1 else 65535
    shifted = (values.astype(np.float64) - scale.zero) * (most / (scale.full - scale.zero))
    return np.rint(shifted).astype(np.uint8 if most == 255 else np.uint16)


def _unmultiplied(colors: Pixels, alpha: Pixels) -> Pixels:
    full = 1 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max
    opacity = np.maximum(alpha, 1e-6 if full == 1 else 1)[..., None].astype(np.float32) / full
    straight = np.minimum(colors / opacity, full)
    return straight if full == 1 else np.rint(straight).astype(colors.dtype)


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
