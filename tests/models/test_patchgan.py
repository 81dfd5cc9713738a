"""The PatchGAN: how many judgements it gives, of patches of which size."""

import pytest
import torch

from photochrom.errors import BadRecipe
from photochrom.models.patchgan import PatchGan, PatchSettings


@pytest.mark.parametrize(
    ("layers", "size", "side", "patch"),
    [(3, 256, 30, 70), (2, 64, 14, 34), (1, 64, 30, 16)],
)
def test_judgements_and_patches(layers, size, side, patch):
    torch.manual_seed(0)
    judge = PatchGan(PatchSettings(width=4, layers=layers, norm="none"))
    picture = torch.rand(1, 3, size, size, requires_grad=True)
    out = judge(picture)
    assert out.shape == (1, 1, side, side)
    out[0, 0, side // 2, side // 2].backward()
    touched = picture.grad[0].abs().sum(0) > 0
    assert touched.any(0).sum() == touched.any(1).sum() == patch


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_norms(norm):
    torch.manual_seed(0)
    judge = PatchGan(PatchSettings(width=4, layers=1, norm=norm)).train()
    for _ in range(30):
        judge(torch.rand(2, 3, 16, 16))
    kinds = {type(m).__name__ for m in judge.modules()}
    assert ("BatchNorm2d" in kinds) == (norm == "batch")
    norms = [torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() for layer in judge.layers[::2][:2]]
    if norm == "spectral":
        assert norms == pytest.approx([1, 1], abs=0.05)
    else:
        assert max(abs(n - 1) for n in norms) > 0.1


def test_the_smallest_picture_still_has_a_patch():
    for layers in (1, 2, 3):
        settings = PatchSettings(width=2, layers=layers)
        assert PatchGan(settings)(torch.zeros(1, 3, settings.smallest, settings.smallest)).numel() == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": "layer"}, "task.settings.discriminator.norm is 'layer'; it must be batch, spectral or none"),
        ({"layers": 0}, "task.settings.discriminator.layers is 0; it must be between 1 and 6"),
    ],
)
def test_what_is_wrong_is_named(settings, message):
    with pytest.raises(BadRecipe) as error:
        PatchSettings(**settings)
    assert str(error.value) == message
