"""The task: a small network learns to answer as a larger model does."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from photochrom.errors import BadRecipe, UnknownName
from photochrom.inference.bins import JointBins
from photochrom.train.export import export, load_model
from photochrom.train.loop import Trainer
from photochrom.train.recipe import load_recipe, recipe_from_dict
from photochrom.train.tasks.student import StudentTask

CPU = torch.device("cpu")
NETWORK = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False, "frozen_stages": 5, "dropout": 0.0}


def recipe(teacher, weight=1.0, task="student", **sections):
    settings = {"teacher": str(teacher), "weight": weight} if task == "student" else {}
    facts = {
        "task": {"name": task, "settings": settings},
        "model": {"name": "photochrom", "settings": NETWORK},
        "bins": {"kind": "joint", "step": 20.0, "samples": 4},
        "loss": {"name": "cross_entropy", "rebalance": 0.5},
        "data": {"size": 32, "workers": 0},
        "optim": {"name": "adamw", "lr": 2e-2, "warmup": 1, "schedule": "constant"},
        "run": {"steps": 2, "batch": 4, "precision": "fp32", "log_every": 1, "eval_every": 100, "ema": 0.0},
    }
    return recipe_from_dict({k: facts.get(k, {}) | sections.get(k, {}) for k in facts.keys() | sections.keys()})


@pytest.fixture
def teacher(tmp_path, folder):
    """A run of two steps whose answers are far from even."""
    run = tmp_path / "teacher"
    trainer = Trainer(recipe("", task="supervised", bins={"step": 25.0}), [folder], run)
    torch.nn.init.normal_(trainer.task.model.scores.weight, std=0.5)
    trainer.run()
    return run


def batch(size=32):
    generator = torch.Generator().manual_seed(0)
    light = torch.rand(3, 1, size, size, generator=generator) * 100
    return light, torch.randn(3, 2, size // 4, size // 4, generator=generator) * 30


def made(teacher, **settings):
    bins = load_model(teacher)[1].codebook()
    return StudentTask(recipe(teacher, **settings), bins, CPU)


def test_the_divergence_by_hand(teacher):
    task = made(teacher, weight=0.25)
    task.model.eval()
    light, ab = batch()
    network, _ = load_model(teacher)
    with torch.no_grad():
        output = task.model((light - 50) / 50)
        ours, wanted = (each.double().softmax(1) for each in (output, network((light - 50) / 50)))
        expected = (wanted * (wanted / ours).log()).sum(1).mean().float()
        truth = task.loss(output, ab)
    parts = task.objective(task.answer(light), ab, light)
    assert expected > 0.1
    torch.testing.assert_close(parts["divergence"], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(parts["loss"], truth + 0.25 * expected, rtol=1e-4, atol=1e-5)


def test_learns_the_teachers_answers_and_the_teacher_learns_nothing(teacher):
    torch.manual_seed(0)
    task = made(teacher, weight=10.0)
    before = {k: v.clone() for k, v in task.teacher.network.state_dict().items()}
    found = [float(task.step(batch(), step)["divergence"]) for step in range(12)]
    assert found[-1] < 0.7 * found[0]
    assert list(task.networks) == ["model"]
    assert all(torch.equal(v, before[k]) for k, v in task.teacher.network.state_dict().items())


def test_nothing_is_left_to_learn_from_itself(teacher):
    task = made(teacher)
    task.model.load_state_dict(task.teacher.network.state_dict())
    task.model.eval()
    light, ab = batch()
    with torch.no_grad():
        parts = task.objective(task.answer(light), ab, light)
    assert float(parts["divergence"]) == pytest.approx(0, abs=1e-6)


def test_a_run_takes_the_teachers_bins_and_resumes(teacher, folder, tmp_path, resumed):
    resumed(recipe(teacher), 1)
    export(tmp_path / "whole", output=tmp_path / "student.onnx")
    bins = [load_model(model)[1].codebook().to_dict() for model in (teacher, tmp_path / "student.onnx")]
    assert bins[0] == bins[1]


def test_the_packaged_recipe_fits_the_default_model():
    fast = load_recipe(Path(__file__).parents[3] / "recipes/fast.toml")
    fast = replace(fast, data=replace(fast.data, weights={}))
    basis = StudentTask.basis(fast, [], None)
    assert StudentTask(fast, basis.bins, CPU).teacher.card.name == "default"


def test_what_cannot_be_is_said(teacher, folder, tmp_path):
    bins = load_model(teacher)[1].codebook()
    other = JointBins.grid(bins.values[:9].astype(float), 40)
    with pytest.raises(BadRecipe, match=r"teacher is '.*teacher', whose bins are not those of the network"):
        StudentTask(recipe(teacher), other, CPU)
    with pytest.raises(BadRecipe, match=r"weights to start from do not have the bins of task\.settings\.teacher"):
        StudentTask.basis(recipe(teacher), [], ({}, other))
    with pytest.raises(BadRecipe, match=r"data\.size is 36; task\.settings\.teacher '.*' takes multiples of 32"):
        StudentTask(recipe(teacher, data={"size": 36}), bins, CPU)
    with pytest.raises(UnknownName, match=r"no model is called '.*none'"):
        StudentTask.basis(recipe(tmp_path / "none"), [], None)


def test_a_teacher_without_a_distribution_is_refused(folder, tmp_path):
    plain = recipe("", task="supervised", loss={"name": "l2", "rebalance": 0.0})
    Trainer(plain, [folder], tmp_path / "l2").run()
    with pytest.raises(BadRecipe, match=r"task\.settings\.teacher is '.*l2', which has no joint bins"):
        StudentTask.basis(recipe(tmp_path / "l2"), [], None)
