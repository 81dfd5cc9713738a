"""The paper's network: shapes and weights by hand, where activation, norm and dropout stand, and its settings."""

import math

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from photochrom.errors import BadRecipe, BadSetting
from photochrom.models.paper_cnn import PaperCnn, PaperCnnSettings
from photochrom.models.plain import map_sides

NARROW = (2, 3, 2, 2, 2, 2, 2, 2, 1)
CONV, RELU, NORM, DROP = nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.Dropout


def build(n_outputs=2, **settings):
    torch.manual_seed(0)
    return PaperCnn(PaperCnnSettings(**({"size": 40, "channels": NARROW} | settings)), n_outputs)


def kinds(model):
    return [[type(m) for m in layer] for layer in model.layers]


# ---- shapes and weights


def test_nine_unpadded_kernels_of_5_turn_64_pixels_into_28():
    sides = []
    model = build(size=64)
    for layer in model.layers:
        layer.register_forward_hook(lambda _, __, out: sides.append(tuple(out.shape[1:])))
    assert model(torch.zeros(2, 1, 64, 64)).shape == (2, 2, 64, 64)
    assert sides == list(zip(NARROW, *[[60, 56, 52, 48, 44, 40, 36, 32, 28]] * 2, strict=True))
    assert model.head.full.weight.shape == (2 * 64 * 64, 28 * 28)


@pytest.mark.parametrize(("scores", "head"), [(20, 64_225_280), (60, 192_675_840), (100, 321_126_400)])
def test_the_papers_own_network_has_these_weights(scores, head):
    with FakeTensorMode():
        model = PaperCnn(PaperCnnSettings(), scores)
        assert model(torch.zeros(250, 1, 64, 64)).shape == (250, scores, 64, 64)
    assert model.head.full.weight.numel() == head == 28 * 28 * 64 * 64 * scores
    channels = (1, 32, 64, 64, 64, 64, 64, 32, 16, 1)
    convolutions = sum((25 * channels[i] + 1) * channels[i + 1] for i in range(9))
    rest = convolutions + 2 * sum(channels[1:]) + 64 * 64 * scores
    assert sum(p.numel() for p in model.parameters()) == head + rest


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        ({"kernel": 3}, 40 - 9 * 2),
        ({"kernel": 3, "padding": 1}, 40),
        ({"kernel": 7, "padding": 1}, 40 - 9 * 4),
        ({"kernel": 3, "padding": 1, "stride": 2, "channels": (2, 1)}, 10),
    ],
)
def test_kernel_padding_and_stride(settings, side):
    model = build(3, **settings)
    assert model.head.full.in_features == side * side
    assert model(torch.zeros(1, 1, 40, 40)).shape == (1, 3, 40, 40)


def test_sides_by_hand():
    assert map_sides(10, 3, 4, stride=2, padding=1) == [5, 2, 1]
    assert map_sides(6, 3, 5) == [2, 0, 0]


def test_the_linear_head_gives_each_pixel_its_own_row():
    model = build(2, size=40).eval()
    with torch.no_grad():
        model.head.full.weight.zero_()
        model.head.full.bias.copy_(torch.arange(2 * 40 * 40))
    out = model(torch.zeros(1, 1, 40, 40))
    assert out[0, 1, 3, 7] == 1600 + 3 * 40 + 7


def test_the_conv_head_keeps_places_where_the_map_is_as_large_as_the_picture():
    model = build(5, head="conv", kernel=3, padding=1, channels=(1,), order="none")
    with torch.no_grad():
        model.layers[0].conv.weight.zero_()[..., 1, 1] = 2.0
        model.head.scores.weight.fill_(3.0)
    x = torch.randn(2, 1, 40, 40)
    torch.testing.assert_close(model(x), 6 * x.expand(-1, 5, -1, -1))
    assert sum(p.numel() for p in model.parameters()) == 9 + 1 + 5 * (1 + 1)


def test_the_conv_head_enlarges_a_smaller_map():
    model = build(4, head="conv")
    assert model(torch.zeros(1, 1, 40, 40)).shape == (1, 4, 40, 40)


def test_another_size_is_refused():
    with pytest.raises(BadSetting, match="needs squares of 40 pixels, not 48 x 32; bring them to that size"):
        build()(torch.zeros(1, 1, 32, 48))


# ---- what follows each convolution


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("act-norm", [CONV, RELU, NORM]),
        ("norm-act", [CONV, NORM, RELU]),
        ("act", [CONV, RELU]),
        ("norm", [CONV, NORM]),
        ("none", [CONV]),
    ],
)
def test_the_order(order, expected):
    assert kinds(build(order=order)) == [expected] * 9
    assert all((layer.conv.bias is None) == order.startswith("norm") for layer in build(order=order).layers)


def test_an_order_for_each_layer():
    model = build(channels=(2, 2, 1), order="norm-act, none,act-norm")
    assert kinds(model) == [[CONV, NORM, RELU], [CONV], [CONV, RELU, NORM]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("act-norm", [CONV, RELU, NORM, DROP]),
        ("norm-act", [CONV, NORM, DROP, RELU]),
        ("act", [CONV, RELU, DROP]),
        ("none", [CONV, DROP]),
    ],
)
def test_dropout_right_after_batch_norm(order, expected):
    model = build(order=order, dropout=0.6)
    assert kinds(model) == [expected] * 9
    assert {m.p for m in model.modules() if isinstance(m, DROP)} == {0.6}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("relu", 0.0),
        ("leaky_relu", -0.02),
        ("prelu", -0.5),
        ("rrelu", -2 * (1 / 8 + 1 / 3) / 2),
        ("elu", math.exp(-2) - 1),
        ("tanh", math.tanh(-2)),
    ],
)
def test_the_activations(name, value):
    layer = build(activation=name, order="act").eval().layers[1]
    assert layer.act(torch.full((1, 3, 1, 1), -2.0)).flatten().tolist() == pytest.approx([value] * 3)
    assert layer.act(torch.full((1, 3, 1, 1), 3.0))[0, 0].item() == pytest.approx(math.tanh(3) if name == "tanh" else 3)
    slopes = list(layer.act.parameters())
    assert [p.numel() for p in slopes] == ([3] if name == "prelu" else [])


def test_the_slopes_of_rrelu_are_drawn_in_training_only():
    act = build(activation="rrelu", order="act").layers[1].act
    drawn = -act.train()(torch.full((1, 1, 50, 50), -1.0)).flatten()
    assert 1 / 8 <= drawn.min() < 0.14
    assert 0.32 < drawn.max() <= 1 / 3
    torch.testing.assert_close(act.eval()(drawn - 1), nn.RReLU(1 / 8, 1 / 3).eval()(drawn - 1))


# ---- the first weights


@pytest.mark.parametrize("order", ["act-norm", "norm-act", "act", "norm", "none"])
def test_the_signal_arrives_at_the_head_and_leaves_it_small(order):
    torch.manual_seed(1)
    model = PaperCnn(PaperCnnSettings(size=28, channels=(16,) * 8 + (8,), order=order, kernel=3), 2).train()
    seen = []
    model.layers.register_forward_hook(lambda _, __, out: seen.append(out))
    out = model(torch.randn(4, 1, 28, 28))
    assert 0.2 < seen[0].square().mean().sqrt() < 3
    assert 0.02 < out.std() < 0.3


# ---- settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 15}, "model.settings.size is 15; it must be between 16 and 2048"),
        ({"channels": ()}, r"model.settings.channels is \(\); it must be one number above 0 for each layer"),
        ({"channels": (4, -1)}, r"model.settings.channels is \(4, -1\); it must be one number above 0 for each layer"),
        ({"kernel": 41}, "model.settings.kernel is 41; it must be between 1 and 40, the size"),
        ({"stride": 0}, "model.settings.stride is 0; it must be between 1 and 40, the size"),
        ({"padding": 5}, "model.settings.padding is 5; it must be between 0 and 4, less than the kernel"),
        ({"padding": -1}, "model.settings.padding is -1; it must be between 0 and 4"),
        ({"order": "relu-bn"}, "model.settings.order is 'relu-bn'; it must be act-norm, norm-act, act, norm or none"),
        ({"order": ""}, "model.settings.order is ''; it must be"),
        ({"order": "act,norm"}, "model.settings.order is 'act,norm'; it must be one text, or 9 separated by commas"),
        (
            {"activation": "gelu"},
            "model.settings.activation is 'gelu'; it must be relu, leaky_relu, prelu, rrelu, elu or tanh",
        ),
        ({"dropout": 1.0}, "model.settings.dropout is 1.0; it must be at least 0 and below 1"),
        ({"head": "mlp"}, "model.settings.head is 'mlp'; it must be linear or conv"),
        (
            {"kernel": 6},
            r"kernel is 6; at size 40, stride 1 and padding 0 the map shrinks to nothing \(under 2 x 2\) by layer 8 "
            "of 9; it must be at most 5 here",
        ),
        ({"stride": 2}, "by layer 4 of 9; it must be at least 1, with a smaller stride or fewer layers"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(BadRecipe, match=message):
        PaperCnnSettings(**({"size": 40} | settings))
