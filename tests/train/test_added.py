"""Losses with settings of their own, and losses beside the main one: a line of the recipe each, also from outside."""

import pytest
import torch
from torch.nn import functional as F

from photochrom.errors import BadRecipe, UnknownName
from photochrom.inference.bins import ChannelBins
from photochrom.losses import losses
from photochrom.train.added import AddedLosses
from photochrom.train.build import build_loss
from photochrom.train.loop import Trainer
from photochrom.train.recipe import load_recipe, recipe_from_dict, recipe_text
from photochrom.train.runs import load_run
from photochrom.train.task import resolved, tasks

SMALL = {
    "model": {"name": "paper_cnn", "settings": {"size": 32, "channels": [3, 2], "order": "act"}},
    "data": {"size": 32, "workers": 0},
    "run": {"steps": 2, "batch": 2, "precision": "fp32", "ema": 0.0, "log_every": 1},
}
# One file of another distribution: how strongly colours change where L does not.
OUTSIDE = """
from dataclasses import dataclass
from torch import nn
from photochrom.losses import losses

@dataclass(frozen=True)
class Settings:
    power: int = 1

@losses.register("ripple")
class Ripple(nn.Module):
    classifies = False
    sees_light = True
    Settings = Settings

    def __init__(self, settings):
        super().__init__()
        self.power = settings.power

    def forward(self, output, ab, light):
        flat = (light[..., 1:] == light[..., :-1]).float()
        return ((output[..., 1:] - output[..., :-1]).abs() ** self.power * flat).mean()
"""


def recipe(loss, **sections):
    return resolved(recipe_from_dict(SMALL | {"loss": loss} | sections))


def values(q=2):
    generator = torch.Generator().manual_seed(0)
    output, ab = torch.randn(2, q, 8, 8, generator=generator) / 4, 30 * torch.randn(2, 2, 8, 8, generator=generator)
    return output, ab, torch.full((2, 1, 8, 8), 50.0)


@pytest.fixture
def ripple(plugged_in):
    """The loss of another distribution, installed for one test."""
    plugged_in(losses, OUTSIDE)


def test_a_loss_has_settings_of_its_own():
    output, ab, _ = values()
    for bend in (1.0, 20.0):
        loss = build_loss(recipe({"name": "smooth_l1", "settings": {"bend": bend}}), None)
        expected = F.smooth_l1_loss(output * 110, ab, beta=bend) / 110
        torch.testing.assert_close(loss(output, ab), expected)
    assert recipe({"name": "smooth_l1"}).loss.settings == {"bend": 1.0}


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            {"name": "smooth_l1", "settings": {"bent": 1}},
            r"loss.settings.bent is not a setting; did you mean loss.settings.b",
        ),
        ({"name": "smooth_l1", "settings": {"bend": 0}}, "smooth_l1's bend is 0.0; it must be above 0 and at most 110"),
        ({"name": "l2", "settings": {"bend": 1}}, "loss.settings.bend is not a setting; there are: none"),
        ({"added": [{"name": "l1", "weight": 0}]}, "loss.added.weight is 0.0; it must be above 0 and at most 1000000"),
        ({"added": [{"name": "l1"}, {"name": "l1"}]}, "it must be a list of different losses"),
        (
            {"added": [{"name": "l2", "settings": {"x": 1}}]},
            r"loss.added\[0\].settings.x is not a setting; there are: none",
        ),
        ({"added": [{"nam": "l2"}]}, r"loss.added\[0\].nam is not a setting; did you mean loss.added\[0\].name"),
    ],
)
def test_settings_that_are_wrong_are_named(loss, message):
    with pytest.raises(BadRecipe, match=message):
        recipe(loss)


def test_an_added_loss_counts_by_its_weight_and_is_logged_without():
    output, ab, light = values()
    made = recipe({"name": "l2", "added": [{"name": "l1", "weight": 0.25}, {"name": "smooth_l1", "weight": 2.0}]})
    added = AddedLosses(made, None)
    parts = added.joined(build_loss(made, None)(output, ab), added(output, ab, light))
    wanted = ab / 110
    torch.testing.assert_close(parts["l1"], F.l1_loss(output, wanted))
    total = F.mse_loss(output, wanted) + 0.25 * parts["l1"] + 2 * parts["smooth_l1"]
    torch.testing.assert_close(parts["loss"], total)
    assert list(parts) == ["loss", "l1", "smooth_l1"]


def test_beside_bins_a_loss_on_ab_sees_the_colours_that_are_shown(folder):
    from photochrom.train.codebook import measure_basis

    how = {"decoder": "mean", "vividness": 0.0, "saturation": 2.0}
    made = recipe({"rebalance": 0.0, "added": [{"name": "l2"}]}, decode=how)
    bins = measure_basis(made, tasks["supervised"].entries([folder]), None).bins
    output, ab, light = values(bins.n_scores)
    output.requires_grad_()
    colors = 2 * torch.einsum("nqhw,qc->nchw", output.softmax(1), torch.tensor(bins.values, dtype=torch.float32))
    found = AddedLosses(made, bins)(output, ab, light)["l2"]
    torch.testing.assert_close(found, F.mse_loss(colors / 110, ab / 110))
    found.backward()
    assert output.grad.abs().sum() > 0


def test_what_cannot_be_added_is_said(folder):
    entries = [{"name": "l1"}]
    with pytest.raises(BadRecipe, match=r"loss.added\[0\].name is 'l1', a loss on ab; bins.kind must be joint then"):
        AddedLosses(recipe({"added": entries}, bins={"kind": "equal"}), ChannelBins.equal_width(10))
    with pytest.raises(BadRecipe, match="the loss 'cross_entropy' is over bins, and the recipe's loss 'l2' has none"):
        AddedLosses(recipe({"name": "l2", "added": [{"name": "cross_entropy"}]}), None)
    with pytest.raises(UnknownName, match="no loss is called 'l3'; did you mean"):
        recipe({"name": "l2", "added": [{"name": "l3"}]})
    unet = {"name": "unet", "settings": {"size": 32, "width": 4, "dropped": 2}}
    gan = recipe({"name": "l1", "added": [{"name": "l2"}]}, task={"name": "adversarial"}, model=unet)
    with pytest.raises(BadRecipe, match=r"loss.added has entries; with the task 'adversarial' it must have none"):
        tasks["adversarial"](gan, None, torch.device("cpu"))


@pytest.mark.usefixtures("ripple")
def test_a_loss_from_outside_is_a_file_and_lines_of_a_recipe(folder, tmp_path):
    text = recipe_text(recipe_from_dict(SMALL | {"loss": {"name": "l2"}}))
    path = tmp_path / "recipe.toml"
    path.write_text(
        text.replace("added = []\n", "") + '\n[[loss.added]]\nname = "ripple"\nweight = 3.0\nsettings.power = 2\n'
    )
    made = load_recipe(path)
    assert [(entry.name, entry.weight, entry.settings) for entry in made.loss.added] == [("ripple", 3.0, {"power": 2})]
    output, ab, light = values()
    step = (output[..., 1:] - output[..., :-1]).square().mean()
    torch.testing.assert_close(AddedLosses(resolved(made), None)(output, ab, light)["ripple"], step)
    Trainer(made, [folder], tmp_path / "run").run()
    log = (tmp_path / "run" / "log.csv").read_text()
    assert log.count(",ripple,") == 2
    again = load_recipe(tmp_path / "run" / "recipe.toml")
    assert again == resolved(made) == load_run(tmp_path / "run")[2]
    with pytest.raises(BadRecipe, match=r"it holds a run of another recipe \(loss.added was"):
        Trainer(load_recipe(path, ("loss.added=[]",)), [folder], tmp_path / "run")
    with pytest.raises(BadRecipe, match=r"loss.name is 'ripple', which only works beside another loss"):
        build_loss(recipe({"name": "ripple"}), None)
