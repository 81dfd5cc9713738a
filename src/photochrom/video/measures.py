"""How steady a film's colours are: pure functions of frames, numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from photochrom.errors import BadSetting

CDC_STEPS = (1, 2, 4)


def warping_error(now: np.ndarray, before: np.ndarray, trust: np.ndarray) -> float:
    """How far the chroma of a frame is from that of the frame before, followed along motion.

    Args:
        now: (H, W, 2) ab of a frame, Lab units.
        before: (H, W, 2) ab of the frame before, each pixel taken from where it was then.
        trust: (H, W) 1 where the motion is known, 0 where the pixel was hidden or came from outside.

    Returns:
        Mean distance in Lab units over the pixels that are trusted; 0 where none is.

    Example:
        >>> now = np.zeros((1, 2, 2))
        >>> warping_error(now, now + [3.0, 4.0], np.array([[1.0, 0.0]]))
        5.0

    Source: Lai et al., "Learning Blind Video Temporal Consistency", 2018, section 4.2; there of RGB and squared, here
    of chroma, since lightness is the film's own, and not squared, so that it is in Lab units.
    """
    if trust.sum() == 0:
        return 0.0
    distance = np.hypot(*np.moveaxis(now.astype(np.float64) - before, -1, 0))
    return float((distance * trust).sum() / trust.sum())


def histograms(rgb: np.ndarray) -> np.ndarray:
    """(3, 256) the share of each level in each channel of a frame (H, W, 3) uint8."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.size == 0:
        raise BadSetting(f"a frame is uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
    counts = np.stack([np.bincount(rgb[..., channel].ravel(), minlength=256) for channel in range(3)])
    return counts / counts.sum(1, keepdims=True)


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen and Shannon's divergence of two distributions (n,), in nats: 0 for equal ones, at most log 2.

    Example:
        >>> round(divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])), 4)
        0.6931
    """
    middle = (p + q) / 2

    def relative(a: np.ndarray) -> float:
        seen = a > 0
        return float((a[seen] * np.log(a[seen] / middle[seen])).sum())

    return (relative(p) + relative(q)) / 2


def distribution_consistency(frames: Sequence[np.ndarray], step: int) -> float:
    """CDC at one distance: how much the distribution of colours changes over `step` frames.

    Args:
        frames: `histograms` of each frame, in order, of one scene.
        step: 1, 2 or 4 in the paper; its index is the mean of the three.

    Returns:
        Mean divergence over the pairs and the channels, in nats; lower is steadier, and a film that moves is not 0.

    Source: Liu et al., "Temporally Consistent Video Colorization with Deep Feature Propagation and Self-Regularization
    Learning", 2021, equations 14 and 15.
    """
    pairs = list(zip(frames, frames[step:], strict=False))
    if not pairs:
        return 0.0
    return float(np.mean([[divergence(a, b) for a, b in zip(one, other, strict=True)] for one, other in pairs]))
