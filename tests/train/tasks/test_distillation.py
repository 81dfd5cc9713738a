"""The task that keeps an encoder's classes known while it learns colours: what it minimises, and what it refuses."""

import numpy as np
import pytest
import torch

from photochrom.color import lab_to_rgb
from photochrom.errors import BadRecipe
from photochrom.inference.bins import JointBins
from photochrom.models.classifier import ImageNetClassifier
from photochrom.models.encoders.efficientnet_lite import published_weights
from photochrom.models.photochrom import Photochrom, PhotochromSettings
from photochrom.train.loop import Trainer
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.runs import load_run
from photochrom.train.tasks.class_colors import ClassColorsTask
from photochrom.train.tasks.distillation import DistillationTask

CPU = torch.device("cpu")
BINS = JointBins.grid(np.clip(np.random.default_rng(0).normal(0, 35, (2000, 2)), -100, 95), 20)
NETWORK = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False, "frozen_stages": 5, "dropout": 0.0}


def recipe(kind="distillation", **sections):
    facts = {
        "task": {"name": kind, "settings": {"size": 64} | ({"weight": 0.25} if kind == "distillation" else {})},
        "model": {"name": "photochrom", "settings": NETWORK | {"class_colors": True}},
        "bins": {"kind": "joint", "step": 20.0},
        "data": {"size": 64, "workers": 0, "scale": [0.9, 1.0], "degrade": 0.0},
        "optim": {"name": "adamw", "lr": 1e-3, "encoder_lr": 0.1, "warmup": 1},
        "run": {"steps": 2, "batch": 4, "precision": "fp32", "log_every": 1, "eval_every": 100, "ema": 0.0},
    }
    return recipe_from_dict({k: facts.get(k, {}) | sections.get(k, {}) for k in facts.keys() | sections.keys()})


@pytest.fixture(scope="module")
def start(classless):
    return classless(NETWORK, BINS.n_scores)


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(1)
    light = torch.rand(3, 1, 8, 8, generator=generator) * 80 + 10
    ab = torch.randn(3, 2, 16, 16, generator=generator) * 20
    return torch.nn.functional.interpolate(light, (64, 64), mode="bilinear"), ab


def test_the_divergence_by_hand(start, batch):
    task = DistillationTask(recipe(), BINS, CPU)
    task.start_from(start)
    light, ab = batch
    plain = Photochrom(PhotochromSettings(**NETWORK), BINS.n_scores)
    plain.load_state_dict(start)
    plain.eval()
    public = published_weights("lite0")
    large = torch.nn.functional.interpolate(ab, (64, 64), mode="bilinear")
    with torch.no_grad():
        scores, world = plain.answer((light - 50) / 50)
        ours = (world @ public["_fc.weight"].T + public["_fc.bias"]).softmax(1)
        truth = ImageNetClassifier.pretrained("lite0")(lab_to_rgb(torch.cat([light, large], 1))).softmax(1)
        expected = (truth * (truth.log() - ours.log())).sum(1).mean()
        color = task.loss(scores, ab)
    task.model.eval()
    parts = task.objective(task.answer(light), ab, light)
    torch.testing.assert_close(parts["distillation"], expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(parts["loss"], color + 0.25 * expected, rtol=1e-3, atol=1e-4)
    parts["distillation"].backward()
    assert task.model.encoder.head.weight.grad.abs().max() > 0


def test_training_brings_the_classes_nearer_and_leaves_their_layer_alone(start, batch):
    task = DistillationTask(recipe(optim={"name": "adamw", "lr": 1e-3, "encoder_lr": 0.1, "warmup": 0}), BINS, CPU)
    task.start_from(start)
    classes = task.model.class_colors.classes.weight.clone()
    task.set_rate(0, 1.0)
    found = [float(task.step(batch, step)["distillation"]) for step in range(6)]
    assert found[-1] < 0.9 * found[0]
    assert torch.equal(task.model.class_colors.classes.weight, classes)
    assert not task.model.class_colors.scores.weight.any()


def test_the_colors_of_the_classes_are_asked_of_what_it_trained(start, folder, tmp_path):
    Trainer(recipe(), [folder], tmp_path / "run", init=(start, BINS)).run()
    network, *_ = load_run(tmp_path / "run")
    state = network.state_dict()
    changed = state["encoder.head.weight"] - start["encoder.head.weight"]
    assert changed.abs().max() > 0
    state["class_colors.scores.weight"] += 1  # of an older table nothing is kept
    task = ClassColorsTask(recipe("class_colors"), BINS, CPU)
    task.start_from(state)
    assert torch.equal(task.model.encoder.head.weight, state["encoder.head.weight"])
    assert not task.model.class_colors.scores.weight.any()


@pytest.mark.parametrize(
    "model", [{"settings": NETWORK}, {"name": "paper_cnn", "settings": {}}], ids=["no classes", "another network"]
)
def test_a_network_without_classes_is_refused(model):
    with pytest.raises(BadRecipe, match=r"model\.settings\.class_colors = true"):
        DistillationTask(recipe(model=model), BINS, CPU)


def test_a_weight_out_of_range_is_refused():
    wrong = {"task": {"settings": {"weight": 0}}}
    with pytest.raises(BadRecipe, match=r"task\.settings\.weight is 0(\.0)?; it must be above 0 and at most 100"):
        DistillationTask(recipe(**wrong), BINS, CPU)
