"""The task that teaches a network what hints are: what it draws, what it moves, and what it leaves alone."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from photochrom import Colorizer, Hint
from photochrom.data.config import DataConfig
from photochrom.data.loader import Order, batches
from photochrom.data.samples import Sampler
from photochrom.data.sources import list_pictures
from photochrom.errors import BadRecipe
from photochrom.imaging.io import from_array, to_array
from photochrom.train.export import export, load_model
from photochrom.train.loop import Trainer
from photochrom.train.runs import load_run
from photochrom.train.tasks.hints import Hinted, HintsTaskSettings, drawn, recolored

HINTS = {"encoder": "small", "widths": [8, 8, 8], "pretrained": False, "hints": True}


@pytest.fixture
def recipe(small, small_encoder):
    def make(**sections):
        return small(task={"name": "hints"}, model={"settings": HINTS}, data={"size": 64}, **sections)

    return make


def test_points_have_the_true_colours_where_they_are_and_nothing_elsewhere():
    rng = np.random.default_rng(0)
    ab = rng.normal(0, 20, (2, 16, 16)).astype(np.float32)
    settings = HintsTaskSettings(most=5, strokes=0.0, spread=0.0)
    for _ in range(20):
        hints = drawn(ab, settings, rng)
        on = hints[2] == 1
        assert 1 <= on.sum() <= 5 * 9
        assert not hints[:, ~on].any()
    single = drawn(ab[:, :1, :1], settings, rng)
    np.testing.assert_allclose(single[:2] * 110, ab[:, :1, :1], rtol=1e-5)


def test_a_stroke_stays_on_its_own_colour():
    rng = np.random.default_rng(0)
    ab = np.zeros((2, 32, 32), np.float32)
    ab[0, :, 16:] = 60
    lengths = []
    for _ in range(30):
        hints = drawn(ab, HintsTaskSettings(most=1, strokes=1.0, spread=0.0), rng)
        at = hints[0][hints[2] == 1] * 110
        lengths.append(len(at))
        assert np.ptp(at) < 1e-4
        assert min(abs(at[0]), abs(at[0] - 60)) < 1e-4
    assert max(lengths) > 8


def test_one_thing_is_painted_anew_and_the_rest_keeps_its_colours():
    ab = np.zeros((2, 32, 32), np.float32)
    ab[0, :, 16:] = 60
    moved = recolored(np.full((1, 64, 64), 50.0, np.float32), ab, np.random.default_rng(1)) - ab
    still, painted = sorted((moved[:, :, :16], moved[:, :, 16:]), key=lambda half: np.abs(half).max())
    assert np.abs(still).max() < 1e-3
    assert painted.std((1, 2)).max() < 1e-3
    assert np.abs(painted).max() > 5


@pytest.mark.parametrize("between", ["another colour", "an edge of lightness"])
def test_what_looks_like_it_elsewhere_is_another_thing(between):
    ab, light = np.zeros((2, 32, 32), np.float32), np.full((1, 64, 64), 50.0, np.float32)
    if between == "another colour":
        ab[0, :, 14:18] = 60
    else:
        light[:, :, 28:36] = 75
    seen = 0
    for seed in range(20):
        moved = np.abs(recolored(light, ab, np.random.default_rng(seed)) - ab).max(0) > 1e-2
        left, right = moved[:, :14].any(), moved[:, 18:].any()
        assert not (left and right)
        seen += left + right
    assert seen >= 10


def test_samples_carry_hints_in_their_own_colours_whoever_makes_them(folder):
    sampler = Sampler(DataConfig(size=64), 4)
    dataset = Hinted(list_pictures([folder]), sampler, 5, HintsTaskSettings(spread=0.0, strokes=0.0, most=3))
    order = Order(len(dataset), 4, 5, 0, 3)
    alone, shared = (list(batches(dataset, order, workers)) for workers in (0, 2))
    for (light, ab), again in zip(alone, shared, strict=True):
        assert light.shape == (4, 4, 64, 64)
        assert torch.equal(light, again[0])
        assert torch.equal(ab, again[1])
        hints = light[:, 1:, ::4, ::4]
        on = hints[:, 2] == 1
        assert on.flatten(1).any(1).all()
        # A point or a small square has the mean of the colours under it.
        off = (110 * hints[:, :2] - ab).abs().amax(1)[on]
        assert float(off.median()) < 5


def test_hints_are_drawn_by_the_processes_that_decode(recipe, folder, tmp_path):
    made = recipe()
    made = replace(made, data=replace(made.data, cache="memory"))
    with pytest.raises(BadRecipe, match="hints are drawn by the processes that decode; set it to false"):
        Trainer(made, [folder], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_network_has_to_take_hints(small, folder, tmp_path):
    with pytest.raises(BadRecipe, match=r"set model\.settings\.hints = true"):
        Trainer(small(task={"name": "hints"}), [folder], tmp_path / "run")


@pytest.mark.slow
def test_training_moves_the_branch_alone_and_the_export_takes_hints(recipe, folder, tmp_path, monkeypatch):
    made = recipe(run={"steps": 4, "batch": 3, "eval_every": 2}, optim={"lr": 0.05})
    trainer = Trainer(made, [folder], tmp_path / "run", validation=[folder])
    before = {k: v.clone() for k, v in trainer.task.model.state_dict().items()}
    trainer.run()
    model = load_run(tmp_path / "run")[0]
    for name, value in model.state_dict().items():
        if not name.startswith("hint_branch."):
            assert torch.equal(value, before[name]), name
    assert not torch.equal(model.hint_branch.scores.weight, before["hint_branch.scores.weight"])

    card = export(tmp_path / "run", output=tmp_path / "hints.onnx")
    assert card.channels == 4
    again, _ = load_model(tmp_path / "hints.onnx")
    assert again.channels == 4
    graph = onnx.load(tmp_path / "hints.onnx").graph
    (choice,) = [node for node in graph.node if node.op_type == "If"]  # the branch costs nothing where it is not needed
    assert len(choice.attribute[0].g.node) > len(choice.attribute[1].g.node)
    colorizer = Colorizer(tmp_path / "hints.onnx", render_size=64, device="cpu")
    photo = np.random.default_rng(0).integers(0, 256, (80, 100), np.uint8)
    plain, runs = colorizer.colorize(photo), []
    scores = colorizer.network.scores
    monkeypatch.setattr(colorizer.network, "scores", lambda *given: runs.append(given) or scores(*given))
    hints = [Hint(50, 40, "red")]
    red = colorizer.colorize(photo, hints=hints)
    assert (red != plain).any()
    assert [len(given) for given in runs] == [3, 4]  # without the hints, and with them

    # What was told of the hints is not asked again, whatever else is wanted of it; what was not, is.
    light = from_array(photo).lightness()
    told = colorizer.scores(light, hints=hints)
    colored = colorizer.colorize_picture(from_array(photo), scores=told, hints=hints)
    np.testing.assert_array_equal(to_array(colored, photo.dtype), red)
    assert len(runs) == 4
    np.testing.assert_array_equal(
        colorizer.decode(colorizer.scores(light), light, hints=hints), colorizer.decode(told, light, hints=hints)
    )
    assert len(runs) == 6
