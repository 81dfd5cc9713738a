"""The table of formats: one row says all that reading, writing, walking and the site need to know of one."""

import numpy as np
import pytest

from photochrom.batch.kinds import kind_of
from photochrom.errors import UnsupportedFormat
from photochrom.imaging import formats, moving
from photochrom.imaging import io as pio
from photochrom.imaging.picture import Picture
from photochrom.web.negotiation import wanted_format

PLAIN = '''
"""A gray picture: "PLAIN", its width and height in a byte each, and its samples."""
from PIL import ImageFile

class PlainFile(ImageFile.ImageFile):
    format = "PLAIN"

    def _open(self):
        self._size = tuple(self.fp.read(7)[5:])
        self._mode = "L"
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 7, ("L", 0, 1))]

def encode(picture):
    return b"PLAIN" + bytes(picture.size) + picture.pixels.tobytes()
'''
ROW = formats.Format(
    "PLAIN", (".plain",), "image/x-plain", (b"PLAIN",), "plain_format:PlainFile", encode="plain_format:encode"
)


@pytest.fixture
def plain(tmp_path, monkeypatch):
    (tmp_path / "plain_format.py").write_text(PLAIN)
    monkeypatch.syspath_prepend(tmp_path)
    yield formats.register(ROW)
    del formats.FORMATS["PLAIN"], formats._BY_EXTENSION[".plain"]


def test_a_format_from_outside_is_one_file_and_one_row(plain, tmp_path):
    gray = np.arange(60, dtype="uint8").reshape(6, 10)
    pio.write(Picture(gray), tmp_path / "a.plain")
    again = pio.read(tmp_path / "a.plain")
    assert again.format == "PLAIN"
    np.testing.assert_array_equal(again.pixels, gray)
    assert pio.is_picture_name("a.PLAIN")
    assert kind_of("folder/a.plain").name == "photograph"
    assert wanted_format("plain", None, "PNG") == "PLAIN"
    assert wanted_format(None, "image/x-plain", "PNG") == "PLAIN"
    # A film's name does not make it one.
    (tmp_path / "a.mpg").write_bytes((tmp_path / "a.plain").read_bytes())
    assert moving.moving_kind(tmp_path / "a.mpg") is None


@pytest.mark.parametrize(
    "row",
    [
        formats.Format("JPEG", (".new",), "image/new", (b"new",), "new:New"),
        formats.Format("NEW", (".new", ".jpg"), "image/new", (b"new",), "new:New"),
        formats.Format("new", (".new",), "image/new", (b"new",), "new:New"),
    ],
)
def test_a_row_takes_no_names_of_others(row):
    with pytest.raises(ValueError, match=row.name):
        formats.register(row)
    assert ".new" not in formats.EXTENSIONS


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"MM\0+", "TIFF"),
        (b"RIFF\0\0\0\0WEBPVP8L", "WEBP"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiafMA1B", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
        (b"\xff\x4f\xff\x51", "JPEG2000"),
    ],
)
def test_the_first_bytes_say_the_format(head, name):
    assert formats.sniff(head.ljust(64, b"\0")) == name


@pytest.mark.parametrize("head", [b"\0\0\0\x20ftypisom\0\0\0\0isomavc1", b"RIFF\0\0\0\0AVI LIST", b"BX", b""])
def test_other_files_start_otherwise(head):
    assert formats.known_by(head) is None


@pytest.mark.parametrize("head", [b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", b"FUJIFILMCCD-RAW 0201", b"IIU\0\x18\0\0\0"])
def test_raw_files_are_refused_by_name(head):
    with pytest.raises(UnsupportedFormat, match="is a camera's raw file"):
        formats.sniff(head.ljust(64, b"\0"))
