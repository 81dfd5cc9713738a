"""The recurrent network: what it gives is a mean of the answers along the motion, and what it never does."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from photochrom._support.settings import from_dict
from photochrom.errors import BadRecipe
from photochrom.inference.backends import session
from photochrom.inference.card import ModelCard
from photochrom.models.recurrent import Recurrent, RecurrentSettings, carried, inside
from photochrom.train.export import load_state
from photochrom.train.onnx_file import parity_over_time, round_weights, to_onnx
from photochrom.train.weights import load_weights

SMALL = {"width": 4, "features": 6, "reach": 2, "memory": 3.0}
OUTPUTS = 5


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Recurrent(from_dict(RecurrentSettings, SMALL), OUTPUTS).eval()


def trusting(model, bias=20.0):
    torch.nn.init.constant_(model.trust.bias, bias)
    return model


def frame(h=6, w=7, n=1, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(n, OUTPUTS, h, w, generator=draw), torch.randn(n, 1, 4 * h, 4 * w, generator=draw)


def test_without_a_past_the_answer_is_the_answer(model):
    scores, light = frame()
    given = trusting(model)(scores, light, model.begin(scores))
    assert torch.equal(given.scores, scores)
    assert not given.trust.any()
    assert given.state.shape == (1, model.state_channels, 6, 7)
    assert (given.state[:, 0] == 1).all()


def test_an_untrained_one_keeps_little(model):
    scores, light = frame()
    scores[:] = 1.0
    state = model(scores, light, model.begin(scores)).state
    given = model(scores, light, state)
    assert 0 < given.trust.mean() < 0.15
    torch.testing.assert_close(given.scores, scores, atol=1e-3, rtol=0)  # which stayed the same


def test_what_stands_still_and_is_trusted_gives_the_mean_of_the_last_frames(model):
    """The mean of 1, 2, 3 and 4 frames, and then a running one: the memory of 3 frames makes a quarter new."""
    trusting(model)._motion = lambda now, then: (torch.zeros(1, 2, 6, 7), torch.ones(1, 1, 6, 7))
    answers = [frame(seed=seed)[0] for seed in range(6)]
    state, given = model.begin(answers[0]), []
    for answer in answers:
        given.append(model(answer, frame()[1], state))
        state = given[-1].state
    for count in (1, 2, 3, 4):
        torch.testing.assert_close(given[count - 1].scores, torch.stack(answers[:count]).mean(0))
    torch.testing.assert_close(given[5].scores, 0.75 * given[4].scores + 0.25 * answers[5])
    assert [each.state[:, 0].mean().item() for each in given] == pytest.approx([1, 2, 3, 3, 3, 3])


def test_the_past_is_taken_from_where_it_was_and_nothing_from_outside(model):
    way = torch.zeros(1, 2, 6, 7)
    way[:, 0] = 2.0
    trusting(model)._motion = lambda now, then: (way, torch.ones(1, 1, 6, 7))
    (first, light), (second, _) = frame(), frame(seed=1)
    given = model(second, light, model(first, light, model.begin(first)).state)
    torch.testing.assert_close(given.scores[..., :5], (second[..., :5] + first[..., 2:]) / 2)
    assert torch.equal(given.scores[..., 5:], second[..., 5:])
    assert not given.trust[..., 5:].any()


def test_a_doubtful_past_counts_by_its_likelihood(model):
    """At a trust of 0.6: 0.6 of the mean of both and 0.4 of the new one; and it weighs 1.6 frames from then on."""
    trusting(model, float(np.log(0.6 / 0.4)))._motion = lambda now, then: (
        torch.zeros(1, 2, 6, 7),
        torch.ones(1, 1, 6, 7),
    )
    (first, light), (second, _) = frame(), frame(seed=1)
    given = model(second, light, model(first, light, model.begin(first)).state)
    torch.testing.assert_close(given.scores, 0.3 * first + 0.7 * second)
    torch.testing.assert_close(given.state[:, :1], torch.full((1, 1, 6, 7), 1.6))


def test_a_pan_is_found(model):
    """Where features are alike in one place only, the choice among shifts is that place, without any training."""
    torch.nn.init.constant_(model.sharpness, 6.0)
    texture = torch.randn(1, 6, 6, 11, generator=torch.Generator().manual_seed(0))
    now, then = (F.normalize(texture[..., i : i + 8], dim=1) for i in (2, 1))
    found, sure = model._motion(now, then)
    torch.testing.assert_close(found[..., :-1], torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 6, 7))
    assert sure[..., :-1].min() > 0.99


def test_carrying_is_grid_sampling():
    draw = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 5, 7, generator=draw, dtype=torch.float64)
    motion = 3 * torch.randn(2, 2, 5, 7, generator=draw, dtype=torch.float64)
    x = 2 * (motion[:, 0] + torch.arange(7) + 0.5) / 7 - 1
    y = 2 * (motion[:, 1] + torch.arange(5)[:, None] + 0.5) / 5 - 1
    wanted = F.grid_sample(maps, torch.stack([x, y], -1), padding_mode="border", align_corners=False)
    torch.testing.assert_close(carried(maps, motion), wanted)
    on = ((x.abs() <= 1) & (y.abs() <= 1))[:, None]
    assert torch.equal(inside(motion).bool(), on)
    assert torch.autograd.gradcheck(carried, (maps[:1, :1].requires_grad_(), motion[:1].requires_grad_()))


def test_a_gradient_reaches_whatever_is_trained():
    torch.manual_seed(0)
    model = Recurrent(from_dict(RecurrentSettings, SMALL), OUTPUTS).train()
    for name in ("trust", "find"):
        last = getattr(model, name)
        torch.nn.init.normal_((last[-1] if name == "find" else last).weight, std=0.1)
    state, total = model.begin(frame()[0]), torch.zeros(())
    for seed in range(3):
        given = model(*frame(seed=seed), state)
        state, total = given.state, total + given.scores.square().mean() + given.motion.square().mean()
    total.backward()
    assert [
        n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    ] == []


def test_clips_do_not_look_at_each_other(model):
    scores, light = frame(n=3)
    state = model(scores, light, model.begin(scores)).state
    alone = model(scores[1:2], light[1:2], state[1:2])
    torch.testing.assert_close(model(scores, light, state).scores[1:2], alone.scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 9), (5, 3)])
def test_every_size(model, h, w):
    scores, light = frame(h, w)
    state = model(scores, light, model.begin(scores)).state
    given = model(scores, light, state)
    assert given.scores.shape == (1, OUTPUTS, h, w)
    assert given.scores.isfinite().all()


@pytest.mark.slow
def test_onnx_gives_the_same_over_time(tmp_path, traced_once):
    torch.manual_seed(0)
    # Built as the one of the films' tests, so that torch's exporter sees one of both.
    model = Recurrent(RecurrentSettings(width=4, features=4, reach=1, memory=4.0), 2).eval()
    torch.nn.init.normal_(trusting(model, 1.0).trust.weight, std=0.3)
    torch.nn.init.normal_(model.find[-1].weight, std=0.1)
    round_weights(model)
    with traced_once():
        data = to_onnx(model, ModelCard("small", multiple=4, stride=4, steadies={"name": "x"}))
    ran = session(data, "small", "cpu", 1)
    assert parity_over_time(model, lambda inputs: ran.run(None, inputs)) <= 1e-4
    scores, light = frame(3, 20)
    scores = scores[:, :2]
    state = model(scores, light, model.begin(scores)).state
    with torch.inference_mode():
        ours = model(scores, light, state)
    theirs = ran.run(None, {"scores": scores.numpy(), "light": light.numpy(), "state": state.detach().numpy()})
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    (tmp_path / "small.onnx").write_bytes(data)
    again = Recurrent(model.settings, 2)
    load_weights(again, load_state(tmp_path / "small.onnx")[0], "small.onnx")
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert str(tmp_path).encode() not in data
    assert b"recurrent.py" not in data


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"width": 0}, "model.settings.width is 0; it must be at least 1"),
        ({"reach": 17}, "model.settings.reach is 17; it must be between 1 and 16"),
        ({"memory": 0.5}, "model.settings.memory is 0.5; it must be between 1 and 1000"),
    ],
)
def test_settings_are_checked(setting, message):
    with pytest.raises(BadRecipe) as error:
        from_dict(RecurrentSettings, setting)
    assert str(error.value) == message
