"""Profiles: what they say about the samples is what comes out, as sRGB."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from photochrom import color
from photochrom.imaging import icc
from photochrom.imaging import io as pio
from photochrom.imaging.picture import Picture

ADOBE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])


def profile(space, tags, connection=b"XYZ "):
    """A version 2 display profile out of its tags. Source: ICC.1:2001-04."""
    tags = {
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"desc": b"desc" + bytes(8) + bytes(79),
        b"cprt": b"text" + bytes(8),
        **tags,
    }
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", space, connection)
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def table(values):
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *(round(v * 65535) for v in values))


def parametric(kind, *values):
    return b"para\0\0\0\0" + struct.pack(f">HH{len(values)}i", kind, 0, *(round(v * 65536) for v in values))


def adobe_rgb(curve=None):
    curves = {name: curve or gamma(2.19921875) for name in (b"rTRC", b"gTRC", b"bTRC")}
    columns = {name: xyz(*ADOBE[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return profile(b"RGB ", {**columns, **curves})


def gray_profile(curve, connection=b"XYZ "):
    return profile(b"GRAY", {b"kTRC": curve}, connection)


def saved(pixels, format, **settings):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, **settings)
    return out.getvalue()


RAMP = np.arange(256, dtype="uint8").reshape(16, 16)


def test_srgb_profile_is_one_and_always_the_same():
    parsed = ImageCms.ImageCmsProfile(io.BytesIO(icc.srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(parsed)
    icc.srgb_profile.cache_clear()
    assert icc.srgb_profile() == icc.srgb_profile()


def test_srgb_is_kept_byte_for_byte():
    mine = bytearray(icc.srgb_profile())
    mine[24:36] = struct.pack(">6H", 2011, 2, 3, 4, 5, 6)
    rgb = np.random.default_rng(0).integers(0, 256, (9, 9, 3), "uint8")
    picture = pio.read(saved(rgb, "PNG", icc_profile=bytes(mine)))
    assert picture.icc == mine
    np.testing.assert_array_equal(picture.pixels, rgb)
    assert pio.read(pio.encode(picture, "JPEG")).icc == mine


@pytest.mark.parametrize(
    ("curve", "linear"),
    [
        (gamma(1.0), lambda x: x),
        (gamma(2.2), lambda x: x ** (round(2.2 * 256) / 256)),
        (gamma(1.8), lambda x: x ** (round(1.8 * 256) / 256)),
        (b"curv" + bytes(8), lambda x: x),
        (table(np.linspace(0, 1, 1024) ** 1.5), lambda x: x**1.5),
        (parametric(0, 2.0), lambda x: x**2),
        (parametric(1, 2.0, 0.9, 0.1), lambda x: (0.9 * x + 0.1) ** 2),
        (parametric(2, 2.0, 0.9, 0.0, 0.1), lambda x: (0.9 * x) ** 2 + 0.1),
        (parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), color.srgb_to_linear),
        (parametric(4, 2.0, 0.9, 0.1, 0.5, 0.2, 0.0, 0.0), lambda x: np.where(x >= 0.2, (0.9 * x + 0.1) ** 2, 0.5 * x)),
    ],
    ids=["linear", "2.2", "1.8", "identity", "table", "para 0", "para 1", "para 2", "para 3", "para 4"],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_gray_profiles_give_the_right_lightness(dtype, curve, linear):
    gray = RAMP if dtype == "uint8" else RAMP.astype("uint16") * 257
    picture = pio.read(saved(gray, "PNG", icc_profile=gray_profile(curve)))
    luminance = linear(RAMP / 255.0)
    expected = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    # Half a step of 8 bits is up to 0.17 of L near black.
    np.testing.assert_allclose(picture.lightness(), expected, atol=0.25 if dtype == "uint8" else 0.01)
    assert picture.pixels.dtype == dtype
    assert picture.icc == icc.srgb_profile()


def test_gray_profile_through_lab():
    picture = pio.read(saved(RAMP, "PNG", icc_profile=gray_profile(gamma(1.0), b"Lab ")))
    np.testing.assert_allclose(picture.lightness(), RAMP / 2.55, atol=0.25)


def test_gray_with_an_rgb_profile_follows_its_curve():
    picture = pio.read(saved(RAMP, "PNG", icc_profile=adobe_rgb(gamma(1.0))))
    np.testing.assert_allclose(picture.pixels, np.rint(255 * color.linear_to_srgb(RAMP / 255.0)), atol=1)


def adobe_to_srgb(rgb):
    """By the published matrices alone, D50 throughout."""
    srgb = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
    linear = (rgb**2.19921875) @ (np.linalg.inv(srgb) @ ADOBE).T
    return np.clip(color.linear_to_srgb(np.clip(linear, 0, 1)), 0, 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("alpha", [False, True])
def test_rgb_of_another_space_becomes_srgb(dtype, alpha):
    full = np.iinfo(dtype).max
    rgb = (np.random.default_rng(1).random((20, 20, 3)) * full).astype(dtype)
    transparency = (np.random.default_rng(2).random((20, 20)) * full).astype(dtype) if alpha else None
    before = Picture(rgb, transparency, icc=adobe_rgb())
    after = pio.read(pio.encode(before, "PNG"))
    np.testing.assert_allclose(after.pixels / full, adobe_to_srgb(rgb / full), atol=0.012 if dtype == "uint8" else 2e-3)
    assert after.icc == icc.srgb_profile()
    if alpha:
        np.testing.assert_array_equal(after.alpha, transparency)


def test_a_pillow_image_with_a_profile_is_not_changed():
    image = Image.fromarray(np.full((4, 4, 3), (200, 30, 30), "uint8"))
    image.info["icc_profile"] = adobe_rgb()
    before = image.tobytes()
    picture = pio.from_pil(image)
    assert image.tobytes() == before
    assert image.info["icc_profile"] == adobe_rgb()
    assert picture.pixels[0, 0, 0] > 220


BROKEN = {
    "noise": b"not a profile at all" * 20,
    "short": b"x",
    "cut": adobe_rgb()[:200],
    "cut gray": gray_profile(gamma(2.2))[:140],
    "odd curve": gray_profile(b"mft2" + bytes(20)),
    "odd parameters": gray_profile(parametric(9, 2.0)),
    "endless table": gray_profile(b"curv\0\0\0\0\xff\xff\xff\xff"),
    "gray for gray and colour": profile(b"GRAY", {}),
    "no curves": profile(b"RGB ", {}),
    "cmyk": profile(b"CMYK", {}),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_broken_profiles_are_ignored(dtype, shape, name):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    if len(shape) == 2:
        data = saved(pixels, "PNG", icc_profile=BROKEN[name])
    else:
        data = pio.encode(Picture(pixels, icc=BROKEN[name]), "PNG")
    after = pio.read(data)
    np.testing.assert_array_equal(after.pixels, pixels)
    assert after.icc is None


def test_cmyk_without_a_usable_profile():
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    out = io.BytesIO()
    image.save(out, "TIFF", icc_profile=BROKEN["cmyk"])
    picture = pio.read(out.getvalue())
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert picture.icc is None
