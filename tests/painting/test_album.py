"""An album as reference: the pictures most like a photograph are found, and give it their colours."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import BadSetting, Colorizer
from photochrom.painting import album as album_module
from photochrom.painting.album import Album, signature
from photochrom.painting.reference import Points, Reference


def stripes(*levels):
    """L (24, 24) in horizontal stripes."""
    return np.repeat(levels, 24 // len(levels)).astype(np.float64)[:, None] + np.zeros(24)


def test_signatures_tell_what_is_where():
    sky_above, sea_below = signature(stripes(80, 30), None), signature(stripes(30, 80), None)
    assert sky_above @ signature(stripes(82, 31), None) > 0.99
    assert sky_above @ sea_below < 0.01
    # What the network sees counts more than lightness.
    log_p = np.full((2, 24, 24), -12.0)
    log_p[0] = -1e-5
    same, other = signature(stripes(80, 30), log_p), signature(stripes(30, 80), log_p)
    assert same @ other == pytest.approx(0.75, abs=0.01)
    assert same @ signature(stripes(80, 30), log_p[::-1]) == pytest.approx(0.25, abs=0.01)


def test_the_nearest_three_and_few_are_held(tmp_path, monkeypatch):
    monkeypatch.setattr(album_module, "HELD", 3)
    lights = {f"{i}.png": stripes(10 + 13 * i) for i in range(7)}
    for name in (*lights, "old.color.png", "old.color-2.jpg", "notes.txt"):
        (tmp_path / name).touch()
    album = Album.of(tmp_path, lambda path: signature(lights[path.name], None))
    assert [path.name for path in album.paths] == sorted(lights)
    looked = []

    def look(path):
        looked.append(path.name)
        light = lights[path.name]
        return Reference(Points.of(light, None), np.zeros((light.size, 2)))

    for level, expected in ((36, "2.png"), (36, "2.png"), (88, "6.png")):
        assert len(album.like(signature(stripes(level), None), look)) == 3
        assert expected in looked
    assert sorted(looked) == ["0.png", "1.png", "2.png", "6.png"]  # once each
    again = pickle.loads(pickle.dumps(album))
    assert again.paths == album.paths
    assert len(again.like(signature(stripes(36), None), look)) == 3


def test_a_large_folder_is_looked_at_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr(album_module, "MOST", 4)
    for i in range(9):
        (tmp_path / f"{i}.png").touch()
    album = Album.of(tmp_path, lambda path: np.ones(1))
    assert [path.name for path in album.paths] == ["0.png", "3.png", "6.png"]


@pytest.mark.slow
def test_a_photograph_gets_the_colours_of_the_like_of_it(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(album_module, "NEAREST", 1)
    folder = tmp_path / "album"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, color, levels in (("red", (1.0, 0.4, 0.3), (60, 160)), ("blue", (0.3, 0.5, 1.0), (160, 60))):
        gray = np.repeat(levels, 24)[:, None, None] + rng.normal(0, 4, (48, 48, 1))
        Image.fromarray(np.clip(gray * color, 0, 255).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    session = Colorizer(tiny, threads=1, like=folder)
    assert [path.name for path in session.album.paths] == ["blue.png", "red.png"]
    # Another session, as in another process, takes what was found.
    assert Colorizer(**session.settings).album is session.album
    with Image.open(folder / "red.png") as image:
        gray = np.asarray(image.convert("L"))
    # The other one of the two is as light, in other places.
    red, blue = (session.colorize(each).astype(int) for each in (gray, gray[::-1]))
    assert (red[..., 0] - red[..., 2]).mean() > 20 > -20 > (blue[..., 0] - blue[..., 2]).mean()


@pytest.mark.slow
def test_folders_that_are_no_album(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "gray").mkdir()
    Image.new("L", (8, 8), 90).save(tmp_path / "gray" / "a.png")
    (tmp_path / "file.png").touch()
    for name, message in (
        ("none", "none does not exist; give a folder of pictures in colour"),
        ("file.png", "is not a folder"),
        ("empty", "holds no pictures"),
        ("gray", r"has no picture in colour that can be read \(1 picture\)"),
    ):
        with pytest.raises(BadSetting, match=message):
            Colorizer(tiny, threads=1, like=Path(tmp_path, name))
