"""A model as a hub's folder: what is in it, and back."""

import json

import numpy as np
import pytest
import torch

from photochrom import Colorizer, load_torch
from photochrom.cli import main
from photochrom.errors import BadCheckpoint, BadSetting, WriteFailed
from photochrom.train.export import export
from photochrom.train.hub import is_hub, readme
from photochrom.train.loop import Trainer

pytestmark = pytest.mark.slow
CHANGES = {
    "name": "mine",
    "title": "A title: with a colon",
    "limits": "few",
    "metrics": {"on": "nine pictures", "psnr": 20.5},
}


@pytest.fixture
def hub(tiny, folder, tmp_path):
    """A run, its hub folder, and the .onnx file made with it."""
    Trainer(tiny(run={"steps": 1}), [folder], tmp_path / "run").run()
    export(tmp_path / "run", output=tmp_path / "mine.onnx", hub=tmp_path / "hub", changes=CHANGES)
    return tmp_path / "hub"


def test_the_folder_colours_like_the_file(hub):
    gray = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    ours, theirs = Colorizer(hub, threads=1), Colorizer(hub.with_name("mine.onnx"), threads=1)
    assert (ours.card.name, ours.card.bins, ours.card.recipe) == ("mine", theirs.card.bins, theirs.card.recipe)
    difference = np.abs(ours.colorize(gray).astype(int) - theirs.colorize(gray).astype(int))
    assert difference.max() <= 1
    assert is_hub(hub)
    assert not is_hub(hub.with_name("run"))


def test_the_weights_come_back(hub, tmp_path):
    network, other = load_torch(hub), load_torch(hub.with_name("mine.onnx"))
    for (name, a), b in zip(network.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    again = export(hub, hub=tmp_path / "again")
    assert again.digest == network.card.digest
    assert (again.name, network.card.name) == ("again", "mine")


def test_the_front_says_what_hubs_ask(hub):
    assert sorted(path.name for path in hub.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    _, front, text = (hub / "README.md").read_text().split("---\n", 2)
    assert front.splitlines() == [
        'license: "apache-2.0"',
        'library_name: "photochrom"',
        'pipeline_tag: "image-to-image"',
        "tags:",
        '- "image-colorization"',
        '- "colorization"',
        '- "photochrom"',
        '- "tiny"',
        "datasets:",
        '- "pictures"',
        "metrics:",
        '- "psnr"',
    ]
    assert "# mine\n\nA title: with a colon\n" in text
    assert "Measured on nine pictures:" in text
    assert "| psnr | 20.5 |" in text
    assert "## Limits\n\nfew\n" in text


def test_the_packaged_models_page():
    import photochrom

    text = readme(photochrom.available_models()["default"])
    assert '- "photos-000.tar"\n' in text
    assert "| ciede2000 | 9.83 |" in text


def test_what_is_damaged_is_one_line(hub):
    weights, config = hub / "model.safetensors", hub / "config.json"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors is damaged, or of another model"):
        Colorizer(hub)
    weights.write_bytes(data)
    facts = json.loads(config.read_text())
    for text, line in (("{", "cannot be read"), ("{}", "not a photochrom model"), ("[]", "not a photochrom model")):
        config.write_text(text)
        with pytest.raises(BadCheckpoint, match=line):
            load_torch(hub)
    facts["card"]["format"] = 99
    config.write_text(json.dumps(facts))
    with pytest.raises(BadCheckpoint, match="newer photochrom"):
        load_torch(hub)


def test_what_is_there_stays(hub, tmp_path):
    with pytest.raises(WriteFailed, match="it is there already; give another folder, or --overwrite"):
        export(hub, hub=hub)
    with pytest.raises(BadSetting, match="16 bits, not in 8"):
        export(hub, hub=tmp_path / "eight", bits=8)
    with pytest.raises(BadSetting, match="say where to export to"):
        export(hub)
    assert export(hub, hub=hub, overwrite=True).name == "hub"


def test_the_command(hub, tmp_path, capsys):
    with pytest.raises(SystemExit) as status:
        main(["export", str(hub), "--hub", str(tmp_path / "new")])
    assert not status.value.code
    assert "new: 0.0 M weights" in capsys.readouterr().err
    assert load_torch(tmp_path / "new").card.title == "A title: with a colon"
