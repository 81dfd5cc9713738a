"""A run done again as its facts.json says, and whether both logs agree."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from photochrom.data.remote import is_address
from photochrom.errors import BadCheckpoint, BadDataset, BadSetting
from photochrom.inference.model_files import lasting
from photochrom.train.launch import TrainingJob
from photochrom.train.log import rows
from photochrom.train.loop import Trainer
from photochrom.train.provenance import FACTS, add_facts
from photochrom.train.recipe import load_recipe
from photochrom.train.runs import CHECKPOINT, read_checkpoint

TIMED = ("images_per_second", "data_wait")  # rows of the log that are not of what was learned


def remember(job: TrainingJob) -> None:
    """Write into a new run folder what `again` needs."""
    kept = {name: value for name, value in asdict(job).items() if name not in ("recipe", "out", "max_steps")}
    kept |= {key: [_absolute(str(path)) for path in kept[key]] for key in ("data", "validation")}
    add_facts(job.out, job=kept | {"init": None if job.init is None else lasting(job.init)})


def again(run: Path, out: Path | None = None) -> tuple[TrainingJob, int]:
    """What does a run again up to the step that it has reached, and in how many processes.

    Args:
        run: a run folder that `photochrom train` wrote.
        out: the new folder; RUN-repeat by default.

    Raises:
        BadCheckpoint: `run` is no run folder, or says too little.
        BadSetting: both are the same.
    """
    facts = _facts(run)
    kept = facts.get("job")
    if not isinstance(kept, dict):
        raise BadCheckpoint(f"{run}: its {FACTS} does not say how it was started; only newer runs can be repeated")
    out = out or run.with_name(f"{run.name}-repeat")
    if out.resolve() == run.resolve():
        raise BadSetting(f"{out}: a repetition needs a folder of its own; give another --out")
    _, checkpoint = read_checkpoint(run / CHECKPOINT)
    try:
        data, validation = ([str(path) for path in kept[key]] for key in ("data", "validation"))
        job = TrainingJob(
            load_recipe(run / "recipe.toml"), data, out, validation, kept["init"], kept["device"], checkpoint["step"]
        )
    except (KeyError, TypeError) as error:
        raise BadCheckpoint(f"{run / FACTS}: it is damaged ({error!r})") from None
    return job, 1 + len(checkpoint.get("members", ()))


def check_same(run: Path, trainer: Trainer) -> None:
    """Refuse to repeat a run on other pictures.

    Raises:
        BadDataset: their names or sizes differ.
    """
    if _facts(run).get("digest") != trainer.digest:
        raise BadDataset(
            f"{run}: its pictures have changed since, in number, name or size; a repetition needs the same"
        )


def compared(run: Path, other: Path) -> str:
    """Whether the logs of two runs agree, in one line; what was timed is left out.

    Example: "agrees over 120 rows", or the first difference: step, name, and both values.
    """
    first, second = _values(run), _values(other)
    common = [key for key in first if key in second]
    if not common:
        return f"{other}: it has no row of its log in common with {run}"
    for step, name in common:
        if first[step, name] != second[step, name]:
            return (
                f"{other}: it differs from {run} first at step {step}, in {name}: "
                f"{first[step, name]} before, {second[step, name]} now"
            )
    alone = len(first) + len(second) - 2 * len(common)
    more = f", and {alone} are in one of them only" if alone else ""
    return f"{other}: its log agrees with that of {run} over {len(common)} rows{more}"


def _absolute(source: str) -> str:
    return source if is_address(source) else os.path.abspath(source)


def _values(run: Path) -> dict[tuple[int, str], str]:
    found = [(int(row["step"]), row["name"], row["value"]) for row in rows(run)]
    return {(step, name): value for step, name, value in sorted(found) if name not in TIMED}


def _facts(run: Path) -> dict[str, Any]:
    try:
        return json.loads((run / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"{run}: it is not a run folder, or its {FACTS} cannot be read ({error})") from None
