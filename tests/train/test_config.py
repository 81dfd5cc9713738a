"""Recipes: each shipped one trains, and what is wrong in one is named."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from photochrom.errors import BadRecipe
from photochrom.models import models
from photochrom.train.config import Recipe, load_recipe, recipe_dict, recipe_from_dict, recipe_text
from photochrom.train.loop import Trainer

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
SMALL = ("data.size=32", "data.workers=0", "run.batch=2", "run.accumulate=1", "run.steps=2", "bins.samples=4")


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_trains(path, folder, tmp_path):
    small = SMALL
    settings = models[load_recipe(path).model.name].Settings
    if any(f.name == "pretrained" for f in dataclasses.fields(settings)):
        small += ("model.settings.pretrained=false",)
    trainer = Trainer(load_recipe(path, small), [folder], tmp_path / "run")
    losses = []
    trainer.run(lambda progress: losses.append(progress.loss))
    assert trainer.step == 2
    assert losses[0] > 0
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "a.toml"

    def write(text):
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[optim]\nwarm_up = 1", "optim.warm_up is not a setting; did you mean optim.warmup?"),
        ("[optin]\nlr = 1", "optin is not a setting; did you mean optim?"),
        ("optim = 3", "optim must be a table of settings, not 3"),
        ("[optim]\nlr = 11.0", "optim.lr is 11.0; it may be above 0 to 10"),
        ("[optim]\nlr = nan", "optim.lr is nan; it may be above 0 to 10"),
        ("[optim]\nname = 'lion'", "optim.name is 'lion'; it may be adamw, adam, nadam, sgd"),
        ("[optim]\nbetas = [0.9, 1]", "optim.betas is (0.9, 1.0); it may be two rates from 0 to under 1"),
        ("[optim]\nschedule = 'step'", "optim.schedule is 'step'; it may be constant, cosine, plateau"),
        ("[optim]\nfactor = 1", "optim.factor is 1.0; it may be between 0 and 1"),
        ("[bins]\nkind = 'cube'", "bins.kind is 'cube'; it may be joint, equal, quantile"),
        ("[bins]\ncount = 1", "bins.count is 1; it may be 2 to 1000"),
        ("[loss]\nsmoothing = 0", "loss.smoothing is 0.0; it may be above 0 to 1"),
        ("[data]\nsize = 8", "data.size is 8; it may be 16 to 2048"),
        ("[data]\nscale = [0.9, 0.1]", "data.scale is (0.9, 0.1); it may be two rising shares above 0 to 1"),
        ("[run]\nsteps = 0", "run.steps is 0; it may be 1 or more"),
        ("[run]\nbatch = 10\naccumulate = 3", "run.accumulate is 3; it may be a divisor of run.batch"),
        ("[run]\nseed = -1", "run.seed is -1; it may be 0 or more, under 2^63"),
        ("[run]\nema = 1", "run.ema is 1.0; it may be 0 to under 1"),
        ("[run]\nprecision = 'fp8'", "run.precision is 'fp8'; it may be fp32, bf16"),
        (
            "[decode]\ndecoder = 'best'",
            "decode.decoder is 'best'; it may be annealed_mean, argmax, mean, sample",
        ),
        ("[decode]\nvividness = 2", "decode.vividness is 2.0; it may be 0 to 1"),
    ],
)
def test_what_is_wrong_is_named(recipe, text, message):
    path = recipe(text)
    with pytest.raises(BadRecipe) as error:
        load_recipe(path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("settings", ["widths = [1]", "encoder = 'lite7'", "depth = 3"])
def test_a_models_own_settings_are_checked(recipe, settings, folder, tmp_path):
    made = load_recipe(recipe(f"[model.settings]\npretrained = false\n{settings}"))
    with pytest.raises(BadRecipe, match=r"^model\.(settings\.)?" + settings.split()[0]):
        Trainer(made, [folder], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_files_that_are_no_recipes(recipe, tmp_path):
    with pytest.raises(BadRecipe, match=r"nowhere\.toml: the recipe cannot be read \(No such file or directory\)"):
        load_recipe(tmp_path / "nowhere.toml")
    with pytest.raises(BadRecipe, match="the recipe cannot be read"):
        load_recipe(tmp_path)
    with pytest.raises(BadRecipe, match="not a TOML file"):
        load_recipe(recipe("[optim"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRecipe, match="not a TOML file"):
        load_recipe(tmp_path / "binary.toml")


def test_overrides_take_toml_or_text(recipe):
    made = load_recipe(
        recipe("[optim]\nlr = 0.5"),
        (
            "optim.lr=1e-3",
            "data.scale=[0.5, 0.75]",
            "data.flip=false",
            "model.settings.encoder=lite1",
            "optim.name='sgd'",
            "title=größer",
        ),
    )
    assert made.optim.lr == 1e-3
    assert made.data.scale == (0.5, 0.75)
    assert made.data.flip is False
    assert made.model.settings == {"encoder": "lite1"}
    assert made.optim.name == "sgd"
    assert made.title == "größer"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optim.lr", "'optim.lr' sets nothing; write it as section.name=value"),
        ("=3", "'=3' sets nothing; write it as section.name=value"),
        ("optim.lr.x=3", "'optim.lr.x=3': lr is not a section of the recipe"),
        ("optim.rl=3", "optim.rl is not a setting; did you mean optim.lr?"),
        ("run.steps=many", "run.steps is 'many'; it must be a whole number"),
        ("run.steps=", "run.steps is ''; it must be a whole number"),
    ],
)
def test_overrides_that_are_wrong(recipe, override, message):
    with pytest.raises(BadRecipe) as error:
        load_recipe(recipe("[optim]\nlr = 0.5"), (override,))
    assert str(error.value).removeprefix(str(recipe("")) + ": ") == message


@pytest.mark.parametrize("path", [None, *RECIPES], ids=str)
def test_text_there_and_back(path):
    made = load_recipe(path) if path else Recipe()
    assert recipe_from_dict(tomllib.loads(recipe_text(made))) == made
    assert recipe_from_dict(recipe_dict(made)) == made


def test_text_of_odd_values():
    odd = 'ä "quoted" \\ \n\t\x01\x7f 😀'
    made = recipe_from_dict(
        {"title": odd, "model": {"settings": {"name": odd, "on": True, "list": [1, 2.5e-9]}}, "optim": {"lr": 1e-7}}
    )
    assert recipe_from_dict(tomllib.loads(recipe_text(made))) == made
