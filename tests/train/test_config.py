"""Recipes: each shipped one trains, and what is wrong in one is named."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from photochrom._support.settings import to_dict
from photochrom.errors import BadRecipe
from photochrom.inference.bins import JointBins
from photochrom.models.photochrom import Photochrom, PhotochromSettings
from photochrom.train.config import ModelConfig, Recipe
from photochrom.train.loop import Trainer
from photochrom.train.recipe import load_recipe, recipe_dict, recipe_from_dict, recipe_text

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
SMALL = ("data.workers=0", "data.weights={}", "run.batch=2", "run.accumulate=1", "run.steps=2", "bins.samples=4")
# The networks as small as they can be; the real fully connected layers have up to 321 million weights.
NETWORKS = {
    "photochrom": ("data.size=32", "model.settings.pretrained=false"),
    "ensemble": ("data.size=32",),
    "initial": ("data.size=32",),
    "recurrent": ("data.size=32", "model.settings.width=4", "task.settings.clips.frames=3"),
    "unet": ("data.size=32", "model.settings.size=32", "model.settings.width=4", "model.settings.dropped=2"),
    "cyclegan": ("data.size=32", "model.settings.width=4", "model.settings.blocks=1"),
    "baseline": ("data.size=16", "model.settings.size=16", "model.settings.channels=[2, 2, 1]"),
    "paper_cnn": ("data.size=38", "model.settings.size=38", "model.settings.channels=[2, 2, 2, 2, 2, 2, 2, 2, 1]"),
}


def test_there_are_recipes():
    assert RECIPES


def start_of(recipe):
    """What the recipe starts from, if it cannot do without: a network with a published encoder."""
    if recipe.task.name != "class_colors" and recipe.model.name != "initial":
        return {}
    bins = JointBins.grid(np.random.default_rng(0).normal(0, 30, (500, 2)), recipe.bins.step)
    network = Photochrom(
        PhotochromSettings(widths=recipe.model.settings.get("widths", (32, 16, 8)), encoder="lite0"), bins.n_scores
    )
    network.load_pretrained()
    model = ModelConfig("photochrom", to_dict(network.settings))
    return {"init": (network.state_dict(), bins), "initial": Recipe(model=model)}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
@pytest.mark.slow
def test_a_shipped_recipe_trains(path, folder, tmp_path):
    made = load_recipe(path)
    judge = ("task.settings.discriminator.layers=1",) if made.task.name == "adversarial" else ()
    small = load_recipe(path, SMALL + NETWORKS[made.model.name] + judge)
    trainer = Trainer(small, [folder], tmp_path / "run", **start_of(small))
    losses = []
    trainer.run(lambda progress: losses.append(progress.loss))
    assert trainer.step == 2
    assert losses[0] > 0 or made.task.name == "class_colors"  # whose loss begins at 0 and falls
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def study(name, *overrides):
    return load_recipe(RECIPES[0].with_name(f"{name}.toml"), overrides)


PAPER = [path for path in RECIPES if path.stem.startswith(("cnn-", "baseline-"))]


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_the_papers_hyperparameters(path):
    made = load_recipe(path)
    optim, run, data = made.optim, made.run, made.data
    assert optim.betas == (0.9, 0.999)
    assert optim.lr == (1.0 if path.stem == "cnn-ce10-sgd" else 1e-3)
    assert (optim.schedule, optim.factor, optim.lr_end) == ("plateau", 0.1, 0.1)
    assert (optim.warmup, optim.weight_decay, optim.clip) == (0, 0, 0)
    pictures, size = (2000, 32) if path.stem == "baseline-cifar" else (10_000, 64)
    assert (run.batch, run.steps, run.eval_every) == (250, 200 * pictures // 250, pictures // 250)
    assert (run.ema, made.decode.mirror) == (0, False)
    assert (data.size, data.whole, data.flip, data.degrade, data.soften) == (size, True, False, 0, 0)
    if made.loss.name == "cross_entropy":
        assert made.bins.sigma == 0
        assert made.decode.vividness == made.loss.rebalance, "nothing is added to the scores that were trained"


def test_the_recipes_differ_from_the_final_model_as_their_names_say():
    def without_title(name):
        return recipe_dict(study(name)) | {"title": ""}

    final = without_title("cnn-ce10")
    assert final["bins"] == {"kind": "equal", "count": 10, "step": 10.0, "sigma": 0.0, "samples": 2000}
    assert (final["decode"]["decoder"], final["model"]["settings"]) == ("argmax", {})
    for name, section, changed in (
        ("cnn-ce30", "bins", {"count": 30}),
        ("cnn-ce50", "bins", {"count": 50}),
        ("cnn-ce10-quantile", "bins", {"kind": "quantile"}),
        ("cnn-ce10-nadam", "optim", {"name": "nadam"}),
        ("cnn-ce10-sgd", "optim", {"name": "sgd", "lr": 1.0}),
        ("cnn-ce10-mean-subtracted", "data", {"subtract_mean": True}),
        ("cnn-ce10-leaky", "model", {"settings": {"activation": "leaky_relu"}}),
        ("cnn-ce10-prelu", "model", {"settings": {"activation": "prelu"}}),
        ("cnn-ce10-rrelu", "model", {"settings": {"activation": "rrelu"}}),
        ("cnn-ce10-elu", "model", {"settings": {"activation": "elu"}}),
        ("cnn-ce10-tanh", "model", {"settings": {"activation": "tanh"}}),
        ("cnn-ce10-norm-first", "model", {"settings": {"order": "norm-act"}}),
        ("cnn-ce10-no-norm", "model", {"settings": {"order": "act"}}),
        ("cnn-ce10-kernel3", "model", {"settings": {"kernel": 3}}),
        ("cnn-ce10-kernel7", "model", {"settings": {"kernel": 7, "padding": 1}}),
    ):
        assert without_title(name) == final | {section: final[section] | changed}, name
    plain = without_title("cnn-l2")
    dropout = {"model": plain["model"] | {"settings": {"dropout": 0.6}}}
    assert without_title("cnn-l2-dropout") == plain | dropout
    assert without_title("cnn-smooth-l1") == plain | {"loss": plain["loss"] | {"name": "smooth_l1"}}


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
        ("[optim]\nlr = 11.0", "optim.lr is 11.0; it must be above 0 and at most 10"),
        ("[optim]\nlr = nan", "optim.lr is nan; it must be above 0 and at most 10"),
        ("[optim]\nweight_decay = inf", "optim.weight_decay is inf; it must be finite"),
        ("[optim]\nname = 'lion'", "optim.name is 'lion'; it must be adamw, adam, nadam or sgd"),
        ("[optim]\nbetas = [0.9, 1]", "optim.betas is (0.9, 1.0); it must be two rates of at least 0 and below 1"),
        ("[optim]\nschedule = 'step'", "optim.schedule is 'step'; it must be constant, cosine or plateau"),
        ("[optim]\nfactor = 1", "optim.factor is 1.0; it must be above 0 and below 1"),
        ("[bins]\nkind = 'cube'", "bins.kind is 'cube'; it must be joint, equal or quantile"),
        ("[bins]\ncount = 1", "bins.count is 1; it must be between 2 and 1000"),
        ("[loss]\nsmoothing = 0", "loss.smoothing is 0.0; it must be above 0 and at most 1"),
        ("[data]\nsize = 8", "data.size is 8; it must be between 16 and 2048"),
        ("[data]\nscale = [0.9, 0.1]", "data.scale is (0.9, 0.1); it must be two rising shares above 0 and at most 1"),
        ("[run]\nsteps = 0", "run.steps is 0; it must be at least 1"),
        ("[run]\nbatch = 10\naccumulate = 3", "run.accumulate is 3; it must be a divisor of run.batch"),
        ("[run]\nseed = -1", "run.seed is -1; it must be at least 0 and below 9223372036854775808"),
        ("[run]\nema = 1", "run.ema is 1.0; it must be at least 0 and below 1"),
        ("[run]\nprecision = 'fp8'", "run.precision is 'fp8'; it must be auto, fp32 or bf16"),
        (
            "[decode]\ndecoder = 'best'",
            "decode.decoder is 'best'; it must be annealed_mean, argmax, mean, sample or tilted",
        ),
        ("[decode]\nvividness = 2", "decode.vividness is 2.0; it must be between 0 and 1"),
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
        {
            "title": odd,
            "model": {"settings": {"name": odd, "on": True, "list": [1, 2.5e-9]}},
            "optim": {"lr": 1e-7},
            "data": {"weights": {"my photos": 2.0, odd: 0.5}},
        }
    )
    assert recipe_from_dict(tomllib.loads(recipe_text(made))) == made
