"""CycleGAN's generators: what is pinned, what is free, and what a person is shown."""

import pytest
import torch

from photochrom.errors import BadRecipe
from photochrom.models.cyclegan import ColorGenerator, GeneratorSettings, gray_picture


def made(lightness):
    torch.manual_seed(0)
    return ColorGenerator(GeneratorSettings(width=4, blocks=1, lightness=lightness), 2)


@pytest.mark.parametrize("lightness", ["pinned", "free"])
def test_ab_is_the_translation_of_a_gray_picture(lightness):
    net, x = made(lightness), torch.rand(2, 1, 16, 24) * 2 - 1
    with torch.inference_mode():
        translated = net.translate(gray_picture(x))
        assert translated.shape == (2, 3, 16, 24)
        torch.testing.assert_close(net(x), translated[:, 1:])
        assert torch.equal(translated[:, :1], x) == (lightness == "pinned")


def test_a_colour_picture_can_be_translated_too():
    net, picture = made("free"), torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert not torch.allclose(net.translate(picture), net.translate(gray_picture(picture[:, :1])))


def test_a_gray_picture_has_no_colour():
    x = torch.rand(2, 1, 3, 3)
    gray = gray_picture(x)
    assert torch.equal(gray[:, :1], x)
    assert gray[:, 1:].shape == (2, 2, 3, 3)
    assert not gray[:, 1:].any()


def test_what_is_wrong_is_named():
    with pytest.raises(BadRecipe, match=r"model\.settings\.lightness is 'loose'; it must be pinned or free"):
        GeneratorSettings(lightness="loose")
    with pytest.raises(BadRecipe, match=r"model\.settings\.blocks is 0; it must be at least 1"):
        GeneratorSettings(blocks=0)
