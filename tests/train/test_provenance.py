"""What a run folder says of how it came about, and doing it again."""

import csv
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from photochrom.cli import main
from photochrom.data.sources import digest, list_pictures
from photochrom.errors import BadCheckpoint, BadDataset, BadSetting
from photochrom.train import provenance
from photochrom.train.launch import TrainingJob, together
from photochrom.train.recipe import recipe_text
from photochrom.train.repeat import again, check_same, compared, remember

pytestmark = pytest.mark.slow


def facts(run):
    return json.loads((run / "facts.json").read_text())


def command(*words):
    with pytest.raises(SystemExit) as status:
        main(["train", *map(str, words)])
    return status.value.code or 0


@pytest.fixture
def run(tiny, folder, tar, tmp_path, monkeypatch):
    """A run of the command, of six steps."""
    (tmp_path / "recipe.toml").write_text(recipe_text(tiny()))
    monkeypatch.chdir(tmp_path)
    words = ["recipe.toml", "--data", "pictures", "pictures.tar", "--val", "pictures/0.png", "--out", "run"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/photochrom", "train", *words])
    assert command(*words) == 0
    return tmp_path / "run"


def test_a_run_says_how_it_came_about(run, folder, tar):
    found = facts(run)
    assert found["command"].startswith("photochrom train recipe.toml --data pictures pictures.tar --val")
    assert found["versions"] == {
        "python": ".".join(map(str, sys.version_info[:3])),
        **{name: version(name) for name in ("numpy", "pillow", "torch", "onnxruntime")},
    }
    assert found["blas"]["numpy"]
    assert found["blas"]["torch"]
    assert (found["threads"], found["processes"], found["driver"]) == (torch.get_num_threads(), 1, None)
    assert found["device"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=provenance.__file__.rpartition("/")[0], text=True,
                          capture_output=True, check=False)  # fmt: skip
    assert (found["commit"] or "").rstrip("+") == head.stdout.strip()
    listed = list_pictures([tar])
    of_folder, of_tar = found["sources"]
    assert of_tar == {
        "name": "pictures.tar", "path": str(tar), "bytes": tar.stat().st_size, "pictures": 3, "listing": digest(listed),
    }  # fmt: skip
    assert (of_folder["name"], of_folder["pictures"]) == ("pictures", 9)
    assert found["step"] == 6
    assert found["seconds"] > 0


def test_time_adds_up_over_resumes(tiny, folder, tmp_path, changed):
    job = TrainingJob(changed(tiny(), "run", checkpoint_every=1), [folder], tmp_path / "run", max_steps=3)
    with together(job) as trainer:
        trainer.run()
    before = facts(job.out)
    with together(TrainingJob(job.recipe, job.data, job.out)) as trainer:
        assert trainer.seconds == pytest.approx(before["seconds"], abs=0.06)
        trainer.seconds += 100
        trainer.run()
    assert facts(job.out)["seconds"] >= 100 + before["seconds"]
    assert (before["step"], facts(job.out)["step"]) == (3, 6)


def test_a_repetition_agrees(run, capsys):
    assert command("--repeat", "run", "--out", "again") == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("again: its log agrees with that of run over ")
    assert facts(run.with_name("again"))["digest"] == facts(run)["digest"]
    job, processes = again(run)
    assert (job.out, job.max_steps, processes) == (run.with_name("run-repeat"), 6, 1)
    assert [Path(path).name for path in job.data] == ["pictures", "pictures.tar"]
    assert [Path(path).name for path in job.validation] == ["0.png"]


def test_the_first_difference_is_named(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    rows = list(csv.reader((run / "log.csv").read_text().splitlines()))
    count = len([row for row in rows[1:] if row[1] not in ("images_per_second", "data_wait")])
    changed = [[s, n, "7.5"] if n in ("data_wait", "images_per_second") else [s, n, v] for s, n, v in rows]
    write(other, changed)
    assert compared(run, other) == f"{other}: its log agrees with that of {run} over {count} rows"
    value = next(v for s, n, v in changed if (s, n) == ("4", "loss"))
    write(other, [[s, n, "123"] if n == "loss" and s in "456" else [s, n, v] for s, n, v in changed])
    assert compared(run, other).endswith(f"first at step 4, in loss: {value} before, 123 now")
    write(other, changed[:-1])
    assert compared(run, other).endswith(f"over {count - 1} rows, and 1 are in one of them only")
    write(other, changed[:1])
    assert "no row of its log in common" in compared(run, other)


def write(run, rows):
    with (run / "log.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_what_cannot_be_repeated_is_one_line(run, folder, png, capsys, tmp_path):
    with pytest.raises(BadCheckpoint, match=r"not a run folder, or its facts\.json cannot be read"):
        again(folder)
    with pytest.raises(BadSetting, match="a repetition needs a folder of its own"):
        again(run, run)
    for words, line in (
        (["recipe.toml", "--repeat", "run"], "--repeat takes everything from the run"),
        (["recipe.toml", "--data", "pictures"], "train needs a RECIPE, --data and --out, or --repeat RUN"),
    ):
        assert command(*words) == 2
        assert line in capsys.readouterr().err
    (folder / "new.png").write_bytes(png(77))
    assert command("--repeat", "run", "--out", "changed") == 1
    assert "its pictures have changed since" in capsys.readouterr().err
    known = facts(run)
    del known["job"]
    (run / "facts.json").write_text(json.dumps(known))
    with pytest.raises(BadCheckpoint, match="does not say how it was started"):
        again(run)


def test_other_pictures_are_refused(run, folder, tiny, tmp_path):
    job = TrainingJob(tiny(), [folder], tmp_path / "else")
    with together(job) as trainer, pytest.raises(BadDataset, match="its pictures have changed since"):
        check_same(run, trainer)


def test_what_is_lost_stays_lost(tmp_path, tiny, folder):
    provenance.add_facts(tmp_path, step=1)
    remember(TrainingJob(tiny(), [folder], tmp_path))
    assert not list(tmp_path.glob("facts.json"))
