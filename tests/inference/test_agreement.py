import numpy as np
import pytest

from photochrom.inference import agreement
from photochrom.inference.agreement import agreed


def lawn(sure=(0.9, 0.1), unsure=(0.55, 0.45), sides=(6, 8)):
    """Two colours: the left half is sure of the first one, the right half leans to it only."""
    p = np.empty((2, *sides))
    p[:, :, : sides[1] // 2] = np.array(sure)[:, None, None]
    p[:, :, sides[1] // 2 :] = np.array(unsure)[:, None, None]
    return np.log(p)


def probabilities(scores):
    p = np.exp(scores)
    return p / p.sum(0)


def test_without_a_share_nothing_changes():
    log_p = lawn().astype(np.float32)
    np.testing.assert_array_equal(agreed(log_p, np.full((6, 8), 40.0), 0), log_p)


def test_points_that_say_the_same_go_on_saying_it():
    log_p = lawn(sure=(0.7, 0.3), unsure=(0.7, 0.3))
    np.testing.assert_allclose(agreed(log_p, np.full((6, 8), 40.0), 0.5), log_p, rtol=1e-5)


def test_the_unsure_hear_the_sure_ones():
    log_p = lawn()
    found = probabilities(agreed(log_p, np.full((6, 8), 40.0), 0.5))
    assert (found[0, :, 4:] > 0.58).all()
    assert (found[0, :, :4] < 0.9).all()
    assert (found[0, :, :4] > 0.86).all()


def test_what_says_another_colour_is_not_heard():
    log_p = lawn(sure=(0.99, 0.01), unsure=(0.01, 0.99))
    np.testing.assert_allclose(agreed(log_p, np.full((6, 8), 40.0), 1), log_p, atol=1e-3)


def test_what_is_much_lighter_is_not_heard():
    light = np.full((6, 8), 20.0)
    light[:, 4:] = 90
    log_p = lawn()
    np.testing.assert_allclose(agreed(log_p, light, 1), log_p, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (61, 7), (70, 70)])
def test_any_shape_hears_a_bounded_number_of_points(shape, monkeypatch):
    rng = np.random.default_rng(0)
    log_p = np.log(rng.dirichlet(np.ones(5), shape).transpose(2, 0, 1))
    light = rng.uniform(0, 100, shape)
    found = agreed(log_p, light, 0.5)
    assert found.shape == (5, *shape)
    assert np.isfinite(found).all()
    monkeypatch.setattr(agreement, "AT_ONCE", 100)
    np.testing.assert_allclose(agreed(log_p, light, 0.5), found, rtol=1e-5, atol=1e-6)


def test_points_of_a_block_count_as_one():
    # Blocks of 3 x 3 of 70 x 70: a map of equal blocks is heard as if each were a point.
    rng = np.random.default_rng(1)
    small = np.log(rng.dirichlet(np.ones(4), (20, 20)).transpose(2, 0, 1))
    light = rng.uniform(0, 100, (20, 20))
    large = small.repeat(3, 1).repeat(3, 2)
    found = agreed(large, light.repeat(3, 0).repeat(3, 1), 0.7)
    np.testing.assert_allclose(found[:, ::3, ::3], agreed(small, light, 0.7), rtol=1e-4, atol=1e-5)
