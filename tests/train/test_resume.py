"""A run that is killed and resumed is, to the last bit, the run that was not."""

import contextlib
import csv
import json
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from photochrom.errors import BadCheckpoint
from photochrom.train import checkpoint
from photochrom.train.loop import Trainer
from photochrom.train.recipe import recipe_text
from photochrom.train.runs import CHECKPOINT, load_run

pytestmark = pytest.mark.slow

TIMED = ("images_per_second", "data_wait")


class Killed(Exception):
    pass


def killed_at(step):
    def kill(progress):
        if progress.step >= step:
            raise Killed

    return kill


def rows(run):
    with (run / "log.csv").open() as file:
        return [tuple(r.values()) for r in csv.DictReader(file) if r["name"] not in TIMED]


def assert_same(one, two):
    (tensors, facts), (other, other_facts) = (checkpoint.load(run / CHECKPOINT) for run in (one, two))
    assert tensors.keys() == other.keys()
    assert [k for k in tensors if not torch.equal(tensors[k], other[k])] == []
    for untimed in (facts, other_facts):
        untimed.pop("seconds")
    assert facts == other_facts


def interrupted(recipe, folder, run, at):
    """Kill at a row of the log behind the last checkpoint, then resume to the end."""
    with contextlib.suppress(Killed):
        Trainer(recipe, [folder], run, validation=[folder / "0.png"]).run(killed_at(at))
    saved = checkpoint.load(run / CHECKPOINT)[1]["step"]
    torch.rand(5)
    again = Trainer(recipe, [folder], run, validation=[folder / "0.png"])
    assert again.step == saved < at
    again.run()


@pytest.mark.parametrize(("precision", "encoder_from"), [("fp32", 2), ("bf16", 4)])
def test_the_real_network(small, folder, tmp_path, precision, encoder_from):
    recipe = small(
        optim={"encoder_from": encoder_from, "warmup": 2, "lr": 0.01},
        run={"precision": precision, "checkpoint_every": 3, "log_every": 2, "eval_every": 5},
    )
    Trainer(recipe, [folder], tmp_path / "whole", validation=[folder / "0.png"]).run()
    interrupted(recipe, folder, tmp_path / "parts", at=4)
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")


def test_a_precision_that_the_machine_chose_is_kept_on_another_machine(tiny, folder, tmp_path, monkeypatch):
    recipe = tiny(run={"precision": "auto", "checkpoint_every": 2})
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    Trainer(recipe, [folder], tmp_path / "run", max_steps=2).run()
    assert 'precision = "bf16"' in (tmp_path / "run" / "recipe.toml").read_text()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False}, raising=False)
    again = Trainer(recipe, [folder], tmp_path / "run")
    assert again.step == 2
    assert again.task.recipe.run.precision == "bf16"
    Trainer(recipe, [folder], tmp_path / "other", max_steps=2).run()
    assert 'precision = "fp32"' in (tmp_path / "other" / "recipe.toml").read_text()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_papers_network_with_its_mean_subtracted(paper, folder, tmp_path, precision):
    recipe = paper(
        model={"name": "paper_cnn", "settings": paper().model.settings | {"dropout": 0.3, "activation": "rrelu"}},
        bins={"kind": "equal", "samples": 3},
        data={"subtract_mean": True},
        optim={"schedule": "plateau", "patience": 0},
        run={"precision": precision, "checkpoint_every": 3, "log_every": 2, "eval_every": 2, "ema": 0.0},
    )
    Trainer(recipe, [folder], tmp_path / "whole", validation=[folder / "0.png"]).run()
    interrupted(recipe, folder, tmp_path / "parts", at=4)
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")
    assert checkpoint.load(tmp_path / "parts" / CHECKPOINT)[1]["center"] != 50


# Every pair of them meets.
@pytest.mark.parametrize(
    ("optimizer", "schedule", "kind"),
    [
        ("adamw", "cosine", "equal"),
        ("adamw", "plateau", "joint"),
        ("adam", "cosine", "joint"),
        ("adam", "plateau", "equal"),
        ("nadam", "cosine", "equal"),
        ("nadam", "plateau", "joint"),
        ("sgd", "cosine", "joint"),
        ("sgd", "plateau", "equal"),
    ],
)
def test_every_optimizer_and_schedule(tiny, folder, tmp_path, optimizer, schedule, kind):
    recipe = tiny(
        optim={"name": optimizer, "schedule": schedule, "patience": 0, "encoder_from": 5},
        bins={"kind": kind},
        run={"steps": 12, "checkpoint_every": 5, "log_every": 2, "eval_every": 3, "accumulate": 2},
    )
    Trainer(recipe, [folder], tmp_path / "whole", validation=[folder / "0.png"]).run()
    interrupted(recipe, folder, tmp_path / "parts", at=8)
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")


def test_a_stop_in_between_changes_nothing_that_is_learned(tiny, folder, tmp_path):
    optim = {"schedule": "plateau", "patience": 0, "factor": 0.5}
    recipe = tiny(optim=optim, run={"steps": 9, "eval_every": 2, "checkpoint_every": 4})
    Trainer(recipe, [folder], tmp_path / "whole").run()
    for stop in (3, 5, 6, None):
        Trainer(recipe, [folder], tmp_path / "parts", max_steps=stop).run()
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")


def test_a_finished_run_is_left_as_it_is(tiny, folder, tmp_path):
    run = tmp_path / "run"
    Trainer(tiny(), [folder], run).run()
    before = (run / CHECKPOINT).read_bytes(), rows(run)
    Trainer(tiny(), [folder], run).run()
    assert ((run / CHECKPOINT).read_bytes(), rows(run)) == before


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tiny, folder, tmp_path):
    with contextlib.suppress(Killed):
        Trainer(tiny(), [folder], tmp_path / "parts").run(killed_at(3))
    Trainer(tiny(), [folder], tmp_path / "parts").run()
    Trainer(tiny(), [folder], tmp_path / "whole").run()
    assert_same(tmp_path / "whole", tmp_path / "parts")
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")


def test_a_run_of_the_format_before_can_be_exported_only(tiny, folder, tmp_path):
    Trainer(tiny(), [folder], tmp_path / "run", max_steps=3).run()
    path = tmp_path / "run" / CHECKPOINT
    tensors, facts = checkpoint.load(path)
    del facts["recipe"]["task"]
    checkpoint.save(path, tensors, facts | {"format": 1})
    with pytest.raises(BadCheckpoint, match="started by an older version of photochrom; it can be exported"):
        Trainer(tiny(), [folder], tmp_path / "run")
    assert load_run(tmp_path / "run")[3]["step"] == 3


RUN = """
import sys, torch
from pathlib import Path
torch.set_num_threads(1)
from photochrom.train.recipe import load_recipe
from photochrom.train.loop import Trainer
Trainer(load_recipe(Path(sys.argv[1])), [sys.argv[2]], Path(sys.argv[3])).run()
"""


def test_a_real_kill(small, changed, folder, tmp_path):
    recipe = small(run={"steps": 10_000, "checkpoint_every": 1})
    (tmp_path / "recipe.toml").write_text(recipe_text(recipe))
    run = tmp_path / "parts"
    process = subprocess.Popen([sys.executable, "-c", RUN, tmp_path / "recipe.toml", folder, run])
    try:
        deadline = time.monotonic() + 120
        while not (run / CHECKPOINT).exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(random.random())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    step = checkpoint.load(run / CHECKPOINT)[1]["step"]
    resumed = Trainer(recipe, [folder], run, max_steps=step + 1)
    assert resumed.step == step
    resumed.run()
    assert [int(s) for s, name, _ in rows(run) if name == "loss"] == list(range(1, step + 2))
    assert json.loads((run / "facts.json").read_text())["seed"] == 0
    assert not [f for f in run.iterdir() if f.suffix == ".tmp"]
    Trainer(recipe, [folder], tmp_path / "whole", max_steps=step + 1).run()
    assert_same(tmp_path / "whole", run)


def test_samples_made_in_memory_resume_to_the_last_bit(tiny, folder, tmp_path):
    data = {"cache": "memory", "degrade": 0.5, "cutmix": 0.3, "soften": 0.2}
    recipe = tiny(data=data, run={"checkpoint_every": 3})
    whole = Trainer(recipe, [folder], tmp_path / "whole", validation=[folder / "0.png"])
    whole.run()
    assert whole.memory.pictures == 9
    interrupted(recipe, folder, tmp_path / "resumed", at=4)
    assert_same(tmp_path / "whole", tmp_path / "resumed")
