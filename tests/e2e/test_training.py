"""From the packaged model to one's own, by the commands that the README shows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom.backends import packaged, read_card
from photochrom.cli import main
from photochrom.train.recipe import load_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "finetune.toml"


def run(*argv):
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in argv])
    return caught.value.code


def test_fine_tune_export_and_colour(folder, tmp_path, drawn, capfd):
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
    assert "step 2 reached" in capfd.readouterr().err
    assert run(*train) == 0
    assert "step 2 of 4" in capfd.readouterr().err
    assert run(*train) == 0
    assert "already reached" in capfd.readouterr().err

    model = tmp_path / "mine.onnx"
    assert run("export", tmp_path / "run", "-o", model) == 0
    card = read_card(model.read_bytes(), "mine.onnx")
    default = read_card(packaged()["default"].read_bytes(), "default")
    assert (card.name, card.training["steps"], card.training["images"], card.render_size) == ("mine", 4, 8, 32)
    assert card.bins == default.bins
    assert card.training["started_from"]["digest"] == default.digest

    drawn(1).convert("L").save(tmp_path / "old.png")
    assert run("colorize", "--model", model, tmp_path / "old.png") == 0
    with Image.open(tmp_path / "old.color.png") as image:
        assert np.ptp(np.asarray(image).astype(int), axis=-1).max() > 3


def test_the_fine_tuning_recipe_decodes_as_the_packaged_model_does():
    card = read_card(packaged()["default"].read_bytes(), "default")
    decode = load_recipe(RECIPE).decode
    how = card.default_decoding()
    assert (decode.decoder, decode.temperature, decode.vividness) == (how.decoder, how.temperature, how.vividness)
    assert (decode.render_size, decode.mirror, decode.saturation) == (card.render_size, card.mirror, how.saturation)
    assert (decode.chroma_gamma, decode.smooth_radius) == (how.chroma_gamma, how.smooth_radius)
