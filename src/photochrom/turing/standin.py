"""An automatic stand-in for AdverSuc, where no people are at hand: how often a classifier takes a colouring for real.

It is not a Turing test, and is called a stand-in wherever it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from photochrom import io
from photochrom.errors import BadDataset, BadSetting
from photochrom.extras import training
from photochrom.files import write_bytes
from photochrom.formats import shown
from photochrom.turing.design import REAL
from photochrom.turing.features import Features, color_statistics, object_features
from photochrom.turing.logistic import held_out
from photochrom.turing.results import Share
from photochrom.turing.study import Study, load_study

FILE = "standin.json"
FOLDS = 5
Seen = Literal["colors", "objects"]
_WORDS = {"colors": "statistics of the colours", "objects": "the features of EfficientNet-Lite0"}

Progress = Callable[[int, int], None]
"""Called after each photograph with how many are done and how many there are."""


@dataclass(frozen=True)
class StandIn:
    """How a classifier judged one model's colourings of photographs that it had not seen.

    Attributes:
        fooled: how many colourings it took for real.
        accuracy: share of real and coloured pictures that it judged right, 0..1; 0.5 is chance.
        auc: area under its ROC curve; 0.5 is chance.
        pairs: share of photographs whose colouring it found more real than the real one, 0..1; 0.5 is chance.
    """

    fooled: Share
    accuracy: float
    auc: float
    pairs: float


def run_standin(
    folder: Path, seen: Seen = "colors", seed: int = 0, progress: Progress = lambda done, total: None
) -> dict[str, StandIn]:
    """Train and test a classifier for each model of a study, and keep the result beside the study for its report.

    Args:
        folder: the study's; the pictures of practice are taken, too.
        seen: "colors" (statistics of the colours), or "objects" (EfficientNet-Lite0's features; extra `train`).
        seed: decides the parts of the cross-validation.
        progress: called after each photograph.

    Returns:
        The results by model.

    Raises:
        BadDataset: there is no study, or it has too few photographs.
        MissingExtra: "objects" without torch.
    """
    if seen not in get_args(Seen):
        raise BadSetting(f"the classifier sees {' or '.join(get_args(Seen))}, not {seen!r}")
    study = load_study(folder)
    names = study.photographs + study.practice
    if len(names) < 4 * FOLDS:
        raise BadDataset(f"{shown(folder)}: {len(names)} photographs; the classifier needs {4 * FOLDS} or more")
    features = color_statistics
    if seen == "objects":
        with training("a classifier on features of objects"):
            features = object_features()
    found = {}
    table = _features(folder, study, names, features, progress)
    for model in study.models:
        found[model] = _judge(table[REAL], table[model], seed)
    facts = {"features": _WORDS[seen], "folds": FOLDS, "seed": seed, "models": {m: asdict(s) for m, s in found.items()}}
    write_bytes(folder / FILE, (json.dumps(facts, indent=1) + "\n").encode(), overwrite=True)
    return found


def load_standin(folder: Path) -> dict[str, Any] | None:
    """What `run_standin` left in a study's folder, as plain values; None if it was not run.

    Raises:
        BadDataset: it is damaged.
    """
    try:
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadDataset(
            f"{shown(folder / FILE)}: damaged ({error}); run `photochrom turing classifier` again"
        ) from None


def _features(
    folder: Path, study: Study, names: tuple[str, ...], features: Features, progress: Progress
) -> dict[str, np.ndarray]:
    """(photographs, d) by form."""
    rows: dict[str, list[np.ndarray]] = {form: [] for form in (REAL, *study.models)}
    for done, name in enumerate(names, start=1):
        for form, row in rows.items():
            row.append(features(io.read(study.picture(folder, name, form)).pixels))
        progress(done, len(names))
    return {form: np.stack(row) for form, row in rows.items()}


def _judge(real: np.ndarray, colored: np.ndarray, seed: int) -> StandIn:
    n = len(real)
    truth = np.arange(2 * n) < n
    logits = held_out(np.concatenate([real, colored]), truth, np.tile(np.arange(n), 2), FOLDS, seed)
    of_real, of_colored = logits[:n], logits[n:]
    above = (of_real[:, None] > of_colored) + 0.5 * (of_real[:, None] == of_colored)
    pairs = (of_colored > of_real) + 0.5 * (of_colored == of_real)
    return StandIn(
        Share.counted((of_colored > 0).tolist()),
        float(((logits > 0) == truth).mean()),
        float(above.mean()),
        float(pairs.mean()),
    )
