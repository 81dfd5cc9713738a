"""The mark: where it is, that it shows, and that strips give the same as the whole."""

import numpy as np
import pytest
from PIL import Image

from photochrom.painting.mark import Mark


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(400, 600), (600, 400), (60, 3000)])
def test_it_covers_a_corner_and_nothing_else(shape, dtype):
    full = 1 if dtype == "float32" else np.iinfo(dtype).max
    before = np.full((*shape, 3), full // 2 if full > 1 else 0.5, dtype)
    after = before.copy()
    mark = Mark(*shape)
    mark.draw(after)
    rows, columns = np.nonzero((after != before).any(-1))
    side = mark.side
    assert 10 <= side <= min(shape) // 3
    assert rows.min() >= shape[0] - 1.5 * side - 1
    assert rows.max() < shape[0] - side // 2
    assert columns.min() >= shape[1] - 1.5 * side - 1
    assert columns.max() < shape[1] - side // 2
    # A disc covers about three quarters of its square.
    assert 0.6 * side**2 < len(rows) <= side**2
    drawn = after[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(float) / full
    colorful = np.ptp(drawn, axis=-1)
    left, right = colorful[:, : side // 2 - 1], colorful[:, side // 2 + 1 :]
    assert left.max() < 0.02
    assert right.max() > 0.3


def test_strips_equal_the_whole():
    whole = np.random.default_rng(0).integers(0, 256, (120, 90, 3), "uint8")
    strips = whole.copy()
    Mark(120, 90).draw(whole)
    for top in range(0, 120, 7):
        Mark(120, 90).draw(strips[top : top + 7], top)
    np.testing.assert_array_equal(strips, whole)


@pytest.mark.parametrize("box", [(800, 600, 100, 100), (860, 650, 40, 50), (0, 0, 900, 700), (880, 0, 20, 700)])
def test_a_part_has_what_the_whole_has_there(box):
    before = np.random.default_rng(0).integers(0, 256, (700, 900, 3), "uint8")
    whole = before.copy()
    Mark(700, 900).draw(whole)
    left, top, width, height = box
    rows, columns = slice(top, top + height), slice(left, left + width)
    part = before[rows, columns].copy()
    Mark(700, 900).draw_part(part, box)
    assert (part != before[rows, columns]).any()
    assert np.abs(part.astype(int) - whole[rows, columns]).max() <= 1
    elsewhere = before[:100, :100].copy()
    Mark(700, 900).draw_part(elsewhere, (0, 0, 100, 100))
    np.testing.assert_array_equal(elsewhere, before[:100, :100])


@pytest.mark.parametrize(("box", "size"), [((901, 700, 899, 700), (450, 350)), ((1700, 1300, 100, 100), (33, 33))])
def test_a_small_copy_of_a_part_has_the_mark_smaller(box, size):
    whole = np.full((1400, 1800, 3), 0.5, "float32")
    Mark(1400, 1800).draw(whole)
    left, top, width, height = box
    planes = [Image.fromarray(whole[top : top + height, left : left + width, c].copy()) for c in range(3)]
    wanted = np.stack([np.asarray(plane.resize(size, Image.Resampling.BOX)) for plane in planes], -1)
    part = np.full((size[1], size[0], 3), 0.5, "float32")
    Mark(1400, 1800).draw_part(part, box)
    np.testing.assert_allclose(part, wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (20, 500), (29, 29)])
def test_a_picture_without_room_has_none(shape):
    before = np.full((*shape, 3), 90, "uint8")
    after = before.copy()
    Mark(*shape).draw(after)
    np.testing.assert_array_equal(after, before)
