"""The mean of several networks."""

import pytest
import torch
from torch.nn import functional

from photochrom.errors import BadRecipe, UnknownName
from photochrom.models.ensemble import Ensemble, EnsembleSettings

SMALL = {"encoder": "lite0", "pretrained": False}


def member(width=8, **settings):
    return {"name": "photochrom", "settings": SMALL | {"widths": [width] * 3} | settings}


def made(members, n_outputs=3):
    torch.manual_seed(0)
    return Ensemble(EnsembleSettings(members), n_outputs).eval()


def test_it_answers_with_the_mean():
    both = made({"a": member(6), "b": member(8)})
    x = torch.rand(1, 1, 64, 32) * 2 - 1
    with torch.inference_mode():
        a, b = (both.members[name](x) for name in "ab")
        torch.testing.assert_close(both(x), (a + b) / 2)
    assert not torch.allclose(a, b)
    assert (both.stride, both.multiple) == (4, 32)


@pytest.mark.parametrize(
    ("scale", "side", "seen"), [(1.27, (192, 160), (256, 192)), (0.5, (32, 96), (32, 64)), (2.0, (50, 32), (128, 64))]
)
def test_a_member_sees_the_picture_at_its_scale(scale, side, seen):
    both = made({"a": member(6), "b": member(8) | {"scale": scale}})
    sizes = []
    both.members["b"].register_forward_hook(lambda _, x, __: sizes.append(tuple(x[0].shape[2:])))
    x = torch.rand(1, 1, *side) * 2 - 1
    with torch.inference_mode():
        y = both(x)
        a, b = both.members["a"](x), both.members["b"](functional.interpolate(x, seen, mode="bilinear"))
    assert sizes[0] == seen
    torch.testing.assert_close(y, (a + functional.interpolate(b, a.shape[2:], mode="bilinear")) / 2)


def test_all_of_every_member_is_trained_by_its_role():
    both = made({"a": member(), "b": member(frozen_stages=0)})
    groups = both.parameter_groups()
    own = [each.parameter_groups() for each in both.members.values()]
    for role in ("encoder", "decoder"):
        assert [id(p) for p in groups[role]] == [id(p) for each in own for p in each[role]]
    assert len(own[1]["encoder"]) > len(own[0]["encoder"])


def test_public_weights_go_to_the_members_that_want_them():
    both = made({"a": member(pretrained=True), "b": member()})
    assert both.settings.pretrained
    assert not EnsembleSettings({"b": member()}).pretrained
    before = {name: weights(both.members[name]) for name in "ab"}
    both.load_pretrained()
    assert torch.equal(weights(both.members["b"]), before["b"])
    assert not torch.equal(weights(both.members["a"]), before["a"])


def weights(network):
    return torch.cat([p.detach().clone().flatten() for p in network.encoder.parameters()])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "members is {}; it must be one or more tables"),
        ({"a": {"name": "photochrom", "setings": {}}}, "model.settings.members.a.setings is not a setting"),
        ({"a": {"name": "photochrom", "settings": {"encoder": "b7"}}}, "encoder is 'b7'"),
        ({"a": member() | {"scale": 0.4}}, "members.a.scale is 0.4; it must be between 0.5 and 4"),
        ({"a": {"name": "ensemble"}}, "members.a is an ensemble itself"),
        ({"a": {"name": "paper_cnn"}}, "members.a is a paper_cnn, which cannot be a member"),
        ({"a": {"name": "cyclegan", "settings": {"width": 4, "blocks": 1}}, "b": member()}, "b has a stride of 4"),
        ({"a": {"name": "unet"}}, "members.a is a unet, which cannot be a member"),
    ],
)
def test_what_cannot_be_an_ensemble_is_named(members, message):
    with pytest.raises(BadRecipe) as error:
        made(members)
    assert message in str(error.value)
    with pytest.raises(UnknownName, match="photochrm"):
        made({"a": {"name": "photochrm"}})
