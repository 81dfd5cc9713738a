"""The U-Net: its depth, its parameters, and what dropping channels at use does."""

import pytest
import torch
from torch import nn

from photochrom.errors import BadRecipe
from photochrom.models.unet import UNet, UNetSettings


def made(**settings):
    torch.manual_seed(0)
    return UNet(UNetSettings(**{"size": 32, "width": 4} | settings), 2)


@pytest.mark.parametrize(("size", "depth"), [(64, 5), (128, 6), (256, 7)])
def test_it_goes_down_to_2_by_2(size, depth):
    with torch.device("meta"):
        net = UNet(UNetSettings(size=size), 2)
        shapes = []
        for module in net.downs:
            module.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
        assert net.eval()(torch.zeros(1, 1, size, size)).shape == (1, 2, size, size)
    widths = [64, 128, 256, 512, 512, 512, 512][:depth]
    assert shapes == [(w, size >> i, size >> i) for i, w in enumerate(widths, 1)]
    assert net.multiple == 2**depth
    assert shapes[-1][1:] == (2, 2)


def test_every_size_is_joined_on_the_way_up():
    net = made(dropout=0.0).eval()
    inputs = [up.conv.in_channels for up in net.ups] + [net.last.in_channels]
    assert inputs == [32, 2 * 16, 2 * 8, 2 * 4]
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert {(m.kernel_size, m.stride) for m in convolutions} == {((4, 4), (2, 2))}


def test_channels_are_dropped_in_training_and_kept_at_use():
    net, x = made(dropout=0.5, dropped=2), torch.rand(1, 1, 32, 32)
    dropped = []
    net.ups[0].register_forward_hook(lambda _, __, out: dropped.append(out.detach()))
    seen = []
    net.ups[1].conv.register_forward_hook(lambda _, i, __: seen.append(i[0].detach()))
    net.train()
    net(x.expand(8, 1, 32, 32) + 0.1 * torch.rand(8, 1, 32, 32))
    ratio = (seen[0][:, :16] / dropped[0]).nan_to_num(-1.0)
    for channel in ratio.flatten(0, 1):
        values = set(channel[channel >= 0].round(decimals=4).tolist())
        assert values in ({0.0}, {2.0}, set()), "a channel is dropped whole or doubled whole"
    net.eval()
    with torch.inference_mode():
        assert torch.equal(net(x), net(x))
        torch.testing.assert_close(net(x), net(x, torch.ones(len(net.variation))))


def test_a_variation_is_a_factor_for_every_channel_that_may_be_dropped():
    net, x = made(dropped=2).eval(), torch.rand(1, 1, 32, 32)
    assert len(net.variation) == 16 + 8
    nothing = torch.zeros(24)
    with torch.inference_mode():
        plain, dropped = net(x), net(x, nothing)
        assert (plain - dropped).abs().max() > 1e-4
        for up in net.ups[:2]:
            up.norm.weight.zero_()
            up.norm.bias.zero_()
        torch.testing.assert_close(net(x), dropped, msg="dropping all is as if those layers gave nothing")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 48}, "model.settings.size is 48; it must be 16, 32, 64, 128, 256, 512 or 1024"),
        ({"dropout": 1.0}, "model.settings.dropout is 1.0; it must be at least 0 and below 1"),
        ({"dropped": 4}, "model.settings.dropped is 4; it must be between 0 and 3"),
        ({"width": 0}, "model.settings.width is 0; it must be at least 1"),
    ],
)
def test_what_is_wrong_is_named(settings, message):
    with pytest.raises(BadRecipe) as error:
        made(**settings)
    assert str(error.value) == message
