"""From a run folder to the one file that everybody runs: ONNX, 16-bit weights, the card inside; and back."""

from __future__ import annotations

import io
import json
import logging
import os
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from photochrom.backends import DEVICES, OnnxBackend, read_card, read_model
from photochrom.bins import Bins
from photochrom.card import KEY, ModelCard, seal
from photochrom.decode import Decoding
from photochrom.errors import BadCheckpoint, BadSetting, OutOfMemory
from photochrom.files import check_free, write_bytes
from photochrom.train.config import Recipe, recipe_dict
from photochrom.train.runs import load_run
from photochrom.train.task import pick_device

PARITY = 1e-4
ORIGIN = ("sources", "pictures", "started_from", "machine", "photochrom", "torch")  # of facts.json, for the card
LEAST_TO_HALVE = 64  # tensors with fewer values stay in 32 bits: nothing is saved, and biases keep their digits


class TorchBackend:
    """A run folder's network, run by torch, so that a run can be evaluated while it trains."""

    def __init__(self, run: Path, device: str = "auto") -> None:
        if device not in DEVICES:
            raise BadSetting(f"there is no device '{device}'; it may be {', '.join(DEVICES)}")
        self.device = pick_device(device)
        model, bins, recipe, facts = load_run(run)
        self.model = model.to(self.device)
        self.card = make_card(model, bins, recipe, facts, run.name)

    def run(self, x: np.ndarray) -> np.ndarray:
        try:
            with torch.inference_mode():
                return self.model(torch.from_numpy(x).to(self.device)).float().cpu().numpy()
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError) or "can't allocate" in str(error):
                raise OutOfMemory(
                    f"the network ran out of memory at {x.shape[3]} x {x.shape[2]}; lower --render-size"
                ) from None
            raise


def make_card(model: nn.Module, bins: Bins | None, recipe: Recipe, facts: dict[str, Any], name: str) -> ModelCard:
    """The card of a trained network."""
    return ModelCard(
        name=name,
        title=recipe.title,
        architecture=recipe.model.name,
        bins=bins.to_dict() if bins else None,
        decoding=asdict(Decoding.from_config(recipe)),
        render_size=recipe.decode.render_size,
        mirror=recipe.decode.mirror,
        multiple=int(model.multiple),  # type: ignore[arg-type]
        stride=int(model.stride),  # type: ignore[arg-type]
        parameters=sum(p.numel() for p in model.parameters()),
        recipe=recipe_dict(recipe),
        training={
            "steps": facts["step"],
            "images": facts["step"] * recipe.run.batch,
            "hours": round(facts["seconds"] / 3600, 2),
            "seed": recipe.run.seed,
            "data_digest": facts["data"],
            **{key: facts[key] for key in ORIGIN if key in facts},
        },
    )


def export(run: Path, output: Path, *, changes: dict[str, Any] | None = None, overwrite: bool = False) -> ModelCard:
    """Write the ONNX file of a run folder, checked against torch.

    Args:
        run: the run folder.
        output: the .onnx file.
        changes: fields of the card to replace (name, metrics, limits, ...); those that are tables are merged.
        overwrite: replace a file that is there.

    Returns:
        The card that is inside.

    Raises:
        BadCheckpoint: the run is damaged, or onnxruntime and torch disagree by more than 1e-4.
        WriteFailed: the file is there already, or cannot be written.
    """
    check_free(output, overwrite)
    model, bins, recipe, facts = load_run(run)
    card = _changed(make_card(model, bins, recipe, facts | _origin(run), output.stem), changes or {})
    round_weights(model)
    data = to_onnx(model, card)
    difference = parity(model, OnnxBackend(data, str(output), "cpu"))
    if not difference <= PARITY:  # NaN is no parity
        raise BadCheckpoint(f"{run}: the exported network differs from torch's by {difference:.1e}, over {PARITY}")
    write_bytes(output, data, overwrite)
    return card


def _origin(run: Path) -> dict[str, Any]:
    """What the run's facts.json says of its pictures; a run folder may have lost it, and only the card is poorer."""
    try:
        facts = json.loads((run / "facts.json").read_text(encoding="utf-8"))
        return {key: facts["data" if key == "sources" else key] for key in ORIGIN}
    except (OSError, ValueError, KeyError):
        return {}


def _changed(card: ModelCard, changes: dict[str, Any]) -> ModelCard:
    merged = {k: getattr(card, k) | v if isinstance(v, dict) else v for k, v in changes.items()}
    return replace(card, **merged)


def round_weights(model: nn.Module) -> None:
    """Round every tensor that will be stored in 16 bits, so that torch computes what the file will."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point() and tensor.numel() >= LEAST_TO_HALVE and tensor.ndim > 1:
                tensor.copy_(tensor.half().float())


def to_onnx(model: nn.Module, card: ModelCard) -> bytes:
    """The network as ONNX with dynamic size; initialisers keep torch's names, so that `load_state` finds them."""
    size = 2 * card.multiple
    x = torch.zeros(1, 1, size, size + card.multiple)
    h, w = (torch.export.Dim(f"{side}_units", min=1, max=4096 // card.multiple) * card.multiple for side in "hw")
    # The exporter announces each package that it could use and does not find.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            model.eval(),
            (x,),
            input_names=["x"],
            output_names=["y"],
            dynamo=True,
            optimize=False,
            external_data=False,
            verbose=False,
            dynamic_shapes={"x": {2: h, 3: w}},
        )
    assert program is not None
    proto = program.model_proto
    _halve(proto, set(model.state_dict()))
    proto.producer_name, proto.producer_version = "photochrom", ""
    helper.set_model_props(proto, {KEY: card.to_json()})
    return seal(proto.SerializeToString())


def _halve(proto: onnx.ModelProto, names: set[str]) -> None:
    """Store the large weights in 16 bits; a Cast gives them back in 32, and onnxruntime folds it when it loads."""
    casts = []
    for tensor in proto.graph.initializer:
        if tensor.name not in names or tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < LEAST_TO_HALVE or values.ndim < 2:
            continue
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), tensor.name))
        for node in proto.graph.node:
            for i, used in enumerate(node.input):
                if used == tensor.name:
                    node.input[i] = f"{tensor.name}/32"
        casts.append(helper.make_node("Cast", [tensor.name], [f"{tensor.name}/32"], to=TensorProto.FLOAT))
    for node in reversed(casts):
        proto.graph.node.insert(0, node)


def parity(model: nn.Module, backend: OnnxBackend) -> float:
    """The largest difference between torch and onnxruntime over two sizes; NaN where one of them gives it."""
    worst, multiple = 0.0, backend.card.multiple
    for h, w in ((4, 4), (6, 5)):
        x = torch.rand(1, 1, h * multiple, w * multiple, generator=torch.Generator().manual_seed(0)) * 2 - 1
        with torch.inference_mode():
            ours = model(x).numpy()
        worst = float(np.maximum(worst, np.abs(ours - backend.run(x.numpy())).max()))
    return worst


def load_state(model: str | os.PathLike[str]) -> tuple[dict[str, Tensor], Bins | None, ModelCard]:
    """The weights of an exported file (or packaged model) as a torch state dict, with its bins and card.

    Raises:
        UnknownName, BadCheckpoint: no such model, or not one of photochrom.
    """
    data, where = read_model(model)
    card = read_card(data, where)
    try:
        proto = onnx.load(io.BytesIO(data))
        state = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in proto.graph.initializer}
    except (DecodeError, ValueError, TypeError) as error:
        raise BadCheckpoint(f"{where}: its weights cannot be read ({error})") from None
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, card.codebook(), card
