"""What a model's name, file or folder stands for, loaded: by onnxruntime, or a run folder by torch."""

from __future__ import annotations

import os
from pathlib import Path

from photochrom._support.optional_packages import training
from photochrom._support.text import shown
from photochrom.inference.backends import Backend, OnnxBackend
from photochrom.inference.model_files import packaged, read_model


def load_backend(model: str | os.PathLike[str] | Backend, device: str = "auto", threads: int | None = None) -> Backend:
    """A backend for a packaged model, an exported file or folder, or a run folder (folders need the extra `train`).

    One that is loaded already comes back as it is, on its own device.

    Raises:
        UnknownName, BadCheckpoint, OutOfMemory: see `read_model`.
        DeviceUnavailable: "cuda" without a GPU that can be used.
        MissingExtra: a folder without torch.
    """
    if isinstance(model, Backend):
        return model
    if isinstance(model, str | os.PathLike) and str(model) not in packaged() and os.path.isdir(model):
        with training(f"{shown(model)}: running the network of a folder"):
            from photochrom.train.torch_backend import TorchBackend
        return TorchBackend(Path(model), device)
    return OnnxBackend(*read_model(model), device=device, threads=threads)
