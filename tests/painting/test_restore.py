"""Faded prints get the whole scale, and nothing is lost at its ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from photochrom.painting.restore import Tone


def ramp(low, high, shape=(80, 100)):
    return np.linspace(low, high, shape[0] * shape[1], dtype=np.float32).reshape(shape)


def test_a_faded_print_is_stretched():
    light = ramp(35, 75)
    restored = Tone.fit(light)(light)
    assert restored.dtype == np.float32
    inner = restored[4:-4, 5:-5]
    assert np.percentile(inner, 0.5) == pytest.approx(2, abs=0.1)
    assert np.percentile(inner, 99.5) == pytest.approx(98, abs=0.1)
    # In between it is a straight line: middle gray of the print is middle gray.
    assert Tone.fit(light)(np.array([55.0])) == pytest.approx(50, abs=0.2)


def test_a_good_print_is_left_alone():
    light = np.random.default_rng(0).permuted(ramp(0, 100).ravel()).reshape(80, 100)
    np.testing.assert_allclose(Tone.fit(light)(light), light, atol=2.1)
    light[:, :50], light[:, 50:] = 0, 100
    np.testing.assert_allclose(Tone.fit(light)(light), light, atol=1e-3)


@pytest.mark.parametrize("level", [0, 3, 50, 97, 100])
def test_blank_paper_stays_blank(level):
    grain = np.random.default_rng(0).normal(level, 0.5, (50, 50)).clip(0, 100).astype(np.float32)
    tone = Tone.fit(grain)
    assert np.ptp(tone(grain)) <= 4.1 * np.ptp(grain)


def test_the_paper_around_a_print_does_not_count():
    light = np.full((100, 100), 99, np.float32)
    light[4:-4, 4:-4] = ramp(40, 60, (92, 92))
    assert Tone.fit(light).given[1:3] == pytest.approx((38, 62), abs=0.5)


@given(arrays.arrays("float32", (12, 9), elements=st.floats(0, 100, width=32)))
def test_the_order_of_tones_stays(light):
    tone = Tone.fit(light)
    scale = np.linspace(0, 100, 500)
    out = tone(scale)
    assert (np.diff(out) >= 0).all()
    assert (out[0], out[-1]) == (0, 100)
    assert list(tone.given) == sorted(tone.given)
