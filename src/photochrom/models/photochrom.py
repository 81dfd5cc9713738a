"""The network `photochrom`: a pretrained encoder, features of several depths, a global feature, a light decoder.

Sources: a pretrained classifier as the encoder and its hypercolumns, Larsson et al. 2016 and Dahl 2016; global
features fused with local ones, Iizuka et al. 2016; self-attention over the coarsest map, so that distant parts of
one thing agree, as in ColTran (Kumar et al. 2021) and CT2 (Weng et al. 2022). Deviation: the depths are combined on the
way up, U-Net fashion, at a quarter of the input's size, which costs a tenth of full hypercolumns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support.settings import Checked, Range
from photochrom._support.text import either
from photochrom.errors import BadRecipe
from photochrom.models import models
from photochrom.models.encoders import Encoder, encoders
from photochrom.models.hint_branch import HintBranch

HEAD_WIDTH = 32  # channels of an attention head


@dataclass(frozen=True)
class PhotochromSettings(Checked, where="model.settings"):
    """Settings of the network.

    Attributes:
        encoder: the pretrained encoder by its name in `photochrom.models.encoders`, such as "lite2".
        widths: channels of the decoder at strides 16, 8 and 4.
        pretrained: start from the encoder's public weights; false starts from scratch.
        frozen_stages: how many of the encoder's stages, from the input, are never trained (0 to 7). The first ones
            see edges and textures, which need no adapting, and cost the most to train.
        dropout: share of the global feature that is dropped in training.
        feature_dropout: share of the encoder's channels at strides 8, 16 and 32 that are dropped in training, each in
            the whole picture, against overfitting.
        class_colors: add to the scores what is known of the colours of the ImageNet classes that the picture looks
            like; see `ClassColors`. The encoder has to be as published, or trained by the task `distillation`.
        attention: how many transformer blocks the coarsest map (stride 32) passes through; see `AttentionBlock`.
        hints: take hints as further input channels; see `HintBranch`, which the task `hints` trains.
    """

    encoder: str = "lite2"
    widths: tuple[int, ...] = (256, 160, 96)
    pretrained: bool = True
    frozen_stages: Annotated[int, Range(0, 7)] = 2
    dropout: Annotated[float, Range(0, 1, below=True)] = 0.2
    feature_dropout: Annotated[float, Range(0, 1, below=True)] = 0.0
    class_colors: bool = False
    attention: Annotated[int, Range(0, 24)] = 0
    hints: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder not in encoders:
            raise BadRecipe(f"model.settings.encoder is '{self.encoder}'; it must be {either(encoders)}")
        if len(self.widths) != 3 or min(self.widths) < 1:
            raise BadRecipe(f"model.settings.widths is {self.widths}; it must be three numbers above 0")
        if self.attention and self.widths[0] % HEAD_WIDTH:
            raise BadRecipe(
                f"model.settings.widths is {self.widths}; with attention the first must be a multiple of {HEAD_WIDTH}"
            )


class AttentionBlock(nn.Module):
    """A transformer block over the points of a map: every point sees every other, whatever lies between.

    A 3 x 3 depthwise convolution tells where a point is relative to its neighbours, so that any size will do. The last
    layer of each branch starts at zero: a new block changes nothing.

    Args:
        width: channels, a multiple of `HEAD_WIDTH`.

    Source: Dosovitskiy et al. 2021, pre-norm; the conditional positional encoding of Chu et al. 2021.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.place = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm1 = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 3 * width)
        self.project = nn.Linear(3 * width, width)
        for last in (self.place, self.attended, self.project):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(cast(Tensor, last.bias))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        n, c, h, w = x.shape
        points = (x + self.place(x)).flatten(2).transpose(1, 2)
        heads = self.queries_keys_values(self.norm1(points)).view(n, h * w, 3, c // HEAD_WIDTH, HEAD_WIDTH)
        seen = F.scaled_dot_product_attention(*heads.permute(2, 0, 3, 1, 4).unbind(0))
        points = points + self.attended(seen.transpose(1, 2).reshape(n, h * w, c))
        points = points + self.project(F.gelu(self.expand(self.norm2(points))))
        return points.transpose(1, 2).reshape(n, c, h, w)


class Merge(nn.Module):
    """Double the size by repeating points, join the encoder's feature of that size, convolve with 3 x 3.

    Args:
        n_in, n_skip, n_out: channels of the map, of the encoder's feature, and of the result.
        transposed: in training, compute the doubled part as a transposed convolution with 4 x 4 and stride 2, which is
            the same with 4 products where 9 were needed. The smallest maps gain nothing by it, nor does onnxruntime.
    """

    def __init__(self, n_in: int, n_skip: int, n_out: int, *, transposed: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in + n_skip, n_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)
        self.transposed = transposed

    def forward(self, x: Float[Tensor, "n c h w"], skip: Float[Tensor, "n d i j"]) -> Float[Tensor, "n e i j"]:
        if self.training and self.transposed:
            doubled, joined = self.conv.weight.split([x.shape[1], skip.shape[1]], 1)
            y = F.conv_transpose2d(x, _doubling(doubled), stride=2, padding=1) + F.conv2d(skip, joined, padding=1)
        else:
            y = self.conv(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skip], 1))
        return F.relu(self.norm(y))


def _doubling(weight: Float[Tensor, "o c 3 3"]) -> Float[Tensor, "c o 4 4"]:
    """What a transposed convolution of stride 2 needs to double the size and convolve with `weight`."""
    kernel = F.pad(weight.flip(2, 3), (1, 1, 1, 1))
    kernel = kernel[:, :, 1:] + kernel[:, :, :-1]
    return (kernel[..., 1:] + kernel[..., :-1]).transpose(0, 1)


class ClassColors(nn.Module):
    """Scores that depend on the picture's class alone, equal at every point.

    No gradient reaches it: the task `class_colors` measures what it knows. At first it adds nothing.

    Args:
        encoder: whose feature of the whole picture tells the classes.
        n_outputs: how many scores.
    """

    def __init__(self, encoder: Encoder, n_outputs: int) -> None:
        super().__init__()
        self.classes = nn.Linear(encoder.summary_channels, 1000)
        self.scores = nn.Linear(1000, n_outputs, bias=False)
        nn.init.zeros_(self.scores.weight)
        self.requires_grad_(False)

    def probabilities(self, world: Float[Tensor, "n s"]) -> Float[Tensor, "n 1000"]:
        """Of the ImageNet classes."""
        return self.classes(world).softmax(1)

    def forward(self, world: Float[Tensor, "n s"]) -> Float[Tensor, "n q"]:
        return self.scores(self.probabilities(world))

    def load_pretrained(self, encoder: Encoder) -> None:
        """Take the public weights of the classes.

        Raises:
            BadRecipe: the encoder has none.
        """
        published = encoder.published_classes()
        if published is None:
            raise BadRecipe("model.settings.class_colors is true, but the encoder has no public weights for classes")
        self.classes.load_state_dict(published)

    def joined(self, state: dict[str, Tensor], encoder: Encoder) -> dict[str, Tensor]:
        """A whole network's weights; where it knows no classes, with the public weights of the classes."""
        if any(name.startswith("class_colors.") for name in state):
            return state
        self.load_pretrained(encoder)
        return state | {f"class_colors.{name}": value for name, value in self.state_dict().items()}


@models.register("photochrom")
class Photochrom(nn.Module):
    """Encoder of L, decoder to scores at a quarter of the input's size.

    Args:
        settings: see `PhotochromSettings`.
        n_outputs: channels of the result.
    """

    Settings = PhotochromSettings
    multiple = 32
    stride = 4
    size = None
    neutral = ("attention.", "hint_branch.")  # a network without them can be started from
    spare = ("hint_branch.", "class_colors.")  # a network with them can be started from without them

    def __init__(self, settings: PhotochromSettings, n_outputs: int) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoders[settings.encoder]()
        at4, at8, at16, at32 = self.encoder.channels
        w16, w8, w4 = settings.widths
        self.bottom = nn.Conv2d(at32, w16, 1)
        self.world = nn.Linear(self.encoder.summary_channels, w16)
        self.attention = nn.Sequential(*(AttentionBlock(w16) for _ in range(settings.attention)))
        self.dropout = nn.Dropout(settings.dropout)
        self.feature_dropout = nn.Dropout2d(settings.feature_dropout)
        self.merge16 = Merge(w16, at16, w16, transposed=False)
        self.merge8 = Merge(w16, at8, w8)
        self.merge4 = Merge(w8, at4, w4)
        self.scores = nn.Conv2d(w4, n_outputs, 1)
        self.class_colors = ClassColors(self.encoder, n_outputs) if settings.class_colors else None
        self.hint_branch = HintBranch(w8, w4, n_outputs) if settings.hints else None
        self.channels = 4 if settings.hints else 1  # of the input

    def load_pretrained(self) -> None:
        """Take the public weights of the encoder and of the classes."""
        self.encoder.load_pretrained()
        if self.class_colors is not None:
            self.class_colors.load_pretrained(self.encoder)

    def forward(self, x: Float[Tensor, "n k h w"]) -> Float[Tensor, "n q h/4 w/4"]:
        """Scores of (L - 50) / 50 of any size; with hints, of L, a / 110, b / 110 and where these are known."""
        scores, world = self.answer(x)
        return scores if self.class_colors is None else scores + self.class_colors(world)[:, :, None, None]

    def answer(self, x: Float[Tensor, "n k h w"]) -> tuple[Float[Tensor, "n q h/4 w/4"], Float[Tensor, "n s"]]:
        """The scores without what the classes add, and the encoder's feature of the whole picture."""
        h, w = x.shape[2:]
        light, hints = x[:, :1], x[:, 1:]
        beyond = (0, -w % self.multiple, 0, -h % self.multiple)
        if any(beyond):  # padded by repeating the border
            light, hints = F.pad(light, beyond, mode="replicate"), F.pad(hints, beyond)
        (at4, *deeper), world = self.encoder(light)
        at8, at16, at32 = (self.feature_dropout(feature) for feature in deeper)
        y = F.relu(self.bottom(at32) + self.world(self.dropout(world))[:, :, None, None])
        y = self.attention(y)
        y8 = self.merge8(self.merge16(y, at16), at8)
        y4 = self.merge4(y8, at4)
        scores = self.scores(y4)
        if self.hint_branch is not None and x.shape[1] > 1:
            scores = scores + self._hinted(hints, y8, y4, scores)
        return scores[:, :, : -(-h // self.stride), : -(-w // self.stride)], world

    def _hinted(self, hints: Tensor, y8: Tensor, y4: Tensor, scores: Tensor) -> Tensor:
        """What hints add to the scores. An exported network runs the branch only where there are some."""
        branch = self.hint_branch
        assert branch is not None
        if not torch.compiler.is_exporting():
            return branch(hints, y8, y4)

        # Flat, because torch.cond wants strides that do not depend on sides that vary.
        def added(hints: Tensor, y8: Tensor, y4: Tensor) -> Tensor:
            return branch(hints, y8, y4).flatten()

        def nothing(hints: Tensor, y8: Tensor, y4: Tensor) -> Tensor:
            return y4.new_zeros(y4[:, :1].numel() * len(self.scores.weight))

        return torch.cond(hints[:, 2:].max() > 0, added, nothing, (hints, y8, y4)).view(scores.shape)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """What is trained, by learning rate: the pretrained "encoder", and the "decoder" that starts from nothing.

        The branch for hints stays as it is; see `hint_parameters`.
        """
        if self.settings.frozen_stages:
            for module in self.encoder.parts[: self.settings.frozen_stages + 1]:
                module.requires_grad_(False)
        encoder = [p for p in self.encoder.parameters() if p.requires_grad]
        apart = list(self.encoder.parameters())
        if self.class_colors is not None:
            apart += self.class_colors.parameters()
        if self.hint_branch is not None:
            apart += self.hint_branch.requires_grad_(False).parameters()
        outside = {id(p) for p in apart}
        return {"encoder": encoder, "decoder": [p for p in self.parameters() if id(p) not in outside]}

    def hint_parameters(self) -> list[nn.Parameter]:
        """What learns from hints; all else is frozen, and all where the network takes none."""
        self.requires_grad_(False)
        return [] if self.hint_branch is None else list(self.hint_branch.requires_grad_(True).parameters())
