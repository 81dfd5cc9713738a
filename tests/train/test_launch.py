"""Several processes that train one network, for real: they learn what one would, and start again when one is killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch.distributed import launcher

from photochrom.cli import main, train
from photochrom.errors import BadDataset, BadRecipe, BadSetting, WriteFailed
from photochrom.train import checkpoint
from photochrom.train import launch as launching
from photochrom.train.distributed import ALONE, MemberLost, ProcessGroup
from photochrom.train.launch import TrainingJob, launch, launched, stop_signals, together
from photochrom.train.log import series
from photochrom.train.recipe import recipe_from_dict, recipe_text
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


@pytest.fixture(scope="module", autouse=True)
def _forked():
    """The launcher forks its processes from one that has imported torch, which takes each of them seconds. What is
    started as a command is started as by anybody."""
    multiprocessing.set_forkserver_preload(["photochrom.train.launch", "torch._dynamo", "torch.utils.tensorboard"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launcher, "LaunchConfig", partial(launcher.LaunchConfig, start_method="forkserver"))
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for i in range(8):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


def carry(job, processes, work=None):
    if processes == 1:
        with together(job) as trainer:
            trainer.run()
        return None
    return launch(processes, work or share, job)


def share(job, stopping):
    with together(job) as trainer:
        trainer.run(stopping=stopping)
        return trainer.step


def killed_once(job, stopping):
    return killed(job, stopping, times=1)


def killed(job, stopping, times=9):
    """The second process is killed in its fifth step, as often as is said."""
    place = launched()
    with together(job) as trainer:

        def kill():
            if place.rank == 1 and place.restarts < times and trainer.step == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            return stopping()

        trainer.run(stopping=kill)
        return place.restarts


def kept(run):
    return checkpoint.load(run / CHECKPOINT)


def assert_same(one, two):
    (tensors, facts), (other, other_facts) = kept(one), kept(two)
    assert tensors.keys() == other.keys() >= {"random", "member1.random"}
    assert [name for name in tensors if not torch.equal(tensors[name], other[name])] == []
    assert facts | {"seconds": 0} == other_facts | {"seconds": 0}
    assert not torch.equal(tensors["random"], tensors["member1.random"])


@pytest.fixture(scope="module")
def two(pictures, tmp_path_factory):
    """The folder of a run of two processes."""
    run = tmp_path_factory.mktemp("two") / "run"
    assert carry(TrainingJob(recipe(PLAIN), [pictures], run), 2) == 4
    return run


def words(folder, pictures, **run):
    (folder / "recipe.toml").write_text(recipe_text(recipe(PLAIN, **run)))
    return ["train", folder / "recipe.toml", "--data", pictures, "--out", folder / "run", "--device", "cpu"]


def test_two_learn_what_one_learns(two, pictures, tmp_path):
    carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / "1"), 1)
    (one, facts), (two, other) = kept(tmp_path / "1"), kept(two)
    weights = [name for name in one if name.startswith("model.")]
    assert weights
    for name in weights:
        torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-6)
    assert (facts["step"], len(facts["members"])) == (4, 0)
    assert (other["step"], len(other["members"])) == (4, 1)
    for name, value in facts["meter"]["sums"].items():
        assert other["meter"]["sums"][name] == pytest.approx(value, rel=1e-4), name


def test_sigterm_to_the_command_saves_where_all_are(pictures, tmp_path):
    arguments = [sys.executable, "-m", "photochrom", *words(tmp_path, pictures, steps=100_000, checkpoint_every=90_000)]
    with subprocess.Popen([*arguments, "--processes", "2"], stderr=subprocess.PIPE, text=True) as command:
        for line in command.stderr:
            if line.startswith("3/"):
                command.send_signal(signal.SIGTERM)
                break
        rest = command.stderr.read()
    step = kept(tmp_path / "run")[1]["step"]
    assert rest.splitlines()[-1] == f"{tmp_path / 'run'}: stopped and saved at step {step}; the same command resumes"
    assert (command.returncode, 3 <= step < 90_000) == (143, True)


def test_one_that_is_killed_is_started_again_and_the_run_is_the_same(pictures, tmp_path):
    made = recipe(GAN, steps=6)
    carry(TrainingJob(made, [pictures], tmp_path / "whole"), 2)
    assert carry(TrainingJob(made, [pictures], tmp_path / "killed"), 2, killed_once) == 1
    assert_same(tmp_path / "whole", tmp_path / "killed")
    assert multiprocessing.active_children() == []


def test_torchrun_is_the_same(two, pictures, tmp_path):
    arguments = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments += ["-m", "photochrom", *words(tmp_path, pictures)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "run: " in line or " loss " in line]
    assert len(said) == 6, "the first process alone says how it goes"
    assert said[-1].startswith(f"{tmp_path / 'run'}: step 4 reached; export it with")
    assert_same(tmp_path / "run", two)


def test_with_batch_norm_the_loss_is_within_one_percent(tmp_path):
    """Each process normalises its own half of the batch, so that the weights differ a little."""
    folder, rng = tmp_path / "pictures", np.random.default_rng(1)
    folder.mkdir()
    for i in range(32):
        patches = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
        patches.resize((40, 40), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    sections = {
        "model": {"name": "paper_cnn", "settings": {"size": 32, "channels": [8, 8, 4], "order": "norm-act"}},
        "bins": {"kind": "equal", "count": 10, "sigma": 0.0},
        "loss": {"name": "cross_entropy"},
        "optim": {"name": "adam", "lr": 1e-3},
    }
    made, losses = recipe(sections, batch=32, steps=10, checkpoint_every=10), []
    for processes in (1, 2):
        run = tmp_path / str(processes)
        carry(TrainingJob(made, [folder], run), processes)
        losses.append([value for _, value in series(run, "loss")])
    assert losses[0][-1] < 0.95 * losses[0][0], "it has learned something"
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)


def test_a_resumed_run_is_the_run_that_was_not_stopped(pictures, tmp_path):
    made = recipe(CYCLE)
    carry(TrainingJob(made, [pictures], tmp_path / "whole"), 2)
    carry(TrainingJob(made, [pictures], tmp_path / "parts", max_steps=3), 2)
    carry(TrainingJob(made, [pictures], tmp_path / "parts"), 2)
    assert_same(tmp_path / "whole", tmp_path / "parts")
    tensors, _ = kept(tmp_path / "whole")
    assert not torch.equal(tensors["task.pool.color"], tensors["member1.task.pool.color"])


def test_one_that_is_killed_again_and_again_ends_the_run_in_one_line(pictures, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(launching, "RESTARTS", 1)
    job = TrainingJob(recipe(PLAIN, steps=6), [pictures], tmp_path / "run")
    with pytest.raises(MemberLost) as error:
        carry(job, 2, killed)
    assert str(error.value) == (
        "process 1 of the run crashed again after 1 restarts (SIGKILL); "
        "the same command resumes from the last checkpoint"
    )
    assert capfd.readouterr().err == "", "the launcher's own report is kept back"
    assert kept(job.out)[1]["step"] == 4
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_a_single_process_saves(pictures, tmp_path, monkeypatch, number, status):
    said = []

    def say(line):
        said.append(line)
        if line.startswith("3/"):
            signal.raise_signal(number)

    monkeypatch.setattr(train, "say", say)
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words(tmp_path, pictures, steps=8)])
    assert stop.value.code == status
    assert "stopping after this step; once more stops at once" in said
    # The signal came after step 3; the step that followed was the last.
    assert said[-1] == f"{tmp_path / 'run'}: stopped and saved at step 4; the same command resumes"
    whole = tmp_path / "whole"
    with together(TrainingJob(recipe(PLAIN, steps=8), [pictures], whole)) as trainer:
        trainer.run()
    with together(TrainingJob(recipe(PLAIN, steps=8), [pictures], tmp_path / "run")) as trainer:
        assert trainer.step == 4
        trainer.run()
    (one, _), (two, _) = kept(whole), kept(tmp_path / "run")
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def test_a_second_signal_stops_at_once():
    with stop_signals(lambda: None) as stopping:
        signal.raise_signal(signal.SIGTERM)
        assert stopping() == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with stop_signals(None) as stopping:
        assert stopping() == 0
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert stopping() == signal.SIGINT


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
    with pytest.raises(BadRecipe, match=r"run.batch is 3; for 2 processes .* it must be a multiple of 2"):
        carry(TrainingJob(recipe(PLAIN, batch=3), [pictures], job.out), 2)
    assert not job.out.exists()
    carry(TrainingJob(job.recipe, [pictures], job.out, max_steps=1), 1)
    with pytest.raises(BadSetting, match=r"started with 1 process\(es\), not 2; start as many \(--processes 1\)"):
        job.trainer(ProcessGroup(0, 2))
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


def test_what_a_launcher_says(monkeypatch, tmp_path, capsys):
    assert launched() is None
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert launched() == launching.Launched(5, 8, 1, 4, 0)
    (tmp_path / "recipe.toml").write_text(recipe_text(recipe(PLAIN)))
    with pytest.raises(SystemExit) as stop:
        main(
            ["train", str(tmp_path / "recipe.toml"), "--data", "x", "--out", str(tmp_path / "run"), "--processes", "2"]
        )
    assert stop.value.code == 2
    assert capsys.readouterr().err == ("photochrom: the run takes 2 process(es), but the launcher has started 8\n")
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(BadSetting, match="RANK, WORLD_SIZE and LOCAL_RANK must be numbers"):
        launched()


def test_a_launcher_that_does_not_say_where_the_others_are(monkeypatch, pictures, tmp_path):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(
        BadSetting, match=r"the processes of the run cannot meet .*MASTER_ADDR.*; start them with torchrun"
    ):
        carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / "run"), 1)
    assert not (tmp_path / "run").exists()


def test_one_process_of_a_launcher_trains_alone(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    carry(TrainingJob(recipe(PLAIN), [pictures], tmp_path / "run", max_steps=1), 1)
    assert kept(tmp_path / "run")[1]["step"] == 1
