"""What runs a network: (n, k, h, w) normalised L, and hints where it takes them, to (n, c, h / stride, w / stride)."""

from __future__ import annotations

import importlib.metadata
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, NoReturn, Protocol, runtime_checkable

import numpy as np

from photochrom._support.text import either
from photochrom.errors import BadCheckpoint, BadSetting, DeviceUnavailable, OutOfMemory
from photochrom.inference.card import ModelCard
from photochrom.inference.model_files import read_card

DEVICES = ("auto", "cpu", "cuda")
CUDA = "CUDAExecutionProvider"
AT_ONCE_ON_GPU = 8  # pictures; more gain little once the GPU is busy, and all of them wait in memory


@runtime_checkable
class Backend(Protocol):
    """A loaded network and its card."""

    card: ModelCard

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray: ...


class OnnxBackend:
    """onnxruntime, which every installation has, without torch.

    Args:
        data: the model file's bytes.
        where: its name, for messages.
        device: "cpu", "cuda" or "auto".
        threads: CPU threads; None takes all cores.

    Attributes:
        at_once: how many pictures of one shape it is best given together: one on a CPU, which is busy with one.

    Raises:
        BadCheckpoint: not a model of photochrom, damaged, or of a newer version.
        DeviceUnavailable: "cuda" without a GPU that onnxruntime can use.
    """

    def __init__(self, data: bytes, where: str, device: str = "auto", threads: int | None = None) -> None:
        self.card = read_card(data, where)
        if self.card.steadies:
            raise BadCheckpoint(f"{where}: this model steadies another's colours in films; use it with --consistency")
        self._session = session(data, where, device, threads)
        # Files of older versions take one picture at a time.
        self._one_by_one = self._session.get_inputs()[0].shape[0] == 1
        self._output = self._session.get_outputs()[0].name
        on_gpu = CUDA in self._session.get_providers()
        self._memory = "cuda" if on_gpu else "cpu"
        self.at_once = AT_ONCE_ON_GPU if on_gpu and not self._one_by_one else 1

    def __reduce__(self) -> NoReturn:
        raise BadSetting("a loaded backend cannot be pickled; make the session with the model's name or file instead")

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray:
        """Run the network over n pictures at once, or one after the other where the file takes only one.

        Args:
            x: (n, k, h, w) normalised L, and hints where the card has channels for them.
            variation: (c,) factors for the channels that dropout may drop, float32, for a card that has some.

        Raises:
            OutOfMemory: memory ran out; there is no partial result.
        """
        given = {} if variation is None else {"variation": variation}
        parts = np.split(x, len(x)) if self._one_by_one and len(x) > 1 else [x]
        with naming_failures(x, self.card, "the network", "the model"):
            answers = [self._answer({"x": part} | given) for part in parts]
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _answer(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The first output, which stays in the device's memory until the run has ended, and is then copied once.

        The binding is made anew for each call, so that several threads can share the session.
        """
        import onnxruntime

        binding = self._session.io_binding()
        # What is bound shares their memory on a CPU, so they are kept until the run has ended.
        held = {name: np.ascontiguousarray(value) for name, value in inputs.items()}
        for name, value in held.items():
            # Not `bind_cpu_input`, which does not find inputs that have a default, as `variation` has.
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(value))
        binding.bind_output(self._output, self._memory)
        self._session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]


class ClosedBackend:
    """What is left of a network that was freed: its card."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray:
        """Refuse.

        Raises:
            BadSetting: always.
        """
        raise BadSetting("the session is closed; make another Colorizer")


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
        raise DeviceUnavailable(
            f"the model cannot run on cuda, onnxruntime fell back to {used[0]}: it found no GPU (see nvidia-smi) or no "
            "CUDA libraries (from the clone, pip install '.[cuda]' brings them); or use --device cpu"
        )
    return made


def _quiet_runtime() -> Any:
    """onnxruntime with its telemetry off, which since 1.29 is on by default on Linux, too.

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


def check_device(device: str) -> None:
    """Refuse what is no device.

    Raises:
        BadSetting: it is none of `DEVICES`.
    """
    if device not in DEVICES:
        raise BadSetting(f"there is no device '{device}'; choose {either(DEVICES)}")


def _providers(ort: Any, device: str) -> list[str]:
    check_device(device)
    has_cuda = CUDA in ort.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise DeviceUnavailable(f"cuda was asked for, but {_why_no_cuda()}, or use --device cpu")
    if not has_cuda or device == "cpu":
        return ["CPUExecutionProvider"]
    # CUDA's libraries may lie among Python's packages, where the system does not look. What it cannot find it prints.
    if hasattr(ort, "preload_dlls"):
        with redirect_stdout(io.StringIO()):
            ort.preload_dlls()
    return [CUDA]


def _why_no_cuda() -> str:
    """The package with CUDA and the one without have the same files, so the one that came last counts."""
    with suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("onnxruntime-gpu")
        return (
            "the package onnxruntime hides onnxruntime-gpu; "
            "install that over it: pip install --force-reinstall --no-deps onnxruntime-gpu"
        )
    return "this onnxruntime has no CUDA; install one from the clone with: pip install '.[cuda]'"


def _load_error(error: Exception, where: str) -> Exception:
    if _is_memory(error):
        return OutOfMemory(f"{where}: memory ran out while the model was loaded")
    return BadCheckpoint(f"{where}: onnxruntime cannot load the model; update onnxruntime, or get the model again")


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "alloc" in str(error).lower()
