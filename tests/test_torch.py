"""The networks and decoders as torch sees them: equal to what runs for everybody, with gradients."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import photochrom
from photochrom import color
from photochrom import torch as pt
from photochrom.errors import BadSetting, UnknownName
from photochrom.inference import decode
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.inference.decode import Decoding
from photochrom.inference.model_files import read_model

RNG = np.random.default_rng(0)
COLORS = RNG.uniform(-60, 60, (500, 2))
JOINT, CHANNEL = JointBins.grid(COLORS, 20.0), ChannelBins.equal_width(10).fit(COLORS)


def test_the_packaged_network_is_onnxruntimes():
    network = photochrom.load_torch("default")
    backend = OnnxBackend(*read_model("default"), device="cpu", threads=1)
    assert isinstance(network, torch.nn.Module)
    assert not network.training
    assert network.card == backend.card
    np.testing.assert_array_equal(network.bins.values, backend.card.codebook().values)
    x = torch.rand(2, 1, 96, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        ours = network(x).numpy()
    told_nothing = np.pad(x.numpy(), ((0, 0), (0, backend.card.channels - 1), (0, 0), (0, 0)))
    np.testing.assert_allclose(ours, backend.run(told_nothing), atol=1e-4)
    assert ours.std() > 0.5, "scores, and not zeros"


def test_a_gradient_passes_through_the_whole():
    network = photochrom.load_torch("default")
    x = torch.zeros(1, 1, 32, 32, requires_grad=True)
    pt.scores_to_ab(network(x), network.bins, network.card.default_decoding()).square().mean().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad.any()


def test_an_unknown_model_is_one_line():
    with pytest.raises(
        UnknownName, match="no model is called 'defualt', and there is no such file; did you mean 'default'"
    ):
        photochrom.load_torch("defualt")


def test_without_torch_the_extra_is_named():
    code = (
        "import sys; sys.modules['torch'] = None\nimport photochrom\n"
        "try: photochrom.load_torch('default')\nexcept photochrom.MissingExtra as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs the extra 'train'" in done.stdout or "[train]" in done.stdout, done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("decoder", ["mean", "annealed_mean", "argmax"])
@pytest.mark.parametrize("bins", [JOINT, CHANNEL, None], ids=["joint", "channel", "none"])
@pytest.mark.parametrize("gamma", [1.0, 1.5])
def test_decoding_is_numpys(bins, decoder, gamma):
    how = Decoding(decoder, 0.5, 0.8, 0.25, 0.5, 1.3, gamma)
    scores = np.random.default_rng(1).normal(size=(2, bins.n_scores if bins else 2, 5, 7)).astype(np.float32)
    ours = pt.scores_to_ab(torch.from_numpy(scores), bins, how).permute(0, 2, 3, 1).numpy()
    theirs = np.stack([decode.scores_to_ab(each, bins, how) for each in scores])
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert theirs.std() > 0.5


@pytest.mark.parametrize("decode", [pt.mean, pt.annealed_mean])
def test_the_gradients_of_the_means(decode):
    scores = torch.randn(1, 4, 2, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    values = torch.tensor([[0.0, 1.0], [2.0, -3.0], [4.0, 0.5], [-1.0, 1.0]], dtype=torch.double)
    assert torch.autograd.gradcheck(lambda s: decode(s.log_softmax(1), values), scores.requires_grad_())


def test_argmax_has_the_gradient_of_the_annealed_mean():
    scores = torch.randn(1, 4, 2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    values = torch.tensor([[0.0, 1.0], [2.0, -3.0], [4.0, 0.5], [-1.0, 1.0]])
    hard, soft = pt.argmax(scores, values), pt.annealed_mean(scores, values)
    assert torch.equal(hard[0, :, 0, 0], values[scores[0, :, 0, 0].argmax()])
    a, b = (torch.autograd.grad(each.square().sum() * 0 + each.sum(), scores)[0] for each in (hard, soft))
    torch.testing.assert_close(a, b)
    assert a.any()


def test_a_decoder_that_draws_and_a_temperature_of_nothing():
    with pytest.raises(UnknownName, match="the decoder 'sample' has no form in torch"):
        pt.scores_to_ab(torch.zeros(1, JOINT.n_scores, 1, 1), JOINT, Decoding("sample"))
    with pytest.raises(BadSetting, match="the temperature must be above 0, not 0"):
        pt.annealed_mean(torch.zeros(1, 2, 1, 1), torch.zeros(2, 2), 0)


def inside():
    """Colours (1, 3, 3, 4), away from the bends of both curves, and dark ones below them."""
    rgb = torch.rand(1, 3, 3, 4, dtype=torch.double, generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1
    rgb[..., 0, 0] = 0.02
    return rgb


def test_colours_are_numpys():
    rgb = inside()
    lab = pt.rgb_to_lab(rgb)
    np.testing.assert_allclose(lab[0].permute(1, 2, 0).numpy(), color.rgb_to_lab(rgb[0].permute(1, 2, 0).numpy()))
    torch.testing.assert_close(pt.lab_to_rgb(lab), rgb, atol=1e-4, rtol=0)


def test_colours_have_their_gradients():
    rgb = inside().requires_grad_()
    assert torch.autograd.gradcheck(pt.rgb_to_lab, rgb)
    assert torch.autograd.gradcheck(pt.lab_to_rgb, pt.rgb_to_lab(rgb.detach()).requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_is_finite_everywhere(dtype):
    steps = torch.tensor([0.0, 1e-9, 0.003130, 0.04045, 0.5, 1.0], dtype=dtype)
    rgb = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).flatten(2).requires_grad_()
    (back,) = torch.autograd.grad(pt.rgb_to_lab(rgb).sum(), rgb)
    assert back.isfinite().all()
    assert (back[:, 0, 0] != 0).any(), "black is no dead end"
    L, ab = torch.tensor([0.0, 1e-6, 8.0, 50.0, 100.0], dtype=dtype), torch.tensor([-110.0, 0.0, 110.0], dtype=dtype)
    lab = torch.stack(torch.meshgrid(L, ab, ab, indexing="ij")).flatten(2).requires_grad_()
    (back,) = torch.autograd.grad(pt.lab_to_rgb(lab).sum(), lab)
    assert back.isfinite().all()
