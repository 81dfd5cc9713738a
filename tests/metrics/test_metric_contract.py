"""What every registered metric promises; a new one is tested here without being named."""

import math

import numpy as np
import pytest

from photochrom.metrics import Comparison, Metric, Rendition, facts, metrics

NAMES = list(metrics)
IDEAL = {"psnr": 100.0, "psnr_ab": 100.0, "ssim": 1.0, "auc": 1.0, "auc_rebalanced": 1.0} | {
    f"accuracy_{k}": 1.0 for k in (10, 30, 50)
}
SIZES = [(1, 1), (1, 9), (7, 5), (10, 11), (13, 29)]


def picture(height: int, width: int, seed: int, dtype: type = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3)).astype(dtype)


def pair(height: int, width: int, dtype: type = np.float64) -> Comparison:
    return Comparison(Rendition(picture(height, width, 1, dtype)), Rendition(picture(height, width, 2, dtype)))


def test_all_metrics_of_the_plan_are_there():
    expected = "psnr ssim ciede2000 colorfulness colorfulness_error ab_distance mean_saturation"
    expected += " accuracy_10 accuracy_30 accuracy_50 blotchiness blotchiness_error auc auc_rebalanced psnr_ab"
    assert set(expected.split()) | {f"{x}_{y}" for x in ("closeness", "rms") for y in ("ab", "rgb")} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_complete(name):
    metric = facts(name)
    assert isinstance(metric, Metric)
    assert metric.name == name
    assert metric.meaning
    assert "\n" not in metric.meaning
    assert metric.better in ("higher", "lower", "truth")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_finite_float_at_any_size_and_deterministic(name, size):
    first, second = facts(name)(pair(*size)), facts(name)(pair(*size))
    assert type(first) is float
    assert math.isfinite(first)
    assert first == second


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_prediction_has_the_ideal_value(name, size):
    metric, rgb = facts(name), picture(*size, seed=2)
    if metric.better != "truth":
        assert metric(Comparison(Rendition(rgb.copy()), Rendition(rgb))) == pytest.approx(IDEAL.get(name, 0.0))


@pytest.mark.parametrize("size", [(2, 3), (7, 5), (10, 11), (13, 29)])
@pytest.mark.parametrize("name", NAMES)
def test_another_prediction_has_not(name, size):
    # Nearly gray, so that there are even places, and with twice the colour.
    metric, truth = facts(name), 0.4 + 0.02 * picture(*size, seed=2)
    perfect = metric(Comparison(Rendition(truth), Rendition(truth)))
    other = metric(Comparison(Rendition(0.4 + 0.04 * picture(*size, seed=3)), Rendition(truth)))
    assert {"higher": other < perfect, "lower": other > perfect, "truth": other != perfect}[metric.better]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_pictures_without_any_detail_are_no_trouble(name, value):
    flat = Rendition(np.full((6, 5, 3), value))
    assert math.isfinite(facts(name)(Comparison(flat, flat)))


@pytest.mark.parametrize("name", NAMES)
def test_it_leaves_the_pictures_alone_and_takes_float32(name):
    single, double = pair(13, 29, np.float32), pair(13, 29)
    before = single.predicted.rgb.copy(), single.truth.rgb.copy()
    assert facts(name)(single) == pytest.approx(facts(name)(double), rel=1e-4)
    assert np.array_equal(before[0], single.predicted.rgb)
    assert np.array_equal(before[1], single.truth.rgb)
