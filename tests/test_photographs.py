"""TIFF to TIFF by strips: the same picture as when all is in memory, whatever the layout, and no more memory."""

import io
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from photochrom import Colorizer, photographs
from photochrom.batch.kinds import note_of
from photochrom.errors import ImageTooLarge, UnreadableImage, WriteFailed
from photochrom.imaging import io as pio
from photochrom.imaging import tiff_strips
from photochrom.imaging.damage import NOTE
from photochrom.imaging.icc import srgb_profile
from photochrom.imaging.picture import Picture
from photochrom.imaging.provenance import SOFTWARE
from photochrom.imaging.tiff_strips import pages_in_strips


@pytest.fixture(scope="module")
def session(tiny):
    return Colorizer(tiny, threads=2)


@pytest.fixture(autouse=True)
def small_strips(monkeypatch):
    """So that small pictures have many of them."""
    monkeypatch.setattr(tiff_strips, "STRIP_PIXELS", 900)


def noise(shape, dtype="uint16", seed=0):
    """A soft slope with grain."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(0.1, 0.8, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return np.rint((slope + rng.random(shape) / 5) * np.iinfo(dtype).max).astype(dtype)


def written(pixels, **settings):
    out = io.BytesIO()
    photometric = "rgb" if pixels.ndim == 3 and pixels.shape[2] in (3, 4) else "minisblack"
    tifffile.imwrite(out, pixels, **{"photometric": photometric, **settings})
    return out.getvalue()


LAYOUTS = {
    "one strip": {},
    "large strips": {"rowsperstrip": 64},
    "small strips": {"rowsperstrip": 5},
    "the other byte order": {"byteorder": ">", "rowsperstrip": 64},
    "deflate": {"rowsperstrip": 7, "compression": "zlib", "predictor": 2},
    "deflate, one strip": {"compression": "zlib"},
    "tiles": {"tile": (16, 32)},
    "tiles, deflate": {"tile": (32, 16), "compression": "zlib"},
    "BigTIFF": {"bigtiff": True, "rowsperstrip": 3},
}
SAMPLES = {
    "gray 16": noise((131, 77)),
    "gray 8": noise((131, 77), "uint8"),
    "RGB 16": noise((131, 77, 3)),
    "RGB 8": noise((131, 77, 3), "uint8"),
    "alpha 16": noise((131, 77, 4)),
    "float": np.random.default_rng(0).random((131, 77), "float32"),
}


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_strips_are_the_rows_of_the_picture(layout, samples):
    pixels = SAMPLES[samples]
    if samples == "float" and "predictor" in LAYOUTS[layout]:
        pytest.skip("integers only")
    more = {"extrasamples": ["unassalpha"]} if samples.startswith("alpha") else {}
    data = io.BytesIO(written(pixels, **LAYOUTS[layout], **more))
    (page,) = pages_in_strips(data, "x.tif", None)
    if layout != "deflate, one strip":
        assert len(page.tops) > 3
    found = np.concatenate([pio.to_array(page.strip(top)) for top in page.tops])
    np.testing.assert_array_equal(found, pixels)
    assert page.facts().depth == pixels.dtype.itemsize * 8


@pytest.mark.parametrize(
    ("mode", "compression"),
    [
        ("L", "tiff_lzw"),
        ("RGB", "tiff_lzw"),
        ("RGB", "jpeg"),
        ("L", "jpeg"),
        ("1", "group4"),
        ("P", "packbits"),
        ("CMYK", None),
    ],
)
def test_strips_of_pillows_files(mode, compression):
    image = Image.fromarray(noise((150, 90, 3), "uint8")).convert(mode)
    out = io.BytesIO()
    image.save(out, "TIFF", compression=compression, tiffinfo={278: 16})
    (page,) = pages_in_strips(out, "x.tif", None)
    whole = pio.read(out.getvalue())
    assert len(page.tops) > 3
    found = [page.strip(top) for top in page.tops]
    np.testing.assert_array_equal(np.concatenate([strip.pixels for strip in found]), whole.pixels)
    assert sum(strip.height for strip in found) == 150


@pytest.mark.parametrize("settings", [{}, {"restore_tone": True}, {"mark": True}], ids=str)
@pytest.mark.parametrize("samples", SAMPLES)
def test_by_strips_or_whole_is_the_same_picture(tiny, tmp_path, samples, settings):
    session = Colorizer(tiny, threads=2, **settings)
    more = {"extrasamples": ["unassalpha"]} if samples.startswith("alpha") else {}
    data = written(SAMPLES[samples], rowsperstrip=4, iccprofile=srgb_profile(), resolution=(300, 300), **more)
    (tmp_path / "a.tif").write_bytes(data)
    report = photographs.colorize_by_strips(session, tmp_path / "a.tif", tmp_path / "b.tif", False)
    assert (report.size, report.kept) == ((77, 131), False)
    whole, strips = pio.read(session.colorize(data)), pio.read(tmp_path / "b.tif")
    assert strips.pixels.dtype == whole.pixels.dtype
    # The last bit may go either way where Pillow shrinks in another order.
    np.testing.assert_allclose(strips.pixels.astype(int), whole.pixels.astype(int), atol=1 if strips.depth == 8 else 8)
    assert (strips.exif, strips.xmp, strips.icc, strips.dpi) == (whole.exif, whole.xmp, whole.icc, whole.dpi)
    if samples.startswith("alpha"):
        np.testing.assert_array_equal(strips.alpha, whole.alpha)


def test_every_page_of_a_file(session, tmp_path):
    pages = [noise((90, 60)), noise((30, 40, 3), "uint8", 1), noise((50, 70), "uint8", 2)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for i, page in enumerate(pages):
            file.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", description=f"page {i}")
    report = session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    assert len(report.toning) == 3
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert len(file.pages) == 3
        for i, (before, after) in enumerate(zip(pages, file.pages, strict=True)):
            rgb = after.asarray()
            assert rgb.dtype == before.dtype
            assert rgb.shape[:2] == before.shape[:2]
            assert after.description == f"page {i}"
            assert after.software == f"{SOFTWARE}; tifffile.py"
            alone = session.colorize(before)
            np.testing.assert_allclose(rgb.astype(int), alone.astype(int), atol=1 if before.dtype == np.uint8 else 8)


def test_pages_that_have_colour_can_stay(tiny, tmp_path):
    session = Colorizer(tiny, threads=1, keep_color=True)
    rng = np.random.default_rng(0)
    gray, color = noise((40, 40), "uint8"), rng.integers(0, 255, (8, 8, 3)).repeat(6, 0).repeat(6, 1).astype("uint8")
    for name, pages in (("both", [gray, color]), ("color", [color, color])):
        with tifffile.TiffWriter(tmp_path / f"{name}.tif") as file:
            for page in pages:
                file.write(page, photometric="rgb" if page.ndim == 3 else "minisblack")
    report = session.colorize_file(tmp_path / "both.tif", tmp_path / "new.tif")
    assert (report.toning, report.kept, report.pages_kept) == (("gray", "color"), False, 1)
    assert note_of(report) == "2 pages; 1 of them in colour already and kept"
    np.testing.assert_array_equal(pio.read(tmp_path / "new.tif").pages[0].pixels, color)
    assert not pio.read(tmp_path / "new.tif").is_gray
    report = session.colorize_file(tmp_path / "color.tif", tmp_path / "same.tif")
    assert (report.toning, report.kept, report.pages_kept) == (("color", "color"), True, 0)
    with Image.open(tmp_path / "both.tif") as both:
        both.save(tmp_path / "whole.tif", save_all=True, compression="packbits", tiffinfo={274: 6})
    assert session.colorize_file(tmp_path / "whole.tif", tmp_path / "turned.tif").pages_kept == 1, "not by strips"
    assert (tmp_path / "same.tif").read_bytes() == (tmp_path / "color.tif").read_bytes()


@pytest.mark.parametrize("odd", ["turned", "planes"])
def test_what_cannot_be_had_in_strips_is_read_whole(session, tmp_path, odd):
    if odd == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(noise((30, 20), "uint8")).save(tmp_path / "a.tif", exif=exif)
    else:
        tifffile.imwrite(tmp_path / "a.tif", noise((3, 30, 20), "uint8"), photometric="rgb", planarconfig="separate")
    with open(tmp_path / "a.tif", "rb") as file:
        assert pages_in_strips(file, "a.tif", None) is None
    report = session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    assert pio.read(tmp_path / "b.tif").size == report.size == ((30, 20) if odd == "turned" else (20, 30))


def test_damage_in_the_middle_leaves_nothing_when_strict(tiny, tmp_path):
    session = Colorizer(tiny, threads=2, strict=True)
    data = written(noise((300, 200)), rowsperstrip=5, compression="zlib")
    (tmp_path / "a.tif").write_bytes(data[:200] + b"damage" * 9000 + data[54200:])
    with pytest.raises(UnreadableImage, match=r"a\.tif is damaged or incomplete"):
        session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    (tmp_path / "cut.tif").write_bytes(written(noise((300, 200)))[:90_000])
    with pytest.raises(UnreadableImage, match=r"cut\.tif is damaged or incomplete"):
        session.colorize_file(tmp_path / "cut.tif", tmp_path / "b.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "cut.tif"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_what_is_there_of_a_damaged_scan_is_coloured(session, tmp_path, compression, dtype):
    pixels = noise((300, 200), dtype)
    data = written(pixels, rowsperstrip=5, compression=compression)
    cut = len(data) * 2 // 3
    (tmp_path / "a.tif").write_bytes(data[:cut])
    report = session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    assert len(report.notes) == 1
    assert report.notes[0].startswith(NOTE)
    found = pio.read(tmp_path / "b.tif").lightness()
    whole = Picture(pixels).lightness()
    rows = 300 * 6 // 10
    np.testing.assert_allclose(found[:rows], whole[:rows], atol=1)
    assert found[-60:].max() == 0


def test_the_pages_before_a_damaged_directory(session, tmp_path):
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        for seed in range(3):
            file.write(noise((40, 30), seed=seed), photometric="minisblack")
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        last = file.pages[2].offset
    (tmp_path / "a.tif").write_bytes(out.getvalue()[: last + 30])
    report = session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    assert len(report.toning) == 2
    assert report.notes[0].startswith(NOTE)


def test_a_scan_of_which_nothing_is_there_is_refused(session, tmp_path):
    data = written(noise((300, 200)), rowsperstrip=5)
    (tmp_path / "a.tif").write_bytes(data[: len(data) - 300 * 200 * 2])
    with pytest.raises(UnreadableImage, match=r"a\.tif is damaged or incomplete"):
        session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")


def test_errors_are_those_of_other_photographs(session, tmp_path):
    (tmp_path / "a.tif").write_bytes(written(noise((30, 20))))
    with pytest.raises(ImageTooLarge, match=r"a\.tif has 20 x 30 pixels, more than 599"):
        Colorizer(session.settings["model"], max_pixels=599).colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    (tmp_path / "b.tif").write_bytes(b"here")
    with pytest.raises(WriteFailed, match="already there"):
        session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    with pytest.raises(UnreadableImage, match=r"gone\.tif does not exist"):
        session.colorize_file(tmp_path / "gone.tif", tmp_path / "c.tif")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_scan(session, tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_strips, "STRIP_PIXELS", 20_000)
    peaks = []
    for rows in (300, 3000):
        tifffile.imwrite(tmp_path / f"{rows}.tif", noise((rows, 1000)), rowsperstrip=10)
        tracemalloc.start()
        session.colorize_file(tmp_path / f"{rows}.tif", tmp_path / f"{rows}.color.tif")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The large one has 5 MB of samples more, 22 with its colours.
    assert peaks[1] < peaks[0] + 5_000_000


def test_a_float_scan_becomes_one_of_16_bits(session, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", SAMPLES["float"])
    session.colorize_file(tmp_path / "a.tif", tmp_path / "b.tif")
    assert pio.read(tmp_path / "b.tif").pixels.dtype == np.uint16
    assert Picture(SAMPLES["float"]).depth == 32
