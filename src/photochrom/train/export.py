"""From run folders to the one file that everybody runs: ONNX, weights of few bits, the card inside; and back."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn

from photochrom._support.files import check_free, write_bytes
from photochrom._support.text import shown
from photochrom.errors import BadCheckpoint, BadSetting
from photochrom.inference.backends import OnnxBackend, session
from photochrom.inference.bins import Bins
from photochrom.inference.card import NO_DIGEST, ModelCard
from photochrom.inference.model_files import packaged, read_card, read_model
from photochrom.models.ensemble import Ensemble
from photochrom.train.build import build_model
from photochrom.train.config import ModelConfig
from photochrom.train.hub import is_hub, read_hub, write_hub
from photochrom.train.onnx_file import BITS, parity, parity_over_time, round_weights, stored_weights, to_onnx
from photochrom.train.recipe import recipe_dict, recipe_from_dict
from photochrom.train.runs import load_run
from photochrom.train.torch_backend import ORIGIN, make_card
from photochrom.train.weights import fitting, load_weights

PARITY = 1e-4


def export(
    *sources: str | os.PathLike[str],
    output: Path | None = None,
    hub: Path | None = None,
    changes: dict[str, Any] | None = None,
    bits: int = 16,
    overwrite: bool = False,
    blend: str | os.PathLike[str] | None = None,
    share: float | None = None,
) -> ModelCard:
    """Write the file of a trained network, checked against torch; of several, the file of their ensemble.

    Args:
        sources: run folders, exported files, or packaged models' names; of an ensemble each member counts as one.
        output: the .onnx file; None writes none.
        hub: a folder for model.safetensors, config.json and README.md, instead or as well; see `photochrom.train.hub`.
        changes: fields of the card to replace (name, metrics, limits, ...); those that are tables are merged.
        bits: of each weight in the file, 16 or 8; onnxruntime computes with 32.
        overwrite: replace a file that is there.
        blend: the model that one source was trained on from, or another run from the same start; the weights of both
            are averaged. The former often keeps what was known of other pictures, the latter what both learned alike
            (Wortsman et al., "Robust fine-tuning of zero-shot models" and "Model soups", 2022).
        share: of the source in that average, 0 to 1; a half unless said otherwise.

    Returns:
        The card that is inside the file, or else the folder's.

    Raises:
        BadCheckpoint: a source is damaged, its network too large for one file, or onnxruntime and torch disagree by
            more than 1e-4.
        BadSetting: `changes` has a render size for a network that is bound to one size, networks that have not the
            same colours, or a blend of several or with a share out of range.
        BadRecipe: networks that cannot be in one ensemble.
        WriteFailed: the file is there already, or cannot be written.
    """
    if bits not in BITS:
        raise BadSetting(f"the weights are stored in 16 or 8 bits, not in {bits}")
    if output is None and hub is None:
        raise BadSetting("say where to export to: a .onnx file (-o FILE), a folder (--hub DIR), or both")
    if hub is not None and bits != 16:
        raise BadSetting(f"a hub's folder holds weights in 16 bits, not in {bits}")
    if output is not None:
        check_free(output, overwrite)
    name = hub.name if output is None else output.stem  # type: ignore[union-attr]
    if blend is None and share is not None:
        raise BadSetting("a share needs a blend; name the model to blend with (--blend MODEL, blend= in Python)")
    share = 0.5 if share is None else share
    if blend is not None and (len(sources) != 1 or not 0 <= share <= 1):
        raise BadSetting(f"a blend needs one network and a share between 0 and 1, not {len(sources)} at {share:g}")
    parts = [_trained(os.fspath(source), name) for source in sources]
    if blend is not None:
        parts = [_blended(*parts[0], os.fspath(blend), share)]
    model, card = parts[0] if len(parts) == 1 else _joined(parts, [shown(source) for source in sources])
    card = _changed(card, changes or {})
    round_weights(model, bits)
    if hub is not None:
        of_folder = write_hub(model, card, hub, overwrite)
        if output is None:
            return of_folder
    assert output is not None
    data = to_onnx(model, card, bits)
    if card.steadies:
        difference = parity_over_time(model, partial(session(data, str(output), "cpu").run, None))
    else:
        difference = parity(model, OnnxBackend(data, str(output), "cpu"))
    if not difference <= PARITY:  # NaN is no parity
        raise BadCheckpoint(f"{output}: the exported network differs from torch's by {difference:.1e}, over {PARITY}")
    write_bytes(output, data, overwrite)
    return card


def _trained(source: str, name: str) -> tuple[nn.Module, ModelCard]:
    """A network and the card that it gets under a name."""
    if source in packaged() or source.endswith(".onnx") or is_hub(Path(source)):
        model, card = load_model(source)
        return model, replace(card, name=name, digest=NO_DIGEST)
    return _of_run(Path(source), name)


def _of_run(run: Path, name: str) -> tuple[nn.Module, ModelCard]:
    model, bins, recipe, facts = load_run(run)
    return model, make_card(model, bins, recipe, facts | _origin(run), name)


def _blended(model: nn.Module, card: ModelCard, first: str, share: float) -> tuple[nn.Module, ModelCard]:
    """The average of a network's weights and of those that it was trained on from, or that were trained on likewise."""
    origin, other = _trained(first, card.name)
    own, theirs = model.state_dict(), fitting(model, origin.state_dict())
    fits = theirs.keys() <= own.keys() and all(own[name].shape == value.shape for name, value in theirs.items())
    if not fits or _answers(card) != _answers(other):
        raise BadSetting(f"{shown(first)}: to blend, train one network from the other, or both from the same start")
    for name, value in theirs.items():
        if value.is_floating_point():
            own[name].lerp_(value, 1 - share)
    blended = {"with": Path(first).stem, "share": share, "training": other.training}
    history = card.training | {"blended": [*card.training.get("blended", []), blended]}
    return model, replace(card, training=history, metrics={})


def _joined(parts: list[tuple[nn.Module, ModelCard]], names: list[str]) -> tuple[nn.Module, ModelCard]:
    """The ensemble of several networks; what is not said of all of them is taken from the first one's card."""
    cards = [card for _, card in parts]
    first = cards[0]
    for card, name in zip(cards, names, strict=True):
        if card.bins is None:
            raise BadSetting(f"{name}: it has no colour bins; an ensemble needs classifiers with the same codebook")
        if _answers(card) != _answers(first):
            raise BadSetting(
                f"{name}: its colour bins or its training differ from those of {names[0]}; "
                "an ensemble needs classifiers with the same codebook and loss.rebalance"
            )
    members = [member for part in parts for member in _members(*part)]
    settings = {str(i): _seen(config, size / first.render_size) for i, (_, config, size, _) in enumerate(members, 1)}
    recipe = replace(recipe_from_dict(first.recipe), model=ModelConfig("ensemble", {"members": settings}))
    model = build_model(recipe, first.codebook()).eval()
    states = {f"members.{i}.": network.state_dict() for i, (network, *_) in enumerate(members, 1)}
    model.load_state_dict({prefix + name: value for prefix, state in states.items() for name, value in state.items()})
    card = replace(
        first,
        architecture="ensemble",
        multiple=int(model.multiple),  # type: ignore[arg-type]
        channels=int(model.channels),  # type: ignore[arg-type]
        parameters=sum(p.numel() for p in model.parameters()),
        recipe=recipe_dict(recipe),
        training={"members": [training for *_, training in members]},
        metrics={},
    )
    return model, card


def _members(model: nn.Module, card: ModelCard) -> list[tuple[nn.Module, dict[str, Any], float, dict[str, Any]]]:
    """Each network with its recipe's [model], its render size and its training: of an ensemble its members, else the
    one itself."""
    if not isinstance(model, Ensemble):
        return [(model, card.recipe["model"], card.render_size, card.training)]
    trainings = card.training.get("members", [card.training] * len(model.members))
    sizes = [card.render_size * member.scale for member in model.settings.parsed.values()]
    return list(zip(model.members.values(), model.settings.members.values(), sizes, trainings, strict=True))


def _seen(config: dict[str, Any], scale: float) -> dict[str, Any]:
    """A member's table, whose network sees the picture as large as by itself."""
    return {name: value for name, value in config.items() if name != "scale"} | ({} if scale == 1 else {"scale": scale})


def _answers(card: ModelCard) -> tuple[Any, ...]:
    how = card.default_decoding()
    return card.bins, card.l_center, card.steadies, how.trained_rebalance, how.smoothing


def _origin(run: Path) -> dict[str, Any]:
    """What the run's facts.json says of its pictures; a run folder may have lost it, and only the card is poorer."""
    try:
        facts = json.loads((run / "facts.json").read_text(encoding="utf-8"))
        return {key: facts["data" if key == "sources" else key] for key in ORIGIN}
    except (OSError, ValueError, KeyError):
        return {}


def _changed(card: ModelCard, changes: dict[str, Any]) -> ModelCard:
    if card.size is not None and "render_size" in changes:
        raise BadSetting(f"the network needs squares of {card.size} pixels; leave render_size out of the card")
    merged = {k: getattr(card, k) | v if isinstance(v, dict) else v for k, v in changes.items()}
    return replace(card, **merged)


def starting_point(model: str | os.PathLike[str]) -> dict[str, Any]:
    """What a `Trainer` takes to start from the weights of a model: its `init`, `origin` and `initial`.

    Raises:
        UnknownName, BadCheckpoint: as `load_state`.
    """
    state, bins, card = load_state(model)
    origin = {"name": card.name, "training": card.training}
    if card.digest != NO_DIGEST:  # a run folder has none
        origin["digest"] = card.digest
    return {"init": (state, bins), "origin": origin, "initial": recipe_from_dict(card.recipe)}


def load_model(model: str | os.PathLike[str]) -> tuple[nn.Module, ModelCard]:
    """The network of a run folder, an exported file or a packaged model in torch, and its card.

    Raises:
        UnknownName, BadCheckpoint: as `load_state`.
    """
    state, bins, card = load_state(model)
    network = build_model(recipe_from_dict(card.recipe), bins)
    load_weights(network, state, os.fspath(model))
    return network.eval(), card


def load_state(model: str | os.PathLike[str]) -> tuple[dict[str, Tensor], Bins | None, ModelCard]:
    """The weights of a run, an exported file or folder or a packaged model as a state dict, with its bins and card.

    Raises:
        UnknownName, BadCheckpoint: no such model, or not one of photochrom.
    """
    if is_hub(Path(model)):
        state, card = read_hub(Path(model))
        return state, card.codebook(), card
    if os.path.isdir(model):
        network, card = _of_run(Path(model), Path(model).name)
        return network.state_dict(), card.codebook(), card
    data, where = read_model(model)
    card = read_card(data, where)
    try:
        proto = onnx.load(io.BytesIO(data))
        state = {name: torch.from_numpy(values.copy()) for name, values in stored_weights(proto).items()}
    except (DecodeError, ValueError, TypeError) as error:
        raise BadCheckpoint(f"{where}: its weights cannot be read ({error})") from None
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, card.codebook(), card
