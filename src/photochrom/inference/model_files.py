"""Model files: which are in the package, what a name stands for, and the card inside; onnxruntime is not needed."""

from __future__ import annotations

import os
import stat
from importlib import resources
from pathlib import Path

from photochrom._support.text import closest, shown
from photochrom.errors import BadCheckpoint, BadSetting, OutOfMemory, UnknownName
from photochrom.inference.card import KEY, ModelCard, is_intact

MAX_MODEL_BYTES = 2_000_000_000  # protobuf, and so ONNX, holds no more; what is larger is a film or a disk image


def packaged() -> dict[str, Path]:
    """The models inside the package, by name."""
    folder = resources.files("photochrom") / "weights"
    return {Path(str(f)).stem: Path(str(f)) for f in folder.iterdir() if f.name.endswith(".onnx")}


def lasting(model: str | os.PathLike[str]) -> str:
    """The same model by a name that holds in any working directory."""
    return os.fspath(model) if os.fspath(model) in packaged() else os.path.abspath(model)  # type: ignore[return-value]


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
        hint = closest(where, names, least=0.65)  # 'fast' is 0.6 like 'defalt'; there are so few that all can be named
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
        kind = "damaged, or not a photochrom model: it has no card" if data else "empty"
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
