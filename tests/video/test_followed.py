"""Hints in films: found again where what they lie on has moved to, as long as it is seen."""

import cv2
import numpy as np
import pytest
from PIL import Image

from photochrom import BadSetting, Colorizer, Hint, Stroke
from photochrom.painting.hints import hinted
from photochrom.painting.upsample import GuidedChroma
from photochrom.video import colorize_film, followed, frame_size
from photochrom.video import film as film_module
from photochrom.video import pictures as pictures_module
from photochrom.video.followed import Moment, follow_hints

SIZE = (192, 128)
RATE = 10


def ground(seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (SIZE[1], 300))
    soft = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    return np.clip((soft - soft.mean()) * 6 + 128, 0, 255).astype(np.uint8)


def pan(count=20, step=2, cut=None):
    """Frames over which the view moves to the right, so that things move to the left."""
    grounds = [ground(seed) for seed in range(2)]
    return [grounds[cut is not None and i >= cut][:, step * i : step * i + SIZE[0]] for i in range(count)]


def reading(frames, calls=None):
    def moments(start):
        if calls is not None:
            calls.append(start)
        for i, gray in enumerate(frames):
            if (i + 1) / RATE > start:
                yield Moment(i, i / RATE, (i + 1) / RATE, gray)

    return moments


def places(found, key):
    """x and y of what is found of the first hint in a frame, pixels."""
    return found.frames[key][0].points * SIZE


def test_a_point_is_followed_both_ways():
    found = follow_hints([Hint(96, 64, "navy", time=1.0)], SIZE, reading(pan()))
    assert sorted(found.frames) == list(range(20))
    for i in range(20):
        np.testing.assert_allclose(places(found, i), [[96 - 2 * (i - 10), 64]], atol=1.5)
    assert found.notes() == ["the hint at 1 s is followed from 0.00 to 1.90 s"]
    assert found.frames[3][0].color == "navy"


def test_what_is_to_be_kept_is_followed_too():
    found = follow_hints([Hint(96, 64, "keep", time=1.0)], SIZE, reading(pan()))
    light = np.full((128, 192), 50, np.float32)
    brown = GuidedChroma.fit(np.tile(np.float32([8, 12]), (32, 48, 1)), light, (48.0, 32.0))
    ab = hinted(brown, light, [Hint(20, 64, "#2040a0"), *found.frames[10]]).strip(light, 0, 128)
    np.testing.assert_allclose(ab[64, 96], [8, 12], atol=2)
    assert ab[64, 20, 1] < -20


def test_what_leaves_the_picture_is_lost():
    found = follow_hints([Hint(9, 64, "navy", time=0.55)], SIZE, reading(pan()))
    # It is set in frame 5, and beyond the border four frames later.
    assert sorted(found.frames)[0] == 0
    assert 6 <= sorted(found.frames)[-1] <= 9


def test_what_is_hidden_is_lost_and_what_is_beside_it_is_not():
    frames = []
    for i in range(20):
        gray = ground()[:, : SIZE[0]].copy()
        left = 150 - 8 * i
        gray[40:90, max(0, left) : left + 40] = ground(7)[40:90, : left + 40 - max(0, left)]
        frames.append(gray)
    hints = [Hint(70, 64, "navy", time=0.0), Hint(70, 110, "red", time=0.0)]
    found = follow_hints(hints, SIZE, reading(frames))
    hidden, beside = found.tracks
    assert 0.7 <= hidden.last <= 1.1  # the edge is there in frame 10
    assert beside.last == 1.9


def test_a_cut_ends_it():
    found = follow_hints([Hint(96, 64, "navy", time=0.5)], SIZE, reading(pan(cut=10)))
    assert sorted(found.frames) == list(range(10))
    found = follow_hints([Hint(96, 64, "navy", time=1.5)], SIZE, reading(pan(cut=10)))
    assert sorted(found.frames) == list(range(10, 20))


def test_a_stroke_is_followed_point_by_point():
    stroke = Stroke(((4, 64), (120, 64)), "navy", width=3, time=0.0)
    found = follow_hints([stroke], SIZE, reading(pan()))
    x = places(found, 19)[:, 0]
    assert x.min() < 8
    assert abs(x.max() - (120 - 2 * 19)) < 4
    assert 0.5 < len(x) / len(places(found, 0)) < 0.9  # a third has left the picture
    rows, columns = found.frames[19][0].covers(SIZE, (48, 32)).T
    assert set(rows.tolist()) <= {15, 16}
    assert columns.max() == int(x.max() / 4)


def test_only_what_is_near_a_hint_is_read(monkeypatch):
    monkeypatch.setattr(followed, "BACK", 0.3)
    calls = []
    frames = pan(10, cut=3) + [255 - gray for gray in pan(30)]
    hints = [Hint(96, 64, "red", time=3.0), Hint(96, 64, "navy", time=0.1)]
    found = follow_hints(hints, SIZE, reading(frames, calls))
    assert [hint.hint.color for hint in found.tracks] == ["navy", "red"]
    assert calls == [0.0, 2.7]
    assert sorted(key for key in found.frames if key < 20) == [0, 1, 2]
    assert (found.tracks[1].first, found.tracks[1].last) == (2.7, 3.9)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Hint(1, 1, "red"), "in a film each hint needs a time"),
        (Hint(1, 1, "red", time=2.5), "the hint at 2.5 s is past the end of the film, which is 2.00 s long"),
        (Hint(192, 1, "red", time=1), "the hint at 192,1 lies outside the film, which is 192 x 128 pixels"),
    ],
)
def test_what_cannot_be(hint, words):
    with pytest.raises(BadSetting, match=words):
        follow_hints([hint], SIZE, reading(pan()))


@pytest.mark.slow
def test_a_film_with_hints_goes_on_to_the_same_bytes(film, colorizer, tmp_path, monkeypatch, pixels_of):
    monkeypatch.setattr(film_module, "SEGMENT", 5)
    source, hints = film(tmp_path / "a.mp4", frames=14, cut_at=8), [Hint(40, 50, "#c02020", time=0.2)]
    assert frame_size(source) == (96, 64)
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, hints=hints)
    assert report.notes[0] == "the hint at 0.2 s is followed from 0.00 to 0.29 s"

    def stop(progress):
        if progress.done == 7:
            raise KeyError

    with pytest.raises(KeyError):
        colorize_film(source, tmp_path / "c.mp4", colorizer, hints=hints, progress=stop)
    report = colorize_film(source, tmp_path / "c.mp4", colorizer, hints=hints)
    assert report.resumed == 5
    assert (tmp_path / "c.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()

    colorize_film(source, tmp_path / "plain.mp4", colorizer)
    reds = [pixels_of(tmp_path / name).astype(int)[..., 0] for name in ("b.mp4", "plain.mp4")]
    more = (reds[0] - reds[1])[:, 46:54, 36:44].mean((1, 2))
    assert (more[:8] > 20).all()
    assert np.abs(more[8:]).max() < 3


@pytest.mark.slow
def test_other_hints_begin_anew(film, colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film_module, "SEGMENT", 5)
    source = film(tmp_path / "a.mp4", frames=8)

    def stop(progress):
        if progress.done == 6:
            raise KeyError

    with pytest.raises(KeyError):
        colorize_film(source, tmp_path / "b.mp4", colorizer, hints=[Hint(40, 50, "red", time=0.2)], progress=stop)
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, hints=[Hint(40, 50, "blue", time=0.2)])
    assert report.resumed == 0


@pytest.mark.slow
def test_a_moving_gif_takes_hints(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures_module, "SEGMENT", 2)
    # Shown for no time, each frame lasts a tenth of a second, as in browsers.
    first, *others = [Image.fromarray(gray) for gray in pan(6)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=0)
    hints = [Hint(96, 64, "#c02020", time=0.35)]
    report = colorize_film(tmp_path / "a.gif", tmp_path / "b.gif", colorizer, hints=hints)
    assert report.notes == ("the hint at 0.35 s is followed from 0.00 to 0.50 s",)
    colorize_film(tmp_path / "a.gif", tmp_path / "c.gif", colorizer)
    for i in range(6):
        pixels = []
        for name in ("b.gif", "c.gif"):
            with Image.open(tmp_path / name) as image:
                image.seek(i)
                pixels.append(np.asarray(image.convert("RGB")).astype(int))
        x = 96 - 2 * (i - 3)
        assert (pixels[0] - pixels[1])[60:68, x - 4 : x + 4, 0].mean() > 15
    with pytest.raises(BadSetting, match="the hint at 9 s is past the end of the film"):
        colorize_film(tmp_path / "a.gif", tmp_path / "d.gif", colorizer, hints=[Hint(1, 1, "red", time=9)])
    with pytest.raises(BadSetting, match="numbered pictures have no times, so no hints"):
        colorize_film(tmp_path / "f-%d.png", tmp_path / "g-%d.png", colorizer, hints=hints)


@pytest.mark.slow
def test_a_frame_set_right_colours_a_film(film, tiny, tmp_path, monkeypatch, drawn_scene, pixels_of):
    monkeypatch.setattr(film_module, "SEGMENT", 4)
    source = film(tmp_path / "a.mp4", frames=8)
    for name, color in (("red", (1.0, 0.5, 0.4)), ("blue", (0.4, 0.5, 1.0))):
        rgb = (drawn_scene(0)[..., None] * color).astype(np.uint8)
        Image.fromarray(rgb).save(tmp_path / f"{name}.png")
    red, blue = (Colorizer(tiny, threads=1, references=[tmp_path / f"{name}.png"]) for name in ("red", "blue"))

    def stop(progress):
        if progress.done == 6:
            raise KeyError

    colorize_film(source, tmp_path / "red.mp4", red)
    with pytest.raises(KeyError):
        colorize_film(source, tmp_path / "blue.mp4", red, progress=stop)
    assert colorize_film(source, tmp_path / "blue.mp4", blue).resumed == 0
    means = [pixels_of(tmp_path / name).astype(int).mean((1, 2)) for name in ("red.mp4", "blue.mp4")]
    assert (means[0][:, 0] - means[0][:, 2] > means[1][:, 0] - means[1][:, 2] + 40).all()
