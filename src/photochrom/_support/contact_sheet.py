"""A contact sheet: pictures side by side, to be looked at, because no number shows a green face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from photochrom.errors import BadSetting

_GAP = 8
_ROWS_PER_BLOCK = 40
_INK = (20, 20, 20)


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One photograph in several versions.

    Args:
        label: stands above the cells; it is shortened to their width.
        pictures: one for each column, as `thumbnail` takes them. Thumbnails keep a long sheet's memory small.
    """

    label: str
    pictures: Sequence[Image.Image | np.ndarray]


def thumbnail(picture: Image.Image | np.ndarray, cell: int = 192) -> Image.Image:
    """Fit a picture into a square cell, keeping its proportions.

    Args:
        picture: PIL in any mode (alpha on white), or (H, W) or (H, W, 3), uint8 or floating 0..1.
        cell: the longer side of the result, pixels; smaller pictures are enlarged.

    Raises:
        BadSetting: an array of another kind.
    """
    image = picture if isinstance(picture, Image.Image) else _from_array(picture)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    scale = cell / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def contact_sheet(
    rows: Sequence[SheetRow],
    columns: Sequence[str] = ("gray", "ours", "truth"),
    *,
    cell: int = 192,
    across: int | None = None,
) -> Image.Image:
    """Lay photographs out as labelled rows of cells on white.

    Args:
        rows: one for each photograph.
        columns: captions of the versions; more than three for several models.
        cell: the side of a cell, pixels.
        across: how many blocks of rows stand side by side; by default as many as keep each to about 40 rows, since
            few programs show a picture of 40,000 pixels.

    Returns:
        An RGB image.

    Raises:
        BadSetting: no rows or columns, a cell under 16 pixels, or a row with another number of pictures.
    """
    _check(rows, columns, cell, across)
    blocks = min(len(rows), across or -(-len(rows) // _ROWS_PER_BLOCK))
    per_block = -(-len(rows) // blocks)
    blocks = -(-len(rows) // per_block)
    font = ImageFont.load_default(size=max(10, cell // 13))
    line = round(font.getbbox("Ägjy")[3]) + 4
    width, height = len(columns) * (cell + _GAP) + _GAP, line + cell + _GAP
    sheet = Image.new("RGB", (blocks * width, line + 2 * _GAP + per_block * height), "white")
    draw = ImageDraw.Draw(sheet)
    for left in range(_GAP, blocks * width, width):
        for i, caption in enumerate(columns):
            middle = left + i * (cell + _GAP) + cell // 2
            draw.text((middle, _GAP), _shorten(caption, cell, font), fill=_INK, font=font, anchor="ma")
    for index, row in enumerate(rows):
        block, place = divmod(index, per_block)
        left, top = block * width + _GAP, line + 2 * _GAP + place * height
        draw.text((left, top), _shorten(row.label, width - 2 * _GAP, font), fill=_INK, font=font, anchor="la")
        for i, picture in enumerate(row.pictures):
            _paste(sheet, thumbnail(picture, cell), (left + i * (cell + _GAP), top + line), cell)
    return sheet


def _paste(sheet: Image.Image, small: Image.Image, corner: tuple[int, int], cell: int) -> None:
    x, y = corner
    sheet.paste(small, (x + (cell - small.width) // 2, y + (cell - small.height) // 2))


def _check(rows: Sequence[SheetRow], columns: Sequence[str], cell: int, across: int | None) -> None:
    if not rows or not columns:
        raise BadSetting("a contact sheet needs at least one row and one column")
    if cell < 16 or (across is not None and across < 1):
        raise BadSetting(f"a contact sheet needs cells of 16 pixels or more and 1 block or more, not {cell}, {across}")
    for row in rows:
        if len(row.pictures) != len(columns):
            raise BadSetting(f"'{row.label}' has {len(row.pictures)} pictures for {len(columns)} columns")


def _from_array(picture: np.ndarray) -> Image.Image:
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[-1] != 3) or not picture.size:
        raise BadSetting(f"a picture on a sheet is (H, W) or (H, W, 3), not {picture.shape}")
    if picture.dtype.kind == "f":
        picture = np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise BadSetting(f"a picture on a sheet is uint8 or floating 0..1, not {picture.dtype}")
    return Image.fromarray(picture)


def _shorten(text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
