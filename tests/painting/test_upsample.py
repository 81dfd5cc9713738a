"""Chroma from a small map to full size: nothing is invented, edges hold, strips and memory."""

import tracemalloc

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from photochrom import color
from photochrom.painting.upsample import GuidedChroma, resize


def two_tones(size=256, edge=120):
    """L with a sharp vertical edge, its true a, and a map of 16 x 16 in which the edge's column is mixed."""
    light = np.full((size, size), 30, np.float32)
    light[:, edge:] = 70
    truth = np.where(light < 50, 40, -40).astype(np.float32)
    cells = size // 16
    coarse = truth.reshape(16, cells, 16, cells).mean((1, 3))
    return light, truth, np.stack([coarse, -coarse / 2], -1).astype(np.float32)


@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    color=st.tuples(st.floats(-90, 90), st.floats(-90, 90)),
    seed=st.integers(0, 9),
)
def test_one_color_stays_one_color_whatever_l_is(height, width, color, seed):
    light = np.random.default_rng(seed).uniform(0, 100, (height, width)).astype(np.float32)
    ab = np.broadcast_to(np.float32(color), (5, 7, 2))
    full = GuidedChroma.fit(ab, light, (7, 5)).strip(light, 0, height)
    assert full.shape == (height, width, 2)
    np.testing.assert_allclose(full, np.broadcast_to(np.float32(color), full.shape), atol=2e-3)


def test_a_cast_is_what_light_of_another_colour_does_to_grays():
    """Scaling X and Z of a gray is the same shift in Lab, by the definition of Lab."""
    light = np.linspace(1, 99, 50, dtype=np.float32)[None].repeat(50, 0)
    plain = GuidedChroma.fit(np.zeros((50, 50, 2), np.float32), light, (50, 50))
    f = (light + 16) / 116  # of Y, where L is above 8
    x, z = 1.03 ** (1 / 3), 0.7 ** (1 / 3)
    cast = plain.with_cast(500 * (x - 1), 200 * (1 - z)).strip(light, 0, 50)
    np.testing.assert_allclose(cast[..., 0], 500 * (x * f - f), atol=1e-3)
    np.testing.assert_allclose(cast[..., 1], 200 * (f - z * f), atol=1e-3)
    assert not plain.strip(light, 0, 50).any()


@pytest.mark.parametrize("edge", [116, 120, 125])
def test_color_bleeds_less_over_an_edge_than_by_plain_enlargement(edge):
    light, truth, ab = two_tones(edge=edge)
    guided = GuidedChroma.fit(ab, light, (16, 16)).strip(light, 0, 256)[..., 0]
    plain = resize(np.ascontiguousarray(ab[..., 0]), (256, 256))
    band = slice(edge - 12, edge + 12)
    ours, bilinear = (np.abs(each - truth)[:, band].mean() for each in (guided, plain))
    assert ours < 0.2 * bilinear
    # The step is as sharp as that of L: nearly all of it lies between two neighbouring columns.
    assert guided[128, edge - 1] - guided[128, edge] > 0.9 * 80
    # And far from the edge the colour is the map's.
    np.testing.assert_allclose(guided[:, :64], 40, atol=0.1)
    np.testing.assert_allclose(guided[:, 192:], -40, atol=0.1)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_true_colors_of_a_photograph_come_back_better_than_by_plain_enlargement(name):
    lab = color.rgb_to_lab(getattr(skimage.data, name)() / 255).astype(np.float32)
    light, truth = lab[..., 0], lab[..., 1:]
    height, width = light.shape
    cells = 48 * width // height, 48
    ab = np.stack([resize(np.ascontiguousarray(truth[..., i]), cells) for i in (0, 1)], -1)
    guided = GuidedChroma.fit(ab, light, cells).strip(light, 0, height)
    plain = np.stack([resize(np.ascontiguousarray(ab[..., i]), (width, height)) for i in (0, 1)], -1)
    ours, bilinear = (np.linalg.norm(each - truth, axis=-1).mean() for each in (guided, plain))
    assert ours < 0.92 * bilinear


def test_a_white_thread_on_red_does_not_turn_cyan():
    light = np.full((256, 256), 45, np.float32)
    light[:, 127:129] = 98
    # What a network says of it: red everywhere, a little less where the thread is.
    ab = np.zeros((32, 32, 2), np.float32)
    ab[..., 0] = 60
    ab[:, 15:17, 0] = 45
    fitted = GuidedChroma.fit(ab, light, (32, 32))
    unlimited = fitted.coefficients.copy()
    unlimited[..., 4:] = -1e9, 1e9
    limited_a, unlimited_a = (
        each.strip(light, 0, 256)[:, 127:129, 0].min() for each in (fitted, GuidedChroma(unlimited))
    )
    assert unlimited_a < 20
    assert limited_a > 35


@pytest.mark.parametrize("side", [0, 1])
def test_no_color_comes_out_that_is_far_from_those_around(side):
    """Bright stripes on white cloth beside red: what leads from red to white must not lead on, to cyan."""
    ab = np.zeros((8, 8, 2), np.float32)
    ab[:, :4] = [60, 40]
    light = np.full((64, 64), 50.0, np.float32)
    light[:, 32:] = 70
    light[:, 32:64:8] = light[:, 33:64:8] = 97
    light, ab = (light, ab) if side == 0 else (light.T.copy(), ab.transpose(1, 0, 2).copy())
    full = GuidedChroma.fit(ab, light, (8, 8)).strip(light, 0, 64)
    assert -4 < full.min() < 0.1
    assert 59 < full.max() < 65


def test_noise_in_l_does_not_become_color():
    rng = np.random.default_rng(0)
    light = (50 + rng.normal(0, 1.5, (200, 200))).astype(np.float32)
    ab = np.zeros((12, 12, 2), np.float32)
    ab[:, 6:] = 30
    full = GuidedChroma.fit(ab, light, (12, 12)).strip(light, 0, 200)
    # The slope of a smooth transition over noise: a tenth of a unit of ab for a unit of L is not seen.
    assert full[:, :80].std() < 0.5
    assert full[:, 120:].std() < 0.5


def test_what_lies_in_the_padding_is_not_the_pictures():
    light = np.full((60, 100), 50, np.float32)
    ab = np.zeros((4, 8, 2), np.float32)
    ab[:, 5:], ab[3:] = 99, 99
    full = GuidedChroma.fit(ab, light, (4.0, 2.0)).strip(light, 0, 60)
    assert np.abs(full).max() < 1e-3


@pytest.mark.parametrize("shape", [(700, 911), (449, 13), (1, 800), (800, 1), (37, 41)])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_strips_equal_the_whole(shape, rows):
    rng = np.random.default_rng(1)
    light = rng.uniform(0, 100, shape).astype(np.float32)
    chroma = GuidedChroma.fit(rng.normal(0, 30, (48, 64, 2)).astype(np.float32), light, (62.3, 47.8))
    height = shape[0]
    parts = [chroma.strip(light[top : top + rows], top, height) for top in range(0, height, rows)]
    np.testing.assert_allclose(np.concatenate(parts), chroma.strip(light, 0, height), atol=1e-3)


@pytest.mark.parametrize("shape", [(3000, 2000), (90000, 50), (20, 100000), (1, 8000)])
def test_what_is_kept_does_not_grow_with_the_picture(shape):
    light = np.zeros(shape, np.float32)
    tracemalloc.start()
    chroma = GuidedChroma.fit(np.zeros((48, 64, 2), np.float32), light, (64, 48))
    rows = max(1, 100_000 // shape[1])
    chroma.strip(light[:rows], 0, shape[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert chroma.coefficients.shape[2] == 6
    assert np.all(np.less_equal(chroma.coefficients.shape[:2], (48, 64)))
    assert peak < 6e6


def test_resize_averages_when_it_shrinks():
    plane = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert resize(plane, (1, 1))[0, 0] == pytest.approx(7.5, abs=0.01)
    assert resize(plane, (4, 4)).tolist() == plane.tolist()
    assert resize(plane, (2, 1), box=(0, 0, 2, 1)).tolist() == [[0, 1]]


def test_smoothing_evens_blotches_out_and_keeps_the_edges_of_the_picture():
    left = np.indices((128, 128))[1] < 64
    light = np.where(left, 25.0, 75.0).astype(np.float32)
    clean = np.where(left[::8, ::8, None], [40.0, 10.0], [-30.0, 50.0]).astype(np.float32)
    blotchy = clean + np.random.default_rng(3).normal(0, 8, clean.shape).astype(np.float32)
    truth = np.repeat(np.repeat(clean, 8, 0), 8, 1)

    def error(radius):
        return np.abs(GuidedChroma.fit(blotchy, light, (16, 16), radius).strip(light, 0, 128) - truth).mean()

    assert error(3) < 0.4 * error(0)
    edge = GuidedChroma.fit(blotchy, light, (16, 16), 3).strip(light, 0, 128)[64, 63:65]
    np.testing.assert_allclose(edge[0] - edge[1], [70, -40], atol=8)
