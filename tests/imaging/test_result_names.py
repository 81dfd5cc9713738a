"""Where results go, and which photograph an error is about."""

from pathlib import Path

import pytest

from photochrom.errors import BadCheckpoint, MissingExtra, OutOfMemory, UnreadableImage
from photochrom.imaging.result_names import beside, errors_naming, picture_name


def test_a_name_without_an_ending_gets_that_of_its_format(tmp_path, png):
    (tmp_path / "scan").write_bytes(png(0))
    assert picture_name(tmp_path / "scan") == "scan.png"
    assert picture_name(tmp_path / "scan.JPG") == "scan.JPG"
    assert picture_name(tmp_path / "gone") == "gone.png"
    assert beside(tmp_path / "scan") == tmp_path / "scan.color.png"


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_folder_has_no_name(path):
    with pytest.raises(UnreadableImage, match="is a folder; give a picture file"):
        beside(Path(path))


def test_errors_get_the_name_of_the_photograph():
    with pytest.raises(BadCheckpoint, match=r"^a\.png: it is broken$"), errors_naming("a.png"):
        raise BadCheckpoint("it is broken")
    with pytest.raises(OutOfMemory, match=r"^a\.png: memory ran out; colour a smaller copy$"), errors_naming("a.png"):
        raise MemoryError
    with pytest.raises(MissingExtra, match=r"^reading HEIC needs the extra 'heif'"), errors_naming("a.png"):
        raise MissingExtra("reading HEIC", "heif")
