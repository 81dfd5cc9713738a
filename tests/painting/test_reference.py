"""A reference picture: its colours go where it shows the same, and nowhere else."""

import numpy as np
import pytest
from PIL import Image

import photochrom
from photochrom import Colorizer, color
from photochrom.errors import BadSetting
from photochrom.painting.reference import METHODS, Points, Reference, transferred

LIGHT = np.repeat([[20.0, 50.0, 80.0]], 12, 0).repeat(4, 1)  # three stripes
TRUE = {20.0: (40, 20), 50.0: (-30, 30), 80.0: (0, -40)}
AB = np.array([[TRUE[value] for value in row] for row in LIGHT.tolist()], np.float64)
GRAY = np.zeros((12, 12, 2), np.float32)


def reference(light=LIGHT, ab=AB, log_p=None):
    return Reference(Points.of(light, log_p), ab.reshape(-1, 2))


@pytest.mark.parametrize("method", METHODS)
def test_the_same_picture_gets_its_own_colors(method):
    found = transferred(GRAY, LIGHT, None, [reference()], method)
    assert np.abs(found - AB).mean() < 3


def test_what_is_not_in_the_reference_keeps_the_networks_colors():
    only_dark = reference(np.full((12, 12), 20.0), np.full((12, 12, 2), 30.0))
    network = np.full((12, 12, 2), 7, np.float32)
    found = transferred(network, np.repeat([[20.0, 90.0]], 12, 0).repeat(6, 1), None, [only_dark])
    np.testing.assert_allclose(found[:, :3], 30, atol=2)
    np.testing.assert_allclose(found[:, 9:], 7, atol=1)


def test_the_distribution_tells_things_of_one_lightness_apart():
    flat = np.full((12, 12), 50.0)
    log_p = np.full((2, 12, 12), -9.0)
    log_p[0, :, :6] = log_p[1, :, 6:] = -1e-4
    ab = np.zeros((12, 12, 2))
    ab[:, :6], ab[:, 6:] = (30, 0), (0, 30)
    mirrored = log_p[:, :, ::-1]
    found = transferred(GRAY, flat, mirrored, [reference(flat, ab, log_p)])
    assert found[:, :5, 1].mean() > 15 > 5 > found[:, :5, 0].mean()
    assert found[:, 7:, 0].mean() > 15 > 5 > found[:, 7:, 1].mean()


def test_welsh_brings_lightness_to_the_same_range():
    faded = 40 + LIGHT / 5
    found = transferred(GRAY, faded, None, [reference()], "welsh")
    assert np.abs(found - AB).mean() < 3


def test_each_of_several_references_gives_what_it_has():
    dark, light = (reference(np.full((12, 12), value), np.full((12, 12, 2), ab)) for value, ab in ((20, 30), (80, -30)))
    found = transferred(GRAY, np.repeat([[20.0, 80.0]], 12, 0).repeat(6, 1), None, [dark, light])
    np.testing.assert_allclose(found[:, :4], 30, atol=3)
    np.testing.assert_allclose(found[:, 8:], -30, atol=3)


def test_of_photographs(drawn, tmp_path):
    picture = drawn(4, 96, 64)
    picture.save(tmp_path / "before.png")
    gray = np.asarray(picture.convert("L"))
    true = color.rgb_to_lab(np.asarray(picture) / 255)[..., 1:]

    def error(**settings):
        out = Colorizer(threads=1, **settings).colorize(gray)
        return np.linalg.norm(color.rgb_to_lab(out / 255)[..., 1:] - true, axis=-1).mean()

    assert error(references=[tmp_path / "before.png"]) < 0.6 * error()
    by_function = photochrom.colorize(gray, references=[tmp_path / "before.png"])
    assert (by_function == Colorizer(references=[tmp_path / "before.png"]).colorize(gray)).all()


def test_a_reference_that_cannot_be(tmp_path):
    Image.new("L", (40, 30), 90).save(tmp_path / "gray.png")
    with pytest.raises(BadSetting, match=r"gray\.png: the reference is gray; take a picture that has the colours"):
        Colorizer(references=[tmp_path / "gray.png"])
    with pytest.raises(BadSetting, match="the reference method is 'best'; it must be network or welsh"):
        Colorizer(reference_method="best")
