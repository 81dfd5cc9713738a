"""PNGs that say by gAMA, cHRM or cICP what their samples are: shown as browsers show them."""

import struct
import zlib

import numpy as np
import pytest

from photochrom import color
from photochrom.imaging import io as pio
from photochrom.imaging.icc import srgb_profile

RAMP = np.arange(256).reshape(16, 16) / 255
SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_POINTS = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, *chunks):
    depth, kind = samples.dtype.itemsize, 2 if samples.ndim == 3 else 0
    head = struct.pack(">2I5B", samples.shape[1], samples.shape[0], 8 * depth, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(f">u{depth}").tobytes() for row in samples)
    parts = [chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def coded(light, dtype):
    return np.rint(np.clip(light, 0, 1) * np.iinfo(dtype).max).astype(dtype)


def gama(value):
    return chunk(b"gAMA", struct.pack(">I", round(value * 100000)))


def chrm(points):
    return chunk(b"cHRM", struct.pack(">8I", *points))


def cicp(*codes):
    return chunk(b"cICP", bytes(codes))


LINEAR = color.srgb_to_linear(RAMP)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("power", "chunks"),
    [
        (1.0, [gama(1.0)]),
        (1 / 1.8, [gama(1 / 1.8)]),
        (1 / 1.8, [gama(1 / 1.8), chrm(SRGB_POINTS)]),
        (1.0, [cicp(1, 8, 0, 1)]),
        (1 / 2.2, [cicp(1, 4, 0, 1)]),
        (1.0, [gama(0.45455), cicp(1, 8, 0, 1)]),
    ],
)
def test_the_lightness_is_that_of_the_light(power, chunks, channels, dtype):
    samples = coded(LINEAR**power, dtype)
    picture = pio.read(png(np.repeat(samples[..., None], 3, -1) if channels == 3 else samples, *chunks))
    bright = slice(4, None) if dtype == "uint8" else slice(None)  # in 8 bits, linear light has no dark tones
    expected = color.gray_to_lightness(RAMP)
    np.testing.assert_allclose(picture.lightness()[bright], expected[bright], atol=1.2 if dtype == "uint8" else 0.05)
    assert picture.icc == srgb_profile()


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [gama(0.45455)],
        [gama(0.45455), chrm(SRGB_POINTS)],
        [chunk(b"sRGB", b"\0"), gama(1.0)],
        [cicp(1, 13, 0, 1), gama(1.0)],
        [gama(0.0)],
        [chrm(SRGB_POINTS)],
    ],
)
def test_what_says_srgb_or_nothing_stays(chunks):
    samples = coded(RAMP, "uint16")
    picture = pio.read(png(samples, *chunks))
    np.testing.assert_array_equal(picture.pixels, samples)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    ("chunks", "encoded", "light"),
    [
        ([gama(1 / 2.2), chrm(ADOBE_POINTS)], lambda light: light ** (1 / 2.2), (0.7152, 0.0, 0.0)),
        ([cicp(12, 13, 0, 1)], color.linear_to_srgb, (0.8225, 0.0332, 0.0171)),
        ([cicp(9, 8, 0, 1)], lambda light: light, (0.6274, 0.0691, 0.0164)),
    ],
    ids=["Adobe RGB", "Display P3", "BT.2020"],
)
def test_red_of_srgb_in_wider_spaces(chunks, encoded, light, dtype):
    """The light of each space's primaries that makes it, by the published matrices."""
    samples = coded(np.broadcast_to(encoded(np.array(light)), (4, 4, 3)), dtype)
    found = pio.read(png(samples, *chunks)).pixels[0, 0] / np.iinfo(dtype).max
    # Near black a hundredth of light is a tenth of sRGB.
    np.testing.assert_allclose(color.srgb_to_linear(found), [1, 0, 0], atol=0.01)


def bt2020_pq(nits):
    """The code of a luminance. Source: SMPTE ST 2084."""
    power = (nits / 10000) ** (1305 / 8192)
    return ((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def test_hdr_white_is_at_203_nits():
    nits = np.array([[0.0, 20.3, 101.5, 203.0, 1000.0, 10000.0]])
    picture = pio.read(png(coded(bt2020_pq(nits), "uint16"), cicp(9, 16, 0, 1)))
    expected = color.gray_to_lightness(color.linear_to_srgb(np.clip(nits / 203, 0, 1)))
    np.testing.assert_allclose(picture.lightness(), expected, atol=0.1)


def test_narrow_range():
    samples = np.array([[16, 126, 235]], "uint8")
    picture = pio.read(png(samples, cicp(1, 13, 0, 0)))
    np.testing.assert_allclose(picture.pixels, [[0, (126 - 16) / 219 * 255, 255]], atol=1)


def test_a_profile_counts_more_than_gama():
    icc = chunk(b"iCCP", b"x\0\0" + zlib.compress(srgb_profile()))
    samples = coded(RAMP, "uint16")
    np.testing.assert_array_equal(
        pio.read(png(np.repeat(samples[..., None], 3, -1), icc, gama(1.0))).pixels[..., 0], samples
    )
