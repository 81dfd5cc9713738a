"""photochrom: colour for grayscale photographs, by networks that this project trains.

In docstrings, "the paper" is M. Agrawal and K. Sawhney, Exploring Convolutional Neural Networks for Automatic Image
Colorization, 2017 (docs/study.md).

Example:
    >>> import numpy, photochrom
    >>> photochrom.colorize(numpy.zeros((64, 48), numpy.uint8)).shape
    (64, 48, 3)
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import TYPE_CHECKING, Any

from photochrom import errors as errors
from photochrom._support.version import __version__ as __version__
from photochrom.errors import (
    AlreadyThere,
    BadCheckpoint,
    BadDataset,
    BadPlugin,
    BadRecipe,
    BadSetting,
    DeviceUnavailable,
    ImageTooLarge,
    MissingExtra,
    OutOfMemory,
    PhotochromError,
    ServerRefused,
    UnknownName,
    UnreadableFilm,
    UnreadableImage,
    UnsupportedFormat,
    WriteFailed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from photochrom.async_client import AsyncClient
    from photochrom.client import Client
    from photochrom.colorizer import Colorizer
    from photochrom.inference.card import ModelCard
    from photochrom.painting.hint_files import read_hints, write_hints
    from photochrom.painting.hints import Colored, Hint, Stroke
    from photochrom.painting.palette import Palette

__all__ = [
    "AlreadyThere",
    "AsyncClient",
    "BadCheckpoint",
    "BadDataset",
    "BadPlugin",
    "BadRecipe",
    "BadSetting",
    "Client",
    "Colorizer",
    "DeviceUnavailable",
    "Hint",
    "ImageTooLarge",
    "MissingExtra",
    "OutOfMemory",
    "Palette",
    "PhotochromError",
    "ServerRefused",
    "Stroke",
    "UnknownName",
    "UnreadableFilm",
    "UnreadableImage",
    "UnsupportedFormat",
    "WriteFailed",
    "available_models",
    "colorize",
    "load_torch",
    "read_hints",
    "write_hints",
]


def colorize(
    x: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    hints: Sequence[Colored] = (),
    **settings: Any,
) -> Any:
    """Colour one photograph; the model stays loaded for the next call with the same settings.

    Args:
        x: a path, the bytes of a file, a PIL image, or an array (H, W[, 1 | 3 | 4]) of uint8, uint16 or floats 0..1.
        output: where to write the result of a path; by default NAME.color.EXT next to it.
        overwrite: replace an existing file.
        hints: known colours, such as `Hint(120, 340, "navy")`, a `Stroke`, or what `read_hints` gives for a file.
        **settings: those of `Colorizer`, such as model, vividness, saturation, warmth, palette, references, keep_color
            or restore_tone; `help(photochrom.Colorizer)` says what each does.

    Returns:
        The same type as `x`: the path of the result, the bytes of a file, a PIL image, or an array.

    Raises:
        PhotochromError: one of its subclasses, with a one-line message that says what to do.
    """
    try:
        settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        session = _session(_as_they_are(settings), **settings)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        raise BadSetting(f"the settings are those of Colorizer, with plain values ({error})") from None
    return session.colorize(x, output, overwrite=overwrite, hints=hints)


def available_models() -> dict[str, ModelCard]:
    """The cards of the models inside the package, by name."""
    from photochrom.inference.model_files import packaged, read_card

    return {name: read_card(path.read_bytes(), name) for name, path in packaged().items()}


def load_torch(model: str | os.PathLike[str] = "default") -> nn.Module:
    """A model's network as a plain `torch.nn.Module` with its `card` and `bins`; see `photochrom.torch`.

    Args:
        model: a packaged model's name, a file or folder that `photochrom export` wrote, or a run folder.

    Raises:
        MissingExtra: without torch, which the extra `train` brings.
        UnknownName, BadCheckpoint: no such model, or not one of photochrom.
    """
    from photochrom._support.optional_packages import training

    with training("load_torch"):
        from photochrom.torch import load_torch as load
    return load(model)


def _as_they_are(settings: dict[str, Any]) -> tuple[tuple[int, int] | None, ...]:
    """Time of change and size of each file that settings name, so that a changed one is read again."""
    references = settings.get("references", ())
    named = [*(settings.get(name) for name in ("model", "palette", "like"))]
    named += references if isinstance(references, tuple) else ()
    found: list[tuple[int, int] | None] = []
    for path in named:
        try:
            facts = os.stat(path) if isinstance(path, str | os.PathLike) else None
        except (OSError, ValueError):
            facts = None
        found.append(facts and (facts.st_mtime_ns, facts.st_size))
    return tuple(found)


@functools.lru_cache(maxsize=2)
def _session(files: tuple[Any, ...], **settings: Any) -> Colorizer:
    from photochrom.colorizer import Colorizer

    return Colorizer(**settings)


_LATER = {
    "AsyncClient": "photochrom.async_client",
    "Client": "photochrom.client",
    "Colorizer": "photochrom.colorizer",
    "Hint": "photochrom.painting.hints",
    "Palette": "photochrom.painting.palette",
    "Stroke": "photochrom.painting.hints",
    "read_hints": "photochrom.painting.hint_files",
    "write_hints": "photochrom.painting.hint_files",
}


def __getattr__(name: str) -> Any:
    # Loading onnxruntime and Pillow waits until something is coloured, so that `--help` is instant.
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'photochrom' has no attribute '{name}'")
