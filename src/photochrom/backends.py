"""What runs a network: (1, 1, h, w) normalised L to (1, c, h / stride, w / stride)."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from photochrom.card import KEY, ModelCard, is_intact
from photochrom.errors import BadCheckpoint, BadSetting, DeviceUnavailable, OutOfMemory, UnknownName

DEVICES = ("auto", "cpu", "cuda")


class Backend(Protocol):
    """A loaded network and its card."""

    card: ModelCard

    def run(self, x: np.ndarray) -> np.ndarray: ...


class OnnxBackend:
    """onnxruntime: what runs for everybody, without torch.

    Args:
        data: the model file's bytes.
        where: its name, for messages.
        device: "cpu", "cuda" or "auto".
        threads: CPU threads; None takes all cores.

    Raises:
        BadCheckpoint: not a model of photochrom, damaged, or of a newer version.
        DeviceUnavailable: "cuda" without a GPU that onnxruntime can use.
    """

    def __init__(self, data: bytes, where: str, device: str = "auto", threads: int | None = None) -> None:
        import onnxruntime as ort

        providers = _providers(ort, device)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(data, options, providers=providers)
        except Exception as error:  # onnxruntime's errors share no base but Exception
            raise _load_error(error, where) from None
        used = self._session.get_providers()
        if providers[0] not in used:
            raise DeviceUnavailable(f"the model cannot run on {device}: onnxruntime fell back to {used[0]}")
        facts = self._session.get_modelmeta().custom_metadata_map
        if KEY not in facts:
            raise BadCheckpoint(f"{where}: an ONNX file, but not a model of photochrom: it has no card")
        self.card = ModelCard.from_json(facts[KEY], where)
        if not is_intact(data, self.card.digest):
            raise BadCheckpoint(f"{where}: the model file is damaged: its digest does not match; get it again")

    def run(self, x: np.ndarray) -> np.ndarray:
        """Run the network.

        Raises:
            OutOfMemory: memory ran out; there is no partial result.
        """
        try:
            return self._session.run(None, {"x": x})[0]
        except Exception as error:
            if "alloc" in str(error).lower() or isinstance(error, MemoryError):
                raise OutOfMemory(
                    f"the network ran out of memory at {x.shape[3]} x {x.shape[2]}; lower --render-size"
                ) from None
            raise


def _providers(ort: Any, device: str) -> list[str]:
    if device not in DEVICES:
        raise BadSetting(f"there is no device '{device}'; it may be {', '.join(DEVICES)}")
    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise DeviceUnavailable(
            "cuda was asked for, but this onnxruntime has no CUDA; install onnxruntime-gpu, or use --device cpu"
        )
    return ["CUDAExecutionProvider"] if has_cuda and device != "cpu" else ["CPUExecutionProvider"]


def _load_error(error: Exception, where: str) -> Exception:
    if "alloc" in str(error).lower() or isinstance(error, MemoryError):
        return OutOfMemory(f"{where}: memory ran out while the model was loaded")
    return BadCheckpoint(f"{where}: not an ONNX model, or damaged")


def packaged() -> dict[str, Path]:
    """The models inside the package, by name."""
    folder = resources.files("photochrom") / "weights"
    return {Path(str(f)).stem: Path(str(f)) for f in folder.iterdir() if f.name.endswith(".onnx")}


def read_model(model: str | os.PathLike[str]) -> tuple[bytes, str]:
    """A model file's bytes and its name, from a packaged model's name or a path.

    Raises:
        UnknownName: neither a packaged model nor a file.
        BadCheckpoint: the file cannot be read.
    """
    names = packaged()
    path = names.get(str(model), Path(model))
    if not path.exists() and path.suffix != ".onnx":
        raise UnknownName(
            f"no model is called '{model}', and there is no such file; there are: {', '.join(sorted(names))}"
        )
    try:
        return path.read_bytes(), str(model)
    except OSError as error:
        raise BadCheckpoint(f"{model}: the model file cannot be read ({error.strerror})") from None


def load(model: str | os.PathLike[str], device: str = "auto", threads: int | None = None) -> Backend:
    """A backend for a packaged model, an exported file, or a run folder (the last needs the extra `train`)."""
    if Path(model).is_dir():
        from photochrom.train.export import TorchBackend

        return TorchBackend(Path(model), device)
    return OnnxBackend(*read_model(model), device=device, threads=threads)
