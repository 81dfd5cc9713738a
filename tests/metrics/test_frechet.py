"""Distances between sets of features, and the floors; the Frechet distance itself is tested with the study."""

import numpy as np
import pytest

from photochrom.metrics.frechet import bias_note, frechet_distance, frechet_floor, kernel_distance, kernel_floor


def normal(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def test_more_pictures_than_features_give_the_formula():
    a, b = normal(300, 5, 0), 2 * normal(200, 5, 1, 0.5)
    s1, s2 = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.linalg.eigvals(s1 @ s2).real).sum()
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(s1) + np.trace(s2) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_the_kernel_distance_is_the_mean_over_pairs():
    x, y = normal(6, 3, 0), normal(6, 3, 1, 1.0)
    found = kernel_distance(x, y)

    def k(p, q):
        return (p @ q / 3 + 1) ** 3

    within = [k(s[i], s[j]) for s in (x, y) for i in range(6) for j in range(6) if i != j]
    across = [k(p, q) for p in x for q in y]
    assert found.mean == pytest.approx(2 * np.mean(within) - 2 * np.mean(across))

    def without(i):
        return kernel_distance(np.delete(x, i, 0), y).mean, kernel_distance(x, np.delete(y, i, 0)).mean

    # Efron and Stein's: each picture of either set left out in turn.
    spread = sum(np.square(np.array([without(i)[side] for i in range(6)]) - found.mean).sum() for side in (0, 1))
    assert found.error == pytest.approx((5 / 6 * spread) ** 0.5)


def test_the_kernel_distances_error_is_that_of_other_pictures():
    drawn = [kernel_distance(normal(60, 8, 2 * i), normal(90, 8, 2 * i + 1, 0.3)) for i in range(60)]
    assert np.mean([each.error for each in drawn]) == pytest.approx(np.std([each.mean for each in drawn]), rel=0.25)


def test_the_kernel_distance_is_unbiased_and_the_frechet_distance_is_not():
    small = [(normal(40, 64, 2 * i), normal(40, 64, 2 * i + 1)) for i in range(20)]
    kernel = [kernel_distance(a, b).mean for a, b in small]
    assert abs(np.mean(kernel)) < 3 * np.std(kernel) / len(kernel) ** 0.5
    assert min(frechet_distance(a, b) for a, b in small) > 20


def test_the_floor_is_what_two_halves_are_apart():
    reference = normal(60, 8, 0)
    floor, kernel = frechet_floor(reference), kernel_floor(reference)
    assert floor == frechet_floor(reference)
    halves = frechet_distance(normal(30, 8, 1), normal(30, 8, 2))
    assert floor.mean == pytest.approx(halves, rel=0.5)
    assert floor.error > 0
    assert abs(kernel.mean) < 0.5 < kernel_distance(reference, reference + 2).mean
    assert frechet_floor(normal(2000, 8, 0)).mean < floor.mean / 5


def test_its_bias_is_named():
    assert bias_note(199) == (
        "over 199 pictures; up to 2,048 pictures its covariance is singular and it is biased upward: "
        "compare only at the same n"
    )
    assert "singular" not in bias_note(5000)
