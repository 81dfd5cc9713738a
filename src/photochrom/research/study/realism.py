"""How real coloured pictures look as a set: the Frechet distance, and an automatic AdverSuc (the paper, section 5.2).

Both rest on the features of a public classifier, EfficientNet-Lite0, which was trained on colour photographs. So the
distances are comparable with each other, and not with the FID of the literature, whose network is Inception.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from photochrom._support.files import write_bytes
from photochrom.errors import BadCheckpoint
from photochrom.inference.backends import Backend
from photochrom.metrics.frechet import frechet_distance, kernel_distance
from photochrom.models.classifier import ImageNetClassifier
from photochrom.research.study.measure import Photographs, as_bytes, colored_bytes

FEATURES = "features.npz"

VARIANT = "lite0"
SIDE = 128  # pixels to which pictures are brought before they are looked at
BATCH = 50
RIDGE = 1e-2


def write_true_features(out: Path, test: Photographs, val: Photographs | None, reference: np.ndarray) -> None:
    """Look at the photographs as they are and without colours; `out` is the folder of the scale.

    Sets of coloured test photographs are held against the training ones, the largest set that shares none with them.
    """
    eye, found = Eye(), {}
    found["truth_reference"] = eye(reference)
    for name, part in {"test": test, "val": val}.items():
        if part is not None:
            found[f"truth_{name}"] = eye(part.rgb)
            found[f"gray_{name}"] = eye(np.stack([as_bytes(part.gray(i)) for i in range(len(part.keys))]))
    save_arrays(out / FEATURES, **found)


def measure_realism(backend: Backend, test: np.ndarray, val: Photographs, folder: Path, out: Path) -> dict[str, float]:
    """How far a network's test pictures are from real photographs; its features are kept in `folder`, for the judge.

    Args:
        backend: the network.
        test: its pictures, (n, s, s, 3) uint8.
        val: photographs to colour for the judge.
        folder: of the run.
        out: of the scale, where `write_true_features` has been.

    Returns:
        "frechet", and the kernel distance as "kernel" with its standard error, "kernel_error".
    """
    eye = Eye()
    ours = eye(test)
    save_arrays(folder / FEATURES, test=ours, val=eye(colored_bytes(backend, val)))
    return distances(ours, reference_features(out))


def distances(ours: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Frechet and kernel distance of two sets of features."""
    kernel = kernel_distance(ours, reference)
    return {"frechet": frechet_distance(ours, reference), "kernel": kernel.mean, "kernel_error": kernel.error}


def reference_features(out: Path) -> np.ndarray:
    """The features that sets of pictures are held against.

    Raises:
        BadCheckpoint: the folder is of an older version, which compared with the test photographs themselves.
    """
    found = load_arrays(out / FEATURES)
    if "truth_reference" not in found:
        raise BadCheckpoint(f"{out}: this study is of an older version of photochrom; give another --out")
    return found["truth_reference"]


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz file, whole or not at all."""
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)  # type: ignore[arg-type]
    write_bytes(path, data.getvalue(), overwrite=True)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The same, back."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


class Eye:
    """Pictures to the 1,280 pooled features of the classifier.

    Raises:
        MissingExtra: the package with the weights is not installed.
    """

    def __init__(self) -> None:
        self.network = ImageNetClassifier.pretrained(VARIANT)

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Features (n, 1280), float32, of rgb (n, s, s, 3), uint8."""
        parts = [self._look(rgb[start : start + BATCH]) for start in range(0, len(rgb), BATCH)]
        return np.concatenate(parts)

    def _look(self, rgb: np.ndarray) -> np.ndarray:
        large = [np.asarray(Image.fromarray(each).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for each in rgb]
        x = torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            return self.network.features((x - 127) / 128)[1].numpy()


class FixedJudge:
    """A discriminator that no generator was trained against: it tells true from generated colours by their features.

    Logistic regression (with a ridge) on standardised features; real and generated pictures weigh the same in all.

    Args:
        real: (n, d) features of pictures with their own colours.
        generated: sets of features (m, d) of pictures that were coloured, each set with the same weight.
    """

    def __init__(self, real: np.ndarray, generated: Sequence[np.ndarray]) -> None:
        sets = [real, *generated]
        x = np.concatenate(sets).astype(np.float64)
        self.mean, self.scale = x.mean(0), x.std(0) + 1e-6
        shares = [0.5] + [0.5 / len(generated)] * len(generated)
        weight = torch.cat([torch.full((len(s),), share / len(s)) for s, share in zip(sets, shares, strict=True)])
        target = torch.cat([torch.full((len(s),), float(i == 0)) for i, s in enumerate(sets)])
        self.weights = _fitted(torch.from_numpy(self._standardised(x)), target.double(), weight.double())

    def judged_real(self, features: np.ndarray) -> np.ndarray:
        """Which pictures (n) it takes for real, by their features (n, d)."""
        x = self._standardised(features.astype(np.float64))
        return x @ self.weights[:-1] + self.weights[-1] > 0

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return (features - self.mean) / self.scale


def _fitted(x: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> np.ndarray:
    """Weights and bias of the regression, by L-BFGS from 0: no chance in it."""
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        wrong = F.binary_cross_entropy_with_logits(x @ weights[:-1] + weights[-1], target, weight, reduction="sum")
        total = wrong + RIDGE * weights[:-1].square().sum()
        total.backward()
        return total

    optimizer.step(loss)  # type: ignore[arg-type]
    return weights.detach().numpy()
