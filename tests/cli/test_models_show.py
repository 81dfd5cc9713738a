"""`photochrom models show`: what is printed for a network and for a recipe, and what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

import photochrom
from photochrom.cli import main

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def call(capsys):
    def run(*argv):
        with pytest.raises(SystemExit) as caught:
            main([str(token) for token in argv])
        out, err = capsys.readouterr()
        return caught.value.code, out.splitlines(), err

    return run


def test_a_network_by_its_name(call):
    status, lines, err = call("models", "show", "baseline")
    assert (status, err) == (0, "")
    assert lines[0] == "baseline at 32 x 32 pixels, 2 outputs"
    rows = [line.split() for line in lines]
    assert ["layer", "kind", "gives", "parameters", "multiply-adds"] in rows
    assert ["layers.0.conv", "Conv2d", "32", "x", "28", "x", "28", "832", "627200"] in rows
    assert ["layers.0.act", "ReLU", "32", "x", "28", "x", "28"] in rows
    assert ["head.full", "Linear", "2048", "6555648", "6553600"] in rows
    assert lines[-1] == "6,620,760 parameters, 41,792,000 multiply-adds"


def test_a_recipe_gives_settings_and_outputs(call):
    small = ["model.settings.channels=[1, 1, 1, 1, 1, 1, 1, 1, 1]", "model.settings.kernel=7"]
    changes = [word for text in small for word in ("--set", text)]
    status, lines, err = call("models", "show", RECIPES / "cnn-ce10.toml", *changes)
    assert (status, err) == (0, "")
    assert lines[0] == "paper_cnn at 64 x 64 pixels, 20 outputs"
    head = 10 * 10 * 64 * 64 * 20
    parameters = 9 * (49 + 1) + 9 * 2 + head + 64 * 64 * 20
    work = 49 * sum(side**2 for side in (58, 52, 46, 40, 34, 28, 22, 16, 10)) + head
    assert lines[-1] == f"{parameters:,} parameters, {work:,} multiply-adds"


def test_the_joint_codebook_is_counted_whole(call):
    assert call("models", "show", RECIPES / "cnn-ce-joint.toml")[1][0].endswith("77 outputs")


def test_a_packaged_model_is_shown_at_its_render_size(call):
    status, lines, err = call("models", "show", "default")
    card = photochrom.available_models()["default"]
    assert (status, err) == (0, "")
    assert lines[0] == f"ensemble at {card.render_size} x {card.render_size} pixels, {card.codebook().n_scores} outputs"
    assert lines[-1].startswith(f"{card.parameters:,} parameters, ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["papercnn"], "no model is called 'papercnn'; did you mean 'paper_cnn'?"),
        (["gone.toml"], "gone.toml: the recipe cannot be read (No such file or directory)"),
        (["baseline", "--set", "a=1"], "--set changes a recipe, and 'baseline' is not one; name a .toml file"),
        ([RECIPES / "cnn-ce10.toml", "--set", "data.size=32"], "data.size is 32; for this model it must be 64"),
        ([RECIPES / "cnn-ce10.toml", "--set", "model.settings.kernel=9"], "the map shrinks to nothing"),
        ([], "photochrom models show needs NETWORK"),
    ],
)
def test_what_is_wrong_gets_one_line(call, argv, message):
    status, lines, err = call("models", "show", *argv)
    assert (status, lines, err.count("\n")) == (2, [], 1)
    assert err.startswith("photochrom: ")
    assert message in err


def test_the_list_is_still_there_and_neither_it_nor_the_help_needs_torch():
    code = """
import sys
sys.modules["torch"] = None
from photochrom.cli import main
for argv in (["models"], ["models", "--help"], ["models", "show", "--help"], ["models", "show", "baseline"]):
    try:
        main(argv)
    except SystemExit as end:
        print("status", end.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("status")] == ["status 0"] * 3 + ["status 1"]
    assert done.stdout.startswith("default  ")
    assert done.stderr == (
        "photochrom: showing a network's layers needs the extra 'train'; "
        "install it from the clone with: pip install '.[train]'\n"
    )
