"""The conditional GAN: what each side of a step does, what is kept, and how a lost game is named."""

import math

import pytest
import torch

from photochrom.errors import BadRecipe
from photochrom.losses import adversarial as game
from photochrom.losses.adversarial import fooling, judging
from photochrom.train import checkpoint
from photochrom.train.loop import Trainer
from photochrom.train.runs import CHECKPOINT, load_run
from photochrom.train.tasks.adversarial import AdversarialTask
from photochrom.train.torch_backend import make_card

CPU = torch.device("cpu")


def batch(n=4, side=32):
    generator = torch.Generator().manual_seed(0)
    light = torch.rand(n, 1, side, side, generator=generator) * 100
    return light, torch.randn(n, 2, side, side, generator=generator) * 30


def task(recipe, bins=None):
    torch.manual_seed(0)
    made = AdversarialTask(recipe, bins, CPU)
    made.set_rate(0, 1.0)
    return made


def moved(before, network):
    return [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]


@pytest.mark.parametrize("objective", ["bce", "least_squares"])
def test_a_step_by_hand(cgan, objective):
    """Without dropout and batch norm both sides' losses are what their formulas say, the judge's before its update."""
    settings = {"objective": objective, "content": 7.0, "discriminator": {"norm": "none"}}
    recipe = cgan(settings, model={"name": "unet", "settings": {"size": 32, "width": 4, "dropped": 0}})
    made, (light, ab) = task(recipe), batch()
    judge = made.judge.network
    with torch.no_grad():
        x = (light - 50) / 50
        painted = torch.cat([x, made.model.train()(x)], 1)
        judged = judging(judge(torch.cat([x, ab / 110], 1)), judge(painted), objective)
        content = (painted[:, 1:] - ab / 110).abs().mean()
    before = [p.detach().clone() for p in made.model.parameters()], [p.detach().clone() for p in judge.parameters()]
    logged = made.step((light, ab), 0)
    with torch.no_grad():
        fooled = fooling(judge(painted), objective)
    assert logged["discriminator_loss"].item() == pytest.approx(judged.item(), rel=1e-5)
    assert logged["content"].item() == pytest.approx(content.item(), rel=1e-5)
    assert logged["adversarial"].item() == pytest.approx(fooled.item(), rel=1e-4), "judged by the updated judge"
    assert logged["loss"].item() == pytest.approx(7 * content.item() + fooled.item(), rel=1e-4)
    assert all(moved(before[0], made.model))
    assert all(moved(before[1], judge))
    assert all(math.isfinite(float(v)) for v in logged.values())


def test_the_game_begins_after_the_warmup(cgan, folder, tmp_path, values):
    recipe = cgan({"warmup": 3})
    trainer = Trainer(recipe, [folder], tmp_path / "run", max_steps=3)
    before = [p.detach().clone() for p in trainer.task.judge.network.parameters()]
    trainer.run()
    assert not any(moved(before, trainer.task.judge.network))
    Trainer(recipe, [folder], tmp_path / "run").run()
    assert list(values(tmp_path / "run", "content")) == [1, 2, 3, 4, 5, 6]
    assert list(values(tmp_path / "run", "discriminator_loss")) == [4, 5, 6]


def test_rows_that_hold_the_end_of_the_warmup_are_means_of_the_steps_that_have_the_value(
    cgan, folder, tmp_path, values
):
    for every in (1, 6):
        Trainer(cgan({"warmup": 4}, run={"log_every": every}), [folder], tmp_path / str(every)).run()
    each, mean = (values(tmp_path / str(every), "discriminator_loss") for every in (1, 6))
    assert mean[6] == pytest.approx((each[5] + each[6]) / 2, rel=1e-4)


def test_both_sides_are_in_the_log(cgan, folder, tmp_path, values):
    Trainer(cgan({"r1": 0.5, "r1_every": 2, "discriminator_rate": 0.25}), [folder], tmp_path / "run").run()
    right = [values(tmp_path / "run", f"discriminator_right_{side}")[6] for side in ("real", "generated")]
    assert all(0 <= share <= 1 for share in right)
    assert list(values(tmp_path / "run", "discriminator_r1")) == [1, 3, 5]
    assert values(tmp_path / "run", "lr_discriminator")[6] == pytest.approx(0.25e-3)
    for name in ("loss", "content", "adversarial", "gradient_norm", "discriminator_gradient_norm"):
        assert len(values(tmp_path / "run", name)) == 6, name


def test_the_penalty_and_the_noise_change_what_is_learned(cgan):
    steps = []
    for settings in ({}, {"r1": 10.0}, {"instance_noise": 0.5}):
        made = task(cgan(settings))
        made.step(batch(), 0)
        steps.append([p.detach().clone() for p in made.judge.network.parameters()])
    assert not torch.equal(steps[0][0], steps[1][0])
    assert not torch.equal(steps[0][0], steps[2][0])


def test_noise_fades_over_the_run(cgan):
    judge = task(cgan({"instance_noise": 0.4})).judge
    zeros = torch.zeros(8, 3, 32, 32)
    deviations = [judge._noisy(zeros, step).std().item() for step in (0, 3, 6)]
    assert deviations == pytest.approx([0.4, 0.2, 0.0], rel=0.03)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_a_resumed_run_is_the_run_that_was_not_stopped(cgan, folder, tmp_path, precision, norm, values, resumed):
    settings = {"warmup": 1, "instance_noise": 0.1, "r1": 1.0, "r1_every": 2, "discriminator": {"norm": norm}}
    recipe = cgan(settings, run={"precision": precision, "log_every": 2, "checkpoint_every": 3})
    resumed(recipe, 4)
    assert values(tmp_path / "whole", "discriminator_loss") == values(tmp_path / "parts", "discriminator_loss")


class TestALostGame:
    def test_it_is_named(self, cgan):
        made = task(cgan({"patience": 3}))
        for _ in range(2):
            made.judge._watch(1.0, 10)
        made.judge._watch(0.9, 12)
        for step in (13, 14):
            made.judge._watch(1.0, step)
        with pytest.raises(BadRecipe) as error:
            made.judge._watch(1.0, 15)
        assert str(error.value) == (
            "the discriminator has judged every patch right for 3 steps, at step 15: training diverged; lower "
            "task.settings.discriminator_rate, or set instance_noise, r1 or a spectral norm"
        )

    def test_a_run_ends_and_keeps_its_checkpoint(self, cgan, folder, tmp_path, monkeypatch):
        monkeypatch.setattr(game, "shares_right", lambda *_: (torch.ones(()), torch.ones(())))
        recipe = cgan({"patience": 5, "warmup": 1}, run={"steps": 40, "checkpoint_every": 3})
        with pytest.raises(BadRecipe, match="has judged every patch right for 5 steps, at step 5: training diverged"):
            Trainer(recipe, [folder], tmp_path / "run").run()
        saved = checkpoint.load(tmp_path / "run" / CHECKPOINT)[1]
        assert (saved["step"], saved["task"]) == (3, {"streaks": {"discriminator": 2}})
        again = Trainer(recipe, [folder], tmp_path / "run")
        assert again.task.judge.streak == 2

    def test_the_streak_is_kept(self, cgan):
        made, again = task(cgan()), task(cgan())
        made.judge.streak = 7
        again.load_state(*made.state())
        assert again.judge.streak == 7


def test_the_photochrom_network_is_tuned_from_its_weights(cgan, folder, tmp_path, values):
    """Classes, a quarter of the size, a pretrained encoder that waits: all as in its own recipe."""
    settings = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False}
    sections = {
        "model": {"name": "photochrom", "settings": settings},
        "bins": {"kind": "joint", "step": 20.0, "samples": 4},
        "loss": {"name": "cross_entropy"},
        "data": {"size": 64},
    }
    before = Trainer(cgan(**sections), [folder], tmp_path / "before", max_steps=2)
    before.run()
    state, bins = before.average.state_dict(), before.task.bins
    trainer = Trainer(cgan({"content": 1.0}, **sections), [folder], tmp_path / "run", init=(state, bins))
    assert all(torch.equal(v, state[k]) for k, v in trainer.task.model.state_dict().items())
    trainer.run()
    assert values(tmp_path / "run", "adversarial").keys() == set(range(1, 7))
    model, kept, _, _ = load_run(tmp_path / "run")
    assert kept.to_dict() == bins.to_dict()
    assert not torch.equal(model.state_dict()["scores.weight"], state["scores.weight"])


def test_the_generator_is_what_is_exported_and_its_average_what_is_kept(cgan, folder, tmp_path):
    trainer = Trainer(cgan(), [folder], tmp_path / "run")
    trainer.run()
    model = load_run(tmp_path / "run")[0]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), trainer.average.parameters(), strict=True))
    card = make_card(*load_run(tmp_path / "run"), "cgan")
    assert (card.architecture, card.bins, card.stride, card.multiple) == ("unet", None, 1, 16)
    assert card.parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("settings", "sections", "message"),
    [
        ({"objective": "hinge"}, {}, "task.settings.objective is 'hinge'; it must be bce or least_squares"),
        ({"content": -1.0}, {}, "task.settings.content is -1.0; it must be at least 0"),
        ({"r1_every": 0}, {}, "task.settings.r1_every is 0; it must be at least 1"),
        ({"discriminator": {"layers": 4}}, {}, "task.settings.discriminator.layers is 4; it must be lower for 32 pix"),
        ({"discriminator": {"depth": 4}}, {}, "task.settings.discriminator.depth is not a setting; did you mean tas"),
        ({}, {"run": {"accumulate": 2}}, "run.accumulate is 2; it must be 1 for the task adversarial"),
    ],
)
def test_what_is_wrong_is_named(cgan, folder, tmp_path, settings, sections, message):
    with pytest.raises(BadRecipe) as error:
        Trainer(cgan(settings, **sections), [folder], tmp_path / "run")
    assert str(error.value).startswith(message)
    assert not (tmp_path / "run").exists()
