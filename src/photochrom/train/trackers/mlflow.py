"""MLflow: a run of the experiment "photochrom", in the run folder or on the server of MLFLOW_TRACKING_URI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from photochrom._support.optional_packages import needing_package
from photochrom.train.trackers import trackers

RUN_ID = "mlflow-run-id"  # in the run folder
EXPERIMENT = "photochrom"


@trackers.register("mlflow")
class MLflow:
    """See `photochrom.train.trackers.Tracker`. The recipe's values are the run's parameters."""

    def __init__(self, run: Path, step: int, recipe: dict[str, Any]) -> None:
        with needing_package("the tracker 'mlflow'", "mlflow"):
            from mlflow import MlflowClient  # type: ignore[import-not-found]
            from mlflow.entities import Metric  # type: ignore[import-not-found]
        self._metric, folder = Metric, (run / "mlruns").resolve()
        place = os.environ.get("MLFLOW_TRACKING_URI")
        if not place:
            # MLflow 3 asks before it writes plain files, which need no server and no database.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            place = folder.as_uri()
        self._client = MlflowClient(place)
        known = run / RUN_ID
        if known.exists():
            self._id = known.read_text(encoding="utf-8").strip()
            self._client.update_run(self._id, status="RUNNING")
            return
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        self._id = self._client.create_run(experiment, run_name=run.name).info.run_id
        known.write_text(self._id + "\n", encoding="utf-8")
        for name, value in flat(recipe).items():
            self._client.log_param(self._id, name, value)

    def write(self, step: int, values: dict[str, float]) -> None:
        from time import time

        now = int(time() * 1000)
        self._client.log_batch(self._id, [self._metric(name, value, now, step) for name, value in values.items()])

    def draw(self, step: int, name: str, picture: np.ndarray) -> None:
        from PIL import Image

        self._client.log_image(self._id, Image.fromarray(picture), f"{name}/{step:08d}.png")

    def close(self) -> None:
        self._client.set_terminated(self._id)


def flat(recipe: dict[str, Any], before: str = "") -> dict[str, Any]:
    """A recipe's values by their dotted names, as `--set` takes them.

    Example:
        >>> flat({"title": "x", "optim": {"lr": 0.1}})
        {'title': 'x', 'optim.lr': 0.1}
    """
    found: dict[str, Any] = {}
    for name, value in recipe.items():
        found |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found
