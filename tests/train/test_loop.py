"""The training loop: what one step does, and what a run is from its first step to its last."""

import csv
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photochrom import Colorizer, color
from photochrom.data.entries import Entry
from photochrom.data.samples import small_ab
from photochrom.data.sources import list_pictures
from photochrom.errors import (
    BadCheckpoint,
    BadDataset,
    BadRecipe,
    BadSetting,
    DeviceUnavailable,
    UnknownName,
    WriteFailed,
)
from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.train import checkpoint
from photochrom.train.build import build_optimizer, pick_device, pick_precision
from photochrom.train.codebook import fit_bins, fit_center
from photochrom.train.config import BinsConfig
from photochrom.train.log import TrainingLog
from photochrom.train.loop import Trainer
from photochrom.train.progress import Meter, Plateau
from photochrom.train.runs import CHECKPOINT, load_run
from photochrom.train.task import resolved, tasks
from photochrom.train.tasks.recognition import RecognitionTask
from photochrom.train.tasks.supervised import SupervisedTask
from photochrom.train.torch_backend import TorchBackend
from photochrom.train.validate import Validation
from photochrom.train.weights import load_weights

pytestmark = pytest.mark.slow


def rows(run, timed=("images_per_second", "data_wait")):
    with (run / "log.csv").open() as file:
        return [(int(r["step"]), r["name"], float(r["value"])) for r in csv.DictReader(file) if r["name"] not in timed]


def values(run, name):
    return [value for _, n, value in rows(run) if n == name]


def trained(recipe, data, out, **how):
    trainer = Trainer(recipe, [data], out, **how)
    trainer.run()
    return trainer


class TestStep:
    def batch(self, n=4):
        generator = torch.Generator().manual_seed(0)
        return torch.rand(n, 1, 32, 32, generator=generator) * 100, torch.randn(n, 2, 8, 8, generator=generator) * 30

    def task(self, recipe):
        torch.manual_seed(0)
        return SupervisedTask(recipe, None, torch.device("cpu"))

    def regression(self, tiny, **run):
        model = {"name": "tiny", "settings": {"dropout": 0.0}}
        return tiny(model=model, loss={"name": "l2"}, run=run, optim={"name": "sgd", "lr": 0.1, "clip": 0.0})

    def test_recognition_is_added_by_its_weight_and_logged(self, tiny):
        batch = self.batch()
        model, loss, run = {"name": "tiny", "settings": {"dropout": 0.0}}, {"name": "l2"}, {"precision": "fp32"}
        plain = self.task(tiny(model=model, loss=loss, run=run)).step(batch, 0)
        task = {"name": "recognition", "settings": {"weight": 0.25}}
        torch.manual_seed(0)
        both = RecognitionTask(tiny(model=model, loss=loss, run=run, task=task), None, torch.device("cpu")).step(
            batch, 0
        )
        assert "recognition" not in plain
        assert both["recognition"] > 0
        torch.testing.assert_close(both["loss"], plain["loss"] + 0.25 * both["recognition"])

    def test_accumulation_is_the_whole_batch(self, tiny):
        weights = []
        for parts in (1, 2, 4):
            task = self.task(self.regression(tiny, batch=4, accumulate=parts))
            logged = [task.step(self.batch(), step) for step in range(3)]
            weights.append([*task.model.state_dict().values(), logged[-1]["loss"]])
        for other in weights[1:]:
            torch.testing.assert_close(other, weights[0], rtol=1e-5, atol=1e-6)

    def test_the_precision_is_the_quicker_one_of_the_processor(self, monkeypatch):
        for found, wanted in (({"amx_bf16": True}, "bf16"), ({"amx_bf16": False}, "fp32"), ({}, "fp32")):
            monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
            assert pick_precision(torch.device("cpu")) == wanted
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
        assert pick_precision(torch.device("cuda")) == "fp32"  # an old GPU only imitates it

    def test_a_step_of_sgd_by_hand(self, tiny):
        recipe = self.regression(tiny)
        task = self.task(recipe)
        task.set_rate(1000, 1.0)
        light, ab = self.batch()
        before = {k: v.clone() for k, v in task.model.named_parameters()}
        loss = (task.model((light - 50) / 50) - ab / 110).square().mean()
        gradients = dict(zip(before, torch.autograd.grad(loss, list(task.model.parameters())), strict=True))
        logged = task.step((light, ab), 1000)
        assert logged["loss"].item() == pytest.approx(loss.item())
        norm = math.sqrt(sum(g.square().sum().item() for g in gradients.values()))
        assert logged["gradient_norm"].item() == pytest.approx(norm, rel=1e-5)
        for name, parameter in task.model.named_parameters():
            rate = 0.1 * (0.15 if name.startswith("first") else 1)
            # Nesterov's first step is 1.9 gradients long.
            expected = before[name] - rate * 1.9 * (gradients[name] + 0.01 * before[name])
            torch.testing.assert_close(parameter.detach(), expected, rtol=1e-4, atol=1e-6)

    def test_the_encoder_waits(self, tiny):
        task = self.task(tiny(loss={"name": "l1"}, optim={"encoder_from": 2, "weight_decay": 0.5}))
        first = [task.model.first.weight.detach().clone()]
        for step in range(4):
            task.set_rate(step, 1.0)
            task.step(self.batch(), step)
            first.append(task.model.first.weight.detach().clone())
        moved = [not torch.equal(a, b) for a, b in itertools.pairwise(first)]
        assert moved == [False, False, True, True]

    def test_an_encoder_without_a_rate_never_moves(self, tiny):
        task = self.task(tiny(loss={"name": "l1"}, optim={"encoder_lr": 0.0, "weight_decay": 0.5}))
        before = task.model.first.weight.detach().clone()
        task.set_rate(5, 1.0)
        task.step(self.batch(), 5)
        assert torch.equal(task.model.first.weight, before)

    def test_a_large_gradient_is_clipped(self, tiny):
        recipe = tiny(loss={"name": "l2"}, optim={"name": "sgd", "clip": 0.01, "weight_decay": 0.0})
        task = self.task(recipe)
        task.set_rate(1000, 1.0)
        before = torch.cat([p.detach().flatten().clone() for p in task.model.parameters()])
        task.step(self.batch(), 0)
        after = torch.cat([p.detach().flatten() for p in task.model.parameters()])
        assert (after - before).norm() <= 0.01 * 0.01 * 1.9 + 1e-6


class TestRates:
    def test_cosine_with_warmup(self, tiny, folder, tmp_path):
        optim = {"schedule": "cosine", "lr_end": 0.1, "warmup": 3, "encoder_from": 4, "encoder_lr": 0.5}
        trained(tiny(optim=optim, run={"steps": 8}), folder, tmp_path / "run")
        cosine = [0.1 + 0.9 * (1 + math.cos(math.pi * s / 8)) / 2 for s in range(8)]
        decoder = [0.01 * cosine[s] * min(1, (s + 1) / 3) for s in range(8)]
        assert values(tmp_path / "run", "lr_decoder") == pytest.approx(decoder, rel=1e-5)
        rise = [0, 0, 0, 0, 1 / 3, 2 / 3, 1, 1]
        assert values(tmp_path / "run", "lr_encoder") == pytest.approx(
            [0.5 * d * r for d, r in zip(decoder, rise, strict=True)], rel=1e-5
        )

    def test_plateau_waits_and_falls_to_its_end(self):
        plateau = Plateau()
        scales = []
        for loss in (5, 4, 4, 4, 4, 4, 4, 3.9999, 4, 4, 4, 3):
            plateau.update(loss, factor=0.3, patience=2, end=0.05)
            scales.append(plateau.scale)
        assert scales == pytest.approx([1, 1, 1, 1, 0.3, 0.3, 0.3, 0.09, 0.09, 0.09, 0.05, 0.05])
        assert plateau.best == 3

    def test_plateau_judges_the_mean_since_its_last_check(self):
        plateau = Plateau()
        plateau.check(0.1, 0, 0.0)
        assert (plateau.best, plateau.bad) == (math.inf, 0)
        for loss in (4.0, 2.0):
            plateau.add(loss)
        plateau.check(0.1, 0, 0.0)
        assert plateau.best == 3
        plateau.add(2.5)
        plateau.check(0.1, 0, 0.0)
        assert plateau.best == 2.5

    def test_a_run_decays_on_its_plateau(self, tiny, folder, tmp_path):
        # The smallest rate: the loss does not fall, and every check after the first halves the rate.
        optim = {"schedule": "plateau", "factor": 0.5, "patience": 0, "lr_end": 0.0, "lr": 1e-9, "warmup": 0}
        data = {"scale": [1.0, 1.0], "ratio": 1.0, "flip": False, "degrade": 0.0}
        model = {"name": "tiny", "settings": {"dropout": 0.0}}
        run = {"steps": 8, "eval_every": 2, "log_every": 1, "batch": 9}
        trained(tiny(model=model, optim=optim, data=data, run=run), folder, tmp_path / "run")
        expected = [1e-9 * s for s in (1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25)]
        assert values(tmp_path / "run", "lr_decoder") == pytest.approx(expected, rel=1e-5)


class TestRun:
    def test_it_learns(self, tiny, folder, tmp_path):
        recipe = tiny(
            model={"name": "tiny", "settings": {"dropout": 0.0}},
            loss={"name": "l2"},
            data={"scale": [1.0, 1.0], "ratio": 1.0, "flip": False, "degrade": 0.0},
            optim={"lr": 0.03, "encoder_lr": 1.0},
            run={"steps": 60, "log_every": 20},
        )
        trained(recipe, folder / "0.png", tmp_path / "run")
        losses = values(tmp_path / "run", "loss")
        assert losses[-1] < 0.5 * losses[0]

    def test_a_run_folder_says_what_it_is(self, tiny, folder, tmp_path):
        import json

        from photochrom.train.recipe import load_recipe

        recipe = tiny()
        trained(recipe, folder, tmp_path / "run", max_steps=1)
        assert load_recipe(tmp_path / "run" / "recipe.toml") == resolved(recipe)
        facts = json.loads((tmp_path / "run" / "facts.json").read_text())
        assert (facts["seed"], facts["pictures"], facts["data"]) == (0, 9, ["pictures"])
        assert any(f.name.startswith("events.out.tfevents") for f in (tmp_path / "run").iterdir())

    @pytest.mark.parametrize("ema", [0.0, 0.5, 0.999])
    def test_the_average_is_its_formula(self, tiny, folder, tmp_path, ema):
        trainer = Trainer(tiny(run={"ema": ema, "steps": 4}), [folder], tmp_path / "run")
        expected = [p.detach().double() for p in trainer.task.model.parameters()]

        def follow(progress):
            decay = min(ema, (1 + progress.step) / (10 + progress.step))
            now = [p.detach().double() for p in trainer.task.model.parameters()]
            expected[:] = [decay * a + (1 - decay) * b for a, b in zip(expected, now, strict=True)]

        trainer.run(follow)
        for average, formula in zip(trainer.average.parameters(), expected, strict=True):
            torch.testing.assert_close(average.double(), formula, rtol=1e-5, atol=1e-6)
        model = load_run(tmp_path / "run")[0]
        kept = trainer.average if ema else trainer.task.model
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), kept.parameters(), strict=True))
        assert not model.training

    def test_without_an_average_the_network_is_kept_once(self, tiny, folder, tmp_path):
        trainer = trained(tiny(run={"ema": 0.0}), folder, tmp_path / "run")
        assert trainer.average is trainer.task.model
        kept = checkpoint.load(tmp_path / "run" / CHECKPOINT)[0]
        assert not [name for name in kept if name.startswith("average.")]

    def test_entries_that_are_listed_already(self, tiny, folder, tar, tmp_path):
        import json

        listed = list_pictures([folder, tar])
        chosen = [listed[3], *listed[-3:], listed[0]]
        trainer = Trainer(tiny(), chosen, tmp_path / "run", validation=chosen[:2])
        trainer.run()
        assert list(trainer.entries) == chosen
        facts = json.loads((tmp_path / "run" / "facts.json").read_text())
        assert facts["data"] == [Path(listed[3].path).name, "pictures.tar", Path(listed[0].path).name]
        assert facts["pictures"] == 5
        assert Trainer(tiny(), chosen, tmp_path / "run").step == 6
        with pytest.raises(BadDataset, match="started on other pictures"):
            Trainer(tiny(), chosen[1:], tmp_path / "run")

    def test_workers_and_other_random_numbers_change_nothing(self, tiny, folder, tmp_path, changed):
        recipe = tiny()
        one = Trainer(recipe, [folder], tmp_path / "one")
        two = Trainer(changed(recipe, "data", workers=1), [folder], tmp_path / "two")
        torch.rand(7)
        one.run()
        torch.rand(3)
        two.run()
        assert rows(tmp_path / "one") == rows(tmp_path / "two")
        other = trained(changed(recipe, "run", seed=1), folder, tmp_path / "other")
        weights = [t.task.model.last.weight for t in (one, two, other)]
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])

    def test_rows_are_means_since_the_row_before(self, tiny, folder, tmp_path):
        for every in (1, 3):
            trained(tiny(run={"log_every": every, "steps": 7}), folder, tmp_path / str(every))
        each, means = (values(tmp_path / str(every), "loss") for every in (1, 3))
        assert means == pytest.approx([np.mean(each[:3]), np.mean(each[3:6]), each[6]], rel=1e-4)

    def test_evaluations_between_two_rows_take_nothing_from_them(self, tiny, folder, tmp_path):
        run = {"log_every": 6, "eval_every": 4}
        trained(tiny(run=run), folder, tmp_path / "both", validation=[folder / "0.png"])
        trained(tiny(), folder, tmp_path / "each")
        mean = np.mean(values(tmp_path / "each", "loss"))
        assert values(tmp_path / "both", "loss") == pytest.approx([mean], rel=1e-4)
        assert [s for s, name, _ in rows(tmp_path / "both") if name == "val_psnr"] == [4, 6]

    def test_progress_is_told(self, tiny, folder, tmp_path):
        seen = []
        Trainer(tiny(run={"log_every": 4}), [folder], tmp_path / "run", max_steps=5).run(seen.append)
        assert [(p.step, p.steps) for p in seen] == [(4, 5), (5, 5)]
        assert seen[-1].seconds_left == 0
        assert all(0 <= p.data_wait <= 1 and p.images_per_second > 0 for p in seen)


class TestMeanSubtraction:
    """What the network sees is (L - the mean L of the training pictures) / 50."""

    def test_the_mean_is_that_of_the_pictures(self, tmp_path, drawn):
        for i in range(3):
            drawn(i, 64, 32).save(tmp_path / f"{i}.png")
        small = [drawn(i, 64, 32).resize((32, 32), Image.Resampling.BOX) for i in range(3)]
        expected = np.mean([color.rgb_to_lab(np.asarray(image) / 255)[..., 0].mean() for image in small])
        entries = list_pictures([tmp_path])
        assert fit_center(BinsConfig(), entries, 0) == pytest.approx(expected, abs=1e-3)
        single = {fit_center(BinsConfig(samples=1), entries, seed) for seed in range(8)}
        assert len(single) == 3

    def test_it_is_measured_on_the_pictures_of_the_bins(self, folder, monkeypatch):
        entries, read = list_pictures([folder]), []
        monkeypatch.setattr(Entry, "read", lambda self, read_=Entry.read: read.append(self.key) or read_(self))
        fit_bins(BinsConfig(kind="equal", samples=4), entries, seed=7)
        fit_center(BinsConfig(kind="equal", samples=4), entries, seed=7)
        assert read[:4] == read[4:]

    @pytest.mark.parametrize("subtract", [False, True])
    def test_what_the_network_sees(self, tiny, folder, tmp_path, subtract):
        recipe = tiny(loss={"name": "l1"}, data={"subtract_mean": subtract}, run={"steps": 2})
        trainer = Trainer(recipe, [folder], tmp_path / "run", validation=[folder / "0.png"])
        center = fit_center(recipe.bins, list_pictures([folder]), 0) if subtract else 50.0
        seen, given = [], []
        trainer.task.model.register_forward_hook(lambda _, x, __: seen.append(x[0]))
        step = trainer.task.step
        trainer.task.step = lambda batch, n: given.append(batch[0]) or step(batch, n)
        trainer.run()
        for x, light in zip(seen, given, strict=False):
            torch.testing.assert_close(x, (light - center) / 50)
        light = torch.from_numpy(trainer.validation.lab[..., 0].copy())[:, None]
        Validation([folder / "0.png"], recipe, None, center=center)(trainer.task.model, torch.device("cpu"))
        torch.testing.assert_close(seen[-1], (light - center) / 50)
        assert trainer.task.center == center
        assert load_run(tmp_path / "run")[3]["center"] == center


class TestValidation:
    def test_a_network_that_says_gray_is_measured_as_gray(self, folder, tiny):
        recipe = tiny(loss={"name": "l2"})
        validation = Validation([folder], recipe, None)
        model = torch.nn.Conv2d(1, 2, 4, 4)
        torch.nn.init.zeros_(model.weight)
        torch.nn.init.zeros_(model.bias)
        look = validation(model, torch.device("cpu"))
        result = look.values
        gray = validation.lab * [1, 0, 0]
        assert result["val_ciede2000"] == pytest.approx(color.ciede2000(gray, validation.lab).mean(), rel=0.02)
        assert result["val_colorfulness"] < 1
        assert result.keys() == {"val_ciede2000", "val_psnr", "val_colorfulness"}
        assert look.sheet.shape == (3 * 32, 8 * 32, 3)
        light, ours, true = np.split(look.sheet.astype(int), 3)
        assert np.abs(light - ours).max() <= 1, "gray, as the network says"
        np.testing.assert_array_equal(true[:, :32], np.rint(validation.truths[0].rgb * 255))

    def test_the_colours_are_those_of_colorize(self, folder, tiny, tmp_path):
        decode = {"smooth_radius": 2, "agreement": 0.8, "saturation": 3.0, "render_size": 32, "mirror": False}
        trainer = trained(tiny(decode=decode), folder, tmp_path / "run")
        session = Colorizer(TorchBackend(tmp_path / "run", "cpu"))
        validation = Validation([folder / "0.png"], trainer.recipe, session.network.bins)
        _, ours, true = np.split(validation(session.network.backend.model, torch.device("cpu")).sheet, 3)
        expected = session.colorize(true).astype(int)
        assert np.ptp(expected, -1).max() > 20, "it has colours"
        assert np.abs(ours - expected).max() <= 2, "but for the rounding of L to 8 bits"

    def test_samples_are_drawn_alike(self, folder, tiny):
        recipe = tiny(decode={"decoder": "sample"}, bins={"kind": "equal"})
        bins = ChannelBins.equal_width()
        torch.manual_seed(0)
        model = torch.nn.Conv2d(1, 20, 4, 4)
        validation = Validation([folder], recipe, bins)
        assert validation(model, torch.device("cpu")).values == validation(model, torch.device("cpu")).values


class TestWhatIsWrong:
    def fails(self, error, *args, **how):
        with pytest.raises(error) as raised:
            Trainer(*args, **how)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def test_another_recipe_in_the_run_folder(self, tiny, folder, tmp_path, changed):
        recipe, run = tiny(), tmp_path / "run"
        trained(recipe, folder, run, max_steps=1)
        message = self.fails(BadRecipe, changed(recipe, "optim", lr=0.5), [folder], run)
        assert message == f"{run}: it holds a run of another recipe (optim.lr was 0.01, now 0.5); give another --out"
        for free in ({"steps": 9}, {"log_every": 3}, {"eval_every": 5}, {"checkpoint_every": 7}):
            Trainer(changed(recipe, "run", **free), [folder], run)
        Trainer(changed(recipe, "data", workers=1), [folder], run)

    def test_other_data_in_the_run_folder(self, tiny, folder, tmp_path):
        trained(tiny(), folder, tmp_path / "run", max_steps=1)
        (folder / "7.png").unlink()
        assert "the run was started on other pictures" in self.fails(BadDataset, tiny(), [folder], tmp_path / "run")

    def test_other_pictures_to_evaluate_on(self, tiny, folder, tmp_path):
        run, others = tmp_path / "run", [folder / "0.png", folder / "1.png"]
        Trainer(tiny(), [folder], run, validation=others, max_steps=1).run()
        message = self.fails(BadDataset, tiny(), [folder], run, validation=others[:1])
        assert message == f"{run}: the run was evaluated on other pictures; give the same --val or another --out"
        Trainer(tiny(), [folder], run, max_steps=2).run()  # without any it goes on, and knows them still
        assert self.fails(BadDataset, tiny(), [folder], run, validation=others[1:]) == message
        assert Trainer(tiny(), [folder], run, validation=others).step == 2

    def test_pictures_to_evaluate_on_may_come_later(self, tiny, folder, tmp_path):
        trained(tiny(), folder, tmp_path / "run", max_steps=1)
        Trainer(tiny(), [folder], tmp_path / "run", validation=[folder / "0.png"], max_steps=2).run()
        with pytest.raises(BadDataset, match="evaluated on other pictures"):
            Trainer(tiny(), [folder], tmp_path / "run", validation=[folder])

    def test_other_weights_to_start_from(self, tiny, folder, tmp_path):
        task = trained(tiny(), folder, tmp_path / "first").task
        run, state = tmp_path / "run", (task.model.state_dict(), task.bins)
        first = {"init": state, "origin": {"name": "first", "training": {}, "digest": "12"}}
        other = first | {"origin": {"name": "first", "training": {}, "digest": "34"}}
        Trainer(tiny(), [folder], run, **first, max_steps=1).run()
        message = self.fails(BadSetting, tiny(), [folder], run, **other)
        assert message == (
            f"{run}: the run was started from first, and --init names other weights; "
            "leave --init out to go on, or give another --out"
        )
        assert Trainer(tiny(), [folder], run, **first).step == Trainer(tiny(), [folder], run).step == 1
        assert "started from the recipe, and --init" in self.fails(
            BadSetting, tiny(), [folder], tmp_path / "first", **first
        )

    def test_a_damaged_checkpoint(self, tiny, folder, tmp_path):
        run = tmp_path / "run"
        trained(tiny(), folder, run, max_steps=1)
        path = run / CHECKPOINT
        whole, (tensors, facts) = path.read_bytes(), checkpoint.load(path)
        path.write_bytes(whole[:-9])
        assert "damaged" in self.fails(BadCheckpoint, tiny(), [folder], run)
        with pytest.raises(BadCheckpoint, match="damaged"):
            load_run(run)
        checkpoint.save(path, tensors, {k: v for k, v in facts.items() if k not in ("bins", "step")})
        assert "(no bins, step)" in self.fails(BadCheckpoint, tiny(), [folder], run)
        checkpoint.save(path, {k: v for k, v in tensors.items() if k != "random"}, facts)
        assert "damaged" in self.fails(BadCheckpoint, tiny(), [folder], run)
        checkpoint.save(path, {k: v for k, v in tensors.items() if k != "model.last.bias"}, facts)
        assert "the weights are those of another network" in self.fails(BadCheckpoint, tiny(), [folder], run)

    def test_no_run_at_all(self, tmp_path):
        with pytest.raises(BadCheckpoint, match=r"is not a run folder: it has no checkpoint\.safetensors"):
            load_run(tmp_path)

    def test_a_full_disk_leaves_the_checkpoint_before(self, tiny, folder, tmp_path, monkeypatch):
        run = tmp_path / "run"
        trainer = Trainer(tiny(run={"checkpoint_every": 2}), [folder], run)
        save = checkpoint.save_file

        def full(tensors, to, metadata):
            if trainer.step > 2:
                raise OSError(28, "No space left on device")
            save(tensors, to, metadata)

        monkeypatch.setattr(checkpoint, "save_file", full)
        with pytest.raises(WriteFailed, match="No space left on device"):
            trainer.run()
        monkeypatch.undo()
        assert checkpoint.load(run / CHECKPOINT)[1]["step"] == 2

    def test_a_full_disk_under_the_log(self, tmp_path):
        log = TrainingLog(tmp_path, 0)
        log._file.close()
        log._file = open("/dev/full", "a")  # noqa: SIM115 - closed by the log
        log._writer = csv.DictWriter(log._file, ("step", "name", "value"))
        with pytest.raises(WriteFailed, match=r"log\.csv: the log cannot be written \(No space left on device\)"):
            log.write(1, {"loss": 1.0})
        log.close()

    @pytest.mark.parametrize("what", ["loss", "gradient_norm"])
    def test_a_diverged_run_keeps_its_last_good_checkpoint(self, tiny, folder, tmp_path, monkeypatch, what):
        run = {"log_every": 50, "checkpoint_every": 1}
        trainer = Trainer(tiny(run=run), [folder], tmp_path / "run")
        step = trainer.task.step

        def diverging(batch, number):
            out = step(batch, number)
            return out | {what: torch.tensor(math.nan)} if number == 3 else out

        monkeypatch.setattr(trainer.task, "step", diverging)
        with pytest.raises(BadRecipe) as error:
            trainer.run()
        assert (
            str(error.value) == f"the {what} is nan at step 4: training diverged; lower optim.lr and give another --out"
        )
        assert checkpoint.load(tmp_path / "run" / CHECKPOINT)[1]["step"] == 3

    def test_a_rate_that_is_far_too_high_diverges(self, tiny, folder, tmp_path):
        optim = {"name": "sgd", "lr": 10.0, "clip": 0.0, "schedule": "constant", "warmup": 0, "encoder_lr": 10.0}
        model = {"name": "tiny", "settings": {"width": 64}}
        trainer = Trainer(tiny(model=model, loss={"name": "l2"}, optim=optim, run={"steps": 200}), [folder], tmp_path)
        with pytest.raises(BadRecipe, match=r"training diverged; lower optim\.lr"):
            trainer.run()

    def test_a_damaged_picture_in_the_middle(self, tiny, folder, tmp_path):
        (folder / "4.png").write_bytes(b"no picture")
        recipe = tiny(loss={"name": "l1"}, run={"steps": 20})
        with pytest.raises(BadDataset, match=r"^[^\n]*4\.png: not a picture that can be decoded[^\n]*$"):
            trained(recipe, folder, tmp_path / "run")

    def test_nothing_is_written_for_what_cannot_start(self, tiny, paper, folder, tmp_path):
        out = tmp_path / "run"
        self.fails(BadDataset, tiny(), [tmp_path / "nowhere"], out)
        self.fails(BadDataset, tiny(), [folder], out, validation=[tmp_path / "nowhere"])
        self.fails(BadSetting, tiny(), [folder], out, max_steps=0)
        message = self.fails(BadRecipe, tiny(data={"size": 30}), [folder], out)
        assert message == "data.size is 30; for this model it must be a multiple of 4"
        message = self.fails(BadRecipe, paper(data={"size": 32}), [folder], out)
        assert message == "data.size is 32; for this model it must be 24, its model.settings.size"
        assert not out.exists()

    def test_gray_pictures_make_no_codebook(self, tiny, tmp_path, drawn):
        drawn(0).convert("L").save(tmp_path / "gray.png")
        message = self.fails(BadSetting, tiny(), [tmp_path], tmp_path / "run")
        assert "a codebook needs pictures in colour" in message

    def test_a_run_folder_that_cannot_be_made(self, tiny, folder, tmp_path):
        (tmp_path / "file").write_text("")
        message = self.fails(WriteFailed, tiny(), [folder], tmp_path / "file" / "run")
        assert "the run folder cannot be written" in message

    def test_a_gpu_that_is_not_there(self):
        assert pick_device("cpu") == "cpu"
        if torch.cuda.is_available():
            pytest.skip("it is there")
        assert pick_device("auto") == "cpu"
        with pytest.raises(DeviceUnavailable, match="use --device cpu"):
            pick_device("cuda")


class TestInit:
    def test_a_run_starts_from_the_weights_and_bins_it_is_given(self, tiny, folder, tmp_path):
        before = trained(tiny(), folder, tmp_path / "before")
        state = {k: v.clone() for k, v in before.average.state_dict().items()}
        trainer = Trainer(
            tiny(optim={"lr": 1e-4}), [folder / "0.png"], tmp_path / "run", init=(state, before.task.bins)
        )
        for model in (trainer.task.model, trainer.average):
            assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
        assert trainer.task.bins.to_dict() == before.task.bins.to_dict()
        trainer.run()
        again = Trainer(tiny(optim={"lr": 1e-4}), [folder / "0.png"], tmp_path / "run", init=(state, before.task.bins))
        assert again.step == 6, "a run that was begun goes on from where it was"

    def test_weights_of_another_network_or_kind(self, tiny, folder, tmp_path):
        before = trained(tiny(), folder, tmp_path / "before", max_steps=1)
        state, bins = before.average.state_dict(), before.task.bins
        wide = tiny(model={"name": "tiny", "settings": {"width": 7}})
        with pytest.raises(BadCheckpoint, match="the weights to start from: the weights are those of another network"):
            Trainer(wide, [folder], tmp_path / "run", init=(state, bins))
        for init, recipe in (((state, None), tiny()), ((state, bins), tiny(loss={"name": "l2"}))):
            with pytest.raises(BadRecipe, match="trained for another kind of loss than"):
                Trainer(recipe, [folder], tmp_path / "run", init=init)
        assert not (tmp_path / "run").exists()

    def test_load_weights_needs_no_batch_counts(self):
        norm, other = torch.nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)
        norm(torch.randn(2, 3, 4, 4))
        load_weights(other, {k: v for k, v in norm.state_dict().items() if "num" not in k}, "x")
        assert torch.equal(norm.running_mean, other.running_mean)


class TestFitBins:
    def pixels(self, folder):
        entries = list_pictures([folder])
        from photochrom.data.samples import decode

        parts = [small_ab(decode(e.read(), e.key), (32, 32)).reshape(-1, 2) for e in entries]
        return entries, np.concatenate(parts).astype(np.float64)

    @pytest.mark.parametrize("kind", ["joint", "equal", "quantile"])
    def test_bins_hold_the_training_pixels(self, folder, kind):
        entries, ab = self.pixels(folder)
        bins = fit_bins(BinsConfig(kind=kind, samples=100), entries, seed=0)
        expected = {
            "joint": lambda: JointBins.grid(ab, 10.0),
            "equal": lambda: ChannelBins.equal_width(10).fit(ab),
            "quantile": lambda: ChannelBins.quantile(ab, 10),
        }[kind]()
        np.testing.assert_allclose(bins.values, expected.values, atol=1e-6)
        np.testing.assert_allclose(bins.frequency, expected.frequency, atol=1e-6)

    def test_some_pictures_are_enough_and_chosen_by_the_seed(self, folder):
        entries, _ = self.pixels(folder)
        some = [fit_bins(BinsConfig(kind="equal", samples=2), entries, seed).to_dict() for seed in (0, 0, 1)]
        assert some[0] == some[1] != some[2]


def test_a_meter_goes_on_with_the_sums_of_the_one_before():
    meter = Meter({"loss": 6.0}, {"loss": 2})
    meter.add({"loss": 3.0}, images=4)
    assert meter.means() == {"loss": 3.0}
    assert meter.images == 4


def test_a_log_drops_what_a_resumed_run_writes_again(tmp_path):
    log = TrainingLog(tmp_path, 0)
    for step in (1, 2, 3):
        log.write(step, {"loss": step / 3})
    log.close()
    path = tmp_path / "log.csv"
    path.write_text(path.read_text() + "\0\0x,loss,1\n3,lo")
    log = TrainingLog(tmp_path, 2)
    log.write(3, {"loss": 9.0})
    log.close()
    assert path.read_text().split() == ["step,name,value", "1,loss,0.333333", "2,loss,0.666667", "3,loss,9"]
    assert not list(tmp_path.glob("*.tmp"))


class TestATaskOfAnotherKind:
    """The loop keeps, restores and logs whatever a task owns."""

    @pytest.fixture
    def counting(self, monkeypatch):
        """A second network with its own optimiser and rate, and state of its own."""

        @dataclass(frozen=True)
        class Settings:
            share: float = 0.5

        class Counting(SupervisedTask):
            def __init__(self, *facts):
                super().__init__(*facts)
                judge = self.add("judge", torch.nn.Linear(3, 1))
                group = {"params": list(judge.parameters()), "role": "judge", "share": self.settings.share}
                self.optimizers["judge"] = build_optimizer(self.recipe.optim, [group])
                self.memory, self.count = torch.zeros(2), 0

            def step(self, batch, step):
                logged = super().step(batch, step)
                self.optimizers["judge"].zero_grad()
                (self.networks["judge"](torch.rand(4, 3)) - self.memory.sum()).square().mean().backward()
                self.memory, self.count = self.memory + torch.rand(2), self.count + 1
                return logged | {"judge_norm": self.update("judge", self.networks["judge"])}

            def state(self):
                return {"memory": self.memory}, {"count": self.count}

            def load_state(self, tensors, facts):
                self.memory, self.count = tensors["memory"], facts["count"]

        Counting.Settings = Settings
        len(tasks)
        monkeypatch.setitem(tasks._entries, "counting", Counting)

    def test_it_resumes_with_all_it_owns(self, counting, tiny, folder, tmp_path):
        recipe = tiny(task={"name": "counting"}, run={"checkpoint_every": 2})
        whole = trained(recipe, folder, tmp_path / "whole")
        trained(recipe, folder, tmp_path / "parts", max_steps=3)
        parts = trained(recipe, folder, tmp_path / "parts")
        (one, facts), (two, other) = (checkpoint.load(tmp_path / r / CHECKPOINT) for r in ("whole", "parts"))
        assert one.keys() == two.keys() >= {"judge.weight", "optimizer.judge.0.exp_avg", "task.memory"}
        assert all(torch.equal(one[k], two[k]) for k in one)
        assert (facts["task"], other["task"]) == ({"count": 6}, {"count": 6})
        assert torch.equal(whole.task.memory, parts.task.memory)
        assert rows(tmp_path / "whole") == rows(tmp_path / "parts")

    def test_its_rates_are_in_the_log(self, counting, tiny, folder, tmp_path):
        recipe = tiny(task={"name": "counting", "settings": {"share": 0.25}})
        trained(recipe, folder, tmp_path / "run")
        ours, theirs = (np.array(values(tmp_path / "run", f"lr_{role}")) for role in ("judge", "decoder"))
        np.testing.assert_allclose(ours, 0.25 * theirs, rtol=1e-5)

    def test_its_settings_are_checked_and_filled_in(self, counting, tiny, folder, tmp_path):
        with pytest.raises(BadRecipe, match=r"task\.settings\.shore is not a setting; did you mean task\.settings\.sh"):
            Trainer(tiny(task={"name": "counting", "settings": {"shore": 1}}), [folder], tmp_path / "run")
        assert resolved(tiny(task={"name": "counting"})).task.settings == {"share": 0.5}
        with pytest.raises(UnknownName, match="no task is called 'countin'; did you mean 'counting'"):
            Trainer(tiny(task={"name": "countin"}), [folder], tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_sheet_is_drawn_for_tensorboard(tiny, folder, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained(tiny(run={"eval_every": 3}), folder, tmp_path / "run", validation=[folder / "0.png", folder / "1.png"])
    board = EventAccumulator(str(tmp_path / "run"), size_guidance={"images": 0}).Reload()
    images = board.Images("samples")
    assert [image.step for image in images] == [3, 6]
    assert (images[0].width, images[0].height) == (2 * 32, 3 * 32)
