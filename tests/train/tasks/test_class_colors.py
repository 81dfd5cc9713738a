"""The task that asks a classifier for the colours of its classes: the sums, what it leaves alone, what it refuses."""

import numpy as np
import pytest
import torch

from photochrom.color import lab_to_rgb
from photochrom.errors import BadRecipe
from photochrom.inference.backends import OnnxBackend
from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.models.encoders.efficientnet_lite import published_weights
from photochrom.models.photochrom import Photochrom, PhotochromSettings
from photochrom.train.export import export, load_state
from photochrom.train.loop import Trainer
from photochrom.train.onnx_file import round_weights
from photochrom.train.recipe import recipe_from_dict
from photochrom.train.tasks.class_colors import LEAN, ClassColorsTask

CPU = torch.device("cpu")
BINS = JointBins.grid(np.clip(np.random.default_rng(0).normal(0, 35, (2000, 2)), -100, 95), 20)
NETWORK = {"encoder": "lite0", "widths": [8, 8, 8], "pretrained": False, "frozen_stages": 7}


def recipe(settings=None, **sections):
    facts = {
        "task": {"name": "class_colors", "settings": {"size": 64} | (settings or {})},
        "model": {"name": "photochrom", "settings": NETWORK | {"class_colors": True}},
        "bins": {"kind": "joint", "step": 20.0},
        "data": {"size": 64, "workers": 0, "scale": [0.9, 1.0], "degrade": 0.0},
        "run": {"steps": 3, "batch": 4, "precision": "fp32", "log_every": 1, "eval_every": 100, "ema": 0.0},
        "decode": {"vividness": 0.2, "saturation": 1.4},
    }
    return recipe_from_dict({k: facts.get(k, {}) | sections.get(k, {}) for k in facts.keys() | sections.keys()})


@pytest.fixture(scope="module")
def start(classless):
    return classless(NETWORK, BINS.n_scores)


@pytest.fixture
def task(start):
    made = ClassColorsTask(recipe(), BINS, CPU)
    made.start_from(start)
    return made


def batch(seed=0, count=3):
    generator = torch.Generator().manual_seed(seed)
    light = torch.rand(count, 1, 8, 8, generator=generator) * 80 + 10
    return torch.nn.functional.interpolate(light, (64, 64), mode="bilinear"), torch.zeros(count, 2, 16, 16)


def test_the_sums_by_hand(task):
    light, _ = batch()
    task.step((light, None), 0)
    values = torch.tensor(BINS.values, dtype=torch.float32)
    weights = torch.tensor(BINS.rebalancing_weights(0.5), dtype=torch.float32)
    likeness, gains = [], []
    with torch.no_grad():
        for one in light:
            scores, world = task.model.answer((one[None] - 50) / 50)
            looks = task.model.class_colors.classes(world)[0].softmax(0).sqrt()
            likeness.append(looks / looks.sum())

            def seen(lean, scores=scores[0], one=one):
                score = scores + (values @ torch.tensor(lean))[:, None, None] + (-0.3 * weights.log())[:, None, None]
                ab = 1.4 * torch.einsum("qhw,qd->dhw", (score / 0.38).softmax(0), values)
                large = torch.nn.functional.interpolate(ab[None], (64, 64), mode="bilinear")
                return task.classifier.network(lab_to_rgb(torch.cat([one[None], large], 1)))[0].log_softmax(0)

            ways = ([LEAN, 0.0], [0.0, LEAN])
            gains.append(torch.stack([(seen(way) - seen([-x for x in way])) / 2 for way in ways], -1))
    expected = sum(w[:, None] * g for w, g in zip(likeness, gains, strict=True)) / sum(likeness)[:, None]
    torch.testing.assert_close(task.gains / task.weights[:, None], expected, rtol=1e-3, atol=1e-4)
    leans = 2.5 * (expected - expected.mean(0))
    found = task.model.class_colors.scores.weight
    torch.testing.assert_close(found, LEAN * values @ leans.T, rtol=1e-2, atol=2e-3)
    assert found.abs().max() > 0.1


def test_the_second_batch_joins_the_first_and_is_foretold_by_it(task):
    first, second = batch(1), batch(2)
    assert float(task.step(first, 0)["loss"]) == 0  # nothing is known yet
    one = task.gains.clone()
    leans = task._leans()
    task.step(second, 1)
    own = task.gains - one
    assert own.abs().max() > 0
    assert not torch.equal(task._leans(), leans)
    # The same pictures once more gain by what is known of them.
    assert float(task.step(second, 2)["loss"]) < 0


def test_nothing_but_the_colors_of_the_classes_changes(task, start):
    task.step(batch(), 0)
    after = task.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in start.items() if not name.endswith("tracked"))
    public = published_weights("lite0")
    assert torch.equal(after["class_colors.classes.weight"], public["_fc.weight"])


def test_a_run_is_resumed_and_exported_with_what_it_found(start, folder, tmp_path):
    init = (start, BINS)
    Trainer(recipe(), [folder], tmp_path / "whole", init=init).run()
    Trainer(recipe(), [folder], tmp_path / "parts", init=init, max_steps=1).run()
    Trainer(recipe(), [folder], tmp_path / "parts", init=init).run()
    (whole, _, _), (parts, _, _) = (load_state(tmp_path / name) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert [k for k in whole if not torch.equal(whole[k], parts[k])] == []

    card = export(tmp_path / "whole", output=tmp_path / "whole.onnx")
    whole, _, _ = load_state(tmp_path / "whole.onnx")
    assert whole["class_colors.scores.weight"].abs().max() > 0
    light = np.random.default_rng(1).normal(0, 0.5, (1, 1, 64, 96)).astype(np.float32)
    own = OnnxBackend((tmp_path / "whole.onnx").read_bytes(), "whole", "cpu")
    plain = Photochrom(PhotochromSettings(**NETWORK), BINS.n_scores).eval()
    plain.load_state_dict({k: v for k, v in whole.items() if not k.startswith("class_colors.")}, strict=False)
    with torch.inference_mode():
        added = own.run(light) - plain(torch.from_numpy(light)).numpy()
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :, :1, :1], added.shape), atol=1e-3)
    assert np.abs(added).max() > 1e-4
    assert card.architecture == "photochrom"


def test_an_encoder_that_was_trained_is_refused(start):
    changed = start | {"encoder.head.weight": start["encoder.head.weight"] * 1.1}
    with pytest.raises(BadRecipe, match=r"encoder of the weights to start from was trained \(its head\.weight"):
        ClassColorsTask(recipe(), BINS, CPU).start_from(changed)


def test_a_run_without_weights_to_start_from_is_refused(folder, tmp_path):
    with pytest.raises(BadRecipe, match="needs a trained network; give its exported file with --init"):
        Trainer(recipe(), [folder], tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("bits", [16, 8])
def test_weights_that_were_stored_in_few_bits_are_taken(start, bits):
    network = Photochrom(PhotochromSettings(**NETWORK), BINS.n_scores)
    network.load_state_dict(start)
    round_weights(network, bits)
    task = ClassColorsTask(recipe(), BINS, CPU)
    task.start_from(network.state_dict())
    assert not torch.equal(task.model.encoder.head.weight, start["encoder.head.weight"])


@pytest.mark.parametrize(
    ("sections", "bins", "message"),
    [
        ({"model": {"settings": NETWORK}}, BINS, "model.settings.class_colors = true"),
        ({"model": {"name": "paper_cnn", "settings": {}}}, BINS, "is for a network 'photochrom'"),
        ({"bins": {"kind": "equal"}}, ChannelBins.equal_width(10), "needs joint bins"),
    ],
)
def test_what_it_cannot_ask_about_is_refused(sections, bins, message):
    with pytest.raises(BadRecipe, match=message):
        ClassColorsTask(recipe(**sections), bins, CPU)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": 0}, "task.settings.strength is 0.0; it must be above 0 and at most 100"),
        ({"classifier": "lite2"}, "task.settings.classifier is 'lite2'; it must be lite0 or lite1"),
        ({"size": 100}, "task.settings.size is 100; it must be a multiple of 32 between 32 and 512"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(BadRecipe, match=message):
        ClassColorsTask(recipe(settings), BINS, CPU)
