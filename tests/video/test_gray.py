"""Frames as gray pictures."""

import av
import numpy as np
import pytest

from photochrom import color
from photochrom.video.gray import bits_of, gray_of, gray_of_rgb, has_full_grays


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


def ramp_frame(pixels, full):
    """A gray slope in a pixel format, in limited or full range, and the uint8 grays that it shows."""
    bits = max(component.bits for component in av.VideoFrame(16, 16, pixels).format.components)
    base = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    low, high = (0, 2**bits - 1) if full else (16 << (bits - 8), 235 << (bits - 8))
    frame = av.VideoFrame(256, 16, base)
    for i, plane in enumerate(frame.planes):
        kind = np.uint8 if bits == 8 else np.dtype("<u2")
        lines = np.full((plane.height, plane.line_size // np.dtype(kind).itemsize), 128 << (bits - 8), kind)
        if i == 0:
            lines[:, :256] = np.linspace(low, high, 256).round()
        plane.update(lines.tobytes())
    luma = np.linspace(low, high, 256).round()
    scale = 2 if full else 1
    # ffmpeg takes every gray format for one of full range, and only so keeps the samples.
    taken = 2 if pixels.startswith(("gray", "ya")) else scale
    made = frame.reformat(format=pixels, src_color_range=taken, dst_color_range=taken)
    made.color_range = scale
    return made, 255 * (luma - low) / (high - low)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "pixels",
    [
        *("yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv440p", "yuv444p", "yuva420p", "yuva444p"),
        *("nv12", "nv16", "nv24", "yuyv422", "uyvy422", "gray", "ya8", "gray10le", "gray12be", "gray16le"),
        *("yuv420p10le", "yuv422p10be", "yuv444p12le", "yuva422p10le", "p010le", "p016le", "p210le", "y210le"),
    ],
)
def test_every_formats_range_is_its_own(pixels, full):
    frame, wanted = ramp_frame(pixels, full)
    gray, in_color = gray_of(frame)
    assert not in_color
    assert np.abs(gray[8].astype(float) - wanted).max() <= 1


def test_grays_that_say_no_range_have_that_of_their_codec():
    frame = av.VideoFrame(16, 16, "gray")
    plane = frame.planes[0]
    lines = np.full((plane.height, plane.line_size), 16, np.uint8)
    lines[8:] = 235
    plane.update(lines.tobytes())
    assert gray_of(frame, full_grays=True)[0][[0, -1], 0].tolist() == [16, 235]
    assert gray_of(frame, full_grays=False)[0][[0, -1], 0].tolist() == [0, 255]
    assert has_full_grays("ffv1")
    assert not has_full_grays("hevc")


def test_channels_that_stray_as_little_as_chroma_may_are_gray():
    gray = np.arange(8, 248, dtype=np.uint8).repeat(16).reshape(60, 64).astype(int)
    for cast, tinted in ((3, False), (12, True)):
        rgb = np.stack([gray + cast, gray, gray - cast], -1).clip(0, 255).astype(np.uint8)
        found, in_color = gray_of(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
        assert in_color == tinted
        assert np.abs(found.astype(int) - gray).max() <= 4


def test_svq1_of_a_gray_film_is_gray(film, tmp_path):
    source = film(tmp_path / "a.mov", codec="svq1", pixels="yuv410p", frames=2)
    with av.open(str(source)) as file:
        frame = next(file.decode(video=0))
        assert frame.format.name == "yuv410p"
        assert not gray_of(frame)[1]
