"""What is taken for a film, and what it is called."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from photochrom import BadSetting
from photochrom.imaging.moving import check_target, moving_kind
from photochrom.imaging.result_names import beside
from photochrom.video import colorize_film, is_film


@pytest.fixture
def moving(tmp_path, drawn):
    def save(name, count, form):
        path = tmp_path / name
        frames = [drawn(i) for i in range(count)]
        frames[0].save(path, form, save_all=True, append_images=frames[1:], duration=100)
        return path

    return save


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_a_picture_is_an_animation_by_its_frames(moving, form):
    assert moving_kind(moving(f"still.{form.lower()}", 1, form)) is None
    assert moving_kind(moving(f"moving.{form.lower()}", 3, form)) == "animation"


def test_metadata_may_stand_before_the_frames_of_a_png(tmp_path):
    frames = [Image.new("L", (8, 8), level) for level in (0, 99)]
    exif = Image.Exif()
    exif[0x010E] = "x" * 6000  # the description
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], exif=exif)
    data = (tmp_path / "a.png").read_bytes()
    assert data.index(b"acTL") > 4096
    assert moving_kind(tmp_path / "a.png") == "animation"
    (tmp_path / "b.png").write_bytes(data[:5000])
    assert moving_kind(tmp_path / "b.png") is None, "it ends before"


def test_content_counts_and_not_the_name(film, moving, tmp_path):
    path = film(tmp_path / "a.mp4", frames=2)
    assert moving_kind(path.rename(tmp_path / "a.jpg")) == "film"
    assert moving_kind(moving("b.jpg", 3, "GIF")) == "animation"
    Image.new("L", (8, 8)).save(tmp_path / "c.mp4", "JPEG")
    assert not is_film(tmp_path / "c.mp4")
    assert not is_film(tmp_path)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "avi", "ts"])
def test_containers_are_known_without_their_ending(film, tmp_path, ending):
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(ending, "libx264")
    path = film(tmp_path / f"a.{ending}", frames=12, codec=codec, pts=list(range(12)) if ending == "avi" else None)
    assert moving_kind(path.rename(tmp_path / "nameless")) == "film"


@pytest.mark.parametrize(
    ("codec", "form", "size"),
    [
        ("dvvideo", "dv", (720, 576)),
        ("mpeg2video", "mxf", (96, 64)),
        ("wrapped_avframe", "yuv4mpegpipe", (96, 64)),
        ("libx264", "h264", (96, 64)),
        ("libx265", "hevc", (96, 64)),
        ("mpeg2video", "mpeg2video", (96, 64)),
        ("mpeg4", "m4v", (96, 64)),
        ("mpeg2video", "vob", (96, 64)),
        ("libvpx-vp9", "ivf", (96, 64)),
        ("mpeg4", "nut", (96, 64)),
    ],
)
def test_what_has_no_usual_container_is_a_film_by_its_content(colorizer, tmp_path, drawn_scene, codec, form, size):
    path = tmp_path / "tape"
    with av.open(str(path), "w", format=form) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(drawn_scene(i, *size), format="gray").reformat(format="yuv420p")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    assert moving_kind(path) == "film"
    report = colorize_film(path, tmp_path / "b.mp4", colorizer, consistency="frame")
    assert report.frames == 5
    with av.open(str(tmp_path / "b.mp4")) as file:
        times = [float(frame.pts * frame.time_base) for frame in file.decode(video=0)]
    assert np.diff(times) == pytest.approx(np.full(4, 0.04), abs=0.001)


def test_sound_in_a_films_container_is_no_film(tmp_path):
    (tmp_path / "song.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(400))
    assert moving_kind(tmp_path / "song.m4a") is None


def test_a_space_of_the_web_is_no_number(film, tmp_path):
    path = film(tmp_path / "a.ts", frames=2).rename(tmp_path / "summer%20day.mpg")
    assert moving_kind(path) == "film"
    assert beside(path) == tmp_path / "summer%20day.color.mp4"
    assert moving_kind("summer%20day.mpg") == "film"
    assert beside(Path("scan%20day-%03d.png")) == Path("scan%20day-%03d.color.png")
    assert [moving_kind(f"a-%{digits}d.png") for digits in ("", "3", "04", "012", "20")] == ["sequence"] * 4 + [None]


def test_sequences_are_patterns(tmp_path):
    assert moving_kind("frames/frame-%05d.png") == moving_kind("%d.tif") == "sequence"
    (tmp_path / "100%d.png").write_bytes(b"")
    assert moving_kind(tmp_path / "100%d.png") is None


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
