"""An automatic stand-in for AdverSuc, where no people are at hand: how often classifiers take a colouring for real.

It is not a Turing test, and is called a stand-in wherever it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from photochrom._support.files import write_bytes
from photochrom._support.optional_packages import training
from photochrom._support.text import shown
from photochrom.errors import BadDataset
from photochrom.imaging import io
from photochrom.research.turing.design import REAL
from photochrom.research.turing.features import Features, color_statistics, edge_statistics, object_features
from photochrom.research.turing.logistic import held_out
from photochrom.research.turing.results import Share
from photochrom.research.turing.study import TuringStudy, load_study

FILE = "standin.json"
FOLDS = 5

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


@dataclass(frozen=True)
class StandIns:
    """What the classifiers of a study found.

    Attributes:
        photographs: how many, each in all its forms.
        folds, seed: of the cross-validation by photograph.
        models: by model, and by what the classifier sees: "colours", "edges", "objects".
    """

    photographs: int
    folds: int
    seed: int
    models: dict[str, dict[str, StandIn]]


def run_standin(
    folder: Path, objects: bool = False, seed: int = 0, progress: Progress = lambda done, total: None
) -> StandIns:
    """Train and test classifiers for each model of a study, and keep the result beside the study for its report.

    Args:
        folder: the study's; the pictures of practice are taken, too.
        objects: also one that sees what EfficientNet-Lite0 sees; needs the extra `train`.
        seed: decides the parts of the cross-validation.
        progress: called after each photograph.

    Raises:
        BadDataset: there is no study, or it has too few photographs.
        MissingExtra: `objects` without torch.
    """
    study = load_study(folder)
    names = study.photographs + study.practice
    if len(names) < 4 * FOLDS:
        raise BadDataset(f"{shown(folder)}: {len(names)} photographs; the classifier needs {4 * FOLDS} or more")
    seen: dict[str, Features] = {"colours": color_statistics, "edges": edge_statistics}
    if objects:
        with training("a classifier that sees objects"):
            seen["objects"] = object_features()
    table = _features(folder, study, names, seen, progress)
    models = {
        model: {what: _judge(table[REAL, what], table[model, what], seed) for what in seen} for model in study.models
    }
    found = StandIns(len(names), FOLDS, seed, models)
    write_bytes(folder / FILE, (json.dumps(asdict(found), indent=1) + "\n").encode(), overwrite=True)
    return found


def load_standin(folder: Path) -> StandIns | None:
    """What `run_standin` left in a study's folder; None if it was not run.

    Raises:
        BadDataset: it is damaged.
    """
    path = folder / FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts["models"] = {
            model: {what: StandIn(**{**each, "fooled": Share(**each["fooled"])}) for what, each in results.items()}
            for model, results in facts["models"].items()
        }
        return StandIns(**facts)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadDataset(f"{shown(path)}: damaged ({error}); run `photochrom turing classifier` again") from None


def _features(
    folder: Path, study: TuringStudy, names: tuple[str, ...], seen: dict[str, Features], progress: Progress
) -> dict[tuple[str, str], np.ndarray]:
    """(photographs, d) by form and by what is seen."""
    rows = {(form, what): [] for form in (REAL, *study.models) for what in seen}
    for done, name in enumerate(names, start=1):
        for form in (REAL, *study.models):
            pixels = io.read(study.picture(folder, name, form)).pixels
            for what, features in seen.items():
                rows[form, what].append(features(pixels))
        progress(done, len(names))
    return {key: np.stack(row) for key, row in rows.items()}


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
