"""A model as the folder that model hubs know: model.safetensors, config.json with the card, and a README.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as tensors_of
from safetensors.torch import save as as_bytes
from torch import Tensor, nn

from photochrom._support.files import write_bytes
from photochrom._support.text import shown
from photochrom.errors import BadCheckpoint, WriteFailed
from photochrom.inference.card import ModelCard
from photochrom.train.build import build_model
from photochrom.train.onnx_file import is_shrunk
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.weights import load_weights

WEIGHTS, CONFIG, README = "model.safetensors", "config.json", "README.md"
NOT_MEASURES = ("on",)  # of a card's metrics


def is_hub(folder: Path) -> bool:
    """Whether a folder is such a model, and no run folder."""
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()


def write_hub(model: nn.Module, card: ModelCard, folder: Path, overwrite: bool = False) -> ModelCard:
    """Write the folder.

    Args:
        model: the network, rounded to 16 bits by `round_weights`; the file holds the rounded ones in 16.
        card: of the network. Its digest becomes that of model.safetensors.
        folder: new or empty, or one to write over.
        overwrite: replace the three files.

    Raises:
        WriteFailed: the folder holds something, or cannot be written.
    """
    if not overwrite and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
        raise WriteFailed(f"{shown(folder)}: it is there already; give another folder, or --overwrite")
    # How many batches a batch norm has seen has no effect.
    kept = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    data = as_bytes({k: (v.half() if is_shrunk(v) else v).contiguous() for k, v in kept.items()}, {"format": "pt"})
    card = replace(card, digest=hashlib.sha256(data).hexdigest())
    config = {"library_name": "photochrom", "model_type": card.architecture, "card": asdict(card)}
    texts = {CONFIG: json.dumps(config, indent=1, ensure_ascii=False) + "\n", README: readme(card)}
    for name, content in {WEIGHTS: data, **{name: text.encode() for name, text in texts.items()}}.items():
        write_bytes(folder / name, content, overwrite)
    return card


def read_hub(folder: Path) -> tuple[dict[str, Tensor], ModelCard]:
    """The weights, in 32 bits, and the card of such a folder.

    Raises:
        BadCheckpoint: a file is missing, damaged, or of a newer version; the weights are not those of the card.
    """
    try:
        config, data = json.loads((folder / CONFIG).read_text(encoding="utf-8")), (folder / WEIGHTS).read_bytes()
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"{shown(folder)}: the model cannot be read ({error})") from None
    if not isinstance(config, dict) or not isinstance(config.get("card"), dict):
        raise BadCheckpoint(f"{shown(folder)}: its {CONFIG} has no card; it is not a photochrom model")
    card = ModelCard.from_json(json.dumps(config["card"]), shown(folder))
    if hashlib.sha256(data).hexdigest() != card.digest:
        raise BadCheckpoint(f"{shown(folder)}: {WEIGHTS} is damaged, or of another model; get the folder again")
    try:
        state = tensors_of(data)
    except SafetensorError as error:
        raise BadCheckpoint(f"{shown(folder)}: {WEIGHTS} cannot be read ({error})") from None
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, card


def load_hub(folder: Path) -> tuple[nn.Module, ModelCard]:
    """The network of such a folder and its card.

    Raises:
        BadCheckpoint: as `read_hub`.
    """
    state, card = read_hub(folder)
    network = build_model(recipe_from_dict(card.recipe), card.codebook())
    load_weights(network, state, shown(folder))
    return network.eval(), card


def readme(card: ModelCard) -> str:
    """The model's page: what hubs read in front (YAML, in the form of JSON's values), and the card in words."""
    measures = {name: value for name, value in card.metrics.items() if name not in NOT_MEASURES}
    sources = sorted({name for training in _trainings(card.training) for name in training.get("sources", ())})
    front: dict[str, Any] = {
        "license": card.license.lower(),
        "library_name": "photochrom",
        "pipeline_tag": "image-to-image",
        "tags": ["image-colorization", "colorization", "photochrom", card.architecture],
        "datasets": sources,
        "metrics": list(measures),
    }
    lines = ["---"]
    for name, value in front.items():
        if isinstance(value, list):
            lines += [f"{name}:", *(f"- {_quoted(each)}" for each in value)] if value else []
        else:
            lines.append(f"{name}: {_quoted(value)}")
    lines += ["---", "", f"# {card.name}", "", card.title, ""]
    lines += ["```", "photochrom colorize --model THIS-FOLDER photograph.jpg", "```", ""]
    lines += [f"{card.parameters:,} weights. Its network is `{card.architecture}`.", ""]
    if measures:
        lines += [f"Measured on {card.metrics.get('on', 'unnamed pictures')}:", "", "| metric | value |", "|---|---|"]
        lines += [*(f"| {name} | {value} |" for name, value in measures.items()), ""]
    if "data" in card.training:
        lines += ["## Training data", "", str(card.training["data"]), ""]
    if card.limits:
        lines += ["## Limits", "", card.limits, ""]
    return "\n".join(lines)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _trainings(training: dict[str, Any]) -> list[dict[str, Any]]:
    """A training, and those of an ensemble's members and of what it started from."""
    below = [*training.get("members", ())]
    if isinstance(training.get("started_from"), dict):
        below.append(training["started_from"].get("training", {}))
    return [training, *(each for part in below for each in _trainings(part))]
