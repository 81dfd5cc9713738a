"""Several processes that train one network, for real: they learn what one would, and end together."""

import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from photochrom.cli import main
from photochrom.errors import BadDataset, BadRecipe, BadSetting, DeviceUnavailable, WriteFailed
from photochrom.train import checkpoint
from photochrom.train.distributed import ALONE, MemberLost, ProcessGroup
from photochrom.train.launch import TrainingJob, together
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.runs import CHECKPOINT, LOCK

pytestmark = pytest.mark.slow

GAN = {
    "task": {"name": "adversarial", "settings": {"warmup": 1, "discriminator": {"width": 4, "layers": 1}}},
    "model": {"name": "unet", "settings": {"size": 32, "width": 4, "dropped": 2}},
    "loss": {"name": "l1"},
}
CYCLE = {
    "task": {"name": "cyclegan", "settings": {"pool": 2, "discriminator": {"width": 4, "layers": 1}}},
    "model": {"name": "cyclegan", "settings": {"width": 4, "blocks": 1}},
    "loss": {"name": "l1"},
}
# Nothing in it that looks at the other pictures of a batch or draws at random.
PLAIN = {
    "model": {"name": "paper_cnn", "settings": {"size": 32, "channels": [3, 2], "order": "act"}},
    "loss": {"name": "l2"},
    "optim": {"name": "sgd", "clip": 0.5},
}


def recipe(sections, **run):
    common = {"data": {"size": 32, "workers": 0}, "optim": {"warmup": 0, "lr": 0.01}}
    common["run"] = {"steps": 4, "batch": 4, "precision": "fp32", "log_every": 1, "checkpoint_every": 2} | run
    return recipe_from_dict({s: common.get(s, {}) | sections.get(s, {}) for s in common | sections})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for i in range(8):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


def carry(job, processes):
    with together(job, processes) as trainer:
        trainer.run()


def kept(run):
    return checkpoint.load(run / CHECKPOINT)


def test_two_learn_what_one_learns(pictures, tmp_path):
    for processes in (1, 2):
        carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / str(processes)), processes)
    (one, facts), (two, other) = kept(tmp_path / "1"), kept(tmp_path / "2")
    weights = [name for name in one if name.startswith("model.")]
    assert weights
    for name in weights:
        torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-6)
    assert (facts["step"], len(facts["members"])) == (4, 0)
    assert (other["step"], len(other["members"])) == (4, 1)
    for name, value in facts["meter"]["sums"].items():
        assert other["meter"]["sums"][name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("sections", [GAN, CYCLE], ids=["cgan", "cyclegan"])
def test_a_resumed_run_is_the_run_that_was_not_stopped(pictures, tmp_path, sections):
    made = recipe(sections)
    carry(TrainingJob(made, [pictures], tmp_path / "whole"), 2)
    carry(TrainingJob(made, [pictures], tmp_path / "parts", max_steps=3), 2)
    carry(TrainingJob(made, [pictures], tmp_path / "parts"), 2)
    (one, facts), (two, other) = kept(tmp_path / "whole"), kept(tmp_path / "parts")
    assert one.keys() == two.keys() >= {"random", "member1.random"}
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
    assert facts | {"seconds": 0} == other | {"seconds": 0}
    assert not torch.equal(one["random"], one["member1.random"])
    if sections is CYCLE:
        assert not torch.equal(one["task.pool.color"], one["member1.task.pool.color"])


def test_one_that_is_killed_ends_the_run_which_then_goes_on(pictures, tmp_path):
    made = recipe(GAN, steps=6)
    carry(TrainingJob(made, [pictures], tmp_path / "whole"), 2)

    def kill(now):
        if now.step == 5:
            for child in multiprocessing.active_children():
                child.kill()

    with (
        pytest.raises(MemberLost, match=r"process 1 of the run crashed \(exit status -9\); the same command resumes"),
        together(TrainingJob(made, [pictures], tmp_path / "killed"), 2) as trainer,
    ):
        trainer.run(kill)
    assert kept(tmp_path / "killed")[1]["step"] == 4
    carry(TrainingJob(made, [pictures], tmp_path / "killed"), 2)
    one, two = kept(tmp_path / "whole")[0], kept(tmp_path / "killed")[0]
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def test_what_fails_in_another_one_is_what_is_said(pictures, tmp_path):
    """Only the second process reads the last picture of the batch."""
    last = max(pictures.iterdir())
    sources = [pictures / "0.png"] * 7 + [tmp_path / last.name]
    (tmp_path / last.name).write_bytes(last.read_bytes()[:200])
    made = recipe(PLAIN | {"data": {"flip": False}}, batch=8, steps=1)
    with pytest.raises(BadDataset, match=rf"{last.name}"):
        carry(TrainingJob(made, sources, tmp_path / "run"), 2)
    assert multiprocessing.active_children() == []


def test_a_line_for_what_is_not_possible(pictures, tmp_path, capsys):
    job = TrainingJob(recipe(PLAIN), [pictures], tmp_path / "run")
    with pytest.raises(BadSetting, match="number of processes is 0; it must be at least 1"):
        carry(job, 0)
    with pytest.raises(BadRecipe, match=r"run.batch is 4; for 3 processes .* it must be a multiple of 3"):
        carry(job, 3)
    assert not job.out.exists()
    carry(TrainingJob(job.recipe, [pictures], job.out, max_steps=1), 1)
    with pytest.raises(BadSetting, match=r"started with 1 process\(es\), not 2; give --processes 1"):
        carry(job, 2)
    if not torch.cuda.is_available():
        with pytest.raises(DeviceUnavailable, match="cuda was asked for"):
            carry(TrainingJob(job.recipe, [pictures], job.out, device="cuda"), 2)
    with pytest.raises(SystemExit) as stop:
        main(["train", "no.toml", "--data", str(pictures), "--out", str(tmp_path / "new"), "--processes", "2"])
    assert stop.value.code == 2
    assert "no.toml" in capsys.readouterr().err


def test_shares():
    assert ALONE.share([1, 2, 3]) == [1, 2, 3]
    assert [ProcessGroup(rank, 2).share([1, 2, 3, 4]) for rank in (0, 1)] == [[1, 2], [3, 4]]
    with pytest.raises(BadRecipe, match="3 samples cannot be shared by 2 processes"):
        ProcessGroup(0, 2).share([1, 2, 3])
    assert ALONE.mean({"loss": 1.5}) == {"loss": 1.5}
    assert ALONE.gather("a") == ["a"]


def test_a_folder_is_trained_in_by_one_process_and_is_free_when_that_dies(pictures, tmp_path):
    out = tmp_path / "run"
    hold = "import sys, time, pathlib\nfrom photochrom.train.runs import alone_in\n"
    hold += "with alone_in(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
    other = subprocess.Popen([sys.executable, "-c", hold, out], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WriteFailed) as error:
            carry(TrainingJob(recipe(PLAIN), [pictures], out), 1)
        line = f"{out}: another process is training in this folder; wait for it, or give another --out"
        assert str(error.value) == line
        assert [path.name for path in out.iterdir()] == [LOCK], "the second one has written nothing"
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    carry(TrainingJob(recipe(PLAIN), [pictures], out), 1)
    assert kept(out)[1]["step"] == 4


def test_what_is_refused_leaves_no_folder(pictures, tmp_path):
    with pytest.raises(BadRecipe, match=r"data\.size is 32; for this model it must be 64"):
        carry(TrainingJob(recipe(PLAIN | {"model": {"name": "paper_cnn"}}), [pictures], tmp_path / "run"), 1)
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed, match=r"file cannot be written: a part of the path is a file, not a folder"):
        carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / "file"), 1)


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        ({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "TORCHELASTIC_RUN_ID": "none"}, "--processes 2"),
        ({"RANK": "0", "WORLD_SIZE": "8"}, "--processes 8"),
        ({"RANK": "0", "WORLD_SIZE": "1", "TORCHELASTIC_RUN_ID": "none"}, "--processes N"),
    ],
)
def test_torchrun_is_refused(pictures, tmp_path, monkeypatch, environment, advice):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting) as error:
        carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / "run"), 1)
    assert str(error.value).startswith("photochrom cannot be started by torchrun: each of its processes would train a ")
    assert str(error.value).endswith(f"; start it without torchrun, once, with {advice}")
    assert not (tmp_path / "run").exists()


def test_one_process_among_none_is_no_torchrun(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / "run", max_steps=1), 1)
    assert kept(tmp_path / "run")[1]["step"] == 1
