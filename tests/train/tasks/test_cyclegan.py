"""CycleGAN: no pairs, two generators, two judges, a pool; and all of it comes back when a run is resumed."""

import numpy as np
import pytest
import torch

from photochrom.data.loader import Halves
from photochrom.errors import BadDataset, BadRecipe
from photochrom.train.export import export
from photochrom.train.loop import Trainer
from photochrom.train.tasks.cyclegan import CycleGanTask, ImagePool

CPU = torch.device("cpu")


def batch(n=4):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, 1, 32, 32, generator=generator) * 100, torch.randn(n, 2, 32, 32, generator=generator) * 30


def task(recipe):
    torch.manual_seed(0)
    made = CycleGanTask(recipe, None, CPU)
    made.set_rate(0, 1.0)
    return made


class TestHalves:
    def test_the_two_sides_share_no_picture(self):
        for seed in range(5):
            gray, color = set(), set()
            for places in Halves(11, 4, seed, 0, 20):
                gray |= {i for _, i in places[:2]}
                color |= {i for _, i in places[2:]}
            assert len(gray) == 5
            assert gray | color == set(range(11))
            assert not gray & color

    def test_a_resumed_order_goes_on_where_it_was(self):
        whole = list(Halves(7, 6, 3, 0, 9))
        assert list(Halves(7, 6, 3, 4, 9)) == whole[4:]
        assert len(Halves(7, 6, 3, 4, 9)) == 5

    def test_one_picture_has_no_halves(self):
        with pytest.raises(BadDataset, match="one picture only"):
            Halves(1, 2, 0, 0, 1)


class TestPool:
    def test_it_fills_first(self):
        pool, fresh = ImagePool(3), torch.rand(3, 1, 2, 2)
        assert torch.equal(pool.exchange(fresh), fresh)
        assert torch.equal(pool.pictures, fresh)

    def test_then_half_of_what_is_shown_is_old(self):
        torch.manual_seed(0)
        pool = ImagePool(10)
        pool.exchange(torch.zeros(10, 1, 1, 1))
        shown = pool.exchange(torch.arange(1.0, 2001).reshape(-1, 1, 1, 1)).flatten()
        fresh = (shown == torch.arange(1.0, 2001)).float().mean()
        assert 0.45 < fresh < 0.55
        kept = pool.pictures.flatten()
        assert len(kept) == 10
        # Nothing is shown twice from the pool, nothing is lost: each picture was shown or is still kept.
        assert sorted([*shown.tolist(), *kept.tolist()]) == sorted([*[0.0] * 10, *range(1, 2001)])

    def test_without_one_all_is_fresh(self):
        pool, fresh = ImagePool(0), torch.rand(3, 1, 2, 2)
        assert pool.exchange(fresh) is fresh
        assert pool.pictures is None


@pytest.mark.parametrize("lightness", ["pinned", "free"])
def test_a_step_by_hand(cycle, lightness):
    settings = {"width": 4, "blocks": 1, "lightness": lightness}
    recipe = cycle({"discriminator": {"norm": "none"}}, model={"name": "cyclegan", "settings": settings})
    made, (light, ab) = task(recipe), batch()
    with torch.no_grad():
        gray, light, ab = (light[:2] - 50) / 50, (light[2:] - 50) / 50, ab[2:] / 110
        zeros, color = torch.zeros(2, 2, 32, 32), torch.cat([light, ab], 1)
        painted, bleached = made.model.translate(torch.cat([gray, zeros], 1)), made.back(color)
        again, colored = made.back(painted), made.model.translate(torch.cat([bleached, zeros], 1))
        same, kept = made.back(torch.cat([gray, zeros], 1)), made.model.translate(color)
        fooled = [(made.judges[k].network(p) - 1).square().mean() for k, p in (("color", painted), ("gray", bleached))]
        cycle_loss = 10 * ((again - gray).abs().mean() + (colored - color).abs().mean())
        identity = 5 * ((same - gray).abs().mean() + (kept - color).abs().mean())
    logged = made.step(batch(), 0)
    expected = {"fooled_color": fooled[0], "fooled_gray": fooled[1], "cycle": cycle_loss, "identity": identity}
    for name, value in expected.items():
        assert logged[name].item() == pytest.approx(value.item(), rel=1e-4), name
    assert logged["loss"].item() == pytest.approx(sum(expected.values()).item(), rel=1e-4)


def test_colours_of_the_gray_side_and_the_other_side_of_a_pair_do_not_matter(cycle):
    """Nothing is learned from pairs: the gray pictures' own colours could be anything."""
    results = []
    for scale in (1.0, -3.0):
        made, (light, ab) = task(cycle()), batch()
        made.step((light, torch.cat([ab[:2] * scale, ab[2:]])), 0)
        results.append([p.detach().clone() for n in made.networks.values() for p in n.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_every_network_moves(cycle):
    made = task(cycle())
    before = {n: [p.detach().clone() for p in network.parameters()] for n, network in made.networks.items()}
    made.step(batch(), 0)
    assert before.keys() == {"model", "back", "judge_color", "judge_gray"}
    for name, network in made.networks.items():
        assert all(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True)), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_is_the_run_that_was_not_stopped(cycle, folder, tmp_path, precision, values, resumed):
    recipe = cycle({"pool": 4}, run={"precision": precision, "checkpoint_every": 3, "log_every": 2})
    one = resumed(recipe, 4)
    assert one.keys() >= {"task.pool.color", "task.pool.gray", "optimizer.back.0.exp_avg"}
    assert one["task.pool.gray"].shape == (4, 1, 32, 32)
    names = {f"judge_{k}_right_{s}" for k in ("color", "gray") for s in ("real", "generated")}
    for name in names | {"back_gradient_norm"}:
        assert values(tmp_path / "whole", name) == values(tmp_path / "parts", name) != {}


def test_the_way_to_colour_is_exported(cycle, folder, tmp_path):
    Trainer(cycle(), [folder], tmp_path / "run", validation=[folder / "0.png"]).run()
    card = export(tmp_path / "run", output=tmp_path / "model.onnx")
    assert (card.architecture, card.multiple, card.stride) == ("cyclegan", 8, 1)
    from photochrom import Colorizer

    assert Colorizer(tmp_path / "model.onnx", threads=1).colorize(np.zeros((20, 30), np.uint8)).shape == (20, 30, 3)


def test_what_is_wrong_is_named(cycle, folder, tmp_path):
    for recipe, message in (
        (cycle(run={"batch": 3}), "run.batch is 3; it must be an even number for the task cyclegan"),
        (cycle(model={"name": "unet", "settings": {"size": 32}}), "needs model.name 'cyclegan' and a loss on ab"),
        (cycle(loss={"name": "cross_entropy"}), "needs model.name 'cyclegan' and a loss on ab"),
        (cycle({"pool": -1}), "task.settings.pool is -1; it must be at least 0"),
    ):
        with pytest.raises(BadRecipe, match=message):
            Trainer(recipe, [folder], tmp_path / "run")
