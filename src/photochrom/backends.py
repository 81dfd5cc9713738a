"""What runs a network: (1, 1, h, w) normalised L to (1, c, h / stride, w / stride)."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from photochrom.card import KEY, ModelCard, is_intact
from photochrom.errors import BadCheckpoint, BadSetting, DeviceUnavailable, OutOfMemory, UnknownName
from photochrom.extras import training
from photochrom.formats import shown

DEVICES = ("auto", "cpu", "cuda")
MAX_MODEL_BYTES = 2_000_000_000  # protobuf, and so ONNX, holds no more; what is larger is a film or a disk image


@runtime_checkable
class Backend(Protocol):
    """A loaded network and its card."""

    card: ModelCard

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray: ...


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
        self.card = read_card(data, where)
        if self.card.steadies:
            raise BadCheckpoint(f"{where}: this model steadies another's colours in films; use it with --consistency")
        self._session = session(data, where, device, threads)

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray:
        """Run the network.

        Args:
            x: (n, 1, h, w) normalised L.
            variation: (c,) factors for the channels that dropout may drop, float32, for a card that has some.

        Raises:
            OutOfMemory: memory ran out; there is no partial result.
        """
        inputs = {"x": x} if variation is None else {"x": x, "variation": variation}
        with naming_failures(x, self.card, "the network", "the model"):
            return np.asarray(self._session.run(None, inputs)[0])


def session(data: bytes, where: str, device: str = "auto", threads: int | None = None) -> Any:
    """onnxruntime's session for a model file that `read_card` has found whole; see `OnnxBackend`.

    What is not exactly as it was sealed never reaches onnxruntime's C++.
    """
    ort = _quiet_runtime()
    providers = _providers(ort, device)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4
    try:
        made = ort.InferenceSession(data, options, providers=providers)
    except Exception as error:  # onnxruntime's errors share no base but Exception
        raise _load_error(error, where) from None
    used = made.get_providers()
    if device == "cuda" and providers[0] not in used:
        raise DeviceUnavailable(f"the model cannot run on cuda, onnxruntime fell back to {used[0]}; use device cpu")
    return made


def _quiet_runtime() -> Any:
    """onnxruntime, kept from telling its makers about models and machines, which since 1.29 it does on Linux as well.

    It looks at the variable when it is first imported; where another library has done that, the call ends it.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


@contextmanager
def naming_failures(x: np.ndarray, card: ModelCard, what: str, file: str) -> Iterator[None]:
    """Tell what onnxruntime raises while a network `what` runs over `x` (n, 1, h, w) in one of photochrom's errors.

    Raises:
        OutOfMemory: memory ran out.
        BadCheckpoint: anything else; `file` is what the message says to get again.
    """
    try:
        yield
    except Exception as error:  # onnxruntime's errors share no base but Exception
        if _is_memory(error):
            raise out_of_memory(x, card) from None
        reason = " ".join(str(error).split())[:160]
        raise BadCheckpoint(f"{what} cannot be run ({reason}); get {file} again") from None


def out_of_memory(x: np.ndarray, card: ModelCard) -> OutOfMemory:
    """The error for a network that ran out of memory over `x` (n, 1, h, w)."""
    advice = "lower --render-size" if card.size is None else "close other programs"
    return OutOfMemory(f"the network ran out of memory at {x.shape[3]} x {x.shape[2]}; {advice}")


def read_card(data: bytes, where: str) -> ModelCard:
    """The card in the bytes of a model file that is whole; onnxruntime is not needed.

    Args:
        data: the file.
        where: its name, for messages.

    Raises:
        BadCheckpoint: not a model of photochrom, damaged, or of a newer version.

    Source: ONNX 1.18, `ModelProto.metadata_props`: a message of the key (field 1) and the value (field 2).
    """
    mark = bytes([0x0A, len(KEY)]) + KEY.encode() + b"\x12"
    at = data.find(mark)
    if at < 0:
        kind = "damaged, or not a model of photochrom: it has no card" if data else "empty"
        raise BadCheckpoint(f"{where}: the model file is {kind}")
    start, length = _varint(data, at + len(mark))
    try:
        card = ModelCard.from_json(data[start : start + length].decode(), where)
    except (UnicodeDecodeError, RecursionError):
        raise BadCheckpoint(f"{where}: its model card cannot be read; the file is damaged") from None
    if not is_intact(data, card.digest):
        raise BadCheckpoint(f"{where}: the model file is damaged: its digest does not match; get it again")
    return card


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Where the number at `at` ends, and the number: seven bits a byte, the lowest first, the last below 128."""
    value = 0
    for place, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return at + place + 1, value
    return at, 0


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
    if _is_memory(error):
        return OutOfMemory(f"{where}: memory ran out while the model was loaded")
    return BadCheckpoint(f"{where}: onnxruntime cannot load the model; update onnxruntime, or get the model again")


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "alloc" in str(error).lower()


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
    if not isinstance(model, str | os.PathLike):
        raise BadSetting(f"a model is a name or a path, not {type(model).__name__}")
    names, where = packaged(), shown(os.fsdecode(model))
    path = names.get(os.fsdecode(model), Path(os.fsdecode(model)))
    if not os.path.lexists(path) and path.suffix != ".onnx":
        close = difflib.get_close_matches(where, names, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(sorted(names))}"
        raise UnknownName(f"no model is called '{where}', and there is no such file; {hint}")
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_MODEL_BYTES:
            raise BadCheckpoint(f"{where}: not a model file; name one that `photochrom export` wrote")
        return path.read_bytes(), where
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadCheckpoint(f"{where}: the model file cannot be read ({reason})") from None
    except MemoryError:
        raise OutOfMemory(f"{where}: memory ran out while the model was loaded") from None


def load(model: str | os.PathLike[str] | Backend, device: str = "auto", threads: int | None = None) -> Backend:
    """A backend for a packaged model, an exported file, or a run folder (the last needs the extra `train`).

    One that is loaded already comes back as it is, on its own device.

    Raises:
        UnknownName, BadCheckpoint, OutOfMemory: see `read_model`.
        DeviceUnavailable: "cuda" without a GPU that can be used.
        MissingExtra: a run folder without torch.
    """
    if isinstance(model, Backend):
        return model
    if isinstance(model, str | os.PathLike) and str(model) not in packaged() and os.path.isdir(model):
        with training(f"{shown(model)}: running a run folder's network"):
            from photochrom.train.export import TorchBackend
        return TorchBackend(Path(model), device)
    return OnnxBackend(*read_model(model), device=device, threads=threads)
