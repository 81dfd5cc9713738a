"""From a picture to a sample: the same numbers give the same sample, and colours stay what they are."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photochrom import color
from photochrom.data.config import DataConfig
from photochrom.data.samples import Sampler, decode, dimensions, small_ab
from photochrom.errors import BadDataset

PLAIN = DataConfig(size=32, scale=(1.0, 1.0), ratio=1.0, flip=False, degrade=0.0)


def sampled(config, image, seed=0, stride=4):
    return Sampler(config, stride)(image, np.random.default_rng(seed))


def lab_of(image):
    return color.rgb_to_lab(np.asarray(image, np.float64) / 255)


def test_lightness_is_that_of_lab():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    rgb[0, :2] = [[0, 0, 0], [255, 255, 255]]
    rgb[1] = np.arange(64)[:, None] // 8
    light = color.srgb_to_lightness(rgb)
    np.testing.assert_allclose(light, color.rgb_to_lab(rgb / 255)[..., 0], atol=1e-3)
    assert light.dtype == np.float32


def test_small_ab_is_the_lab_of_the_mean():
    image = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]] * 2, np.uint8))
    expected = lab_of(np.array([[[128, 0, 128]]]))[..., 1:]
    np.testing.assert_allclose(small_ab(image, (1, 1)), expected, atol=0.5)


@pytest.mark.parametrize("stride", [1, 4, 8])
def test_sizes_and_types(drawn, stride):
    light, ab = sampled(DataConfig(size=32), drawn(0, 57, 31), stride=stride)
    assert light.shape == (1, 32, 32)
    assert ab.shape == (2, 32 // stride, 32 // stride)
    assert light.dtype == ab.dtype == np.float32
    assert light.flags.c_contiguous
    assert ab.flags.c_contiguous


def test_a_flat_picture_keeps_its_lab():
    image = Image.new("RGB", (61, 47), (200, 90, 40))
    light, ab = sampled(DataConfig(size=32, degrade=0.0), image)
    expected = lab_of(image)[0, 0]
    np.testing.assert_allclose(light, expected[0], atol=1e-3)
    np.testing.assert_allclose(ab, np.broadcast_to(expected[1:, None, None], ab.shape), atol=1e-3)


def test_without_augmentation_it_is_the_picture(drawn):
    image = drawn(2, 32, 32)
    light, ab = sampled(PLAIN, image)
    np.testing.assert_allclose(light[0], lab_of(image)[..., 0], atol=1e-3)
    np.testing.assert_allclose(ab.transpose(1, 2, 0), small_ab(image, (8, 8)), atol=1e-5)


def test_the_whole_picture_leaves_nothing_to_chance(drawn):
    image = drawn(3, 61, 40)
    one, two = (sampled(PLAIN, image, seed) for seed in (0, 1))
    pressed = image.resize((32, 32), Image.Resampling.BILINEAR)
    for light, ab in (one, two):
        np.testing.assert_array_equal(light[0], color.srgb_to_lightness(np.asarray(pressed)))
        np.testing.assert_array_equal(ab.transpose(1, 2, 0), small_ab(pressed, (8, 8)))


def test_the_generator_decides_all(drawn):
    image = drawn(1)
    config = DataConfig(size=32, degrade=0.5)
    one, two, other = (sampled(config, image, seed) for seed in (7, 7, 8))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert (one[0] != other[0]).any()


def test_half_are_mirrored(drawn):
    image = drawn(2, 32, 32)
    straight, mirrored = (sampled(PLAIN, i)[0] for i in (image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    flip = DataConfig(size=32, scale=(1.0, 1.0), ratio=1.0, degrade=0.0)
    lights = [sampled(flip, image, seed)[0] for seed in range(60)]
    flipped = [(light == mirrored).all() for light in lights]
    assert all(f or (light == straight).all() for f, light in zip(flipped, lights, strict=True))
    assert 18 <= sum(flipped) <= 42


def test_colors_are_mirrored_with_their_lightness(drawn):
    image = drawn(2, 32, 32)
    flip = DataConfig(size=32, scale=(1.0, 1.0), ratio=1.0, degrade=0.0)
    pairs = {light.tobytes(): ab for light, ab in (sampled(flip, image, seed) for seed in range(20))}
    one, two = pairs.values()
    np.testing.assert_array_equal(one, two[..., ::-1])


@given(st.integers(0, 10_000), st.integers(1, 70), st.integers(1, 70))
def test_any_size_of_picture_and_any_degradation(seed, width, height):
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    light, ab = sampled(DataConfig(size=16, degrade=1.0, ratio=2.0, scale=(0.05, 1.0)), image, seed)
    assert light.min() >= 0
    assert light.max() <= 100
    assert light.dtype == np.float32
    assert np.isfinite(ab).all()


def test_degradation_leaves_the_colors_alone(drawn):
    clean, worn = (DataConfig(size=32, flip=False, degrade=d) for d in (0.0, 1.0))
    for seed in range(5):
        light, ab = sampled(clean, drawn(1), seed)
        worn_light, worn_ab = sampled(worn, drawn(1), seed)
        np.testing.assert_array_equal(ab, worn_ab)
        assert np.abs(light - worn_light).mean() > 0.5


def test_pieces_have_the_wanted_area():
    # L rises by one a column: the span of a piece says how wide it was.
    ramp = Image.fromarray(np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 200, 0).repeat(3, 2))
    config = DataConfig(size=64, scale=(0.25, 0.25), ratio=1.0, flip=False, degrade=0.0)
    for seed in range(5):
        light, _ = sampled(config, ramp, seed)
        gray = np.interp(light[0, 32], color.gray_to_lightness(np.arange(256) / 255), np.arange(256))
        assert gray[-1] - gray[0] == pytest.approx(100, abs=3)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK", "I;16"])
def test_any_mode_is_decoded(drawn, mode):
    out = io.BytesIO()
    image = Image.new("I;16", (6, 5), 7) if mode == "I;16" else drawn(0, 6, 5).convert(mode)
    image.save(out, "TIFF")
    decoded = decode(out.getvalue(), "x")
    assert decoded.mode == "RGB"
    assert decoded.size == (6, 5)


def test_dimensions_come_from_the_header(png):
    assert dimensions(png(0, width=7, height=5)[:60], "x") == (7, 5)
    with pytest.raises(BadDataset, match=r"^x: not a picture that can be decoded \("):
        dimensions(b"no picture", "x")


def test_a_palette_with_transparency_is_no_reason_to_warn(drawn):
    out = io.BytesIO()
    drawn(0, 6, 5).convert("P").save(out, "PNG", transparency=bytes(range(200)))
    assert decode(out.getvalue(), "x").mode == "RGB"


@given(st.data())
def test_damaged_bytes_are_one_line(png, data):
    whole = bytearray(png(0, width=8, height=8))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 20)) :]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    said = "folder: x.png: not a picture that can be decoded ("
    try:
        assert decode(bytes(whole), "folder: x.png").mode == "RGB"
    except BadDataset as error:
        said = str(error)
    assert said.startswith("folder: x.png: not a picture that can be decoded (")
    assert "\n" not in said
