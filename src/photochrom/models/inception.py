"""The Inception of FID and KID: pictures to 2,048 features, from the weights that pytorch-fid publishes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from photochrom.errors import BadCheckpoint
from photochrom.models.weight_files import read_weights

SIDE = 299
EPSILON = 0.001  # of the batch normalisation
_A = ("branch1x1", "branch5x5_1", "branch5x5_2", *(f"branch3x3dbl_{i}" for i in (1, 2, 3)), "branch_pool")
_B = ("branch3x3", *(f"branch3x3dbl_{i}" for i in (1, 2, 3)))
_C = ("branch1x1", *(f"branch7x7_{i}" for i in (1, 2, 3)), *(f"branch7x7dbl_{i}" for i in range(1, 6)), "branch_pool")
_D = ("branch3x3_1", "branch3x3_2", *(f"branch7x7x3_{i}" for i in (1, 2, 3, 4)))
_E = (
    *("branch1x1", "branch3x3_1", "branch3x3_2a", "branch3x3_2b"),
    *(*(f"branch3x3dbl_{i}" for i in ("1", "2", "3a", "3b")), "branch_pool"),
)
_BLOCKS = {
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), _A),
    "Mixed_6a": _B,
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), _C),
    "Mixed_7a": _D,
    **dict.fromkeys(("Mixed_7b", "Mixed_7c"), _E),
}
_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
CONVOLUTIONS = (*_STEM, *(f"{block}.{branch}" for block, branches in _BLOCKS.items() for branch in branches))


class Inception:
    """InceptionV3 as in the original FID, up to its last pooled features.

    It is not torchvision's: average pooling leaves the margin out, and the last block pools by maximum.

    Args:
        file: the state dict that pytorch-fid publishes, `pt_inception-2015-12-05-6726825d.pth`.

    Raises:
        BadCheckpoint: it cannot be read, or weights are missing.

    Source: Szegedy et al. 2015; Heusel et al. 2017; the layout of pytorch-fid 0.3.
    """

    def __init__(self, file: Path) -> None:
        self._weights = read_weights(file)
        kinds = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
        missing = [f"{c}.{k}" for c in CONVOLUTIONS for k in kinds if f"{c}.{k}" not in self._weights]
        if missing:
            raise BadCheckpoint(
                f"{file}: {len(missing)} weights of pytorch-fid's InceptionV3 are missing, such as {missing[0]}; give "
                "pt_inception-2015-12-05-6726825d.pth"
            )

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """The features (d,), float32, of a picture (H, W, 3), 0..1; d is 2,048 with the published weights."""
        x = torch.from_numpy(np.ascontiguousarray(rgb, np.float32)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            x = F.interpolate(x, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
            return self._features(2 * x - 1)[0].numpy()

    def _features(self, x: Tensor) -> Tensor:
        """(n, 3, 299, 299), -1..1, to (n, d)."""
        x = self._conv(self._conv(x, "Conv2d_1a_3x3", 2), "Conv2d_2a_3x3", padded=False)
        x = F.max_pool2d(self._conv(x, "Conv2d_2b_3x3"), 3, 2)
        x = self._conv(self._conv(x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3", padded=False)
        x = F.max_pool2d(x, 3, 2)
        for block, branches in _BLOCKS.items():
            x = self._block(x, block, branches)
        return x.mean((2, 3))

    def _block(self, x: Tensor, block: str, branches: tuple[str, ...]) -> Tensor:
        def chain(*names: str, stride: int = 1) -> Tensor:
            out = x
            for name in names:
                out = self._conv(out, f"{block}.{name}", stride if name == names[-1] else 1)
            return out

        if branches is _B:
            return torch.cat([chain("branch3x3", stride=2), chain(*_B[1:], stride=2), F.max_pool2d(x, 3, 2)], 1)
        if branches is _D:
            return torch.cat([chain(*_D[:2], stride=2), chain(*_D[2:], stride=2), F.max_pool2d(x, 3, 2)], 1)
        average = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        last = self._conv(F.max_pool2d(x, 3, 1, 1) if block == "Mixed_7c" else average, f"{block}.branch_pool")
        if branches is _A:
            return torch.cat([chain("branch1x1"), chain(*_A[1:3]), chain(*_A[3:6]), last], 1)
        if branches is _C:
            return torch.cat([chain("branch1x1"), chain(*_C[1:4]), chain(*_C[4:9]), last], 1)
        narrow = [chain("branch3x3_1", f"branch3x3_2{side}") for side in "ab"]
        deep = [chain("branch3x3dbl_1", "branch3x3dbl_2", f"branch3x3dbl_3{side}") for side in "ab"]
        return torch.cat([chain("branch1x1"), *narrow, *deep, last], 1)

    def _conv(self, x: Tensor, name: str, stride: int = 1, *, padded: bool = True) -> Tensor:
        """Convolution, normalisation and ReLU; padded to the same size but where it strides."""
        weight = self._weights[f"{name}.conv.weight"]
        sides = [k // 2 if padded and stride == 1 else 0 for k in weight.shape[2:]]
        mean, variance, scale, shift = (
            self._weights[f"{name}.bn.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.conv2d(x, weight, None, stride, sides)
        return F.relu(F.batch_norm(x, mean, variance, scale, shift, eps=EPSILON))
