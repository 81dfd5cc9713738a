"""What the automatic stand-in sees of a picture: its colours, how they vary across the picture, or its objects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from photochrom import color

Features = Callable[[np.ndarray], np.ndarray]
"""From rgb (H, W, 3) uint8 to (d,)."""

_EDGES = np.array([-128, -60, -40, -25, -15, -8, -3, 3, 8, 15, 25, 40, 60, 128])
_L_BANDS = 5


def color_statistics(rgb: np.ndarray) -> np.ndarray:
    """Which colours there are, and how vivid by lightness; nothing of where they are.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        (194,): square roots of an ab histogram of 13 x 13 cells that are narrow around gray; by five bands of L, the
        mean a, b and chroma, and the spread of a and b.
    """
    lab = color.rgb_to_lab(rgb / 255.0)
    L, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    cells = np.histogram2d(a.ravel(), b.ravel(), bins=(_EDGES, _EDGES))[0] / a.size
    return np.concatenate([np.sqrt(cells.ravel()), *_by_lightness(L, a, b)])


def edge_statistics(rgb: np.ndarray) -> np.ndarray:
    """How colours vary across the picture, and whether L changes with them; also what is invisible, such as noise.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        (20,): of the differences across 1, 2, 4 and 8 pixels in L, a and b, the logarithms of the means and the
        correlations of a's and b's with L's.
    """
    lab = color.rgb_to_lab(rgb / 255.0)
    found = []
    for step in (1, 2, 4, 8):
        across = np.abs(lab[:, step:] - lab[:, :-step]).reshape(-1, 3)
        centred = (across - across.mean(0)) / (across.std(0) + 1e-6)
        found += [np.log(across.mean(0) + 1e-3), (centred[:, :1] * centred[:, 1:]).mean(0)]
    return np.concatenate(found)


def object_features() -> Features:
    """What EfficientNet-Lite0, trained to name the objects of ImageNet, sees of a picture: its last 1,280 features.

    It needs the extra `train`.
    """
    import torch

    from photochrom.models.classifier import ImageNetClassifier

    network = ImageNetClassifier.pretrained("lite0")

    def features(rgb: np.ndarray) -> np.ndarray:
        image = Image.fromarray(rgb).resize((network.size, network.size), Image.Resampling.BICUBIC)
        x = torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return network.features((255 * x - 127) / 128)[1][0].double().numpy()

    return features


def _by_lightness(L: np.ndarray, a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    band = np.minimum(L / 100 * _L_BANDS, _L_BANDS - 1).astype(int).ravel()
    count = np.bincount(band, minlength=_L_BANDS) + 1e-9

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(band, values.ravel(), _L_BANDS) / count

    means = [mean(a), mean(b), mean(np.hypot(a, b))]
    spreads = [np.sqrt(np.maximum(0, mean(v * v) - mean(v) ** 2)) for v in (a, b)]
    return means + spreads
