"""Frames as gray pictures."""

import av
import numpy as np
import pytest

from photochrom import color
from photochrom.video.gray import bits_of, gray_of, gray_of_rgb


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


def luma_frame(luma, pixels, chroma):
    """A frame of planes of two bytes a sample, all of its chroma at one level."""
    frame = av.VideoFrame(luma.shape[1], luma.shape[0], pixels)
    for i, plane in enumerate(frame.planes):
        samples = np.full((plane.height, plane.line_size // 2), chroma, "<u2")
        if i == 0:
            samples[:, : plane.width] = luma
        plane.update(samples.tobytes())
    return frame


@pytest.mark.parametrize(
    ("pixels", "bits"), [("yuv422p10le", 10), ("yuv420p12le", 12), ("gray10le", 10), ("gray16le", 16)]
)
def test_a_deep_film_keeps_each_of_its_grays(pixels, bits):
    full = pixels.startswith("gray")
    low, high = (0, 2**bits - 1) if full else (16 << (bits - 8), 235 << (bits - 8))
    luma = np.linspace(low, high, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    frame = luma_frame(luma, pixels, 128 << (bits - 8))
    gray, in_color = gray_of(frame, sixteen_bit=True)
    assert (bits_of(frame), gray.dtype, in_color) == (bits, np.uint16, False)
    assert (gray[0, 0], gray[-1, -1]) == (0, 65535)
    assert (gray == np.rint(65535 * (luma - float(low)) / (high - low))).all()
    shallow = gray_of(frame)[0]
    assert shallow.dtype == np.uint8
    assert np.abs(shallow - gray / 257).max() <= 0.5


def test_a_deep_tint_is_colour():
    luma = np.full((32, 32), 500, np.uint16)
    assert not gray_of(luma_frame(luma, "yuv420p10le", 512 + 4 * 4))[1]
    assert gray_of(luma_frame(luma, "yuv420p10le", 512 + 4 * 8))[1]


def test_deep_colour_gives_the_gray_of_its_lightness():
    rgb = np.random.default_rng(0).integers(0, 65536, (32, 48, 3)).astype(np.uint16)
    found, in_color = gray_of(av.VideoFrame.from_ndarray(rgb, format="rgb48le"), sixteen_bit=True)
    assert in_color
    assert np.abs(color.srgb_to_lightness(found) - color.srgb_to_lightness(rgb)).max() < 0.02
