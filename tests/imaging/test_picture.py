"""Picture: its checks, its lightness against the whole conversion, and what counts as colour."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from photochrom import color
from photochrom.errors import BadSetting
from photochrom.imaging.picture import Picture, to_dtype


def noise(shape, dtype="uint8", seed=0):
    values = np.random.default_rng(seed).random(shape)
    return values.astype("float32") if dtype == "float32" else np.rint(values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 4, 3)])
def test_facts(shape, dtype):
    picture = Picture(noise(shape, dtype))
    assert picture.size == (shape[1], shape[0])
    assert (picture.height, picture.width) == shape[:2]
    assert picture.depth == {"uint8": 8, "uint16": 16, "float32": 32}[dtype]
    assert picture.is_gray == (len(shape) == 2)


@pytest.mark.parametrize(
    ("pixels", "alpha", "word"),
    [
        (np.zeros((2, 2, 4), "uint8"), None, "shape"),
        (np.zeros(3, "uint8"), None, "shape"),
        (np.zeros((0, 3), "uint8"), None, "no pixels"),
        (np.zeros((2, 2), "int64"), None, "int64"),
        (np.zeros((2, 2), "float64"), None, "float64"),
        (np.zeros((2, 2), "uint8"), np.zeros((2, 3), "uint8"), "alpha"),
        (np.zeros((2, 2), "uint8"), np.zeros((2, 2), "uint16"), "alpha"),
    ],
)
def test_what_does_not_fit_is_named(pixels, alpha, word):
    with pytest.raises(BadSetting, match=word):
        Picture(pixels, alpha)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_lightness_of_rgb_is_that_of_the_whole_conversion(dtype):
    pixels = noise((61, 47, 3), dtype)
    pixels[0, 0], pixels[0, 1] = 0, 1 if dtype == "float32" else np.iinfo(dtype).max
    expected = color.rgb_to_lab(to_dtype(pixels, "float32").astype("float64"))[..., 0]
    found = Picture(pixels).lightness()
    assert found.dtype == np.float32
    assert found.shape == (61, 47)
    np.testing.assert_allclose(found, expected, atol=2e-4)
    assert found[0, 0] == pytest.approx(0, abs=1e-5)
    assert found[0, 1] == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_lightness_of_gray_is_that_of_equal_channels(dtype):
    gray = noise((40, 30), dtype)
    expected = color.rgb_to_lab(np.repeat(to_dtype(gray, "float32").astype("float64")[..., None], 3, -1))[..., 0]
    np.testing.assert_allclose(Picture(gray).lightness(), expected, atol=2e-4)


@pytest.mark.parametrize("rows", [slice(3, 9), slice(None, None, 2), slice(50, 60), slice(-4, None)])
def test_lightness_of_some_rows(rows):
    picture = Picture(noise((21, 9, 3)))
    np.testing.assert_array_equal(picture.lightness(rows), picture.lightness()[rows])


def test_lightness_costs_little_more_than_its_result():
    picture = Picture(noise((2000, 3000, 3)))
    picture.lightness(slice(0, 1))
    tracemalloc.start()
    lightness = picture.lightness()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < lightness.nbytes + 12e6


def painted(rgb, size=(64, 64)):
    return Picture(np.broadcast_to(np.array(rgb, "uint8"), (*size, 3)).copy())


def jpeg_of_gray():
    gray = Image.fromarray(noise((100, 120)) // 4 + 90).convert("RGB")
    return Picture(np.asarray(gray))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Picture(noise((8, 8))), False),
        (jpeg_of_gray(), False),
        (painted((0, 0, 0)), False),
        (painted((128, 130, 127)), False),
        (painted((112, 66, 20)), True),
        (painted((200, 190, 170)), True),
        (painted((20, 20, 200)), True),
    ],
    ids=["gray", "gray in rgb", "black", "off by rounding", "sepia", "pale sepia", "blue"],
)
def test_has_color(picture, expected):
    assert picture.has_color is expected


def test_has_color_of_a_coloured_corner():
    pixels = np.full((1000, 1200, 3), 128, "uint8")
    pixels[:200, :200] = (200, 40, 40)
    assert Picture(pixels).has_color
    assert not Picture(pixels[300:]).has_color


def test_with_rgb_keeps_everything_else():
    before = Picture(
        noise((5, 6)), noise((5, 6), seed=1), b"icc", b"Exif\0\0x", b"<x/>", (300.0, 200.0), "JPEG", quality=88
    )
    rgb = noise((5, 6, 3), seed=2)
    after = before.with_rgb(rgb)
    np.testing.assert_array_equal(after.pixels, rgb)
    kept = ("alpha", "icc", "exif", "xmp", "dpi", "format", "quality")
    assert all(getattr(after, name) is getattr(before, name) for name in kept)


def test_with_rgb_keeps_the_depth():
    after = Picture(noise((2, 2), "uint16")).with_rgb(np.full((2, 2, 3), 0.5))
    assert after.pixels.dtype == np.uint16
    assert (after.pixels == 32768).all()


def test_with_rgb_of_another_size():
    with pytest.raises(BadSetting, match="do not fit"):
        Picture(noise((2, 2))).with_rgb(noise((2, 3, 3)))


def test_depth_changes_are_exact_rounding():
    every = np.arange(65536, dtype="uint16")
    np.testing.assert_array_equal(to_dtype(every, "uint8"), np.floor(every / 257 + 0.5).astype("uint8"))
    np.testing.assert_array_equal(to_dtype(to_dtype(every, "float32"), "uint16"), every)
    np.testing.assert_array_equal(to_dtype(to_dtype(every[:256].astype("uint8"), "uint16"), "uint8"), every[:256])
    np.testing.assert_array_equal(to_dtype(np.array([-0.5, 0.0, 0.5, 1.0, 7.0]), "uint8"), [0, 0, 128, 255, 255])


def test_depth_of_odd_samples():
    with pytest.raises(BadSetting, match="int32"):
        to_dtype(np.zeros(3, "int32"), "uint8")


@given(arrays.arrays("uint8", st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_lightness_stays_in_its_range(pixels):
    lightness = Picture(pixels).lightness()
    assert lightness.min() >= -1e-4
    assert lightness.max() <= 100 + 1e-4
