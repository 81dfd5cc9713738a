"""All eight ways in which a camera may hold a film, by the matrix in its file."""

import struct

import numpy as np
import pytest

from photochrom.video import colorize_film
from photochrom.video.reading import Reader

pytestmark = pytest.mark.slow
# (a, b, c, d) of the matrix: (x, y) is shown at (a x + c y, b x + d y).
WAYS = {
    (1, 0, 0, 1): lambda stored: stored,
    (-1, 0, 0, 1): lambda stored: stored[:, ::-1],
    (1, 0, 0, -1): lambda stored: stored[::-1],
    (-1, 0, 0, -1): lambda stored: stored[::-1, ::-1],
    (0, 1, -1, 0): lambda stored: np.rot90(stored, -1),
    (0, -1, 1, 0): lambda stored: np.rot90(stored),
    (0, 1, 1, 0): lambda stored: stored.T,
    (0, -1, -1, 0): lambda stored: np.rot90(stored, 2).T,
}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_film_is_shown_upright(film, colorizer, tmp_path, way, pixels_of):
    source = film(tmp_path / "plain.mov", frames=3)
    stored = next(Reader(source).frames()).gray
    data = bytearray(source.read_bytes())
    at = data.find(b"tkhd") + 44
    a, b, c, d = way
    back = [96 if sum(way[i::2]) < 0 else 0 for i in (0, 1)]
    values = (a << 16, b << 16, 0, c << 16, d << 16, 0, back[0] << 16, back[1] << 16, 1 << 30)
    data[at : at + 36] = struct.pack(">9i", *values)
    (tmp_path / "a.mov").write_bytes(data)
    wanted = WAYS[way](stored).astype(float)
    assert (next(Reader(tmp_path / "a.mov").frames()).gray == wanted).all()
    report = colorize_film(tmp_path / "a.mov", tmp_path / "b.mov", colorizer, consistency="frame")
    assert (report.height, report.width) == wanted.shape
    shown = pixels_of(tmp_path / "b.mov")[0].astype(float).mean(-1)
    assert np.corrcoef(shown.ravel(), wanted.ravel())[0, 1] > 0.98
    assert np.corrcoef(shown[::-1].ravel(), wanted.ravel())[0, 1] < 0.95
