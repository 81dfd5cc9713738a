"""The contact sheet, by the colours that must stand in its cells."""

import numpy as np
import pytest
from PIL import Image

from photochrom._support.contact_sheet import SheetRow, contact_sheet, thumbnail
from photochrom.errors import BadSetting

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(rgb: tuple[int, int, int], height: int = 30, width: int = 40) -> np.ndarray:
    return np.broadcast_to(np.array(rgb, np.uint8), (height, width, 3)).copy()


def row(label: str = "a photograph") -> SheetRow:
    return SheetRow(label, [plain(RED), plain(GREEN), plain(BLUE)])


def extent(sheet: Image.Image, rgb: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height of the pixels of one colour."""
    y, x = np.nonzero((np.asarray(sheet) == rgb).all(-1))
    return x.min(), y.min(), x.max() - x.min() + 1, y.max() - y.min() + 1


def test_cells_stand_in_a_row_letterboxed_on_white():
    sheet = contact_sheet([row()], cell=80)
    assert sheet.mode == "RGB"
    boxes = [extent(sheet, rgb) for rgb in (RED, GREEN, BLUE)]
    assert [box[2:] for box in boxes] == [(80, 60)] * 3
    assert [box[0] for box in boxes] == [8, 96, 184]
    assert len({box[1] for box in boxes}) == 1
    assert sheet.size == (272, boxes[0][1] + 60 + 10 + 8)
    pixels = np.asarray(sheet)
    assert (pixels[boxes[0][1] - 9 : boxes[0][1], :] == 255).all()  # the letterbox above the pictures
    assert (pixels[:, 88:96] == 255).all(-1).mean() > 0.9


def test_upright_pictures_are_centred():
    sheet = contact_sheet([SheetRow("upright", [plain(RED, 40, 20)])], ["only"], cell=80)
    left, _, width, height = extent(sheet, RED)
    assert (left, width, height) == (8 + 20, 40, 80)


def test_captions_and_labels_are_drawn():
    empty = contact_sheet([SheetRow("", [plain(RED)])], [""], cell=160)
    named = contact_sheet([SheetRow("portrait", [plain(RED)])], ["truth"], cell=160)
    assert empty.size == named.size
    changed = np.nonzero((np.asarray(empty) != np.asarray(named)).any((1, 2)))[0]
    top = extent(named, RED)[1]
    assert changed.max() < top
    assert changed.max() - changed.min() > 12  # both lines, the heading and the label
    assert np.asarray(named)[:top].min() < 60


def test_a_long_label_is_shortened_to_its_row():
    sheet = contact_sheet([row("a very long name " * 20)], cell=40)
    assert (np.asarray(sheet)[:, -8:] == 255).all()


def test_more_columns_and_blocks():
    rows = [SheetRow(str(i), [plain(RED)] * 5) for i in range(5)]
    columns = ["gray", "small", "large", "paper", "truth"]
    one, two = contact_sheet(rows, columns, cell=32), contact_sheet(rows, columns, cell=32, across=2)
    assert two.width == 2 * one.width
    assert two.height < one.height
    red = (np.asarray(one) == RED).all(-1).sum()
    assert red == (np.asarray(two) == RED).all(-1).sum() == 25 * 32 * 24


def test_a_long_sheet_is_folded_without_empty_blocks():
    small = thumbnail(plain(RED), 16)
    sheet = contact_sheet([SheetRow("x", [small])] * 199, ["a"], cell=16)
    assert sheet.width == 5 * 32
    assert sheet.height < 2000
    assert contact_sheet([SheetRow("x", [small])] * 4, ["a"], cell=16, across=3).width == 2 * 32


@pytest.mark.parametrize(
    "picture",
    [
        plain((128, 128, 128)),
        plain((128, 128, 128))[..., 0],
        plain((128, 128, 128)).astype(np.float32) / 255,
        Image.fromarray(plain((128, 128, 128))),
        Image.fromarray(plain((128, 128, 128))).quantize(2),
        Image.fromarray(plain((128, 128, 128))).convert("L"),
    ],
)
def test_thumbnail_takes_every_kind_of_picture(picture):
    small = thumbnail(picture, 20)
    assert small.size == (20, 15)
    assert np.abs(np.asarray(small, int) - 128).max() == 0


def test_thumbnail_of_transparency_and_of_extreme_shapes():
    assert (np.asarray(thumbnail(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), 16)) == 255).all()
    assert thumbnail(plain(RED, 1, 1000), 50).size == (50, 1)
    assert thumbnail(plain(RED, 2, 1), 50).size == (25, 50)


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.int64), np.zeros((0, 4, 3))])
def test_thumbnail_refuses_other_arrays(picture):
    with pytest.raises(BadSetting, match="picture on a sheet"):
        thumbnail(picture)


def test_a_sheet_refuses_what_it_cannot_lay_out():
    with pytest.raises(BadSetting, match="at least one"):
        contact_sheet([])
    with pytest.raises(BadSetting, match="'short' has 1 pictures for 3 columns"):
        contact_sheet([SheetRow("short", [plain(RED)])])
    with pytest.raises(BadSetting, match="16 pixels"):
        contact_sheet([row()], cell=2)
