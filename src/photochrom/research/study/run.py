"""Train and measure every network of a plan, each in a folder of its own; what is finished is never done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from photochrom._support.files import write_bytes
from photochrom._support.machine import processor
from photochrom._support.settings import to_dict
from photochrom.evaluation.files import write_csv
from photochrom.inference.backends import Backend
from photochrom.loading import load_backend
from photochrom.research.study.measure import Standing, colored_bytes, measured, packaged
from photochrom.research.study.plan import StudyJob
from photochrom.research.study.prepare import Parts, dataset_of, read_facts
from photochrom.research.study.realism import measure_realism, save_arrays
from photochrom.train.export import starting_point
from photochrom.train.log import series
from photochrom.train.loop import Trainer
from photochrom.train.progress import Progress
from photochrom.train.runs import CHECKPOINT, alone_in, same_recipe
from photochrom.train.task import resolved
from photochrom.train.torch_backend import TorchBackend

RESULT = "result.json"
PICTURES = "pictures.npz"
PER_IMAGE = {"test": "per_image.csv", "seen": "per_image_seen.csv"}


def run_job(
    job: StudyJob, data: dict[str, Parts], out: Path, device: str, progress: Callable[[Progress], None] = lambda _: None
) -> bool:
    """Train one network, or go on with it, and measure it; a given one is only measured.

    Args:
        job: which.
        data: the datasets, as from `prepare`.
        out: the folder of this scale.
        device: "cpu" or "cuda".
        progress: called now and then while it trains.

    Returns:
        Whether there was anything to do.

    Raises:
        FolderInUse: another process trains it.
        BadRecipe: the folder holds a run of another recipe.
        PhotochromError: as `Trainer`.
    """
    folder, parts = out / "runs" / job.folder, data[dataset_of(job)]
    if (folder / RESULT).exists():
        same_recipe(job.recipe, read_facts(folder / RESULT)["recipe"], folder)
        return False
    with alone_in(folder):
        if (folder / RESULT).exists():
            return False  # another process has finished it since
        trained = _given(job) if job.given else _trained(job, parts, folder, device, progress)
        backend = finished_backend(job, folder, device)
        seen, test = measured(backend, parts.seen), measured(backend, parts.test, viewed=True)
        for name, of, found in (("test", parts.test, test), ("seen", parts.seen, seen)):
            rows = [{"key": k, **row} for k, row in zip(of.keys, found.rows, strict=True)]
            write_csv(folder / PER_IMAGE[name], rows, True)
        # What may be shown anywhere: the others are photographs of a dataset.
        free = colored_bytes(backend, packaged(parts.test.rgb.shape[1]))
        save_arrays(folder / PICTURES, test=test.rgb, seen=seen.rgb, packaged=free)
        bins = backend.card.codebook()
        result = {
            "name": job.name,
            "seed": job.seed,
            "part": job.part,
            "parameters": backend.card.parameters,
            "scores": bins.n_scores if bins else 2,
            "images": len(parts.train),
            **trained,
            "machine": machine(device),
            "torch": torch.__version__,
            "test": test.means,
            "seen": seen.means,
            "views": test.views,
            "realism": measure_realism(backend, test.rgb, parts.val, folder, out) if parts.val else {},
        }
        write_bytes(folder / RESULT, json.dumps(result, indent=1).encode(), overwrite=True)
    # A gigabyte a run, and the study is about what is measured; `photochrom train` makes the network again.
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return True


def _trained(
    job: StudyJob, parts: Parts, folder: Path, device: str, progress: Callable[[Progress], None]
) -> dict[str, Any]:
    """Train to the end; what the result says of it. A fully connected layer and its optimiser may fill gigabytes."""
    start = starting_point(job.init) if job.init else {}
    trainer = Trainer(job.recipe, parts.train, folder, device=device, **start)
    if trainer.step < trainer.stop:
        trainer.run(progress)
    return {
        "recipe": to_dict(trainer.recipe),  # which says what a precision of "auto" was
        "seconds": trainer.seconds,
        "steps": trainer.step,
        "loss": series(folder, "loss"),
        "rate": series(folder, "lr_decoder"),
    }


def _given(job: StudyJob) -> dict[str, Any]:
    return {"recipe": to_dict(resolved(job.recipe)), "seconds": 0.0, "steps": 0, "loss": [], "rate": []}


def finished_backend(job: StudyJob, folder: Path, device: str) -> Backend:
    """What answers for a job: the network trained in its folder, or the given one."""
    if not job.given:
        return TorchBackend(folder, device)
    backend = load_backend(job.given, device)
    return Standing(backend, job.consistency) if job.consistency else backend


def machine(device: str) -> str:
    """What trained: the GPU's name, or the CPU's and how many cores."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{processor()}, {torch.get_num_threads()} threads"
