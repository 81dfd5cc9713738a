"""Files that end early or are damaged: coloured as far as their data go, with a note; refused when strict."""

import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from photochrom import Colorizer, batch
from photochrom.cli import main
from photochrom.errors import PhotochromError, UnreadableImage
from photochrom.imaging import io as pio
from photochrom.imaging.damage import NOTE
from photochrom.imaging.picture import Picture

H, W = 120, 160
GRAY = (np.linspace(40, 200, H)[:, None] + np.random.default_rng(0).normal(0, 12, (H, W))).clip(1, 254).astype("uint8")
RGB = np.stack([GRAY, GRAY // 2 + 20, 255 - GRAY], -1)


def saved(format, pixels=GRAY, **settings):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, **settings)
    return out.getvalue()


def chunk(name, data, right=True):
    checksum = zlib.crc32(name + data) ^ (not right)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def refused_and_read(data):
    """The picture of damaged data, which are refused when that is asked for."""
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        pio.read(data)
    picture = pio.read(data, strict=False)
    assert picture.notes[0].startswith(NOTE)
    return picture


# As a phone appends them, with bytes that look like a table, but no end marker.
TRAILER = b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data" + bytes(range(255)) * 20 + b"\xff\xc4\x12\x34\xff\xda\0\1SEFT"


@pytest.mark.parametrize("settings", [{}, {"progressive": True}, {"optimize": True}], ids=str)
@pytest.mark.parametrize("pixels", [GRAY, RGB], ids=["gray", "RGB"])
@pytest.mark.parametrize(
    "end", [b"", b"\xff", TRAILER, saved("JPEG", GRAY[:40, :50])], ids=["", "ff", "trailer", "jpeg"]
)
def test_a_jpeg_without_its_end_marker_is_all_there(end, pixels, settings):
    data = saved("JPEG", pixels, quality=90, **settings)
    picture = pio.read(data[:-2] + end, strict=False)
    np.testing.assert_array_equal(picture.pixels, pio.read(data).pixels)
    if end in (b"", b"\xff"):
        assert refused_and_read(data[:-2] + end).notes == (NOTE,)


def test_a_trailer_behind_the_end_marker_is_no_damage():
    picture = pio.read(saved("JPEG") + TRAILER)
    assert picture.notes == ()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_is_cut_short(progressive):
    data = saved("JPEG", quality=90, progressive=progressive)
    whole = pio.read(data).pixels.astype(int)
    picture = refused_and_read(data[: len(data) * 6 // 10])
    if progressive:
        assert np.abs(picture.pixels - whole).mean() < 12
    else:
        np.testing.assert_array_equal(picture.pixels[: H // 3], whole[: H // 3])
        assert (picture.pixels[-H // 4 :] == 128).all()
        assert (picture.pixels[picture.missing] == 128).all()
        share = float(picture.notes[0].split("about ")[1].split("%")[0]) / 100
        assert picture.pixels[picture.missing].size == pytest.approx(share * picture.pixels.size, rel=0.05, abs=16 * W)
        assert "% of the picture is missing" in picture.notes[0]


@pytest.mark.parametrize("pixels", [GRAY, RGB])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_what_is_missing_stays_gray_at_any_side(tiny, pixels, orientation, turns):
    exif = Image.Exif()
    exif[274] = orientation
    data = saved("JPEG", pixels, quality=90, exif=exif)
    picture = refused_and_read(data[: len(data) * 6 // 10])
    assert "% of the picture is missing" in picture.notes[0]
    coloured, missing = (
        np.rot90(each, turns) for each in (Colorizer(tiny).colorize_picture(picture).pixels, picture.missing)
    )
    assert (coloured[missing] == 128).all()
    assert missing[-H // 4 :].all()
    assert not missing[: H // 3].any()
    assert np.ptp(coloured[~missing].astype(int), axis=1).max() > 5
    # The data end within a row of blocks.
    assert 0 < missing[np.argmax(missing.any(1))].mean() < 1


CUT = {
    "PNG": saved("PNG"),
    "PNG RGB": saved("PNG", RGB),
    "PNG 16": pio.encode(Picture(GRAY.astype("uint16") * 257), "PNG"),
    "PNG RGB 16": pio.encode(Picture(RGB.astype("uint16") * 257), "PNG"),
    "GIF": saved("GIF", interlace=0),
    "BMP": saved("BMP"),
    "BMP RGB": saved("BMP", RGB),
    "TIFF": saved("TIFF"),
    "TIFF RGB": saved("TIFF", RGB),
}


@pytest.mark.parametrize("name", CUT)
def test_files_cut_in_the_middle_give_the_rows_that_are_there(name):
    data = CUT[name]
    if name.startswith("TIFF"):
        # Pillow puts the directory first only in files of its own making; so the strip is what is cut.
        assert struct.unpack_from("<I", data, 4)[0] == 8
    whole = pio.read(data)
    picture = refused_and_read(data[: len(data) * 6 // 10])
    assert picture.size == (W, H)
    assert picture.pixels.dtype == whole.pixels.dtype
    there = slice(-H // 2, None) if name.startswith("BMP") else slice(H // 2)
    np.testing.assert_array_equal(picture.pixels[there], whole.pixels[there])
    # What a GIF lacks has the first colour of its palette, which may be any.
    assert "% of the picture is missing" in picture.notes[0] or name == "GIF"


def test_the_pages_before_a_damaged_directory():
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as file:
        for page in (GRAY, GRAY[::-1], GRAY[:, ::-1]):
            file.write(page, photometric="minisblack")
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        last = file.pages[2].offset
    data = out.getvalue()[: last + 30]
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        pio.read(data)
    picture = pio.read(data, strict=False)
    np.testing.assert_array_equal(picture.pixels, GRAY)
    assert len(picture.pages) == 1
    np.testing.assert_array_equal(picture.pages[0].pixels, GRAY[::-1])


@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_that_is_cut_short(lossless):
    data = saved("WEBP", RGB, lossless=lossless, quality=80)
    whole = pio.read(data).pixels.astype(int)
    picture = refused_and_read(data[: len(data) * 7 // 10])
    assert picture.size == (W, H)
    assert np.abs(picture.pixels[: H // 3] - whole[: H // 3]).mean() < 1


@pytest.mark.parametrize("name", [b"tEXt", b"gAMA", b"pHYs", b"eXIf"])
@pytest.mark.parametrize("late", [False, True])
def test_a_png_chunk_that_is_not_needed_may_have_a_wrong_checksum(name, late):
    data = saved("PNG")
    bad = chunk(name, {b"gAMA": struct.pack(">I", 100000)}.get(name, b"Comment\0hello"), right=False)
    at = len(data) - 12 if late else 33
    picture = pio.read(data[:at] + bad + data[at:], strict=False)
    np.testing.assert_array_equal(picture.pixels, GRAY)
    if not late:
        refused_and_read(data[:at] + bad + data[at:])


def test_a_png_without_its_end():
    data = saved("PNG")
    picture = pio.read(data[:-12], strict=False)
    np.testing.assert_array_equal(picture.pixels, GRAY)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000"])
def test_a_head_alone_is_no_picture(format):
    with pytest.raises(UnreadableImage, match="damaged or incomplete"):
        pio.read(saved(format, RGB)[:60], strict=False)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_any_damage_is_read_or_refused(kind):
    rng = np.random.default_rng(7)
    seed = saved(kind, RGB)
    for _ in range(60):
        data = bytearray(seed[: rng.integers(20, len(seed) + 1)])
        for at in rng.integers(12, len(data), 4):
            data[at] = rng.integers(256)
        with contextlib.suppress(PhotochromError):
            picture = pio.read(bytes(data), max_pixels=1_000_000, strict=False)
            assert picture.lightness().shape == (picture.height, picture.width)


def test_the_commands_note_and_its_refusal(tiny, tmp_path, capsys):
    def colorize(*options):
        with pytest.raises(SystemExit) as ended:
            main(["colorize", str(tmp_path / "cut.jpg"), "--model", str(tiny), *options])
        return ended.value.code, " ".join(capsys.readouterr().err.split())

    (tmp_path / "cut.jpg").write_bytes(saved("JPEG")[:-800])
    status, said = colorize()
    assert status == 0
    assert f"cut.color.jpg ({NOTE}" in said
    assert pio.read(tmp_path / "cut.color.jpg").size == (W, H)
    (tmp_path / "cut.color.jpg").unlink()
    status, said = colorize("--strict")
    assert status == 1
    assert "is damaged or incomplete" in said
    assert os.listdir(tmp_path) == ["cut.jpg"]


def test_programs_are_warned(tiny, tmp_path):
    session = Colorizer(tiny, threads=1)
    (tmp_path / "cut.jpg").write_bytes(saved("JPEG")[:-800])
    with pytest.warns(UserWarning, match=f"cut.jpg: {NOTE}"):
        session.colorize(tmp_path / "cut.jpg")
    with pytest.warns(UserWarning, match=f"the data given: {NOTE}"):
        session.colorize(saved("JPEG")[:-800])
    with pytest.raises(UnreadableImage):
        Colorizer(tiny, threads=1, strict=True).colorize(saved("JPEG")[:-800])


def test_the_note_goes_into_the_log(tiny, tmp_path):
    (tmp_path / "cut.png").write_bytes(saved("PNG")[:-4000])
    (outcome,) = batch.run(Colorizer(tiny, threads=1), batch.plan([tmp_path / "cut.png"]))
    assert outcome.status == "coloured"
    assert outcome.note.startswith(NOTE)
