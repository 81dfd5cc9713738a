"""The task that teaches steadiness: its losses, what it leaves alone, what it refuses, and what becomes of a run."""

import shutil

import numpy as np
import pytest
import torch

from photochrom.errors import BadCheckpoint, BadRecipe
from photochrom.inference.card import seal
from photochrom.inference.model_files import packaged, read_card, read_model
from photochrom.losses.steadiness import mistrust, strays, unsteadiness
from photochrom.train.export import export, load_state
from photochrom.train.loop import Trainer
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.tasks.recurrent import RecurrentTask

CPU = torch.device("cpu")


@pytest.fixture
def make():
    """make(settings of the task, section={...})."""

    def made(settings=None, **sections):
        clips = {"frames": 3} | (settings or {}).pop("clips", {})
        facts = {
            "task": {"name": "recurrent", "settings": (settings or {}) | {"clips": clips}},
            "model": {"name": "recurrent", "settings": {"width": 4, "features": 4, "reach": 1}},
            "data": {"size": 32, "workers": 0},
            "optim": {"lr": 1e-2, "warmup": 0, "schedule": "constant"},
            "run": {"steps": 4, "batch": 2, "precision": "fp32", "log_every": 1, "eval_every": 100, "ema": 0.9},
        }
        return recipe_from_dict({k: facts.get(k, {}) | sections.get(k, {}) for k in facts.keys() | sections.keys()})

    return made


def task(recipe):
    torch.manual_seed(0)
    basis = RecurrentTask.basis(recipe, [], None)
    made = RecurrentTask(recipe, basis.bins, CPU, basis.center)
    made.set_rate(0, 1.0)
    return made


def test_a_step_by_hand(make, folder):
    made = task(make({"steadiness": 0.7, "motion": 3.0, "trust": 0.3}))
    batch = next(made.batches(made.entries([folder]), 0, 1))
    light, ab, motion, seen = batch
    with torch.no_grad():
        answers, looked = made.answered(light)
        frames = made.unrolled(made.model.train(), answers, looked)
        scores, _, trust, found = (torch.stack(parts, 1) for parts in zip(*frames, strict=True))
        color = made.loss(scores.flatten(0, 1), ab.flatten(0, 1))
        unsteady = unsteadiness(made.painted(scores, light), motion, seen)
        astray = strays(found, motion, seen, 1)
        doubt = mistrust(trust, found, motion, seen)
    before = [p.detach().clone() for p in made.model.parameters()]
    of_base = {k: v.clone() for k, v in made.answers.state_dict().items()}
    logged = made.step(batch, 0)
    assert logged["loss"].item() == pytest.approx((color + 0.7 * unsteady + 3 * astray + 0.3 * doubt).item(), rel=1e-5)
    assert [logged[k].item() for k in ("color", "unsteadiness", "astray", "mistrust")] == pytest.approx(
        [color.item(), unsteady.item(), astray.item(), doubt.item()], rel=1e-5
    )
    assert any(not torch.equal(a, b) for a, b in zip(before, made.model.parameters(), strict=True))
    assert all(torch.equal(v, of_base[k]) for k, v in made.answers.state_dict().items())


def test_the_base_answers_frame_by_frame(make, folder):
    made = task(make())
    light = next(made.batches(made.entries([folder]), 0, 1))[0]
    answers, looked = made.answered(light)
    torch.testing.assert_close(looked, (light - 50) / 50)
    torch.testing.assert_close(answers[1, 2], made.answers(looked[1, 2:3])[0], rtol=1e-3, atol=1e-4)
    assert torch.equal(made.unrolled(made.model, answers, looked)[0].scores, answers[:, 0])
    assert made.bins.to_dict() == load_state("default")[1].to_dict()


def test_it_learns_to_be_steady_and_to_find_its_way(make, folder, tmp_path, values):
    quiet = {"zoom": 0.0, "turn": 0.0, "patch": 0.0, "cut": 0.0, "grain": 0.0}
    recipe = make({"steadiness": 1.0, "clips": quiet}, run={"steps": 60, "batch": 4, "eval_every": 60})
    trainer = Trainer(recipe, [folder], tmp_path / "run", validation=[folder])
    trainer.run()
    log = {
        name: values(tmp_path / "run", name)
        for name in ("trust", "astray", "val_unsteadiness", "val_frame_unsteadiness")
    }
    assert log["trust"][60] > 2 * log["trust"][1]
    assert np.mean(list(log["astray"].values())[-10:]) < np.mean(list(log["astray"].values())[:10])
    assert log["val_unsteadiness"][60] < 0.8 * log["val_frame_unsteadiness"][60]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_is_the_run_that_was_not_stopped(make, folder, tmp_path, precision, resumed):
    recipe = make(run={"precision": precision, "log_every": 2, "checkpoint_every": 3})
    one = resumed(recipe, 3)
    assert not any(k.startswith("answers") for k in one)


def test_another_base_under_the_same_name_is_refused(make, folder, tmp_path):
    own = tmp_path / "own.onnx"
    shutil.copy(packaged()["default"], own)
    recipe = make({"base": str(own)})
    Trainer(recipe, [folder], tmp_path / "run", max_steps=1).run()
    digest = read_card(own.read_bytes(), "own").digest.encode()
    blank = own.read_bytes().replace(b'"digest": "' + digest, b'"digest": "' + b"0" * 64)
    own.write_bytes(seal(blank.replace(b'"name": "default"', b'"name": "another"')))
    with pytest.raises(BadCheckpoint, match=r"the run was started with another '.*own\.onnx' \(task\.settings\.base\)"):
        Trainer(recipe, [folder], tmp_path / "run")


def test_the_exported_file_says_whose_answers_it_makes_steady(make, folder, tmp_path):
    Trainer(make(), [folder], tmp_path / "run", max_steps=2).run()
    card = export(tmp_path / "run", output=tmp_path / "steady.onnx")
    theirs = load_state("default")[2]
    assert card.steadies == {"name": "default", "digest": theirs.digest}
    assert (card.architecture, card.bins, card.l_center, card.stride) == ("recurrent", theirs.bins, 50.0, 4)
    assert card.training["steps"] == 2
    assert read_card(*read_model(tmp_path / "steady.onnx")).steadies == card.steadies
    state = load_state(tmp_path / "steady.onnx")[0]
    again = Trainer(make(), [folder], tmp_path / "again", init=(state, None))
    assert torch.equal(again.task.model.gates.weight, state["gates.weight"])


@pytest.mark.parametrize(
    ("settings", "sections", "message"),
    [
        ({"steadiness": -1.0}, {}, "task.settings.steadiness is -1.0; it must be at least 0"),
        (
            {},
            {"model": {"name": "photochrom", "settings": {"pretrained": False}}},
            "model.name is 'photochrom'; the task",
        ),
        ({}, {"data": {"soften": 0.5}}, "data.soften is not used by the task recurrent; remove it"),
        ({}, {"data": {"size": 30}}, "data.size is 30; for this model it must be a multiple of 4"),
        ({}, {"run": {"accumulate": 2}}, "run.accumulate is 2; it must be 1 for the task recurrent"),
        (
            {},
            {"task": {"name": "supervised", "settings": {}}},
            "model.name is 'recurrent', which is trained by the task 're",
        ),
        ({"clips": {"speed": 1}}, {}, "task.settings.clips.speed is not a setting"),
    ],
)
def test_what_does_not_go_together_is_named(make, folder, tmp_path, settings, sections, message):
    with pytest.raises(BadRecipe) as error:
        Trainer(make(settings, **sections), [folder], tmp_path / "run")
    assert str(error.value).startswith(message)
    assert not (tmp_path / "run").exists()


def test_a_base_without_bins_is_refused(make, folder, tmp_path, monkeypatch):
    state, _, card = load_state("default")
    monkeypatch.setattr("photochrom.train.tasks.recurrent.load_state", lambda name: (state, None, card))
    with pytest.raises(BadRecipe, match=r"task\.settings\.base is 'default', which has no bins"):
        Trainer(make(), [folder], tmp_path / "run")
