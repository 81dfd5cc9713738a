"""Where a run is shown: each tracker with its real package, offline, and a plug-in."""

import json
import sys

import numpy as np
import pytest

from photochrom.errors import BadRecipe, BadSetting, WriteFailed
from photochrom.train.log import TrainingLog
from photochrom.train.loop import Trainer
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.trackers import trackers

pytestmark = pytest.mark.slow


def run_twice(tiny, folder, run, name):
    """A run of four steps that was stopped at two."""
    recipe = tiny(run={"steps": 4, "eval_every": 2, "checkpoint_every": 2, "trackers": [name]})
    for stop in (2, None):
        Trainer(recipe, [folder], run, validation=[folder / "0.png"], max_steps=stop).run()
    rows = [line.split(",") for line in (run / "log.csv").read_text().split()[1:]]
    return [(int(step), float(value)) for step, name, value in rows if name == "loss"]


@pytest.mark.filterwarnings("ignore")
def test_mlflow_in_the_run_folder(tiny, folder, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed: pip install mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = tmp_path / "run"
    losses = run_twice(tiny, folder, run, "mlflow")
    client = mlflow.MlflowClient((run / "mlruns").as_uri())
    (found,) = client.search_runs([client.get_experiment_by_name("photochrom").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["model.name"] == "tiny"
    assert found.data.params["run.steps"] == "4"
    history = [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, "loss")]
    assert [step for step, _ in history] == [1, 2, 3, 4]
    np.testing.assert_allclose([v for _, v in history], [v for _, v in losses], rtol=1e-5)
    pictures = client.list_artifacts(found.info.run_id, "samples")
    assert [p.path for p in pictures] == ["samples/00000002.png", "samples/00000004.png"]


@pytest.mark.filterwarnings("ignore")
def test_wandb_offline_in_the_run_folder(tiny, folder, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="wandb is not installed: pip install wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    run = tmp_path / "run"
    run_twice(tiny, folder, run, "wandb")
    name = (run / "wandb-run-id").read_text().strip()
    files = list((run / "wandb").glob(f"offline-run-*-{name}/run-{name}.wandb"))
    assert files, "two parts of one run"
    assert b"learning_rate" in b"".join(f.read_bytes() for f in files) or b"loss" in files[0].read_bytes()


PLUG_IN = """
import json
from photochrom.train.trackers import trackers

@trackers.register("lines")
class Lines:
    def __init__(self, run, step, recipe):
        self.file = open(run / "lines.jsonl", "a")
        self.put(["begin", step, recipe["run"]["steps"]])

    def put(self, row):
        self.file.write(json.dumps(row) + "\\n")

    def write(self, step, values):
        self.put(["values", step, values["loss"]] if "loss" in values else ["values", step])

    def draw(self, step, name, picture):
        self.put(["picture", step, name, len(picture.shape)])

    def close(self):
        self.put(["end"])
        self.file.close()
"""


def test_a_plug_in_is_one_file(plugged_in, tiny, folder, tmp_path):
    plugged_in(trackers, PLUG_IN)
    losses = run_twice(tiny, folder, tmp_path / "run", "lines")
    rows = [json.loads(line) for line in (tmp_path / "run" / "lines.jsonl").read_text().splitlines()]
    assert [row[0] for row in rows if row[0] in ("begin", "end")] == ["begin", "end"] * 2
    assert [row[1:] for row in rows if row[0] == "begin"] == [[0, 4], [2, 4]]
    shown = [row[1:] for row in rows if row[0] == "values" and len(row) == 3]
    assert [step for step, _ in shown] == [step for step, _ in losses] == [1, 2, 3, 4]
    np.testing.assert_allclose([v for _, v in shown], [v for _, v in losses], rtol=1e-5)
    assert [row for row in rows if row[0] == "picture"] == [["picture", 2, "samples", 3], ["picture", 4, "samples", 3]]
    assert not list((tmp_path / "run").glob("events.out.tfevents*")), "TensorBoard was not asked for"


def test_nothing_at_all(tmp_path):
    log = TrainingLog(tmp_path, 0, {}, ())
    log.write(1, {"loss": 1.0})
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_one_that_fails_is_named(plugged_in, tmp_path):
    plugged_in(
        trackers,
        PLUG_IN.replace(
            'self.put(["values", step, values',
            'raise RuntimeError("no\\nroute")\n        self.put(["values", step, values',
        ),
    )
    log = TrainingLog(tmp_path, 0, {"run": {"steps": 4}}, ["lines"])
    with pytest.raises(WriteFailed, match=r"the tracker 'lines' failed \(no route\); the same command resumes"):
        log.write(1, {"loss": 1.0})
    log.close()


@pytest.mark.parametrize("names", [["tensorbord"], ["tensorboard", "tensorboard"]])
def test_other_names_are_one_line(names):
    with pytest.raises(BadRecipe, match=r"run\.trackers .* mlflow, tensorboard, wandb"):
        recipe_from_dict({"run": {"trackers": names}})


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_package_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BadSetting, match=f"the tracker '{name}' needs the package '{name}'; install it with: pip"):
        TrainingLog(tmp_path, 0, {}, [name])
