"""A network as the bytes of an ONNX file: weights of few bits, a card inside, sealed; and how far it is from torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from photochrom.errors import BadCheckpoint
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.card import KEY, ModelCard, seal
from photochrom.inference.model_files import MAX_MODEL_BYTES
from photochrom.train.build import example

BITS = (16, 8)
SCALE = "/scale"  # what the name of an 8-bit tensor's factors ends with
LEAST_TO_SHRINK = 64  # tensors with fewer values stay in 32 bits: nothing is saved, and biases keep their digits


def round_weights(model: nn.Module, bits: int = 16) -> None:
    """Round every tensor that will be stored in fewer bits, so that torch computes what the file will."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if is_shrunk(tensor):
                tensor.copy_(_rounded(tensor, bits))


def _rounded(tensor: Tensor, bits: int) -> Tensor:
    if bits == 16:
        return tensor.half().float()
    whole, scale = quantized(tensor.numpy())
    return torch.from_numpy(whole * scale)


def quantized(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers in -127..127 (int8), and the factor (float32) of each output channel, the first axis.

    Example:
        >>> quantized(np.array([[0.5, -1.0], [0.0, 0.0]], np.float32))[0].tolist()
        [[64, -127], [0, 0]]
    """
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(weights / scale).astype(np.int8), scale


def is_shrunk(tensor: Tensor) -> bool:
    """Whether a file holds this tensor in fewer bits."""
    return tensor.is_floating_point() and tensor.numel() >= LEAST_TO_SHRINK and tensor.ndim > 1


def to_onnx(model: nn.Module, card: ModelCard, bits: int = 16) -> bytes:
    """The network as ONNX; initialisers keep torch's names, so that `load_state` finds them.

    Args:
        model: the network, rounded by `round_weights`.
        card: goes into the file; its `size` decides whether the input's is fixed. The file takes any number of
            pictures at once, unless the network itself does not.
        bits: of each weight, 16 or 8.

    Raises:
        BadCheckpoint: the weights fill more than one file holds.
    """
    _check_bytes(model, card.name, bits)
    # Two pictures: the exporter takes a side of one for a side that is always one.
    inputs, dynamic = _example(model, card)
    proto = _exported(model, {name: torch.cat([x, x]) for name, x in inputs.items()}, dynamic)
    if not proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        # A network from outside whose code fixes how many pictures it sees: one after the other, then.
        proto = _exported(model, inputs, {name: {k: s for k, s in d.items() if k} for name, d in dynamic.items()})
    _shrink(proto, {name for name, tensor in model.state_dict().items() if is_shrunk(tensor)}, bits)
    _open_variation(proto)
    for node in _nodes(proto.graph):
        del node.metadata_props[:]  # where in the source it came from, with the paths of this machine
    proto.producer_name, proto.producer_version = "photochrom", ""
    helper.set_model_props(proto, {KEY: card.to_json()})
    return seal(proto.SerializeToString())


def _exported(model: nn.Module, inputs: dict[str, Tensor], dynamic: dict[str, Any]) -> onnx.ModelProto:
    # The exporter announces each package that it could use and does not find.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            model.eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(getattr(model, "outputs", ["y"])),
            dynamo=True,
            optimize=False,
            external_data=False,
            verbose=False,
            dynamic_shapes=dynamic,
        )
    assert program is not None
    return program.model_proto


def _example(model: nn.Module, card: ModelCard) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Inputs by name, and which of their sides may vary: of all, how many pictures they hold."""
    n = torch.export.Dim("n", min=1)
    if card.size is not None:
        inputs = example(model, card.size, card.size)
        return inputs, {name: {0: n} for name in inputs}
    units = card.multiple
    h, w = (torch.export.Dim(f"{side}_units", min=1, max=4096 // units) for side in "hw")
    inputs = example(model, 2 * units, 3 * units)
    # Some are maps of the network, and not pixels, of which a unit has several.
    return inputs, {name: {0: n, 2: h * (x.shape[2] // 2), 3: w * (x.shape[3] // 3)} for name, x in inputs.items()}


def _check_bytes(model: nn.Module, name: str, bits: int) -> None:
    size = sum(t.numel() * (bits // 8 if is_shrunk(t) else t.element_size()) for t in model.state_dict().values())
    if size > MAX_MODEL_BYTES:
        raise BadCheckpoint(
            f"{name}: the weights take {size / 1e9:.1f} GB in {bits} bits, and a .onnx file holds "
            f"{MAX_MODEL_BYTES / 1e9:.0f} GB; use the run folder itself, or train with fewer channels or bins"
        )


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes, those in the branches of an If as well."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def _shrink(proto: onnx.ModelProto, names: set[str], bits: int) -> None:
    """Store the weights of these names in few bits. A Cast, and for 8 bits a Mul, give them back in 32: onnxruntime
    folds both when it loads, which it does not do with a DequantizeLinear."""
    nodes: list[onnx.NodeProto] = []
    for tensor in list(proto.graph.initializer):
        if tensor.name not in names:
            continue
        values = numpy_helper.to_array(tensor)
        name, wide = tensor.name, f"{tensor.name}/32"
        for node in _nodes(proto.graph):
            for i, used in enumerate(node.input):
                if used == name:
                    node.input[i] = wide
        if bits == 16:
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
            nodes.append(helper.make_node("Cast", [name], [wide], to=TensorProto.FLOAT))
            continue
        whole, scale = quantized(values)
        tensor.CopyFrom(numpy_helper.from_array(whole, name))
        proto.graph.initializer.append(numpy_helper.from_array(scale, name + SCALE))
        nodes.append(helper.make_node("Cast", [name], [f"{name}/whole"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}/whole", name + SCALE], [wide]))
    for node in reversed(nodes):
        proto.graph.node.insert(0, node)


def stored_weights(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The weights by torch's names, as the file computes with them."""
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    return {
        name: values * held[name + SCALE] if name + SCALE in held else values
        for name, values in held.items()
        if not name.endswith(SCALE)
    }


def _open_variation(proto: onnx.ModelProto) -> None:
    """Make the factors of `variation` an input that may be left out: ONNX then takes the initialiser of that name."""
    for tensor in proto.graph.initializer:
        if tensor.name == "variation":
            proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))


def parity(model: nn.Module, backend: OnnxBackend) -> float:
    """The largest difference between torch and onnxruntime over one picture and two at once; NaN where it gives NaN.

    The two inputs are of different size, unless the network is bound to one. Only the first has hints, at a tenth of
    its points.
    """
    worst, units, fixed = 0.0, backend.card.multiple, backend.card.size
    for seed, (h, w) in enumerate([(fixed, fixed)] * 2 if fixed else [(4 * units, 4 * units), (6 * units, 5 * units)]):
        x = torch.rand(1 + seed, backend.card.channels, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        # As `hint_map` gives them: 0 where there is none. Other numbers would be divided by next to nothing.
        known = (x[:, 3:] > (1 if seed else 0.8)).float()
        x = torch.cat([x[:, :1], x[:, 1:3] * known, known], 1)
        with torch.inference_mode():
            ours = model(x).numpy()
        worst = float(np.maximum(worst, np.abs(ours - backend.run(x.numpy())).max()))
    return worst


def parity_over_time(model: Any, run: Callable[[dict[str, np.ndarray]], list[np.ndarray]]) -> float:
    """The same for a recurrent network over three frames, each of them remembering its own past.

    Args:
        model: in torch.
        run: onnxruntime's: inputs by name to all outputs, of which the second is the next state.
    """
    worst = 0.0
    for seed, (h, w) in enumerate([(16, 24), (28, 20)]):
        draw = torch.Generator().manual_seed(seed)
        theirs = inputs = example(model, h, w)
        for _ in range(3):
            fresh = {name: torch.randn(inputs[name].shape, generator=draw) for name in ("scores", "light")}
            inputs, theirs = inputs | fresh, theirs | fresh
            with torch.inference_mode():
                ours = model(**inputs)
            found = run({name: value.numpy() for name, value in theirs.items()})
            worst = max(worst, *(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, found, strict=True)))
            inputs, theirs = inputs | {"state": ours[1]}, theirs | {"state": torch.from_numpy(found[1])}
    return worst
