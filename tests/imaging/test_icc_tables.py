"""Profiles that are tables, as scanners' are: 16 bits and gray come out as light as littlecms makes 8 bits."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from photochrom import color
from photochrom.imaging import icc, icc_tables
from photochrom.imaging import io as pio

SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
N = 9


def profile(tag, space=b"RGB ", connection=b"Lab "):
    """A scanner's profile with one table. Source: ICC.1:2022, 7.2 and 7.3."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = {b"desc": b"desc" + bytes(87), b"wtpt": white, b"A2B0": tag, b"cprt": b"text" + bytes(8)}
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, b"scnr", space, connection)
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def lab_nodes(power, black, channels):
    """Lab under D50 (N ** channels, 3) of a device whose light is a power of its code, over some stray light."""
    axes = np.meshgrid(*[np.linspace(0, 1, N)] * channels, indexing="ij")
    light = np.stack(axes * (3 if channels == 1 else 1), -1).reshape(-1, 3) ** power
    xyz = black + (1 - black) * (light @ SRGB.T / icc_tables.WHITE)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def mft(kind, channels=3, power=1.8, black=0.0):
    lab = lab_nodes(power, black, channels)
    head = kind + bytes(4) + bytes([channels, 3, N, 0]) + struct.pack(">9i", *(np.eye(3, dtype=int).ravel() * 65536))
    if kind == b"mft1":
        ramp = bytes(range(256))
        codes = np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], -1)
        return head + ramp * channels + codes.clip(0, 255).round().astype("u1").tobytes() + ramp * 3
    ramp = np.array([0, 65535], ">u2").tobytes()
    codes = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], -1)
    codes = codes.clip(0, 65535).round().astype(">u2").tobytes()
    return head + struct.pack(">HH", 2, 2) + ramp * channels + codes + ramp * 3


def mab(channels=3, power=1.8):
    """Curves, a table of N points, curves, a matrix and curves; to XYZ. Source: ICC.1:2022, 10.12."""
    curve = b"para" + bytes(4) + struct.pack(">HHi", 0, 0, round(power * 65536))
    straight = b"curv" + bytes(8)
    grid = np.meshgrid(*[np.linspace(0, 1, N)] * channels, indexing="ij")
    codes = np.rint(np.stack(grid, -1).reshape(-1, 3) * 65535).astype(">u2").tobytes()
    numbers = struct.pack(">12i", *np.rint(SRGB.ravel() * 32768 / 65535 * 65536).astype(int), 0, 0, 0)
    parts = [straight * 3, numbers, straight * 3, bytes([N] * 3 + [0] * 13 + [2, 0, 0, 0]) + codes, curve * 3]
    places, data = [], b""
    for part in parts:
        places.append(32 + len(data))
        data += part + bytes(-len(part) % 4)
    return b"mAB " + bytes(4) + bytes([channels, 3, 0, 0]) + struct.pack(">5I", *places) + data


TABLES = {
    "mft1": profile(mft(b"mft1")),
    "mft2": profile(mft(b"mft2")),
    "mft2, dark is not black": profile(mft(b"mft2", black=0.03)),
    "mAB": profile(mab(), connection=b"XYZ "),
}


@pytest.mark.parametrize("name", TABLES)
def test_16_bits_are_as_littlecms_makes_8(name):
    rgb = np.random.default_rng(0).integers(0, 256, (30, 30, 3)).astype("uint8")
    rgb[0] = np.arange(30)[:, None] * 8
    shallow, held = icc.image_to_srgb(Image.fromarray(rgb), TABLES[name])
    deep, holds = icc.deep_to_srgb(rgb.astype("uint16") * 257, TABLES[name])
    assert held == holds == icc.srgb_profile()
    difference = np.abs(np.asarray(shallow) - deep / 257)
    assert difference.mean() < 0.35
    assert difference[0].max() < 1.2
    assert difference.max() < (4 if name == "mft1" else 2)


@pytest.mark.parametrize("name", ["mft2", "mAB"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_gray_samples_with_a_table_of_colours(name, dtype):
    full = np.iinfo(dtype).max
    gray = np.linspace(0, full, 300).astype(dtype).reshape(10, 30)
    found, holds = icc.gray_to_srgb(gray, TABLES[name])
    # Between its points a table of Lab is straight in L, where the light is a power.
    nodes = np.linspace(0, 1, N)
    light = np.interp(gray / full, nodes, color.gray_to_lightness(color.linear_to_srgb(nodes**1.8)))
    if name == "mAB":
        light = color.gray_to_lightness(color.linear_to_srgb((gray / full) ** 1.8))
    np.testing.assert_allclose(color.gray_to_lightness(found / full), light, atol=0.3 if dtype == "uint8" else 0.05)
    assert holds == icc.srgb_profile()


def test_a_gray_profile_that_is_a_table():
    deep = np.linspace(0, 65535, 50).astype("uint16").reshape(5, 10)
    found, _ = icc.gray_to_srgb(deep, profile(mft(b"mft2", channels=1), space=b"GRAY"))
    nodes = np.linspace(0, 1, N)
    light = np.interp(deep / 65535, nodes, color.gray_to_lightness(color.linear_to_srgb(nodes**1.8)))
    np.testing.assert_allclose(color.gray_to_lightness(found / 65535), light, atol=0.05)


@pytest.mark.parametrize("cut", [20, 60, 300, 700])
def test_tables_that_are_cut_are_ignored_with_a_note(cut):
    deep = np.random.default_rng(0).integers(0, 65536, (8, 8, 3)).astype("uint16")
    out = io.BytesIO()
    tifffile.imwrite(out, deep, photometric="rgb", iccprofile=profile(mft(b"mft2")[:cut]))
    picture = pio.read(out.getvalue())
    np.testing.assert_array_equal(picture.pixels, deep)
    assert picture.icc is None
    assert "colour profile" in picture.notes[0]


def test_lab_to_xyz_of_white_and_of_a_dark_gray():
    np.testing.assert_allclose(icc_tables.lab_to_xyz(np.array([[100.0, 0, 0]])), [icc_tables.WHITE], atol=1e-6)
    # Below L = 8 luminance is L / 903.3.
    np.testing.assert_allclose(icc_tables.lab_to_xyz(np.array([[4.5165, 0, 0]]))[0, 1], 0.005, atol=1e-6)
