"""Colours to choose from: likely ones that can be told apart, and those that everybody knows."""

import numpy as np
import pytest

from photochrom import color
from photochrom.painting.likely import likely_colors, usual_colors


def lab(color_):
    return color.rgb_to_lab(np.array([int(color_[i : i + 2], 16) for i in (1, 3, 5)]) / 255)


def test_likely_colors_are_the_peaks_of_the_distribution():
    values = np.array([[30.0, 25], [33, 27], [-30, 25], [0, -40], [0, 0]])
    found = likely_colors(np.array([0.3, 0.3, 0.25, 0.1, 0.05]), values, 55)
    assert [round(share, 2) for _, share in found] == [0.6, 0.25, 0.1, 0.05]
    for (given, _), ab in zip(found, ([31.5, 26], [-30, 25], [0, -40], [0, 0]), strict=True):
        assert lab(given)[0] == pytest.approx(55, abs=0.6)
        assert lab(given)[1:] == pytest.approx(ab, abs=4)


def test_what_cannot_be_told_apart_is_offered_once():
    values = np.stack(np.meshgrid([-40.0, 0, 40], [-40.0, 0, 40]), -1).reshape(-1, 2)
    p = np.full(9, 1 / 9)
    assert len(likely_colors(p, values, 55)) == 5
    assert len(likely_colors(p, values, 0.2)) == 1  # all is black


def test_usual_colors_are_as_light_as_the_photograph():
    for light in (12, 50, 85):
        found = usual_colors(light)
        assert list(found) == ["skin", "hair", "wood", "leaves", "sky"]
        assert [lab(each)[0] for each in found.values()] == pytest.approx([light] * 5, abs=0.8)
    assert lab(usual_colors(60)["sky"])[2] < -10 < 5 < lab(usual_colors(60)["skin"])[2]
