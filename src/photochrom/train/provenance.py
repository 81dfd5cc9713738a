"""How a run came about, for its facts.json: command, code, versions, machine, pictures, time."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from photochrom._support.files import write_bytes
from photochrom._support.machine import processor
from photochrom._support.version import __version__
from photochrom.data.entries import Entry, Joined
from photochrom.data.sources import digest
from photochrom.errors import PhotochromError

FACTS = "facts.json"
COMPUTES = ("numpy", "pillow", "torch", "onnxruntime")


def circumstances(device: torch.device, processes: int) -> dict[str, Any]:
    """What a run's numbers may depend on beside its recipe and its pictures.

    Args:
        device: that it runs on.
        processes: that share it.

    Returns:
        `command` as it was typed, `photochrom`, `commit` (of a checkout; "+" says that it was changed since), `torch`,
        `versions` of what computes, `blas` behind numpy and torch, `threads` of each process, `processes`, `device`
        with its `driver` (of a GPU), and `machine`.
    """
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "photochrom": __version__,
        "commit": _commit(Path(__file__).parent),
        "torch": torch.__version__,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in COMPUTES},
        "blas": _blas(),
        "threads": torch.get_num_threads(),
        "processes": processes,
        **_device(device),
        "machine": platform.platform(),
    }


def pictures_of(data: Sequence[Path | str | Entry], entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Of each source its `name`, `path`, `bytes` (of a file) and `pictures`, and `listing`: the digest of the names and
    sizes of its pictures. It tells whether these are the same ones, and does not read them.

    Args:
        data: what was named; entries that were listed already have no source of their own.
        entries: the pictures.
    """
    parts = entries.parts if isinstance(entries, Joined) and len(entries.parts) == len(data) else [None] * len(data)
    found = []
    for source, part in zip(data, parts, strict=True):
        if isinstance(source, Entry):
            continue
        path = Path(os.path.abspath(source))
        facts: dict[str, Any] = {"name": path.name, "path": str(path)}
        if path.is_file():
            facts["bytes"] = path.stat().st_size
        if part is not None:
            facts |= {"pictures": len(part), "listing": digest(part)}
        found.append(facts)
    return found


def add_facts(run: Path, **facts: Any) -> None:
    """Put more into a run folder's facts.json. A folder that has lost it, or a disk that is full, only lacks these."""
    with suppress(OSError, ValueError, PhotochromError):
        known = json.loads((run / FACTS).read_text(encoding="utf-8"))
        write_bytes(run / FACTS, (json.dumps(known | facts, indent=1) + "\n").encode(), overwrite=True)


def _commit(folder: Path) -> str | None:
    """The commit of the checkout that this code is part of; None where it is installed."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # a checkout of something else may lie around it
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--", "..") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> dict[str, str]:
    of_numpy: Any = np.show_config(mode="dicts")
    library = of_numpy.get("Build Dependencies", {}).get("blas", {})
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines()]
    of_torch = [line for line in lines if line.startswith(("Intel(R) oneAPI Math", "Intel(R) MKL", "OpenBLAS", "BLAS"))]
    return {
        "numpy": " ".join(str(library[key]) for key in ("name", "version") if key in library),
        "torch": of_torch[0] if of_torch else "its own",
    }


def _device(device: torch.device) -> dict[str, Any]:
    if device.type == "cuda":
        return {"device": torch.cuda.get_device_name(device), "driver": _driver(), "cuda": torch.version.cuda}
    return {"device": processor(), "driver": None}


def _driver() -> str | None:
    try:
        words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return None
