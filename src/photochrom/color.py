"""sRGB <-> CIE Lab (D65, 2 degrees), colour differences and the gamut: the same code for numpy and torch.

Arrays follow the convention of their library: numpy pictures are (..., H, W, 3), torch tensors (..., 3, h, w).
`rgb` is sRGB in 0..1, `lab` has L in 0..100 and a, b in about -128..128, `L` is (..., H, W) or (n, 1, h, w).
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import numpy as np

# The one place of the normalisation constants: a network sees (L - L_CENTER) / L_SCALE and regresses ab / AB_SCALE.
L_CENTER = 50.0
L_SCALE = 50.0
AB_SCALE = 110.0

# sRGB primaries and the D65 white point (IEC 61966-2-1), with the digits that scikit-image and kornia use.
_XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
LUMINANCE = tuple(_XYZ_FROM_RGB[1].tolist())  # what linear red, green and blue add to Y
_RGB_FROM_XYZ = np.linalg.inv(_XYZ_FROM_RGB)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_EPSILON = 0.008856
_KAPPA = 7.787


def _library(x: Any) -> tuple[Any, int]:
    """Return the array library of `x` and the axis on which it keeps channels."""
    if isinstance(x, np.ndarray):
        return np, -1
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        return torch, -3
    raise TypeError(f"expected a numpy array or a torch tensor, got {type(x).__name__}")


def _split(x: Any, axis: int) -> list[Any]:
    if axis == -1:
        return [x[..., i] for i in range(x.shape[-1])]
    return [x[..., i, :, :] for i in range(x.shape[-3])]


def _mix(matrix: np.ndarray, channels: list[Any]) -> list[Any]:
    return [sum(float(row[i]) * channels[i] for i in range(3)) for row in matrix]


def srgb_to_linear(rgb: Any) -> Any:
    """Undo the sRGB transfer curve; any shape, 0..1 to 0..1. Source: IEC 61966-2-1."""
    xp, _ = _library(rgb)
    return xp.where(rgb > 0.04045, ((xp.clip(rgb, 0.0, None) + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def linear_to_srgb(linear: Any) -> Any:
    """Apply the sRGB transfer curve; any shape, values under 0 stay under 0. Source: IEC 61966-2-1."""
    xp, _ = _library(linear)
    return xp.where(linear > 0.0031308, 1.055 * xp.clip(linear, 0.0031308, None) ** (1 / 2.4) - 0.055, linear * 12.92)


def _f(t: Any, xp: Any) -> Any:
    return xp.where(t > _EPSILON, xp.clip(t, _EPSILON, None) ** (1 / 3), _KAPPA * t + 16 / 116)


def _f_inverse(f: Any, xp: Any) -> Any:
    return xp.where(f > 0.2068966, f * f * f, (f - 16 / 116) / _KAPPA)


def rgb_to_lab(rgb: Any) -> Any:
    """Convert sRGB to CIE Lab.

    Args:
        rgb: (..., H, W, 3) numpy or (..., 3, h, w) torch, floating, 0..1.

    Returns:
        The same shape and library: L 0..100, a and b about -128..128.

    Example:
        >>> import numpy as np
        >>> rgb_to_lab(np.array([[[1.0, 0.0, 0.0]]])).round(2).tolist()
        [[[53.24, 80.09, 67.2]]]
    """
    xp, axis = _library(rgb)
    xyz = _mix(_XYZ_FROM_RGB, _split(srgb_to_linear(rgb), axis))
    fx, fy, fz = (_f(channel / float(white), xp) for channel, white in zip(xyz, _WHITE, strict=True))
    return xp.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis)


def lab_to_linear(lab: Any) -> Any:
    """Convert CIE Lab to linear RGB without clipping: values outside 0..1 are out of the sRGB gamut."""
    xp, axis = _library(lab)
    lightness, a, b = _split(lab, axis)
    fy = (lightness + 16) / 116
    xyz = [_f_inverse(f, xp) * float(w) for f, w in zip((fy + a / 500, fy, fy - b / 200), _WHITE, strict=True)]
    return xp.stack(_mix(_RGB_FROM_XYZ, xyz), axis)


def lab_to_rgb(lab: Any) -> Any:
    """Convert CIE Lab to sRGB, clipping RGB to 0..1 (the paper's plain clip; see `into_gamut` for the gentle one).

    Args:
        lab: (..., H, W, 3) numpy or (..., 3, h, w) torch.

    Returns:
        The same shape and library, 0..1.
    """
    xp, _ = _library(lab)
    return xp.clip(linear_to_srgb(lab_to_linear(lab)), 0.0, 1.0)


def luminance_to_lightness(luminance: Any) -> Any:
    """L (0..100) of the luminance Y (0..1); any shape. Source: CIE 15."""
    xp, _ = _library(luminance)
    return 116 * _f(luminance, xp) - 16


def gray_to_lightness(gray: Any) -> Any:
    """L (0..100) of neutral sRGB values (0..1); any shape."""
    return luminance_to_lightness(srgb_to_linear(gray))


def srgb_to_lightness(samples: np.ndarray) -> np.ndarray:
    """L of encoded pictures, by tables: several times faster than the general conversion, and without its copies.

    Args:
        samples: (H, W) gray or (H, W, 3) sRGB; uint8, uint16, or floating 0..1.

    Returns:
        (H, W), 0..100; float32 for whole numbers.

    Example:
        >>> srgb_to_lightness(np.array([[[255, 0, 0], [119, 119, 119]]], np.uint8)).round().tolist()
        [[53.0, 50.0]]
    """
    if samples.dtype.kind == "f":
        if samples.ndim == 2:
            return gray_to_lightness(samples)
        luminance = srgb_to_linear(samples) @ _XYZ_FROM_RGB[1].astype(np.float32)
    else:
        of_gray, of_channel = _lightness_tables(samples.dtype.name)
        if samples.ndim == 2:
            return of_gray[samples]
        luminance = of_channel[0][samples[..., 0]] + of_channel[1][samples[..., 1]]
        luminance += of_channel[2][samples[..., 2]]
    # The two branches of CIE L without a power per pixel: cbrt is several times faster.
    bright = 116 * np.cbrt(luminance) - 16
    return np.where(luminance > _EPSILON, bright, 116 * _KAPPA * luminance)


@lru_cache(maxsize=8)
def _lightness_tables(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Per sample value: L of that gray (n,), and what it adds to Y as red, green and blue (3, n)."""
    full = np.iinfo(dtype).max
    values = np.arange(full + 1) / full
    linear = srgb_to_linear(values)
    return gray_to_lightness(values).astype(np.float32), (_XYZ_FROM_RGB[1][:, None] * linear).astype(np.float32)


def into_gamut(lab: np.ndarray) -> np.ndarray:
    """Reduce chroma at constant L and hue until every pixel is inside sRGB.

    A plain clip of RGB moves L by up to 7; this moves it by rounding only. The largest factor on (a, b) that stays
    inside is found by bisection, for the pixels that are outside.

    Args:
        lab: (..., 3), L within 0..100.

    Returns:
        A new array, or `lab` itself when nothing was outside.
    """
    outside = _outside(lab_to_linear(lab))
    if not outside.any():
        return lab
    out = lab.copy()
    out[outside] = _reduced(lab[outside])
    return out


def lab_to_rgb_gently(lab: np.ndarray) -> np.ndarray:
    """Convert Lab (..., 3) to sRGB 0..1 by way of `into_gamut`, in one pass."""
    linear = lab_to_linear(lab)
    outside = _outside(linear)
    if outside.all():
        linear = lab_to_linear(_reduced(lab.reshape(-1, 3))).reshape(lab.shape)
    elif outside.any():
        linear[outside] = lab_to_linear(_reduced(lab[outside]))
    return np.clip(linear_to_srgb(linear), 0.0, 1.0)


def _outside(linear: np.ndarray) -> np.ndarray:
    return _beyond(_split(linear, -1))


def _beyond(channels: list[np.ndarray], tolerance: float = 5e-6) -> np.ndarray:
    # Channel by channel: numpy's reductions over an axis of three are several times slower.
    red, green, blue = channels
    low = np.minimum(np.minimum(red, green), blue)
    high = np.maximum(np.maximum(red, green), blue)
    return (low < -tolerance) | (high > 1 + tolerance)


_NEIGHBOURS = 8
_FEWEST = 1024  # colours for which a guess is worth its while
_STEPS = 12
_STEP = 2.0**-_STEPS


def _reduced(lab: np.ndarray) -> np.ndarray:
    """Lab (n, 3) with the largest factor on (a, b), to 1/2048, that is in the gamut.

    Colours that follow each other are often alike, as in a sky: then every eighth factor is found by bisection, and
    those between are interpolated and confirmed, or else found like the others.
    """
    ray = _Ray(lab)
    if len(lab) < _FEWEST:
        factors = ray.largest()
    else:
        knots = np.arange(0, len(lab), _NEIGHBOURS)
        found = ray.at(knots).largest()
        guess = np.interp(np.arange(len(lab)), knots, found).astype(lab.dtype)
        middles = knots[:-1] + _NEIGHBOURS // 2
        if ray.at(middles).confirms(guess[middles]).mean() < 0.5:
            factors = ray.largest()
        else:
            factors = np.maximum(guess - lab.dtype.type(_STEP), 0)
            others = np.flatnonzero(~ray.confirms(guess))
            factors[others] = ray.at(others).largest()
    return np.stack([lab[:, 0], lab[:, 1] * factors, lab[:, 2] * factors], -1)


class _Ray:
    """From gray to each of n colours, at constant L and hue; channel by channel, for speed.

    Args:
        lab: (n, 3), or its columns.
    """

    def __init__(self, lab: np.ndarray) -> None:
        self.lab = lab
        L, a, b = (np.ascontiguousarray(channel) for channel in lab.T)
        self.fy = (L + 16) / 116
        self.x, self.z = a / 500, b / -200
        luminance = _f_inverse(self.fy, np) * float(_WHITE[1])
        self.of_luminance = [float(row[1]) * luminance for row in _RGB_FROM_XYZ]

    def at(self, which: np.ndarray) -> _Ray:
        """The rays to some of the colours."""
        return _Ray(self.lab[which])

    def leaves(self, factors: np.ndarray) -> np.ndarray:
        """Whether a and b times these factors (n,) are outside of the gamut."""
        x = _f_inverse(self.fy + self.x * factors, np) * float(_WHITE[0])
        z = _f_inverse(self.fy + self.z * factors, np) * float(_WHITE[2])
        return _beyond(
            [float(row[0]) * x + y + float(row[2]) * z for row, y in zip(_RGB_FROM_XYZ, self.of_luminance, strict=True)]
        )

    def confirms(self, factors: np.ndarray) -> np.ndarray:
        """Whether these factors (n,) are the largest, to a step of the bisection."""
        step = factors.dtype.type(_STEP)
        return ~self.leaves(np.maximum(factors - step, 0)) & self.leaves(factors + step)

    def largest(self) -> np.ndarray:
        """The largest factors (n,) that stay in the gamut."""
        low, high = np.zeros_like(self.fy), np.ones_like(self.fy)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            outside = self.leaves(middle)
            low, high = np.where(outside, low, middle), np.where(outside, middle, high)
        return low


def ciede2000(lab1: Any, lab2: Any) -> Any:
    """Perceived colour difference of each pixel, numpy or torch.

    Args:
        lab1, lab2: Lab pictures in their library's layout, of one shape.

    Returns:
        The input's shape without the channel axis; 0 is equal, about 1 just noticeable.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", 2005 (kL = kC = kH = 1).
    """
    xp, axis = _library(lab1)
    l1, a1, b1 = _split(lab1, axis)
    l2, a2, b2 = _split(lab2, axis)
    c7 = ((xp.hypot(a1, b1) + xp.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - xp.sqrt(c7 / (c7 + 25.0**7)))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = xp.hypot(a1, b1), xp.hypot(a2, b2)
    h1, h2 = xp.arctan2(b1, a1), xp.arctan2(b2, a2)
    product = c1 * c2
    turn = h2 - h1
    turn = xp.where(turn > np.pi, turn - 2 * np.pi, xp.where(turn < -np.pi, turn + 2 * np.pi, turn))
    delta_h = 2 * xp.sqrt(product) * xp.sin(turn / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    # Where a chroma is 0 its hue is undefined and the mean is the other's; elsewhere the mean of the shorter arc.
    mean_h = xp.where(product == 0, xp.where(c1 == 0, h2, h1), h1 + turn / 2)
    t = (
        1
        - 0.17 * xp.cos(mean_h - np.pi / 6)
        + 0.24 * xp.cos(2 * mean_h)
        + 0.32 * xp.cos(3 * mean_h + np.pi / 30)
        - 0.20 * xp.cos(4 * mean_h - 63 * np.pi / 180)
    )
    degrees = (mean_h * (180 / np.pi)) % 360
    rotation_angle = (np.pi / 3) * xp.exp(-(((degrees - 275) / 25) ** 2))
    m7 = mean_c**7
    rotation = -2 * xp.sqrt(m7 / (m7 + 25.0**7)) * xp.sin(rotation_angle)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / xp.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, delta_h / s_h
    return xp.sqrt(xp.clip(dl * dl + dc * dc + dh * dh + rotation * dc * dh, 0.0, None))
