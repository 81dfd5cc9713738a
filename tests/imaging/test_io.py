"""Photographs in and out: every kind of file, what is kept, and one clear line for what is wrong."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from photochrom.errors import (
    BadSetting,
    ImageTooLarge,
    MissingExtra,
    OutOfMemory,
    PhotochromError,
    UnreadableImage,
    UnsupportedFormat,
    WriteFailed,
)
from photochrom.imaging import io as pio
from photochrom.imaging.carrying import carried
from photochrom.imaging.icc import srgb_profile
from photochrom.imaging.picture import Picture
from photochrom.imaging.png_color import _SRGB as SRGB_PRIMARIES
from photochrom.imaging.png_color import _profile as png_profile

XMP = b'<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6">a name</x:xmpmeta>'
ALL = ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "JPEG2000"]


def noise(shape, dtype="uint8", seed=0):
    values = np.random.default_rng(seed).random(shape)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def smooth(height=48, width=64):
    """A soft coloured picture, which lossy formats keep well."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 200 - x * 100 / width], -1).astype("uint8")


def saved(image, format, **settings):
    out = io.BytesIO()
    image.save(out, format, **settings)
    return out.getvalue()


def exif_block(orientation=None, make="Contax"):
    exif = Image.Exif()
    exif[0x010F] = make
    exif[0x011A] = 300.0
    if orientation:
        exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0x9003] = "1936:05:01 12:00:00"
    exif.get_ifd(0x8769)[0x927C] = b"maker note, byte for byte"
    exif.get_ifd(0x8825)[0x0001] = "N"
    return exif.tobytes()


def exif_values(block):
    exif = Image.Exif()
    exif.load(block)
    return exif.get(0x010F), exif.get(0x0112), exif.get_ifd(0x8769).get(0x9003), exif.get_ifd(0x8825).get(0x0001)


# ---- samples survive


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("shape", [(37, 53), (37, 53, 3), (1, 1), (1, 300, 3), (700, 2, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_lossless_round_trip(dtype, shape, alpha, format):
    before = Picture(noise(shape, dtype), noise(shape[:2], dtype, 1) if alpha else None)
    after = pio.read(pio.encode(before, format))
    assert (after.pixels.dtype, after.format) == (before.pixels.dtype, format)
    pixels = after.pixels
    if format == "TIFF" and dtype == "uint16" and alpha and len(shape) == 2:
        assert (pixels == pixels[..., :1]).all()
        pixels = pixels[..., 0]
    np.testing.assert_array_equal(pixels, before.pixels)
    assert (after.alpha is None) == (before.alpha is None)
    if alpha:
        np.testing.assert_array_equal(after.alpha, before.alpha)


@pytest.mark.parametrize("shape", [(900, 400), (900, 400, 3)])
def test_our_16_bit_tiff_is_read_by_others(shape):
    pixels = noise(shape, "uint16")
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(pio.encode(Picture(pixels), "TIFF"))), pixels)


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_our_png_and_tiff_are_read_by_pillow(dtype, shape):
    pixels = noise(shape, dtype)
    for format in ("PNG", "TIFF"):
        image = Image.open(io.BytesIO(pio.encode(Picture(pixels), format)))
        expected = pixels >> 8 if dtype == "uint16" and len(shape) == 3 else pixels
        np.testing.assert_array_equal(np.asarray(image), expected)


@pytest.mark.parametrize(
    "settings",
    [{}, {"byteorder": ">"}, {"compression": "zlib"}, {"tile": (16, 16)}, {"rowsperstrip": 3}, {"bigtiff": True}],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_of_others(channels, settings):
    pixels = noise((50, 40, channels), "uint16")
    out = io.BytesIO()
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    photometric = "minisblack" if channels == 1 else "rgb"
    tifffile.imwrite(out, pixels.squeeze(), photometric=photometric, **settings, **extra)
    after = pio.read(out.getvalue())
    np.testing.assert_array_equal(pio.to_array(after), pixels.squeeze())


def test_16_bit_tiff_with_premultiplied_alpha():
    straight, alpha = noise((9, 9, 3), "uint16"), np.full((9, 9, 1), 40000, "uint16")
    multiplied = np.rint(straight * (alpha / 65535)).astype("uint16")
    out = io.BytesIO()
    pixels = np.concatenate([multiplied, alpha], -1)
    tifffile.imwrite(out, pixels, photometric="rgb", extrasamples=["assocalpha"])
    after = pio.read(out.getvalue())
    assert np.abs(after.pixels.astype(int) - straight).max() <= 1
    assert (after.alpha == 40000).all()


def test_tiff_with_white_as_zero():
    pixels, out = noise((9, 9), "uint16"), io.BytesIO()
    tifffile.imwrite(out, pixels, photometric="miniswhite")
    np.testing.assert_array_equal(pio.read(out.getvalue()).pixels, 65535 - pixels)


@pytest.mark.parametrize(("dtype", "most"), [("float32", 3), ("float32", 1000), ("uint32", 70000), ("float64", 1e9)])
def test_tiff_of_samples_of_no_known_range(dtype, most):
    out = io.BytesIO()
    tifffile.imwrite(out, np.array([[0, most], [1, 2]], dtype))
    with pytest.raises(UnsupportedFormat, match="save it with 8 or 16 bits"):
        pio.read(out.getvalue())


def test_tiff_of_floats_within_0_and_1():
    pixels, out = np.random.default_rng(0).random((5, 6), "float32"), io.BytesIO()
    tifffile.imwrite(out, pixels)
    np.testing.assert_array_equal(pio.read(out.getvalue()).pixels, pixels)


def paged(*pages, **settings):
    """A TIFF of several pages, written by tifffile."""
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        for page in pages:
            file.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", **settings)
    return out.getvalue()


def test_all_pages_of_a_tiff_are_kept():
    pages = [noise((6, 5)), noise((7, 9, 3), "uint16", 1), noise((3, 4), "uint16", 2)]
    first = pio.read(paged(*pages))
    again = pio.read(pio.encode(first, "TIFF"))
    for picture in (first, again):
        assert len(picture.pages) == 2
        for expected, found in zip(pages, (picture, *picture.pages), strict=True):
            assert found.pixels.dtype == expected.dtype
            np.testing.assert_array_equal(found.pixels, expected)
    with tifffile.TiffFile(io.BytesIO(pio.encode(first, "TIFF"))) as file:
        for expected, page in zip(pages, file.pages, strict=True):
            np.testing.assert_array_equal(page.asarray(), expected)


def test_pages_are_turned_and_described_each_by_itself():
    images = [Image.fromarray(smooth()), Image.fromarray(smooth(20, 30))]
    for turn, image in zip((6, 1), images, strict=True):
        image.encoderinfo = {"exif": exif_block(turn, f"make {turn}"), "dpi": (100 * turn, 100 * turn)}
    out = io.BytesIO()
    images[0].save(out, "TIFF", save_all=True, append_images=images[1:], **images[0].encoderinfo)
    first = pio.read(out.getvalue())
    assert (first.size, first.pages[0].size) == ((48, 64), (30, 20))
    assert exif_values(first.exif)[0] == "make 6"


def test_pages_go_into_no_other_format():
    picture = pio.read(paged(noise((6, 5)), noise((6, 5), seed=1)))
    with pytest.raises(UnsupportedFormat, match=r"there are 2 pages, and JPEG holds one; name the result \.tif"):
        pio.encode(picture, "JPEG")


def test_the_pixels_of_all_pages_count():
    data = paged(noise((10, 10)), noise((10, 10)), noise((10, 10)))
    assert len(pio.read(data, max_pixels=300).pages) == 2
    with pytest.raises(ImageTooLarge, match="more than 299 pixels in its pages"):
        pio.read(data, max_pixels=299)


def test_a_tiff_over_4_gb_has_wide_pointers(monkeypatch):
    """Its samples would not fit in here; what counts is which kind of file is written."""
    monkeypatch.setattr("photochrom.imaging.tiff_writing.needs_big", lambda size: size > 1000)
    pages = [noise((90, 50, 3), "uint16"), noise((2000, 900), seed=1)]
    data = pio.encode(Picture(pages[0], pages=(Picture(pages[1], exif=exif_block()),)), "TIFF")
    assert data[:4] == b"II+\0"
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.is_bigtiff
        for expected, page in zip(pages, file.pages, strict=True):
            np.testing.assert_array_equal(page.asarray(), expected)
    np.testing.assert_array_equal(pio.read(data).pages[0].pixels, pages[1])
    assert exif_values(pio.read(data).pages[0].exif)[0] == "Contax"


def test_a_tiff_with_a_thumbnail_gives_its_picture():
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        file.write(noise((6, 5), seed=1))
        file.write(noise((3, 2), seed=2), subfiletype=1)
    np.testing.assert_array_equal(pio.read(out.getvalue()).pixels, noise((6, 5), seed=1))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_8_bit_tiff_of_others(compression):
    pixels = smooth()
    after = pio.read(saved(Image.fromarray(pixels), "TIFF", compression=compression))
    assert np.abs(after.pixels.astype(int) - pixels).max() <= (12 if compression == "jpeg" else 0)


def hand_made_png(rows, width, height, bits, kind, interlace=0, extra=b""):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">2I5B", width, height, bits, kind, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_16_bit_interlaced_png():
    pixels = noise((19, 21, 3), "uint16")
    rows = b""
    for x, y, dx, dy in [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]:
        rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels[y::dy, x::dx])
    np.testing.assert_array_equal(pio.read(hand_made_png(rows, 21, 19, 16, 2, interlace=1)).pixels, pixels)


@pytest.mark.parametrize(
    ("bits", "row", "expected"),
    [
        (1, b"\0\xa0", [255, 0, 255, 0]),
        (2, b"\0\x1b", [0, 85, 170, 255]),
        (4, b"\0\x01\x8f", [0, 17, 136, 255]),
        (8, b"\0\x00\x07\x80\xff", [0, 7, 128, 255]),
        (16, b"\0\x00\x00\x00\x07\x80\x00\xff\xff", [0, 7, 32768, 65535]),
    ],
)
def test_gray_png_of_every_depth(bits, row, expected):
    assert pio.read(hand_made_png(row, 4, 1, bits, 0)).pixels.tolist() == [expected]


def transparent(key):
    data = struct.pack(f">{len(key)}H", *key)
    return struct.pack(">I", len(data)) + b"tRNS" + data + struct.pack(">I", zlib.crc32(b"tRNS" + data))


@pytest.mark.parametrize(
    ("bits", "kind", "row", "key", "alpha"),
    [
        (1, 0, b"\0\x40", (1,), [255, 0, 255]),
        (2, 0, b"\0\x18", (2,), [255, 255, 0]),
        (4, 0, b"\0\x01\x20", (2,), [255, 255, 0]),
        (8, 0, b"\0\x01\x02\x03", (2,), [255, 0, 255]),
        (16, 0, b"\0\0\1\1\2\1\3", (258,), [65535, 0, 65535]),
        (8, 2, b"\0\1\2\3\1\2\4\1\2\3", (1, 2, 3), [0, 255, 0]),
        (16, 2, b"\0" + bytes(range(18)), (0x0607, 0x0809, 0x0A0B), [65535, 0, 65535]),
    ],
)
def test_png_with_one_transparent_value(bits, kind, row, key, alpha):
    picture = pio.read(hand_made_png(row, 3, 1, bits, kind, extra=transparent(key)))
    assert picture.alpha.tolist() == [alpha]


@pytest.mark.parametrize(
    ("mode", "format", "settings", "tolerance"),
    [
        ("1", "PNG", {}, 0),
        ("L", "JPEG", {"quality": 95}, 6),
        ("RGB", "JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("RGB", "JPEG", {"quality": 95, "progressive": True}, 10),
        ("CMYK", "JPEG", {"quality": 95}, 8),
        ("L", "PNG", {}, 0),
        ("LA", "PNG", {}, 0),
        ("RGB", "PNG", {}, 0),
        ("RGBA", "PNG", {}, 0),
        ("RGB", "WEBP", {"lossless": True}, 0),
        ("RGBA", "WEBP", {"lossless": True}, 0),
        ("RGB", "AVIF", {"quality": 95, "subsampling": "4:4:4"}, 8),
        ("L", "BMP", {}, 0),
        ("RGB", "BMP", {}, 0),
        ("L", "GIF", {}, 0),
        ("L", "JPEG2000", {}, 0),
        ("RGB", "JPEG2000", {}, 0),
        ("RGB", "JPEG2000", {"no_jp2": True}, 0),
        ("CMYK", "TIFF", {}, 0),
        ("YCbCr", "TIFF", {}, 0),
    ],
)
def test_every_kind_of_input(mode, format, settings, tolerance):
    image = Image.fromarray(smooth()).convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(smooth()[..., 0] // 2 + 1))
    after = pio.read(saved(image, format, **settings))
    colors = "L" if mode in ("1", "L", "LA") else "RGB"
    expected = np.asarray(image.convert(colors)).astype(int)
    assert after.pixels.shape == expected.shape
    assert np.abs(after.pixels - expected).max() <= tolerance
    assert (after.alpha is not None) == (mode in ("LA", "RGBA"))
    assert after.format == format


@pytest.mark.parametrize("channels", [3, 4])
def test_jpeg_2000_keeps_16_bits(channels):
    pixels = noise((40, 50, channels), "uint16")
    picture = Picture(pixels[..., :3], pixels[..., 3] if channels == 4 else None)
    again = pio.read(pio.encode(picture, "JPEG2000"))
    np.testing.assert_array_equal(pio.to_array(again), pixels)
    gray = pio.read(saved(Image.fromarray(pixels[..., 0]), "JPEG2000"))
    np.testing.assert_array_equal(gray.pixels, pixels[..., 0])
    assert (again.notes, gray.notes) == ((), ())


def test_deep_jpeg_2000_without_the_extra(monkeypatch):
    deep = pio.encode(Picture(noise((40, 50, 3), "uint16")), "JPEG2000")
    monkeypatch.setattr("photochrom.imaging.jpeg2000._opencv", lambda: None)
    with pytest.raises(MissingExtra, match="more than 8 bits a sample"):
        pio.read(deep)
    gray = pio.read(saved(Image.fromarray(noise((40, 50), "uint16")), "JPEG2000"))
    np.testing.assert_array_equal(gray.pixels, noise((40, 50), "uint16"))
    assert "more than 8 bits" in gray.notes[0]
    assert pio.read(pio.encode(Picture(noise((40, 50, 3), "uint16")), "JPEG2000")).depth == 8


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_profile_of_a_jpeg_2000_is_followed(dtype):
    gray = np.full((40, 50, 3), np.iinfo(dtype).max // 5, dtype)
    data = pio.encode(Picture(gray), "JPEG2000")
    curve = b"para" + bytes(4) + struct.pack(">HHi", 0, 0, 65536)
    profile = png_profile(curve, SRGB_PRIMARIES)
    box = struct.pack(">I4sBBB", 11 + len(profile), b"colr", 2, 0, 0) + profile
    at = data.index(b"colr") - 4
    old = struct.unpack_from(">I", data, at)[0]
    header = data.index(b"jp2h") - 4
    size = struct.unpack_from(">I", data, header)[0] + len(box) - old
    changed = data[:header] + struct.pack(">I", size) + data[header + 4 : at] + box + data[at + old :]
    picture = pio.read(changed)
    # A fifth of the light, and no longer a fifth of the sRGB code.
    np.testing.assert_allclose(picture.pixels / np.iinfo(dtype).max, 0.4845, atol=0.003)
    assert picture.icc == srgb_profile()


@pytest.mark.parametrize("exif", [None, True])
def test_a_webp_without_loss_stays_one(exif):
    more = {"exif": exif_block()} if exif else {}
    picture = pio.read(saved(Image.fromarray(noise((30, 40, 3))), "WEBP", lossless=True, **more))
    assert picture.lossless
    new = noise((30, 40, 3), seed=5)
    again = pio.read(pio.encode(picture.with_rgb(new), "WEBP"))
    np.testing.assert_array_equal(again.pixels, new)
    lossy = pio.read(saved(Image.fromarray(noise((30, 40, 3))), "WEBP", **more))
    assert not lossy.lossless
    assert np.any(pio.read(pio.encode(lossy.with_rgb(new), "WEBP")).pixels != new)


def test_palette_png():
    image = Image.fromarray(smooth()).quantize(32)
    np.testing.assert_array_equal(pio.read(saved(image, "PNG")).pixels, np.asarray(image.convert("RGB")))
    clear = pio.read(saved(image, "PNG", transparency=0))
    np.testing.assert_array_equal(clear.alpha == 0, np.asarray(image) == 0)


def test_palette_of_grays_is_gray():
    image = Image.fromarray(noise((9, 9)))
    assert pio.read(saved(image.convert("P"), "PNG")).is_gray
    clear = pio.read(saved(image.convert("P"), "PNG", transparency=bytes(range(256))))
    np.testing.assert_array_equal(clear.alpha, np.asarray(image))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animations_are_refused(format):
    frames = [Image.fromarray(smooth() // n) for n in (1, 2)]
    with pytest.raises(UnsupportedFormat, match=r"^the data given is animated"):
        pio.read(saved(frames[0], format, save_all=True, append_images=frames[1:]))


# ---- what goes with the samples


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_orientation_is_applied_and_reset(format, orientation):
    image = Image.fromarray(smooth())
    lossless = {"lossless": True} if format == "WEBP" else {}
    xmp = {"xmp": XMP} if orientation > 1 and format in ("JPEG", "WEBP", "AVIF") else {}
    data = saved(image, format, exif=exif_block(orientation), dpi=(300, 150), **xmp, **lossless)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    after = pio.read(data)
    np.testing.assert_array_equal(after.pixels, expected)
    assert exif_values(after.exif)[1] in (None, 1)
    assert exif_values(after.exif)[0] == "Contax"
    if xmp:
        assert after.xmp == XMP.replace(b'"6"', b'"1"')
    if format in ("JPEG", "TIFF"):
        assert after.dpi == ((150, 300) if orientation > 4 else (300, 150))
    again = pio.read(pio.encode(after, "PNG"))
    np.testing.assert_array_equal(again.pixels, expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_orientation_turns_alpha_too(dtype):
    straight = Picture(noise((4, 6, 3), dtype), noise((4, 6), dtype, 1), exif=exif_block(6))
    after = pio.read(pio.encode(straight, "PNG"))
    np.testing.assert_array_equal(after.pixels, np.rot90(straight.pixels, -1))
    np.testing.assert_array_equal(after.alpha, np.rot90(straight.alpha, -1))


@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_metadata_is_kept(source, target):
    image = Image.fromarray(smooth())
    data = saved(image, source, exif=exif_block(), icc_profile=srgb_profile())
    first = pio.read(data)
    after = pio.read(pio.encode(Picture(**{**vars(first), "xmp": XMP}), target))
    assert exif_values(after.exif) == ("Contax", None, "1936:05:01 12:00:00", "N")
    assert b"maker note, byte for byte" in after.exif
    assert after.icc == srgb_profile()
    assert after.xmp == XMP.replace(b'"6"', b'"1"')


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP"])
def test_resolution_is_kept(format):
    first = pio.read(saved(Image.fromarray(smooth()), format, dpi=(300, 150)))
    after = pio.read(pio.encode(first, format))
    assert after.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("dpi", [(101_600, 50_800.5), (25_400_000, 25_400_000)])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_the_resolution_of_a_microscope_is_kept(format, dpi):
    first = pio.read(saved(Image.fromarray(smooth()), "TIFF", dpi=dpi))
    assert first.dpi == pytest.approx(dpi)
    assert pio.read(pio.encode(first, format)).dpi == pytest.approx(dpi, rel=1e-6)


def test_maker_notes_stay_and_the_old_thumbnail_is_dropped():
    block = exif_block(3)
    # A second directory, as cameras append it for the thumbnail.
    order = "<" if block[6:8] == b"II" else ">"
    first = struct.unpack_from(order + "I", block, 10)[0]
    count = struct.unpack_from(order + "H", block, 6 + first)[0]
    raw = bytearray(block)
    struct.pack_into(order + "I", raw, 6 + first + 2 + 12 * count, len(block) - 6)
    raw += struct.pack(order + "HHHIII", 1, 0x0103, 3, 1, 6, 0)
    after = pio.read(saved(Image.fromarray(smooth()), "JPEG", exif=bytes(raw)))
    changed = [i for i, (a, b) in enumerate(zip(raw, after.exif, strict=True)) if a != b]
    assert 0 < len(changed) <= 5
    exif = Image.Exif()
    exif.load(after.exif)
    assert not exif.get_ifd(1)
    assert exif[0x0112] == 1


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM", b"Exif\0\0" + b"x" * 99]
)
def test_broken_exif_is_left_out(exif):
    after = pio.read(saved(Image.fromarray(smooth()), "JPEG", exif=exif))
    assert after.exif is None
    assert after.size == (64, 48)


def test_metadata_too_long_for_jpeg_is_left_out():
    picture = Picture(smooth(), exif=b"Exif\0\0" + bytes(70000), xmp=b"x" * 70000, icc=srgb_profile())
    after = pio.read(pio.encode(picture, "JPEG"))
    assert (after.exif, after.xmp, after.icc) == (None, None, srgb_profile())
    assert len(carried(picture, "JPEG")[1]) == 2


@pytest.mark.parametrize("quality", [30, 75, 90, 95, 100])
def test_jpeg_quality_is_kept_but_not_below_90(quality):
    first = pio.read(saved(Image.fromarray(smooth()), "JPEG", quality=quality))
    assert first.quality == pytest.approx(quality, abs=1)
    after = pio.read(pio.encode(first, "JPEG"))
    assert after.quality == pytest.approx(max(quality, 90), abs=1)


def test_jpeg_is_written_without_subsampling_and_at_95():
    image = Image.open(io.BytesIO(pio.encode(Picture(smooth()), "JPEG")))
    assert {layer[1:3] for layer in image.layer} == {(1, 1)}
    assert pio.read(pio.encode(Picture(smooth()), "JPEG")).quality == 95


@pytest.mark.parametrize("format", ["JPEG", "BMP"])
def test_transparency_goes_over_white_where_there_is_none(format):
    alpha = np.zeros((16, 16), "uint8")
    alpha[:, 8:] = 255
    after = pio.read(pio.encode(Picture(np.zeros((16, 16, 3), "uint8"), alpha), format))
    assert after.alpha is None
    assert after.pixels[:, :8].min() >= 250
    assert after.pixels[:, 8:].max() <= 5


def test_gif_keeps_what_is_clear():
    alpha = noise((8, 8)) // 128 * 255
    after = pio.read(pio.encode(Picture(np.full((8, 8, 3), (200, 30, 30), "uint8"), alpha), "GIF"))
    np.testing.assert_array_equal(after.alpha, alpha)
    assert np.abs(after.pixels[alpha > 0].astype(int) - (200, 30, 30)).max() <= 3


@pytest.mark.parametrize("format", ALL)
def test_encoding_is_repeatable(format):
    assert pio.encode(Picture(smooth()), format) == pio.encode(Picture(smooth()), format)


@pytest.mark.parametrize("format", ["WEBP", "JPEG"])
def test_too_wide_for_a_format(format):
    with pytest.raises(UnsupportedFormat, match=rf"70000 x 1 can't be written as {format} .*use PNG"):
        pio.encode(Picture(np.zeros((1, 70000), "uint8")), format)


# ---- what is wrong is said in one line


def line(caught):
    text = str(caught.value)
    assert "\n" not in text
    return text


BAD = {
    "empty.jpg": (b"", UnreadableImage, "is empty"),
    "text.jpg": (b"To whom it may concern\n" * 9, UnreadableImage, "is not a picture"),
    "one-byte.png": (b"\x89", UnreadableImage, "is not a picture"),
    "head-only.png": (b"\x89PNG\r\n\x1a\n", UnreadableImage, "damaged or incomplete"),
    "head-only.jpg": (b"\xff\xd8\xff\xe0", UnreadableImage, "damaged or incomplete"),
    "document.png": (b"%PDF-1.7 and so on", UnsupportedFormat, "is a PDF document"),
    "film.gif": (b"\0\0\0\x20ftypisom" + bytes(20), UnsupportedFormat, "is a film"),
    "no-pixels.png": (hand_made_png(b"", 0, 0, 8, 0), UnreadableImage, "no pixels|damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path, name):
    data, error, words = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(error, match=words) as caught:
        pio.read(tmp_path / name)
    assert line(caught).startswith(str(tmp_path / name))
    with pytest.raises(error, match=words):
        pio.read(data)


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files(tmp_path, format, share):
    data = pio.encode(Picture(noise((64, 64, 3))), format)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableImage, match="damaged or incomplete") as caught:
        pio.read(path)
    assert line(caught).startswith(str(path))


def test_a_misnamed_picture_is_read_by_its_content(tmp_path):
    path = tmp_path / "really.png"
    path.write_bytes(pio.encode(Picture(smooth()), "JPEG"))
    assert pio.read(path).format == "JPEG"


def test_no_such_file(tmp_path):
    with pytest.raises(UnreadableImage, match=r"gone\.jpg does not exist"):
        pio.read(tmp_path / "gone.jpg")
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        pio.read(tmp_path / ("x" * 300 + ".jpg"))
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        pio.read("a\0b.jpg")


def test_folders_and_devices(tmp_path):
    with pytest.raises(UnreadableImage, match="is a folder"):
        pio.read(tmp_path)
    with pytest.raises(UnreadableImage, match="is not a file"):
        pio.read(os.devnull)


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(pio.encode(Picture(smooth()), "PNG"))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("photochrom.imaging.io.open", refuse, raising=False)
    with pytest.raises(UnreadableImage, match=r"secret\.png cannot be read"):
        pio.read(path)


def test_a_name_with_a_line_break_stays_one_line(tmp_path):
    with pytest.raises(UnreadableImage) as caught:
        pio.read(tmp_path / "a\nb.jpg")
    assert "a\\nb.jpg" in line(caught)


@pytest.mark.parametrize("format", ALL)
def test_size_is_judged_before_decoding(format, monkeypatch):
    data = pio.encode(Picture(smooth()), format)
    assert pio.read(data, max_pixels=64 * 48).size == (64, 48)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageTooLarge, match=r"64 x 48 pixels, more than 3,071.*max_pixels"):
        pio.read(data, max_pixels=64 * 48 - 1)


def test_decompression_bomb():
    rows = zlib.compress(bytes(1000))
    with pytest.raises(ImageTooLarge, match="20000 x 20000"):
        pio.read(hand_made_png(rows, 20000, 20000, 8, 0))


def test_pillow_limit_does_not_apply_and_stays(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for format in ALL:
        if format != "WEBP":
            assert pio.read(pio.encode(Picture(smooth()), format)).size == (64, 48)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_no_limit():
    assert pio.read(pio.encode(Picture(smooth()), "PNG"), max_pixels=None).size == (64, 48)


@pytest.mark.parametrize(
    "raised",
    [SyntaxError("a\nb"), struct.error("x"), ValueError(), OSError(5, "x"), EOFError(), zlib.error("x"), KeyError(1)],
)
def test_whatever_a_decoder_raises(raised, monkeypatch):
    def fail(*_):
        raise raised

    data = pio.encode(Picture(smooth()), "JPEG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(UnreadableImage, match=r"^the data given is damaged or incomplete \(.+\); ") as caught:
        pio.read(data)
    line(caught)


def test_memory_that_runs_out(monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    data = pio.encode(Picture(smooth()), "JPEG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(OutOfMemory, match="does not fit into memory"):
        pio.read(data)
    monkeypatch.setattr("PIL.Image.Image.save", fail)
    with pytest.raises(OutOfMemory, match="not enough memory"):
        pio.encode(Picture(smooth()), "JPEG")


def test_heic_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif.as_plugin", None)
    with pytest.raises(MissingExtra, match=r"the data given .*pip install '\.\[heif\]'"):
        pio.read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(MissingExtra, match="heif"):
        pio.encode(Picture(smooth()), ".heic")


def test_heic_round_trip():
    pytest.importorskip("pillow_heif")
    after = pio.read(pio.encode(Picture(smooth(), exif=exif_block()), "HEIF"))
    assert np.abs(after.pixels.astype(int) - smooth()).mean() < 4
    assert exif_values(after.exif)[0] == "Contax"


SEEDS = [pio.encode(Picture(smooth(), exif=exif_block(6), xmp=XMP, icc=srgb_profile()), format) for format in ALL]
SEEDS += [pio.encode(Picture(noise((9, 9, 3), "uint16")), format) for format in ("PNG", "TIFF")]


def only_clear_errors(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture = pio.read(data, max_pixels=1_000_000)
        except PhotochromError as error:
            said = str(error)
        else:
            said = ""
            assert picture.lightness().shape == (picture.height, picture.width)
    assert "\n" not in said


@given(st.binary(max_size=300), st.sampled_from(["", *(seed[:30] for seed in SEEDS)]))
@settings(max_examples=200, deadline=None)
def test_any_bytes(data, head):
    only_clear_errors((head or b"") + data)


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_damaged_files(data):
    seed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        seed[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    only_clear_errors(bytes(seed[: data.draw(st.integers(1, len(seed)))]))
    only_clear_errors(bytes(seed))


# ---- other ways in and out


def test_sources_are_equal(tmp_path):
    data = pio.encode(Picture(smooth()), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with open(path, "rb") as file:
        sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), file]
        for source in sources:
            np.testing.assert_array_equal(pio.read(source).pixels, smooth())
        assert not file.closed


def test_a_pipe_is_read(tmp_path):
    reader, writer = os.pipe()
    os.write(writer, pio.encode(Picture(smooth()), "JPEG"))
    os.close(writer)
    with open(reader, "rb") as file:
        assert pio.read(file).size == (64, 48)


@pytest.mark.parametrize("source", [None, 7, ["a.jpg"], io.StringIO("text")])
def test_no_source(source):
    with pytest.raises(BadSetting):
        pio.read(source)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "HSV", "La", "RGBa", "PA"]
)
def test_pillow_modes(mode):
    base = Image.fromarray(smooth()).convert("RGBA")
    if mode == "LAB":
        image = Image.fromarray(smooth())
        image = Image.merge("LAB", [image.convert("L"), *[Image.new("L", image.size, 128)] * 2])
    else:
        image = (
            (base.convert("RGB") if mode == "P" else base)
            .convert({"La": "LA", "PA": "P"}.get(mode, mode))
            .convert(mode)
        )
    before = image.tobytes()
    picture = pio.from_pil(image)
    assert image.tobytes() == before
    assert picture.size == image.size
    assert (picture.alpha is not None) == (mode in ("RGBA", "LA", "La", "RGBa", "PA"))
    if mode in ("L", "RGB", "RGBA", "LA"):
        assert pio.to_pil(picture).mode == mode
        assert pio.to_pil(picture).tobytes() == before


def test_pillow_16_bit_gray():
    gray = noise((5, 7), "uint16")
    np.testing.assert_array_equal(pio.from_pil(Image.fromarray(gray)).pixels, gray)
    assert pio.to_pil(Picture(gray)).mode == "I;16"
    np.testing.assert_array_equal(np.asarray(pio.to_pil(Picture(gray))), gray)
    np.testing.assert_array_equal(pio.from_pil(Image.fromarray(gray.astype("int32"))).pixels, gray)


def test_pillow_image_of_a_file(tmp_path):
    for format in ("JPEG", "TIFF"):
        path = tmp_path / f"turned.{format}"
        path.write_bytes(saved(Image.fromarray(smooth()), format, exif=exif_block(6), dpi=(300, 150)))
        with Image.open(path) as image:
            picture = pio.from_pil(image)
        assert picture.size == (48, 64)
        assert exif_values(picture.exif)[:2] in (("Contax", 1), ("Contax", None))


def test_pillow_image_of_a_truncated_file(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(pio.encode(Picture(noise((64, 64))), "PNG")[:2000])
    with Image.open(path) as image, pytest.raises(UnreadableImage, match=r"cut\.png is damaged"):
        pio.from_pil(image)


def test_pillow_image_without_pixels():
    with pytest.raises(BadSetting, match="no pixels"):
        pio.from_pil(Image.new("RGB", (0, 5)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4)])
def test_arrays_come_back(shape, dtype):
    array = noise(shape, "uint8")
    array = (array / 255).astype("float16").astype(dtype) if dtype.startswith("f") else array.astype(dtype)
    back = pio.to_array(pio.from_array(array), dtype)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array.squeeze(-1) if shape[-1] == 1 else array)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2, 2), "uint8"), "shape"),
        (np.zeros(4, "uint8"), "shape"),
        (np.zeros((1, 2, 2, 3), "uint8"), "shape"),
        (np.zeros((0, 2), "uint8"), "no pixels"),
        (np.array([[0.0, np.nan]]), "nan"),
        (np.array([[0.0, np.inf]]), "inf"),
        (np.array([[0.0, 255.0]]), "between 0 and 1, not 0 to 255"),
        (np.array([[-0.1, 0.5]]), "-0.1"),
        (np.zeros((2, 2), "int64"), "int64"),
        (np.zeros((2, 2), bool), "bool"),
        (np.zeros((2, 2), complex), "complex"),
        ([[0, 1]], "list"),
    ],
)
def test_bad_arrays(array, words):
    with pytest.raises(BadSetting, match=words):
        pio.from_array(array)


def test_to_array_of_a_bad_dtype():
    with pytest.raises(BadSetting, match="int32"):
        pio.to_array(Picture(smooth()), "int32")


def test_deep_floats_are_written_with_16_bits():
    values = np.linspace(0, 1, 300, dtype="float32").reshape(10, 10, 3)
    after = pio.read(pio.encode(Picture(values), "PNG"))
    np.testing.assert_array_equal(after.pixels, np.rint(values * 65535))


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.JPEG", "a.tif", "x/b.webp", "c.avif", "d.heic", "e.jp2", "f.bmp", "g.gif"]
)
def test_picture_names(name):
    assert pio.is_picture_name(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.part", "a.mp4", ""])
def test_other_names(name):
    assert not pio.is_picture_name(name)


@pytest.mark.parametrize("name", ["out.xyz", "out"])
def test_unknown_ending(tmp_path, name):
    with pytest.raises(UnsupportedFormat, match=r"\.jpg, \.png, \.tif"):
        pio.write(Picture(smooth()), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_unknown_format():
    with pytest.raises(UnsupportedFormat, match="JPEG, PNG"):
        pio.encode(Picture(smooth()), "xyz")


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tiff", ".webp", ".avif", ".bmp", ".gif", ".jp2"])
def test_write(tmp_path, ending):
    path = tmp_path / "new" / "folders" / f"a{ending}"
    pio.write(Picture(smooth()), path)
    assert pio.read(path).size == (64, 48)
    assert os.listdir(path.parent) == [path.name]
    with pytest.raises(WriteFailed, match="already there"):
        pio.write(Picture(smooth()), path)
    pio.write(Picture(smooth()[:9]), path, overwrite=True)
    assert pio.read(path).size == (64, 9)
