"""Frames as gray pictures."""

import av
import numpy as np
import pytest

from photochrom import color
from photochrom.video.gray import gray_of, gray_of_rgb


@pytest.mark.parametrize("pixels", ["gray", "yuv420p", "yuvj420p", "yuv444p", "nv12", "rgb24", "yuv420p10le"])
def test_a_gray_film_gives_its_gray(pixels, drawn_scene):
    gray = drawn_scene(3)
    frame = av.VideoFrame.from_ndarray(np.stack([gray] * 3, -1), format="rgb24").reformat(format=pixels)
    found, in_color = gray_of(frame)
    assert not in_color
    assert found.shape == gray.shape
    assert np.abs(found.astype(int) - gray).max() <= 2


def test_colour_gives_the_gray_of_its_lightness():
    rgb = np.random.default_rng(0).integers(0, 256, (32, 48, 3)).astype(np.uint8)
    light = color.srgb_to_lightness(rgb)
    assert np.abs(color.srgb_to_lightness(gray_of_rgb(rgb)) - light).max() < 0.3
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    found, in_color = gray_of(frame)
    assert in_color
    assert (found == gray_of_rgb(rgb)).all()
