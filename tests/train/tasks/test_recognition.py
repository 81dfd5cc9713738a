"""The task: the packaged model's colours as a floor for those that learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import photochrom
from photochrom.errors import BadRecipe
from photochrom.losses.pallor import pallor
from photochrom.train.export import export
from photochrom.train.loop import Trainer
from photochrom.train.tasks.recognition import RecognitionTask, Reference

CPU = torch.device("cpu")
FILMS = str(Path(photochrom.__file__).parent / "weights/recurrent/default.onnx")


def regression(tiny, task, size=32):
    """A recipe of the task for the tiny network."""
    model, loss = {"name": "tiny", "settings": {"dropout": 0.0}}, {"name": "l2"}
    data = {"size": size, "workers": 0}
    return tiny(model=model, loss=loss, data=data, task={"name": "recognition", "settings": task})


def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(3, 1, 32, 32, generator=generator) * 100, torch.randn(3, 2, 8, 8, generator=generator) * 30


def test_paints_as_the_colorizer_does(tiny):
    yy, xx = np.mgrid[:160, :160]
    light = (50 + 30 * np.sin(xx / 23) * np.cos(yy / 31)).astype(np.float32)
    session = photochrom.Colorizer("default", render_size=160)
    expected = session.decode(session.scores(light, mirror=False), light)
    ours = Reference("default", regression(tiny, {}, size=160), CPU)(torch.from_numpy(light)[None, None])[0].numpy()
    assert np.abs(ours).max() > 3
    chroma = [np.hypot(*ab).mean() for ab in (ours, np.moveaxis(expected, -1, 0))]
    assert chroma[0] == pytest.approx(chroma[1], rel=0.02)


def test_pallor_is_added_by_its_weight_and_logged(tiny):
    logged = {}
    for weight in (0.0, 2.0):
        torch.manual_seed(0)
        task = RecognitionTask(regression(tiny, {"pallor": weight}), None, CPU)
        for parameter in task.model.last.parameters():
            parameter.data *= 0.01  # nearly gray
        painted = task.model((batch()[0] - 50) / 50).detach() * 110
        logged[weight] = task.step(batch(), 0)
    assert "pallor" not in logged[0.0]
    expected = pallor(painted, task.before(batch()[0]))
    assert expected > 0.05
    torch.testing.assert_close(logged[2.0]["pallor"], expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(logged[2.0]["loss"], logged[0.0]["loss"] + 2 * expected, rtol=1e-4, atol=1e-6)


def test_the_reference_learns_nothing_and_is_no_part_of_the_run(tiny):
    task = RecognitionTask(regression(tiny, {"pallor": 1.0}), None, CPU)
    before = {k: v.clone() for k, v in task.before.network.state_dict().items()}
    task.step(batch(), 0)
    assert list(task.networks) == ["model"]
    assert not any(p.requires_grad for p in task.before.network.parameters())
    assert all(torch.equal(v, before[k]) for k, v in task.before.network.state_dict().items())


def test_may_be_a_file_of_ones_own(tiny, folder, tmp_path):
    recipe = replace(regression(tiny, {}), task=replace(regression(tiny, {}).task, name="supervised", settings={}))
    Trainer(recipe, [folder], tmp_path / "run").run()
    export(tmp_path / "run", output=tmp_path / "own.onnx")
    task = RecognitionTask(regression(tiny, {"pallor": 1.0, "reference": str(tmp_path / "own.onnx")}), None, CPU)
    task.model.load_state_dict(task.before.network.state_dict())
    assert task.step(batch(), 0)["pallor"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "size", "message"),
    [
        ({"pallor": 1.0, "reference": FILMS}, 32, r"recurrent/default\.onnx', which is only for films"),
        ({"pallor": 1.0}, 36, r"data\.size is 36; task\.settings\.reference 'default' takes multiples of 32"),
        ({"pallor": -1.0}, 32, r"task\.settings\.pallor is -1\.0; it must be between 0 and 100"),
    ],
)
def test_what_cannot_be_is_said(tiny, settings, size, message):
    with pytest.raises(BadRecipe, match=message):
        RecognitionTask(regression(tiny, settings, size), None, CPU)
