"""Several colourings of one photograph: draws for models over bins, dropout at use for GANs, else an error."""

import numpy as np
import pytest

from photochrom import Colorizer, color
from photochrom.errors import BadSetting
from photochrom.imaging.io import from_array

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gray():
    from photochrom.imaging.io import read
    from photochrom.imaging.picture import to_dtype

    photo = read(_sample())
    return to_dtype(photo.pixels, "uint8")[::2, ::2]


def _sample():
    from importlib import resources

    return (resources.files("photochrom") / "samples" / "astronaut.jpg").read_bytes()


@pytest.fixture(scope="module")
def default():
    return Colorizer(threads=1)


@pytest.fixture(scope="module")
def gan(gan_file):
    return Colorizer(gan_file, threads=1)


def colored(session, gray, variant):
    return session.colorize_picture(from_array(gray), variant=variant).pixels


@pytest.mark.parametrize("session", ["default", "gan"])
def test_a_variant_is_one_colouring_and_always_the_same(session, gray, request):
    session = request.getfixturevalue(session)
    session.network.need_variants()
    plain = colored(session, gray, None)
    one, again, two = (colored(session, gray, n) for n in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, plain)
    assert np.array_equal(colored(session, gray, None), plain), "a session is as it was"
    light = [color.srgb_to_lightness(p) for p in (plain, one, two)]
    assert max(np.abs(light[0] - each).max() for each in light[1:]) < 1.5


def test_variants_go_round_the_circle_the_likeliest_first(default):
    from photochrom.inference.bins import JointBins
    from photochrom.inference.variants import ROUNDS, _order, varied

    bins = default.network.bins
    assert isinstance(bins, JointBins)
    # It is blue, or else gray, and hardly anything else.
    gray_one, blue = (-((bins.values - center) ** 2).sum(1) / 200 for center in ((0, 0), (0, -40)))
    scores = np.tile(np.maximum(np.maximum(gray_one, blue + 1), -14)[:, None, None], (1, 9, 6)).astype(np.float32)
    order = _order(scores, bins)
    assert sorted(order) == list(range(16))
    assert order[0] in (11, 12, 13)  # of 16 directions, -b is number 12
    assert sorted((k - order[0]) % 16 for k in order[:4]) == [0, 4, 8, 12]
    assert sorted((k - order[0]) % 16 for k in order[4:8]) == sorted(ROUNDS[1])
    tilts = [(varied(scores, bins, n) - scores)[:, 0, 0] for n in (1, 2, 3, 4, 17, 0)]
    for tilt in tilts:  # 0.03 for each Lab unit in the direction
        slope = np.linalg.lstsq(bins.values, tilt, rcond=None)[0]
        assert np.linalg.norm(slope) == pytest.approx(0.03, abs=1e-4)
    assert len({tilt.tobytes() for tilt in tilts}) == 6


def test_a_dropped_channel_is_zero_and_the_others_make_up_for_it(gan):
    factors = [gan.network._variation(n) for n in range(40)]
    assert all(set(np.unique(f)) <= {0.0, 2.0} for f in factors)
    assert np.mean(factors) == pytest.approx(1, abs=0.1)
    assert len({f.tobytes() for f in factors}) == 40


def test_the_run_folder_varies_as_its_file_does(gray, folder, tmp_path):
    from photochrom.train.export import export
    from photochrom.train.loop import Trainer
    from photochrom.train.recipe import recipe_from_dict

    recipe = recipe_from_dict(
        {
            "model": {"name": "unet", "settings": {"size": 32, "width": 4, "dropped": 2, "dropout": 0.25}},
            "loss": {"name": "l2"},
            "data": {"size": 32, "workers": 0},
            "run": {"steps": 2, "batch": 2, "precision": "fp32", "ema": 0.0},
            "decode": {"render_size": 32},
        }
    )
    Trainer(recipe, [folder], tmp_path / "run").run()
    card = export(tmp_path / "run", output=tmp_path / "model.onnx")
    assert (card.variation, card.dropout) == (24, 0.25)
    sessions = [Colorizer(tmp_path / name, threads=1) for name in ("run", "model.onnx")]
    for variant in (None, 3):
        run, file = (colored(s, gray, variant).astype(int) for s in sessions)
        assert np.abs(run - file).max() <= 1


def test_a_model_with_one_colouring_says_so(tiny, gray):
    session = Colorizer(tiny, threads=1)
    with pytest.raises(BadSetting, match="gives only one colouring: it has neither bins nor dropout"):
        colored(session, gray, 1)


@pytest.mark.parametrize("variant", [-1, 1.5, "two"])
def test_variants_have_whole_numbers(default, gray, variant):
    with pytest.raises(BadSetting, match="the variant is"):
        colored(default, gray, variant)
