"""Metrics against numbers worked out by hand and against scikit-image."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from photochrom import color
from photochrom.errors import BadSetting, UnknownName
from photochrom.metrics import Comparison, Rendition, facts, measure
from photochrom.metrics.auc import rarity
from photochrom.metrics.fidelity import PSNR_CAP


def compare(predicted: np.ndarray, truth: np.ndarray) -> Comparison:
    return Comparison(Rendition(predicted), Rendition(truth))


def flat(value: object, height: int = 3, width: int = 4) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, float), (height, width, 3)).copy()


def scene(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture and a noisy copy, in 0..1."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    truth = np.stack([x, y, 0.5 + 0.5 * np.sin(9 * x * y)], -1)
    return np.clip(truth + np.random.default_rng(seed).normal(0, 0.08, truth.shape), 0, 1), truth


def test_a_constant_offset_has_the_psnr_and_rms_of_the_offset():
    numbers = measure(compare(flat(0.6), flat(0.5)))
    assert numbers["psnr"] == pytest.approx(20.0)
    assert numbers["rms_rgb"] == pytest.approx(0.1)
    assert numbers["closeness_rgb"] == pytest.approx(0.6)  # 0.1 * sqrt(3 * 4 * 3)


def test_psnr_agrees_with_skimage_and_is_capped():
    predicted, truth = scene(20, 31)
    assert facts("psnr")(compare(predicted, truth)) == pytest.approx(
        peak_signal_noise_ratio(truth, predicted, data_range=1)
    )
    assert facts("psnr")(compare(truth + 1e-9, truth)) == PSNR_CAP


@pytest.mark.parametrize("size", [(11, 11), (12, 40), (37, 23), (64, 64)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ssim_agrees_with_skimage(size, dtype):
    predicted, truth = (picture.astype(dtype) for picture in scene(*size))
    expected = structural_similarity(
        truth,
        predicted,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=-1,
    )
    assert facts("ssim")(compare(predicted, truth)) == pytest.approx(expected, abs=1e-5)


def test_ssim_of_two_flat_pictures_is_its_luminance_term():
    expected = (2 * 0.5 * 0.7 + 1e-4) / (0.5**2 + 0.7**2 + 1e-4)
    for size in ((1, 1), (3, 4), (5, 30), (20, 20)):
        assert facts("ssim")(compare(flat(0.7, *size), flat(0.5, *size))) == pytest.approx(expected)


def test_ciede2000_agrees_with_skimage():
    predicted, truth = scene(20, 31)
    expected = deltaE_ciede2000(rgb2lab(truth), rgb2lab(predicted)).mean()
    assert facts("ciede2000")(compare(predicted, truth)) == pytest.approx(expected, abs=1e-3)


def test_ab_metrics_of_a_three_four_five_step():
    tinted = color.lab_to_rgb(flat([50, 3, 4]))
    gray = color.lab_to_rgb(flat([50, 0, 0]))
    numbers = measure(compare(tinted, gray))
    assert numbers["ab_distance"] == pytest.approx(5, abs=1e-3)
    assert numbers["closeness_ab"] == pytest.approx(5 * np.sqrt(12), abs=1e-3)
    assert numbers["rms_ab"] == pytest.approx(5 / np.sqrt(2), abs=1e-3)


def test_closeness_grows_with_the_size_and_rms_does_not():
    small, large = (measure(compare(*(np.tile(x, (n, n, 1)) for x in scene(9, 7)))) for n in (1, 3))
    for space in ("ab", "rgb"):
        assert large[f"closeness_{space}"] == pytest.approx(3 * small[f"closeness_{space}"])
        assert large[f"rms_{space}"] == pytest.approx(small[f"rms_{space}"])


def test_closeness_rgb_and_psnr_are_one_number():
    numbers = measure(compare(*scene(9, 7)))
    assert numbers["psnr"] == pytest.approx(-20 * np.log10(numbers["rms_rgb"]))


def test_colorfulness_of_half_red_half_blue():
    picture = flat([1, 0, 0], 2, 4)
    picture[:, 2:] = [0, 0, 1]
    # rg is 255 and 0, yb is 127.5 and -255: deviations 127.5 and 191.25, means 127.5 and -63.75.
    expected = np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, 63.75)
    assert expected == pytest.approx(272.62, abs=0.01)
    numbers = measure(compare(picture, flat(0.5, 2, 4)))
    assert numbers["colorfulness"] == pytest.approx(expected)
    assert numbers["colorfulness_error"] == pytest.approx(expected)


def test_colorfulness_error_counts_both_directions():
    weak, strong = flat([0.6, 0.5, 0.5]), flat([0.9, 0.5, 0.5])
    error = facts("colorfulness_error")
    assert error(compare(weak, strong)) == pytest.approx(error(compare(strong, weak)))
    # One colour has no deviation: 0.3 * hypot(rg, yb) with rg = 255 * 0.4 and yb = half of that, less the weak one's.
    assert error(compare(weak, strong)) == pytest.approx(0.3 * 255 * np.hypot(0.3, 0.15))


def test_mean_saturation_of_four_known_colours():
    picture = np.array([[[1, 0, 0], [1, 0.5, 0.5]], [[0, 0, 0], [1, 1, 1]]], float)
    assert facts("mean_saturation")(compare(picture, flat(0, 2, 2))) == pytest.approx(0.375)


def test_a_rendition_computes_its_lab_once_and_keeps_the_picture():
    rendition = Rendition(flat([1, 0, 0]))
    assert rendition.lab is rendition.lab
    assert rendition.ab[0, 0] == pytest.approx([80.09, 67.2], abs=0.01)


@pytest.mark.parametrize(
    "rgb", [np.zeros((3, 4)), np.zeros((3, 4, 4)), np.zeros((0, 4, 3)), np.zeros((3, 4, 3), np.uint8)]
)
def test_a_rendition_refuses_what_is_not_floating_rgb(rgb):
    with pytest.raises(BadSetting, match="floating"):
        Rendition(rgb)


def test_a_comparison_refuses_two_sizes():
    with pytest.raises(BadSetting, match="one size"):
        compare(flat(0.5, 3, 4), flat(0.5, 4, 3))


def test_measure_takes_names_and_refuses_unknown_ones():
    pair = compare(*scene(9, 7))
    assert list(measure(pair, ("ssim", "psnr"))) == ["ssim", "psnr"]
    with pytest.raises(UnknownName, match="colorfulness"):
        measure(pair, ("colourfulness",))


def in_lab(L: float, *ab: tuple[float, float]) -> np.ndarray:
    """A row of pixels."""
    return color.lab_to_rgb(np.array([[[L, a, b] for a, b in ab]]))


def test_auc_is_what_is_left_of_150_units():
    truth, predicted = in_lab(60, (0, 0), (0, 0)), in_lab(60, (30, 0), (0, 0))
    assert facts("auc")(compare(predicted, truth)) == pytest.approx(1 - 30 / 150 / 2, abs=1e-6)
    # Zhang's way: the share of pixels under each whole threshold.
    far = np.hypot(*np.moveaxis(Rendition(predicted).ab - Rendition(truth).ab, -1, 0))
    curve = [(far <= t + 1e-9).mean() for t in range(151)]
    assert facts("auc")(compare(predicted, truth)) == pytest.approx(np.mean(curve), abs=0.004)


def test_rebalanced_auc_weighs_rare_colours_more():
    # One gray and one red pixel, of which one is right: red is rare, so that it counts for nearly all.
    truth = in_lab(55, (0, 0), (60, 40))
    gray_right, red_right = in_lab(55, (0, 0), (30, 40)), in_lab(55, (30, 0), (60, 40))
    assert facts("auc")(compare(gray_right, truth)) == pytest.approx(facts("auc")(compare(red_right, truth)))
    weights = rarity(Rendition(truth).ab)[0]
    assert weights[1] > 100 * weights[0]
    share = weights[1] / weights.sum()
    assert facts("auc_rebalanced")(compare(gray_right, truth)) == pytest.approx(1 - share * 30 / 150, abs=1e-6)
    assert facts("auc_rebalanced")(compare(red_right, truth)) > 0.99


def test_psnr_ab_is_over_255():
    truth, predicted = in_lab(60, (0, 0)), in_lab(60, (10, 10))
    assert facts("psnr_ab")(compare(predicted, truth)) == pytest.approx(20 * np.log10(255 / 10), abs=1e-4)
