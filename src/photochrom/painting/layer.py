"""The colour alone, as a transparent layer over the photograph as it was, for programs that work with layers."""

from __future__ import annotations

import numpy as np

from photochrom.imaging.picture import Pixels, to_dtype


def color_layer(before: Pixels, after: Pixels) -> tuple[Pixels, Pixels]:
    """What laid over `before`, as any program lays layers, gives `after`; as transparent as that allows.

    Each pixel has the least opacity at which some colour of sRGB does it, so that a layer over gray is clear where the
    photograph stayed gray, and can be erased, masked and faded like one that was painted by hand.

    Args:
        before: (H, W) or (H, W, 3), sRGB; uint8, uint16 or floating 0..1.
        after: (H, W, 3) of the same depth.

    Returns:
        The layer's colours (H, W, 3) and its opacity (H, W), of that depth.

    Example:
        >>> import numpy as np
        >>> rgb, opacity = color_layer(np.full((1, 1), 100, np.uint8), np.uint8([[[100, 100, 50]]]))
        >>> rgb.tolist(), opacity.tolist()
        ([[[100, 100, 0]]], [[128]])
    """
    depth = after.dtype.name
    rgb, opacity = np.empty_like(after), np.empty(after.shape[:2], after.dtype)
    step = max(1, (1 << 18) // after.shape[1])
    for top in range(0, len(after), step):
        rows = slice(top, top + step)
        under, wanted = to_dtype(before[rows], "float32"), to_dtype(after[rows], "float32")
        under = np.broadcast_to(under[..., None], wanted.shape) if under.ndim == 2 else under
        change = wanted - under
        room = np.where(change > 0, 1 - under, under)
        least = np.abs(np.divide(change, room, where=change != 0, out=np.zeros_like(change))).max(-1)
        # Rounded up, so that the colour stays within sRGB with the opacity that is written.
        full = np.float32(np.iinfo(depth).max) if depth != "float32" else np.float32(1 << 20)
        least = np.minimum(1, np.ceil(least * full - 1e-3) / full)
        shown = np.maximum(least, 1 / full)[..., None]
        rgb[rows] = to_dtype(np.clip(under + change / shown, 0, 1), depth)
        opacity[rows] = to_dtype(least, depth)
    return rgb, opacity
