"""From scores to ab: vividness moves the probabilities by the rebalancing weights, and by no more than was missing."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from photochrom.colorizer import Colorizer
from photochrom.errors import BadRecipe, BadSetting, UnknownName
from photochrom.inference.bins import ChannelBins, JointBins
from photochrom.inference.decode import SATURATION, Decoding, scores_to_ab
from photochrom.inference.decoders import TEMPERATURE, decoders

CENTERS = np.array([[0.0, 0], [60, 0], [0, 60], [-60, -60]])
AB = np.random.default_rng(1).normal(size=(2, 6, 5)).astype(np.float32)
BINS = JointBins(CENTERS, CENTERS, np.array([0.85, 0.08, 0.05, 0.02]))


def scores(seed=0):
    return np.random.default_rng(seed).normal(size=(4, 3, 5)).astype(np.float32)


def test_regression_is_scaled_to_lab():
    ab = scores_to_ab(np.full((2, 3, 4), 0.5, np.float32), None, Decoding(saturation=0.5))
    assert ab.shape == (3, 4, 2)
    assert ab.dtype == np.float32
    np.testing.assert_allclose(ab, 27.5)


@pytest.mark.parametrize("trained", [0.0, 0.3, 1.0])
def test_the_vividness_of_the_training_changes_nothing(trained):
    how = Decoding("mean", vividness=trained, trained_rebalance=trained)
    p = np.exp(scores()) / np.exp(scores()).sum(0)
    np.testing.assert_allclose(scores_to_ab(scores(), BINS, how), np.einsum("qhw,qd->hwd", p, CENTERS), atol=1e-4)


@pytest.mark.parametrize(("trained", "vividness"), [(0.5, 0.0), (0.0, 0.7), (0.5, 1.0)])
def test_vividness_weighs_by_a_power_of_the_rarity(trained, vividness):
    how = Decoding("mean", vividness=vividness, trained_rebalance=trained, smoothing=0.4)
    p = np.exp(scores()) * (BINS.rebalancing_weights(0.4) ** (vividness - trained))[:, None, None]
    expected = np.einsum("qhw,qd->hwd", p / p.sum(0), CENTERS)
    np.testing.assert_allclose(scores_to_ab(scores(), BINS, how), expected, atol=1e-4)


@pytest.mark.parametrize("decoder", ["mean", "annealed_mean"])
def test_more_vividness_is_more_color(decoder):
    levels = [
        np.hypot(*scores_to_ab(np.zeros((2, 1, 1)), _gray_and_red(), Decoding(decoder, vividness=v))[0, 0])
        for v in np.linspace(0, 1, 6)
    ]
    assert (np.diff(levels) > 0).all()


def _gray_and_red():
    return JointBins(CENTERS[:2], CENTERS[:2], np.array([0.9, 0.1]))


def test_channel_bins_are_decoded_each():
    bins = ChannelBins.equal_width(3).fit(np.array([[0.0, 0], [1, 2], [50, -80]]))
    map = np.zeros((6, 2, 2), np.float32)
    map[2], map[3] = 9, 9
    ab = scores_to_ab(map, bins, Decoding("argmax", vividness=0.5, trained_rebalance=0.5))
    np.testing.assert_allclose(ab, np.broadcast_to([50, -80], (2, 2, 2)))


def test_saturation_is_a_factor():
    how = Decoding()
    once = scores_to_ab(scores(), BINS, how)
    np.testing.assert_allclose(scores_to_ab(scores(), BINS, replace(how, saturation=2.0)), 2 * once, rtol=1e-6)


def test_chroma_gamma_is_a_power_of_the_chroma_that_keeps_the_hue():
    how = Decoding("argmax", saturation=1.5, chroma_gamma=1.5, vividness=0.5)
    bins = JointBins(*[np.array([[0.0, 0], [10, 0], [0, -25], [-3, 4]])] * 2, np.full(4, 0.25))
    ab = scores_to_ab(9 * np.eye(4, dtype=np.float32)[..., None], bins, how)[:, 0]
    # Of chroma 0, 10, 25 and 5, in a picture whose mean is 10: more by the factor, and by (C / 10) to the power of 1/2.
    np.testing.assert_allclose(ab, [[0, 0], [15, 0], [0, -37.5 * 2.5**0.5], np.array([-4.5, 6]) * 0.5**0.5], rtol=1e-3)


def test_chroma_gamma_makes_no_picture_grayer_as_a_whole():
    how = Decoding("mean", chroma_gamma=1.6)
    faint, strong = (scores_to_ab(share * AB, None, how) for share in (0.01, 0.5))
    np.testing.assert_allclose(strong, 50 * faint, rtol=2e-3)
    assert np.hypot(*strong.T).mean() > np.hypot(*scores_to_ab(0.5 * AB, None, Decoding("mean")).T).mean()


def test_a_gray_picture_has_no_chroma_to_raise():
    how = Decoding(chroma_gamma=1.6, chroma_knee=5)
    assert (scores_to_ab(np.zeros((2, 3, 4), np.float32), None, how) == 0).all()


@pytest.mark.parametrize("gamma", [1.0, 1.4])
def test_beyond_the_knee_chroma_grows_with_its_root(gamma):
    how = Decoding("mean", saturation=1.5, chroma_gamma=gamma)
    ab = AB / 10
    mean = float(np.hypot(*ab * 110).mean())
    for share, factor in ((0.5, 1), (1, 1), (4, 0.5), (9, 1 / 3)):
        plain = scores_to_ab(share * ab, None, how)
        bent = scores_to_ab(share * ab, None, replace(how, chroma_knee=mean))
        np.testing.assert_allclose(bent, factor * plain, rtol=1e-4)
    assert replace(how, chroma_knee=5).unsaturated == Decoding("mean")


def test_a_seed_repeats_a_sample():
    how = Decoding("sample", temperature=1.0)
    one, two = (scores_to_ab(scores(), BINS, how, np.random.default_rng(5)) for _ in range(2))
    assert (one == two).all()


def test_scores_in_16_bits_do_not_overflow():
    ab = scores_to_ab(scores().astype(np.float16) * 100, BINS, Decoding("mean"))
    assert np.isfinite(ab).all()


def test_an_unknown_decoder_and_a_bad_temperature_are_named():
    with pytest.raises(UnknownName, match="no decoder is called 'means'; did you mean 'mean'"):
        scores_to_ab(scores(), BINS, Decoding("means"))
    with pytest.raises(BadSetting, match="temperature"):
        scores_to_ab(scores(), BINS, Decoding(temperature=0))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"temperature": 0.009}, "the temperature is 0.009; it must be between 0.01 and 10"),
        ({"vividness": float("nan")}, "the vividness is nan; it must be between 0 and 1"),
        ({"trained_rebalance": -0.1}, "the trained rebalance is -0.1; it must be between 0 and 1"),
        ({"smoothing": 0}, "the smoothing is 0; it must be above 0 and at most 1"),
        ({"saturation": 17}, "the saturation is 17; it must be between 0 and 16"),
        ({"chroma_gamma": 5}, "the chroma gamma is 5; it must be between 0.25 and 4"),
        ({"chroma_knee": -1}, "the chroma knee is -1; it must be between 0 and 100"),
        ({"smooth_radius": 0.5}, "the smooth radius is 0.5; it must be a whole number between 0 and 16"),
        ({"agreement": 1.5}, "the agreement is 1.5; it must be between 0 and 1"),
    ],
    ids=str,
)
def test_a_decoding_out_of_range_is_refused(value, message):
    with pytest.raises(BadSetting) as error:
        Decoding(**value)
    assert str(error.value) == message


def test_what_a_person_chooses_goes_over_the_models_own():
    model = Decoding(temperature=0.5, vividness=0.25, saturation=1.5, chroma_gamma=2.0)
    assert model.chosen() == model
    assert model.chosen(vividness=0.0, saturation=4, decoder="mean", temperature=2) == Decoding(
        "mean", temperature=2, vividness=0.0, saturation=6.0, chroma_gamma=2.0
    )


def test_one_range_and_one_default_everywhere():
    """Recipe, card and session have those of `Decoding`; the page and the interface, too."""
    from photochrom.train.config import DecodeConfig, LossConfig
    from photochrom.web.look import Look

    recipe, how = DecodeConfig(), Decoding()
    shared = (
        "decoder",
        "temperature",
        "vividness",
        "saturation",
        "chroma_gamma",
        "chroma_knee",
        "smooth_radius",
        "agreement",
    )
    assert [getattr(recipe, name) for name in shared] == [getattr(how, name) for name in shared]
    assert (LossConfig().rebalance, LossConfig().smoothing) == (how.trained_rebalance, how.smoothing)
    for function in (decoders["annealed_mean"], decoders["tilted"]):
        assert inspect.signature(function).parameters["temperature"].default == how.temperature == TEMPERATURE
    look = Look.model_json_schema()["properties"]
    assert (look["vividness"]["anyOf"][0]["minimum"], look["vividness"]["anyOf"][0]["maximum"]) == (0, 1)
    assert (look["saturation"]["minimum"], look["saturation"]["maximum"]) == (0, SATURATION.high)
    for value, message in (({"temperature": 11}, "between 0.01 and 10"), ({"saturation": 4.5}, "between 0 and 4")):
        (name,) = value
        with pytest.raises(BadRecipe, match=rf"^decode\.{name} is .*; it must be {message}$"):
            DecodeConfig(**value)
        with pytest.raises(BadSetting, match=rf"^the {name} is .*; it must be {message}$"):
            Colorizer(**value)
