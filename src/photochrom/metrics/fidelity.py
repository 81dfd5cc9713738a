"""How near the whole picture is to the truth, as signal (PSNR) and as structure (SSIM)."""

from __future__ import annotations

import math

import numpy as np

from photochrom.metrics import Comparison, metric

# Equal pictures have an infinite PSNR, which would make every mean infinite. An 8-bit picture that differs stays under
# this cap unless less than one value in 150,000 is off, by one.
PSNR_CAP = 100.0

_SIGMA = 1.5
_RADIUS = 5
_C1, _C2 = 0.01**2, 0.03**2


@metric("psnr", meaning="peak signal-to-noise ratio over RGB, capped at 100", unit="dB", better="higher")
def psnr(pair: Comparison) -> float:
    """Return 10 log10(1 / mean squared difference of all RGB values in 0..1), at most `PSNR_CAP`."""
    error = np.mean(np.square(pair.predicted.rgb - pair.truth.rgb, dtype=np.float64))
    return PSNR_CAP if error == 0 else min(PSNR_CAP, -10 * math.log10(error))


@metric("psnr_ab", meaning="peak signal-to-noise ratio over a and b, capped at 100", unit="dB", better="higher")
def psnr_ab(pair: Comparison) -> float:
    """Return 10 log10(255^2 / mean squared difference of a and b), at most `PSNR_CAP`.

    The peak is the range of a and b in 8-bit Lab; papers that take another one differ by a constant.
    """
    error = np.mean(np.square(pair.predicted.ab - pair.truth.ab))
    return PSNR_CAP if error == 0 else min(PSNR_CAP, 10 * math.log10(255**2 / error))


@metric("ssim", meaning="structural similarity, mean of the RGB channels", unit="", better="higher")
def ssim(pair: Comparison) -> float:
    """Return the mean SSIM of the three channels with a Gaussian window of sigma 1.5 (11 x 11), data range 1.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004; population variances, and windows that
    lie inside the picture only. A side shorter than the window is mirrored, so that any size has a value.
    """
    return sum(_ssim(pair.predicted.rgb[..., i], pair.truth.rgb[..., i]) for i in range(3)) / 3


def _ssim(x: np.ndarray, y: np.ndarray) -> float:
    margins = [(_RADIUS, _RADIUS) if side < 2 * _RADIUS + 1 else (0, 0) for side in x.shape]
    x, y = (np.pad(channel.astype(np.float64), margins, mode="symmetric") for channel in (x, y))
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    structure = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    return float(np.mean(structure / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))))


def _blur(x: np.ndarray) -> np.ndarray:
    """Gaussian mean of every window that fits: (H, W) to (H - 10, W - 10), one axis after the other."""
    taps = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(x, len(taps), axis)
        x = sum(taps[i] * windows[..., i] for i in range(1, len(taps))) + taps[0] * windows[..., 0]
    return x
