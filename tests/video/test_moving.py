"""What is taken for a film, and what it is called."""

from pathlib import Path

import pytest
from PIL import Image

from photochrom import BadSetting
from photochrom.imaging.moving import check_target, kind_of
from photochrom.video import beside, is_film


@pytest.fixture
def moving(tmp_path, drawn):
    def save(name, count, form):
        path = tmp_path / name
        frames = [drawn(i) for i in range(count)]
        frames[0].save(path, form, save_all=True, append_images=frames[1:], duration=100)
        return path

    return save


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_a_picture_is_an_animation_by_its_frames(moving, form):
    assert kind_of(moving(f"still.{form.lower()}", 1, form)) is None
    assert kind_of(moving(f"moving.{form.lower()}", 3, form)) == "animation"


def test_content_counts_and_not_the_name(film, moving, tmp_path):
    path = film(tmp_path / "a.mp4", frames=2)
    assert kind_of(path.rename(tmp_path / "a.jpg")) == "film"
    assert kind_of(moving("b.jpg", 3, "GIF")) == "animation"
    Image.new("L", (8, 8)).save(tmp_path / "c.mp4", "JPEG")
    assert not is_film(tmp_path / "c.mp4")
    assert not is_film(tmp_path)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "avi", "ts"])
def test_containers_are_known_without_their_ending(film, tmp_path, ending):
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(ending, "libx264")
    path = film(tmp_path / f"a.{ending}", frames=12, codec=codec, pts=list(range(12)) if ending == "avi" else None)
    assert kind_of(path.rename(tmp_path / "nameless")) == "film"


def test_sequences_are_patterns(tmp_path):
    assert kind_of("frames/frame-%05d.png") == kind_of("%d.tif") == "sequence"
    (tmp_path / "100%d.png").write_bytes(b"")
    assert kind_of(tmp_path / "100%d.png") is None


def test_names_of_results():
    assert beside(Path("a/clip.mp4")) == Path("a/clip.color.mp4")
    assert beside(Path("a/old.mpg")) == Path("a/old.color.mp4")
    assert beside(Path("frame-%05d.png")) == Path("frame-%05d.color.png")


def test_targets_that_do_not_fit(film, moving, tmp_path):
    path = film(tmp_path / "a.mp4", frames=2)
    with pytest.raises(BadSetting, match=r"b\.gif: films are written as \.mp4"):
        check_target(path, tmp_path / "b.gif")
    with pytest.raises(BadSetting, match="animations are written as"):
        check_target(moving("b.gif", 2, "GIF"), tmp_path / "b.mp4")
    with pytest.raises(BadSetting, match="written as a sequence"):
        check_target(tmp_path / "%d.png", tmp_path / "b.png")
    with pytest.raises(BadSetting, match="is not a film"):
        check_target(tmp_path / "none.jpg", tmp_path / "b.mp4")
