"""From the packaged model to one's own, by the commands that the README shows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom.cli import main
from photochrom.inference.model_files import packaged, read_card
from photochrom.train.log import series
from photochrom.train.recipe import load_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "finetune.toml"


def run(*argv):
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in argv])
    return caught.value.code


def test_fine_tune_export_and_colour(folder, tmp_path, drawn, capfd, traced_once):
    small = [
        "data.size=32",
        "data.workers=0",
        "run.batch=2",
        "run.steps=4",
        "run.precision=fp32",
        "decode.render_size=32",
    ]
    settings = [word for setting in small for word in ("--set", setting)]
    train = ["train", RECIPE, "--init", "default", "--data", folder, "--out", tmp_path / "run", *settings]
    assert run(*train, "--max-steps", 2) == 0
    said = capfd.readouterr().err
    assert "step 2 reached" in said
    assert "to see whether it gained anything over default, train with --val PICTURES" in said
    assert run(*train, "--val", folder / "0.png") == 0
    assert "step 2 of 4" in capfd.readouterr().err
    assert run(*train) == 0
    assert "already reached" in capfd.readouterr().err

    model = tmp_path / "mine.onnx"
    with traced_once():
        assert run("export", tmp_path / "run", "-o", model) == 0
    card = read_card(model.read_bytes(), "mine.onnx")
    default = read_card(packaged()["default"].read_bytes(), "default")
    assert (card.name, card.training["steps"], card.training["images"], card.render_size) == ("mine", 4, 8, 32)
    assert card.bins == default.bins
    assert card.training["started_from"]["digest"] == default.digest
    assert card.recipe["model"] == default.recipe["model"], "the whole default, not one of its members"

    drawn(1).convert("L").save(tmp_path / "old.png")
    assert run("colorize", "--model", model, tmp_path / "old.png") == 0
    with Image.open(tmp_path / "old.color.png") as image:
        assert np.ptp(np.asarray(image).astype(int), axis=-1).max() > 3


@pytest.mark.parametrize(("lr", "verdict"), [(1e-9, "lower is better)"), (10.0, "default is the better one; train on")])
def test_a_run_says_whether_it_gained_anything(folder, tmp_path, capfd, lr, verdict):
    settings = ["data.size=32", "data.workers=0", "run.batch=4", "run.steps=2", "run.precision=fp32", f"optim.lr={lr}"]
    words = [word for setting in [*settings, "optim.warmup=0", "run.ema=0"] for word in ("--set", setting)]
    out = tmp_path / "run"
    assert run("train", RECIPE, "--init", "default", "--data", folder, "--val", folder, "--out", out, *words) == 0
    said = capfd.readouterr().err
    seen = series(out, "val_ciede2000")
    assert [step for step, _ in seen] == [0, 2]
    assert f"CIEDE2000 of the validation pictures {seen[0][1]:.2f} before, {seen[1][1]:.2f} now" in said
    assert verdict in said


def test_the_initial_network_needs_one(folder, tmp_path, capfd):
    assert run("train", RECIPE, "--data", folder, "--out", tmp_path / "run") == 2
    assert "model.name is 'initial', the network of the model to start from; give that model with --init" in (
        capfd.readouterr().err
    )
    assert not (tmp_path / "run").exists()


def test_the_fine_tuning_recipe_decodes_as_the_packaged_model_does():
    card = read_card(packaged()["default"].read_bytes(), "default")
    decode = load_recipe(RECIPE).decode
    how = card.default_decoding()
    assert (decode.decoder, decode.temperature, decode.vividness) == (how.decoder, how.temperature, how.vividness)
    assert (decode.render_size, decode.mirror, decode.saturation) == (card.render_size, card.mirror, how.saturation)
    assert (decode.chroma_gamma, decode.smooth_radius) == (how.chroma_gamma, how.smooth_radius)
    assert decode.agreement == how.agreement
