"""What every registered model keeps: the promised size out, trainable, repeatable, the same in ONNX.

A model that is bound to one size is tested at that size, any other at several. One that has a task of its own maps
something else; its own tests hold the same.
"""

import dataclasses

import numpy as np
import pytest
import torch

from photochrom._support.settings import from_dict
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.card import ModelCard
from photochrom.models import models
from photochrom.train.export import load_state
from photochrom.train.onnx_file import LEAST_TO_SHRINK, parity, round_weights, to_onnx
from photochrom.train.weights import load_weights

pytestmark = pytest.mark.slow

# What makes a model small enough for a test; one that is not named here is tested with its defaults.
SMALL = {
    "cyclegan": {"width": 4, "blocks": 1, "lightness": "free"},
    "unet": {"size": 32, "width": 4},
    "ensemble": {
        "members": {
            name: {"name": "photochrom", "settings": {"encoder": "small", "widths": [w] * 3, "pretrained": False}}
            for name, w in (("narrow", 6), ("wide", 8))
        }
    },
    "photochrom": {"encoder": "lite0", "widths": [8, 8, 8]},
    "baseline": {"size": 20, "channels": [4, 4, 2]},
    "paper_cnn": {"size": 24, "channels": [4, 4, 4, 4, 4, 4, 4, 4, 2], "kernel": 3},
}
OUTPUTS = 6
NAMES = [name for name in models if not hasattr(models[name], "task")]


@pytest.fixture(scope="module", autouse=True)
def _registered(small_encoder):
    """The members of the ensemble have it."""


def build(name):
    kind = models[name]
    facts = dict(SMALL.get(name, {}))
    if any(f.name == "pretrained" for f in dataclasses.fields(kind.Settings)):
        facts["pretrained"] = False
    torch.manual_seed(0)
    return kind(from_dict(kind.Settings, facts), OUTPUTS)


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    """In eval mode, with running statistics that are not the initial ones."""
    model = build(request.param).train()
    for seed in range(2):
        model(squares(model, 2, seed=seed))
    return model.eval()


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory, traced_once):
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    round_weights(model)
    card = ModelCard("tiny", multiple=int(model.multiple), stride=int(model.stride), size=model.size)
    with traced_once():
        path.write_bytes(to_onnx(model, card))
    return path


def noise(n, h, w, seed=0):
    return torch.rand(n, 1, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def squares(model, n, side=32, seed=0):
    return noise(n, model.size or side, model.size or side, seed)


@pytest.mark.parametrize(("h", "w"), [(64, 32), (33, 47), (1, 1), (5, 70)])
def test_every_size_gives_its_share(model, h, w):
    if model.size:
        h = w = model.size
    with torch.inference_mode():
        out = model(noise(2, h, w))
    assert out.shape == (2, OUTPUTS, -(-h // model.stride), -(-w // model.stride))
    assert out.dtype == torch.float32
    assert out.isfinite().all()


def test_the_same_picture_gives_the_same(model):
    with torch.inference_mode():
        assert torch.equal(model(squares(model, 1)), model(squares(model, 1)))


def test_a_picture_does_not_look_at_its_neighbours_in_the_batch(model):
    x = squares(model, 3)
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_reaches_whatever_is_trained(name):
    model = build(name).train()
    groups = model.parameter_groups() if hasattr(model, "parameter_groups") else {}
    model(squares(model, 2, 64)).square().mean().backward()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert trained
    dead = [n for n, p in trained.items() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()]
    assert dead == []
    assert all(p.grad is None for p in model.parameters() if not p.requires_grad)
    if groups:
        assert {id(p) for g in groups.values() for p in g} == {id(p) for p in trained.values()}


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_trains(name):
    model = build(name).train()
    with torch.autocast("cpu", torch.bfloat16):
        out = model(squares(model, 2))
    out.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_onnx_gives_the_same(model, exported):
    backend = OnnxBackend(exported.read_bytes(), "model.onnx", "cpu", threads=1)
    assert parity(model, backend) <= 1e-4
    m = int(model.multiple)
    x = squares(model, 1, seed=5) if model.size else noise(1, 3 * m, m, seed=5)
    with torch.inference_mode():
        np.testing.assert_allclose(backend.run(x.numpy()), model(x).numpy(), atol=1e-4)


def test_an_exported_file_takes_many_pictures_at_once(exported):
    import onnx

    graph = onnx.load(exported).graph
    for value in (graph.input[0], graph.output[0]):
        assert value.type.tensor_type.shape.dim[0].dim_param, value.name


def test_an_exported_file_gives_its_weights_back(model, exported):
    state, bins, card = load_state(exported)
    assert bins is None
    assert card.name == "tiny"
    again = models_like(model)
    load_weights(again, state, "model.onnx")
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(again.state_dict()[name], tensor), name


def models_like(model):
    torch.manual_seed(9)
    return type(model)(model.settings, OUTPUTS)


def test_weights_are_stored_in_16_bits(model, exported):
    import onnx

    stored = {t.name: t for t in onnx.load(exported).graph.initializer}
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and tensor.ndim > 1 and tensor.numel() >= LEAST_TO_SHRINK:
            assert stored[name].data_type == onnx.TensorProto.FLOAT16, name
