"""TIFF's many kinds of samples: whatever they are stored as, the picture is as light as it was."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from photochrom import color
from photochrom.errors import UnreadableImage, UnsupportedFormat
from photochrom.imaging import io as pio
from photochrom.imaging import tiff_strips
from photochrom.imaging.icc import srgb_profile
from photochrom.imaging.tiff_strips import pages_in_strips

H, W = 41, 67
GRAY = np.clip(np.linspace(0.05, 0.9, H)[:, None] + np.random.default_rng(0).random((H, W)) / 10, 0, 1)
RGB = np.stack([GRAY, GRAY**1.2, GRAY**0.8], -1)


def tiff(pixels, photometric="minisblack", **settings):
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, photometric=photometric, **settings)
    return out.getvalue()


def deep(shares):
    return np.rint(shares * 65535).astype("uint16")


def by_strips(data, monkeypatch):
    """The page's samples, read some rows at a time; None where it has to be read whole."""
    monkeypatch.setattr(tiff_strips, "STRIP_PIXELS", 400)
    pages = pages_in_strips(io.BytesIO(data), "x.tif", None)
    if pages is None:
        return None
    assert len(pages[0].tops) > 3
    return np.concatenate([pages[0].strip(top).pixels for top in pages[0].tops])


with_nan = GRAY.astype("float32")
with_nan[3, 4] = np.nan
AS_LIGHT = {
    "int16 from 0": np.rint(GRAY * 32767).astype("int16"),
    "int16 around 0": np.rint(GRAY * 65535 - 32768).astype("int16"),
    "half": GRAY.astype("float16"),
    "float": GRAY.astype("float32"),
    "double": GRAY,
    "a little over 1": np.where(GRAY > 0.9, GRAY + 0.2, GRAY).astype("float32"),
    "float to 255": (GRAY * 255).astype("float32"),
    "float to 65535": (GRAY * 65535).astype("float32"),
    "NaN": with_nan,
    "uint32 of 16 bits": deep(GRAY).astype("uint32"),
}


@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 5, "compression": "zlib"}, {"byteorder": ">"}], ids=str)
@pytest.mark.parametrize("name", AS_LIGHT)
def test_signed_and_floating_gray(name, layout, monkeypatch):
    data = tiff(AS_LIGHT[name], **{"rowsperstrip": 5, **layout})
    picture = pio.read(data)
    expected = GRAY.copy()
    if name == "NaN":
        expected[3, 4] = 0
    if name == "a little over 1":
        expected[GRAY > 0.9] = 1
    np.testing.assert_allclose(pio.to_array(picture, "float32"), expected, atol=1e-3 if name == "half" else 4e-5)
    assert (picture.notes == ()) == (name not in ("float to 255", "float to 65535", "uint32 of 16 bits"))
    np.testing.assert_array_equal(by_strips(data, monkeypatch), picture.pixels)


@pytest.mark.parametrize("settings", [{}, {"compression": "zlib", "predictor": True}, {"tile": (32, 16)}], ids=str)
@pytest.mark.parametrize("dtype", ["uint16", "float32", "float16"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_rgb_of_any_depth_side_by_side_or_in_planes(planes, dtype, settings):
    pixels = deep(RGB) if dtype == "uint16" else RGB.astype(dtype)
    if dtype != "uint16" and "predictor" in settings:
        settings = {"compression": "zlib", "rowsperstrip": 7}
    data = tiff(np.moveaxis(pixels, -1, 0) if planes == "separate" else pixels, "rgb", planarconfig=planes, **settings)
    found = pio.read(data)
    np.testing.assert_allclose(
        pio.to_array(found, "float32"), pixels.astype("float32") / (65535 if dtype == "uint16" else 1)
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_differences_of_floating_samples(dtype):
    """Source: Adobe's Photoshop TIFF technical note 3: bytes of one significance together, then their differences."""
    pixels = GRAY.astype(dtype)
    size = pixels.itemsize
    ordered = pixels.astype(pixels.dtype.newbyteorder(">")).view("uint8").reshape(H, W, size).swapaxes(1, 2)
    rows = ordered.reshape(H, -1)
    rows = np.concatenate([rows[:, :1], rows[:, 1:] - rows[:, :-1]], 1)
    data = bytearray(tiff(rows.view("int8"), compression="zlib", extratags=[(65000, "H", 1, 3, True)]))
    struct.pack_into("<H", data, data.find(struct.pack("<HHI", 65000, 3, 1)), 317)  # which is not written as asked
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        places = {tag.code: tag.valueoffset for tag in file.pages[0].tags}
    struct.pack_into("<H", data, places[256], W)
    struct.pack_into("<H", data, places[258], 8 * size)
    struct.pack_into("<H", data, places[339], 3)
    np.testing.assert_array_equal(pio.read(bytes(data)).pixels, pixels.astype("float32"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colors", [1, 3])
@pytest.mark.parametrize(
    "kinds", [("unassalpha",), ("assocalpha",), ("unspecified",), ("unspecified", "unassalpha")], ids=str
)
def test_transparency_and_channels_that_are_none(kinds, colors, dtype, monkeypatch):
    full = 1 if dtype == "float32" else np.iinfo(dtype).max
    shares = np.full((H, W), 0.6)
    straight = RGB if colors == 3 else GRAY[..., None]
    stored = straight * shares[..., None] if "assocalpha" in kinds else straight
    extra = [shares if kind != "unspecified" else GRAY[::-1] for kind in kinds]
    pixels = (np.concatenate([stored, np.stack(extra, -1)], -1) * full).round(0 if full > 1 else 7).astype(dtype)
    data = tiff(
        pixels, "rgb" if colors == 3 else "minisblack", extrasamples=kinds, planarconfig="contig", rowsperstrip=5
    )
    picture = pio.read(data)
    atol = 0.01 if dtype == "uint8" else 1e-4
    np.testing.assert_allclose(picture.pixels / full, straight.squeeze(), atol=atol)
    assert (picture.alpha is None) == (kinds == ("unspecified",))
    if picture.alpha is not None:
        np.testing.assert_allclose(picture.alpha / full, shares, atol=atol)
    assert any("neither colour nor transparency" in note for note in picture.notes) == ("unspecified" in kinds)
    np.testing.assert_array_equal(by_strips(data, monkeypatch), picture.pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_fourth_channel_that_nobody_names_is_no_transparency(dtype):
    pixels = np.concatenate([RGB, GRAY[::-1, :, None]], -1) * np.iinfo(dtype).max
    data = bytearray(tiff(pixels.round().astype(dtype), "rgb", extrasamples=["unspecified"], compression="zlib"))
    place = data.find(struct.pack("<HHI", 338, 3, 1))
    struct.pack_into("<H", data, place, 32768)  # an unknown tag in its place
    picture = pio.read(bytes(data))
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, pixels[..., :3].round().astype(dtype))
    assert picture.notes == ("a channel that is neither colour nor transparency was left out",)


def lab_of(shares):
    """CIE Lab under D50 of sRGB grays: only L is not 0."""
    return np.stack([color.gray_to_lightness(shares), shares * 0, shares * 0], -1)


@pytest.mark.parametrize(
    ("photometric", "dtype", "code"),
    [
        ("cielab", "uint8", lambda lab: np.concatenate([lab[..., :1] * 2.55, lab[..., 1:]], -1)),
        ("cielab", "uint16", lambda lab: np.concatenate([lab[..., :1] * 655.35, lab[..., 1:] * 256], -1)),
        ("icclab", "uint8", lambda lab: np.concatenate([lab[..., :1] * 2.55, lab[..., 1:] + 128], -1)),
        ("icclab", "uint16", lambda lab: np.concatenate([lab[..., :1] * 652.8, lab[..., 1:] * 256 + 32768], -1)),
        ("cielab", "float32", lambda lab: lab),
    ],
)
def test_lab_is_as_light_as_it_says(photometric, dtype, code):
    stored = code(lab_of(GRAY))
    picture = pio.read(tiff(stored.round().astype(dtype) if dtype != "float32" else stored.astype(dtype), photometric))
    assert picture.depth == (8 if dtype == "uint8" else 16)
    np.testing.assert_allclose(picture.lightness(), lab_of(GRAY)[..., 0], atol=0.5 if dtype == "uint8" else 0.02)
    assert np.ptp(picture.pixels.astype(int), axis=-1).max() <= (2 if dtype == "uint8" else 60)


def test_lab_of_a_colour():
    """Red of sRGB is (54.29, 80.81, 69.89) under D50. Source: Lindbloom's calculator."""
    lab = np.broadcast_to(np.array([54.29, 80.81, 69.89]), (4, 4, 3))
    stored = np.concatenate([lab[..., :1] * 655.35, lab[..., 1:] * 256], -1).round().astype("uint16")
    found = pio.read(tiff(stored, "cielab")).pixels[0, 0] / 65535
    np.testing.assert_allclose(found, [1, 0, 0], atol=0.02)


def test_cmyk_of_16_bits():
    ink = np.stack([GRAY * 0, GRAY * 0, GRAY * 0, 1 - GRAY], -1)
    for shape in (4, 5):
        stored = deep(np.concatenate([ink, GRAY[..., None]], -1)[..., :shape])
        more = {"extrasamples": ["unspecified"]} if shape == 5 else {}
        picture = pio.read(tiff(stored, "separated", **more))
        np.testing.assert_allclose(picture.pixels[..., 0] / 255, GRAY, atol=0.01)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_byte_counts_of_0(dtype, compression, monkeypatch):
    pixels = np.rint(GRAY * np.iinfo(dtype).max).astype(dtype)
    data = bytearray(tiff(pixels, rowsperstrip=5, compression=compression))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        counts = file.pages[0].tags[279]
        data[counts.valueoffset : counts.valueoffset + counts.valuebytecount] = bytes(counts.valuebytecount)
    np.testing.assert_array_equal(pio.read(bytes(data)).pixels, pixels)
    np.testing.assert_array_equal(by_strips(bytes(data), monkeypatch), pixels)


# ---- which picture of a file


def with_thumbnail(full, sub=True):
    """A file whose first directory is a thumbnail; the picture is below it, or the next."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        file.write(full[::4, ::4], subfiletype=1, subifds=1 if sub else 0, photometric="minisblack")
        file.write(full, photometric="minisblack")
    return out.getvalue()


@pytest.mark.parametrize("sub", [True, False])
def test_the_full_picture_and_not_the_thumbnail_before_it(sub):
    full = deep(GRAY)
    picture = pio.read(with_thumbnail(full, sub))
    np.testing.assert_array_equal(picture.pixels, full)
    assert picture.pages == ()
    (page,) = pages_in_strips(io.BytesIO(with_thumbnail(full, sub)), "x.tif", None)
    assert (page.width, page.height) == (W, H)


def test_a_thumbnail_alone_is_a_picture():
    out = io.BytesIO()
    tifffile.imwrite(out, deep(GRAY), subfiletype=1)
    assert pio.read(out.getvalue()).size == (W, H)


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_a_cameras_raw_file_is_refused_and_not_its_thumbnail_taken(photometric):
    data = bytearray(with_thumbnail(deep(GRAY)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        place = file.pages[0].pages[0].tags[262].valueoffset
    struct.pack_into("<H", data, place, photometric)
    for read in (pio.read, lambda data: pages_in_strips(io.BytesIO(data), "x.dng", None)):
        with pytest.raises(UnsupportedFormat, match=r"camera's raw file.*save it as 16-bit TIFF"):
            read(bytes(data))


def test_a_dng_is_refused_by_its_version():
    data = tiff(deep(GRAY), extratags=[(50706, "B", 4, (1, 4, 0, 0), True)])
    with pytest.raises(UnsupportedFormat, match="raw"):
        pio.read(data)


def test_a_small_file_that_claims_much_is_refused_at_once():
    data = bytearray(tiff(np.zeros((4, 4, 3), "uint16"), "rgb", compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tags = {name: file.pages[0].tags[name].valueoffset for name in (256, 257, 278)}
    for place in tags.values():
        struct.pack_into("<I", data, place, 12000)
    with pytest.raises(UnreadableImage, match="claims more pixels than it can hold"):
        pio.read(bytes(data))


def test_the_profile_of_16_bit_samples_is_kept():
    assert pio.read(tiff(deep(RGB), "rgb", iccprofile=srgb_profile())).icc == srgb_profile()


def test_odd_samples_in_colour_are_refused_in_one_line():
    out = io.BytesIO()
    Image.fromarray((RGB * 255).astype("uint8")).convert("YCbCr").save(out, "TIFF")
    data = bytearray(out.getvalue())
    place = data.find(struct.pack("<HHI", 262, 3, 1))
    struct.pack_into("<H", data, place + 8, 10)  # ITULab
    with pytest.raises(UnsupportedFormat, match="samples of an unusual kind"):
        pio.read(bytes(data))
