"""Colour science, against scikit-image, kornia and the published test pairs."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from kornia.color import lab_to_rgb as kornia_lab_to_rgb
from kornia.color import rgb_to_lab as kornia_rgb_to_lab
from skimage import color as skimage_color

from photochrom import color

LATTICE = np.array(list(itertools.product(range(0, 256, 15), repeat=3)), np.uint8)[None]
PIXELS = arrays(np.uint8, (1, 16, 3))

# Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", 2005, table 1.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, -1.1848, -84.8006), (50, 0, -82.7485), 1.0000),
    ((50, -0.9009, -85.5211), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, 2.49, -0.001), (50, -2.49, 0.0012), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0000),
    ((50, 2.5, 0), (50, 3.2972, 0), 1.0000),
    ((50, 2.5, 0), (50, 1.8634, 0.5757), 1.0000),
    ((50, 2.5, 0), (50, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def as_torch(picture):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(picture, -1, -3)))


def as_numpy(tensor):
    return np.moveaxis(tensor.numpy(), -3, -1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lab_is_that_of_scikit_image_and_kornia(dtype):
    rgb = (LATTICE / 255).astype(dtype)
    lab = color.rgb_to_lab(rgb)
    assert lab.dtype == dtype
    np.testing.assert_allclose(lab, skimage_color.rgb2lab(LATTICE / 255), atol=1e-4)
    kornia = as_numpy(kornia_rgb_to_lab(as_torch(LATTICE / 255)[None])[0])
    np.testing.assert_allclose(lab, kornia, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rgb_is_that_of_scikit_image_and_kornia(dtype):
    lab = skimage_color.rgb2lab(LATTICE / 255)
    rgb = color.lab_to_rgb(lab.astype(dtype))
    assert rgb.dtype == dtype
    np.testing.assert_allclose(rgb, skimage_color.lab2rgb(lab), atol=1e-4)
    np.testing.assert_allclose(rgb, as_numpy(kornia_lab_to_rgb(as_torch(lab)[None])[0]), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_and_torch_agree(dtype):
    rgb = (LATTICE / 255).astype(dtype)
    lab = color.rgb_to_lab(rgb)
    theirs = color.rgb_to_lab(as_torch(rgb))
    assert theirs.dtype == as_torch(rgb).dtype
    np.testing.assert_allclose(as_numpy(theirs), lab, atol=1e-4)
    np.testing.assert_allclose(as_numpy(color.lab_to_rgb(as_torch(lab))), color.lab_to_rgb(lab), atol=1e-5)
    other = np.ascontiguousarray(lab[:, ::-1])
    difference = color.ciede2000(as_torch(lab), as_torch(other)).numpy()
    np.testing.assert_allclose(difference, color.ciede2000(lab, other), atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_color_of_a_lattice_comes_back(dtype):
    steps = [*range(0, 256, 5), 1, 2, 3, 254]
    rgb = np.array(list(itertools.product(steps, repeat=3)), np.uint8)
    back = np.rint(color.lab_to_rgb(color.rgb_to_lab((rgb / 255).astype(dtype))) * 255)
    assert (back == rgb).all()


@given(PIXELS)
def test_any_color_comes_back(rgb):
    back = np.rint(color.lab_to_rgb(color.rgb_to_lab(rgb.astype(np.float32) / 255)) * 255)
    assert (back == rgb).all()


@given(PIXELS)
def test_any_color_in_the_gamut_stays(rgb):
    lab = color.rgb_to_lab(rgb.astype(np.float32) / 255)
    assert color.into_gamut(lab) is lab


@given(
    arrays(
        np.float64,
        (8, 3),
        elements=st.floats(-120, 120),
    ),
    arrays(np.float64, 8, elements=st.floats(0, 100)),
)
def test_into_gamut_keeps_lightness_and_hue(lab, light):
    lab[:, 0] = light
    before = lab.copy()
    out = color.into_gamut(lab)
    np.testing.assert_array_equal(lab, before)
    np.testing.assert_array_equal(out[:, 0], light)
    linear = color.lab_to_linear(out)
    assert linear.min() > -2e-4
    assert linear.max() < 1 + 2e-4
    # ab is that from before times one factor of 0..1.
    cross = out[:, 1] * lab[:, 2] - out[:, 2] * lab[:, 1]
    np.testing.assert_allclose(cross, 0, atol=1e-8)
    assert ((out[:, 1:] * lab[:, 1:]) >= 0).all()
    assert (np.hypot(*out[:, 1:].T) <= np.hypot(*lab[:, 1:].T) + 1e-9).all()
    # The plain clip that follows moves L by no more than the rounding to 8 bits does.
    seen = color.rgb_to_lab(color.lab_to_rgb(out)[None])[0]
    np.testing.assert_allclose(seen[:, 0], light, atol=0.1)
    np.testing.assert_array_equal(color.lab_to_rgb_gently(lab), color.lab_to_rgb(out))


def test_into_gamut_takes_the_most_chroma_that_fits():
    inside = color.rgb_to_lab(np.array([[[0.0, 0.0, 1.0]]]))
    pushed = inside * [1, 1.5, 1.5]
    np.testing.assert_allclose(color.into_gamut(pushed), inside, atol=0.1)


@pytest.mark.parametrize(("one", "other", "expected"), SHARMA)
def test_ciede2000_of_the_published_pairs(one, other, expected):
    one, other = (np.array([[x]], np.float64) for x in (one, other))
    assert color.ciede2000(one, other).item() == pytest.approx(expected, abs=6e-5)
    assert color.ciede2000(other, one).item() == pytest.approx(expected, abs=6e-5)
    tensors = as_torch(one), as_torch(other)
    assert color.ciede2000(*tensors).item() == pytest.approx(expected, abs=6e-5)


def test_ciede2000_is_that_of_scikit_image():
    lab = color.rgb_to_lab(LATTICE / 255)
    other = np.ascontiguousarray(np.random.default_rng(0).permutation(lab, axis=1))
    expected = skimage_color.deltaE_ciede2000(lab, other)
    np.testing.assert_allclose(color.ciede2000(lab, other), expected, atol=1e-4)
    assert (color.ciede2000(lab, lab) == 0).all()


def test_gray_to_lightness_is_the_lightness_of_a_gray_picture():
    gray = np.arange(256) / 255
    lab = color.rgb_to_lab(np.stack([gray] * 3, -1)[None])[0]
    np.testing.assert_allclose(color.gray_to_lightness(gray), lab[:, 0], atol=1e-4)
    np.testing.assert_allclose(color.gray_to_lightness(torch.from_numpy(gray)).numpy(), lab[:, 0], atol=1e-4)
    # A gray of 119 is the middle; black and white are the ends.
    np.testing.assert_allclose(color.gray_to_lightness(np.array([0, 119 / 255, 1])), [0, 50.03, 100], atol=0.01)
    np.testing.assert_allclose(lab[:, 1:], 0, atol=0.02)


def test_the_transfer_curve_by_hand():
    np.testing.assert_allclose(
        color.srgb_to_linear(np.array([0, 0.04, 0.5, 1])), [0, 0.04 / 12.92, 0.214041, 1], atol=1e-6
    )
    np.testing.assert_allclose(
        color.linear_to_srgb(np.array([-0.001, 0, 0.001, 0.214041, 1])), [-0.01292, 0, 0.01292, 0.5, 1], atol=1e-6
    )


def test_what_is_no_array_is_refused():
    with pytest.raises(TypeError, match="expected a numpy array or a torch tensor, got list"):
        color.rgb_to_lab([[0.0, 0.0, 0.0]])
