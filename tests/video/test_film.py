"""Films: what is kept, what is coloured, and what is left when something goes wrong."""

import contextlib
import math
import os
import resource
import signal
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from photochrom import BadSetting, ImageTooLarge, UnreadableFilm, WriteFailed, color
from photochrom.video import colorize_film
from photochrom.video import film as film_module
from photochrom.video.reading import Reader

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch):
    monkeypatch.setattr(film_module, "SEGMENT", 10)


def packets(path, kind):
    """(seconds, bytes) of each packet of the first stream of a kind."""
    with av.open(str(path)) as file:
        stream = next(s for s in file.streams if s.type == kind)
        return [(p.pts * p.time_base, bytes(p)) for p in file.demux(stream) if p.size]


def test_colours_are_the_models_and_lightness_is_the_films(film, colorizer, tmp_path, drawn_scene, pixels_of):
    source = film(tmp_path / "a.mp4", pixels="yuv444p")
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame", crf=4)
    assert (report.frames, report.width, report.height, report.has_color) == (24, 96, 64, False)
    result = pixels_of(tmp_path / "b.mp4")
    for i in (0, 12, 23):
        gray = drawn_scene(i)
        lab = color.rgb_to_lab(result[i] / 255.0)
        light = color.srgb_to_lightness(gray)
        assert np.abs(lab[..., 0] - light).mean() < 1
        # Where it is even, chroma is what the network says of that lightness.
        x = (light - 50) / 50
        even = (slice(40, 60), slice(8, 88))
        assert np.abs(lab[even][..., 1] - (33 * x + 11)[even]).mean() < 2
        assert np.abs(lab[even][..., 2] - (-22 * x + 5.5)[even]).mean() < 2


def test_uneven_times_stay_to_the_tick(film, colorizer, tmp_path, times_of):
    pts = [0, 20, 61, 62, 100, 300, 301, 340, 377, 400, 500, 640, 650]
    source = film(tmp_path / "a.mp4", pts=pts)
    colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    assert times_of(tmp_path / "b.mp4") == [Fraction(t, 600) for t in pts]


def test_sound_subtitles_chapters_and_words_go_along(film, colorizer, tmp_path):
    source = film(tmp_path / "a.mkv", sound="aac", subtitles=True, chapters=True)
    report = colorize_film(source, tmp_path / "b.mkv", colorizer, consistency="frame")
    assert report.notes == ()
    for kind in ("audio", "subtitle"):
        assert packets(source, kind) == packets(tmp_path / "b.mkv", kind)
    with av.open(str(tmp_path / "b.mkv")) as new:
        chapters = [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]) for c in new.chapters()]
        assert chapters == [
            (0, Fraction(2, 5), {"title": "C0"}),
            (Fraction(2, 5), Fraction(4, 5), {"title": "C1"}),
        ]
        assert new.metadata["title"] == "A test"
        assert "photochrom" in new.metadata["COMMENT"]
        assert new.streams.video[0].metadata["language"] == "eng"


@pytest.mark.parametrize(("angle", "pixel"), [(90, "right"), (180, "bottom"), (-90, "left")])
def test_a_turned_film_is_coloured_upright(film, colorizer, tmp_path, angle, pixel, pixels_of):
    source = film(tmp_path / "a.mp4", turned=angle, frames=3)
    with av.open(str(source)) as file:
        raw = next(file.decode(video=0))
        upright = np.rot90(raw.to_ndarray(format="gray"), round(raw.rotation / 90) % 4)
    colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    first = pixels_of(tmp_path / "b.mp4")[0].astype(float)
    assert first.shape[:2] == upright.shape == ((96, 64) if angle % 180 else (64, 96))
    assert np.corrcoef(first.mean(-1).ravel(), upright.ravel())[0, 1] > 0.98


def test_odd_sizes_are_bordered_by_a_pixel(film, colorizer, tmp_path, pixels_of):
    source = film(tmp_path / "a.mp4", size=(95, 63), pixels="yuv444p", frames=4)
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame", crf=4)
    assert (report.width, report.height) == (96, 64)
    assert "95 x 63 was padded" in report.notes[0]
    result = pixels_of(tmp_path / "b.mp4").astype(int)
    assert np.abs(result[:, :, 95] - result[:, :, 94]).mean() < 6


def test_a_part(film, colorizer, tmp_path, times_of, drawn_scene, pixels_of):
    source = film(tmp_path / "a.mp4", sound="aac")
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame", start=0.5, end=0.75)
    # Frames are 1/24 s apart; 12 to 17 lie in the part.
    assert report.frames == 6
    assert times_of(tmp_path / "b.mp4") == [Fraction(i, 24) for i in range(6)]
    first = pixels_of(tmp_path / "b.mp4")[0].astype(float).mean(-1)
    errors = [np.abs(first - drawn_scene(i)).mean() for i in range(24)]
    assert int(np.argmin(errors)) == 12
    sound = packets(tmp_path / "b.mp4", "audio")
    assert 0 <= sound[0][0] < 0.03
    assert 0.2 < sound[-1][0] < 0.26


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_reordered_pictures_keep_their_times(film, colorizer, tmp_path, times_of, ending, codec):
    irregular = [100 * i for i in range(8)] + [800 + 25 * i for i in range(16)]
    source = film(tmp_path / f"a.{ending}", codec=codec, reordered=3, pts=irregular, sound="aac")
    with av.open(str(source)) as file:
        read = [packet.pts for packet in file.demux(video=0) if packet.size]
    assert read != sorted(read), "pictures are reordered"
    report = colorize_film(source, tmp_path / f"b.{ending}", colorizer, consistency="frame")
    assert report.notes == ()
    assert times_of(tmp_path / f"b.{ending}") == times_of(source)


def test_a_part_beyond_the_end_is_refused(film, colorizer, tmp_path):
    source = film(tmp_path / "a.mp4", frames=4)
    with pytest.raises(BadSetting, match="has no frame from 9 s on"):
        colorize_film(source, tmp_path / "b.mp4", colorizer, start=9)
    for start, end, told in (
        (2, 1, "from 2 to 1 s"),
        (math.nan, None, "from nan s on"),
        (0, math.inf, "from 0 to inf s"),
    ):
        with pytest.raises(BadSetting, match=f"end after its start, not {told}"):
            colorize_film(source, tmp_path / "b.mp4", colorizer, start=start, end=end)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"], "there is nothing to go on with"


class Stop(Exception):
    pass


def broken_and_resumed(source, folder, ending, colorizer, **how):
    """Colour 34 frames at once, and again with two interruptions: the second report, and whether both films agree."""
    whole, broken = folder / f"whole.{ending}", folder / f"broken.{ending}"
    colorize_film(source, whole, colorizer, **how)

    def stop(at):
        def listener(progress):
            if progress.done == at:
                raise Stop

        return listener

    for at in (15, 25):
        with pytest.raises(Stop):
            colorize_film(source, broken, colorizer, progress=stop(at), **how)
        assert not broken.exists()
    report = colorize_film(source, broken, colorizer, **how)
    assert not list(folder.glob(".*"))
    return report, broken.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("ending", ["mp4", "mkv", "webm"])
@pytest.mark.parametrize("consistency", ["frame", "flow", "steadying"])
def test_goes_on_at_the_last_whole_segment_to_the_same_bytes(film, colorizer, tmp_path, ending, consistency, request):
    if consistency == "steadying":
        consistency = str(request.getfixturevalue(consistency))
    source = film(tmp_path / "a.mp4", frames=34, cut_at=17)
    report, same = broken_and_resumed(source, tmp_path, ending, colorizer, consistency=consistency)
    assert (report.frames, report.resumed) == (34, 20)
    assert report.cuts == (1 if consistency == "flow" else 0)
    assert same


def test_fields_go_on_to_the_same_bytes(colorizer, tmp_path):
    # At this size x264's threads would not agree with themselves.
    source = fielded_film(tmp_path / "a.mp4", size=(320, 180), options={"x264-params": "tff=1"}, frames=34)
    report, same = broken_and_resumed(source, tmp_path, "mp4", colorizer)
    assert (report.resumed, same) == (20, True)


@pytest.mark.parametrize("codec", ["hevc", "av1", "ffv1"])
def test_ten_bits_go_on_to_the_same_bytes(colorizer, tmp_path, codec):
    source = deep_film(tmp_path / "a.mkv", frames=34)
    report, same = broken_and_resumed(source, tmp_path, "mkv", colorizer, codec=codec)
    assert (report.resumed, same) == (20, True)


def test_other_settings_begin_anew(film, colorizer, tmp_path):
    source, target = film(tmp_path / "a.mp4"), tmp_path / "b.mp4"

    def stop(progress):
        if progress.done == 15:
            raise Stop

    with pytest.raises(Stop):
        colorize_film(source, target, colorizer, consistency="frame", progress=stop)
    assert colorize_film(source, target, colorizer, consistency="frame", crf=30).resumed == 0


def test_a_broken_frame_is_repeated_and_told(film, colorizer, tmp_path, times_of):
    source = film(tmp_path / "a.mkv", gop=1, codec="mpeg4")
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as file:
        payload = [bytes(p) for p in file.demux(video=0) if p.size][8]
    at = data.find(payload)
    data[at : at + len(payload)] = bytes(len(payload))
    (tmp_path / "broken.mkv").write_bytes(data)
    seen = []
    report = colorize_film(
        tmp_path / "broken.mkv", tmp_path / "b.mkv", colorizer, consistency="frame", progress=seen.append
    )
    assert report.frames == 24
    assert report.repeated == (pytest.approx(8 / 24, abs=0.001),)
    assert len(times_of(tmp_path / "b.mkv")) == 24
    assert [p.done for p in seen] == list(range(1, 25))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"no film at all", "is not a film"),
        (b"\0\0\0\x18ftypisom" + bytes(400), "cannot be read as a film"),
        (b"\x1aE\xdf\xa3" + b"\xff" * 400, "cannot be read as a film"),
        (b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(400), "a.mp4"),
    ],
)
def test_what_is_no_film_is_named_in_one_line(colorizer, tmp_path, content, words):
    source = tmp_path / "a.mp4"
    source.write_bytes(content)
    if words == "is not a film":
        source = source.rename(tmp_path / "a.txt")
    with pytest.raises((UnreadableFilm, BadSetting), match=words) as caught:
        colorize_film(source, tmp_path / "b.mp4", colorizer)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "b.mp4").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_truncated_film_gives_what_is_there(film, colorizer, tmp_path):
    source = film(tmp_path / "a.mkv")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(source.read_bytes()[: source.stat().st_size * 2 // 3])
    report = colorize_film(cut, tmp_path / "b.mkv", colorizer, consistency="frame")
    assert 10 < report.frames < 24


def test_sound_only_is_no_film(colorizer, tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with pytest.raises(UnreadableFilm, match="no moving picture"):
        colorize_film(tmp_path / "a.mp4", tmp_path / "b.mp4", colorizer)


def test_large_frames_are_refused(film, tiny, tmp_path):
    from photochrom import Colorizer

    source = film(tmp_path / "a.mp4", frames=2)
    with pytest.raises(ImageTooLarge, match="frames of 96 x 64"):
        colorize_film(source, tmp_path / "b.mp4", Colorizer(tiny, max_pixels=1000))


def test_nothing_is_replaced_unasked(film, colorizer, tmp_path):
    source, target = film(tmp_path / "a.mp4", frames=3), tmp_path / "b.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(WriteFailed, match="already there"):
        colorize_film(source, target, colorizer)
    assert target.read_bytes() == b"precious"
    colorize_film(source, target, colorizer, overwrite=True)
    assert target.read_bytes() != b"precious"


def test_a_full_disk_is_one_line_and_keeps_what_is_done(film, colorizer, tmp_path):
    source, target = film(tmp_path / "a.mp4", size=(320, 240)), tmp_path / "b.mp4"
    with _files_up_to(20_000), pytest.raises(WriteFailed, match=r"b\.mp4 cannot be written: the file is larger"):
        colorize_film(source, target, colorizer, consistency="frame", crf=0)
    assert not target.exists()
    assert colorize_film(source, target, colorizer, consistency="frame", crf=0).frames == 24


@contextlib.contextmanager
def _files_up_to(size):
    old, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)


def test_two_runs_on_one_target(film, colorizer, tmp_path):
    source, target = film(tmp_path / "a.mp4", frames=12), tmp_path / "b.mp4"
    messages = []

    def second(progress):
        if progress.done == 3:
            with pytest.raises(WriteFailed) as caught:
                colorize_film(source, target, colorizer)
            messages.append(str(caught.value))

    assert colorize_film(source, target, colorizer, progress=second).frames == 12
    assert messages[0].endswith("b.mp4 is being written by another process; wait for it")


def test_webm_gets_vp9_and_sound_that_it_takes(film, colorizer, tmp_path):
    source = film(tmp_path / "a.mp4", sound="aac", frames=5)
    report = colorize_film(source, tmp_path / "b.webm", colorizer, consistency="frame")
    assert report.notes == ("audio 1 was re-encoded for .webm",)
    with av.open(str(tmp_path / "b.webm")) as file:
        assert [s.codec_context.name for s in file.streams] == ["vp9", "opus"]
        assert sum(frame.samples for frame in file.decode(audio=0)) > 45_000


@pytest.mark.parametrize("codec", ["hevc", "av1", "ffv1"])
def test_other_codecs(film, colorizer, tmp_path, codec, times_of):
    source = film(tmp_path / "a.mp4", frames=12)
    colorize_film(source, tmp_path / "b.mkv", colorizer, consistency="frame", codec=codec)
    # Matroska counts milliseconds.
    assert times_of(tmp_path / "b.mkv") == [pytest.approx(i / 24, abs=0.0006) for i in range(12)]


def deep_film(path, frames=12):
    """A film whose frames are a soft slope over all grays of ten bits."""
    slope = np.linspace(0, 1023, 192 * 128).round().astype(np.uint16).reshape(128, 192)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "gray10le"
        for i in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(slope, i, 0), format="gray10le")))
        out.mux(stream.encode())
    return path


def deep_frames(path):
    """The pixel format of a film, and its frames, (n, H, W, 3) uint16."""
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
        return frames[0].format.name, np.stack([frame.to_ndarray(format="rgb48le") for frame in frames])


@pytest.mark.parametrize(
    ("codec", "kept", "off"), [("ffv1", "gbrp10le", 0.1), ("hevc", "yuv420p10le", 0.4), ("av1", "yuv420p10le", 0.4)]
)
def test_ten_bits_stay_ten(colorizer, tmp_path, codec, kept, off):
    source = deep_film(tmp_path / "a.mkv")
    report = colorize_film(source, tmp_path / "b.mkv", colorizer, consistency="flow", codec=codec)
    pixels, frames = deep_frames(tmp_path / "b.mkv")
    assert (report.notes, report.has_color, pixels, len(frames)) == ((), False, kept, 12)
    grays = deep_frames(source)[1][..., 0]
    for i in (0, 11):
        light = color.rgb_to_lab(frames[i] / 65535)[..., 0]
        assert np.abs(light - color.srgb_to_lightness(grays[i])).mean() < off
    green = frames[0][..., 1]
    assert len(np.unique(green)) > 600  # of 1024; 8 bits have 256


def test_a_codec_of_eight_bits_says_what_it_leaves(colorizer, tmp_path):
    source = deep_film(tmp_path / "a.mkv", frames=3)
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    assert report.notes == ("h264 has 8 of the film's 10 bits a sample; kept by --codec hevc or av1",)
    assert deep_frames(tmp_path / "b.mp4")[0] == "yuv420p"
    report = colorize_film(source, tmp_path / "b.avi", colorizer, consistency="frame")
    assert report.notes == ("h264 has 8 of the film's 10 bits a sample; kept by --codec ffv1",)


def fielded_film(path, codec="libx264", size=(96, 64), options=None, frames=12):
    """A film of fields: a bar stands four pixels further in the lower lines of a frame."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for i in range(frames):
            gray = np.full(size[::-1], 60, np.uint8)
            gray[0::2, 10 + 4 * i : 20 + 4 * i] = 200
            gray[1::2, 14 + 4 * i : 24 + 4 * i] = 200
            rgb = np.repeat(gray[..., None], 3, -1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("first", ["tff", "bff"])
def test_fields_stay_fields(colorizer, tmp_path, first, pixels_of):
    source = fielded_film(tmp_path / "a.mp4", options={"x264-params": f"{first}=1", "crf": "4"})
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame", crf=4)
    assert (report.frames, report.notes) == (12, ())
    with av.open(str(tmp_path / "b.mp4")) as file:
        frames = list(file.decode(video=0))
        assert file.streams.video[0].codec_context.field_order == {"tff": 2, "bff": 3}[first]
        assert all(frame.interlaced_frame for frame in frames)
        luma = np.frombuffer(frames[6].planes[0], np.uint8).reshape(64, -1)[:, :96].astype(int)
        # Had lines of two moments shared their colours, the bar's would lie beyond it.
        blue = np.frombuffer(frames[6].planes[1], np.uint8).reshape(32, -1)[:, :48].astype(int)
    light = color.rgb_to_lab(pixels_of(tmp_path / "b.mp4")[6] / 255.0)[..., 0]
    wanted = color.srgb_to_lightness(pixels_of(source)[6])
    assert np.abs(light - wanted).mean() < 1
    assert luma[10:50:2, 35:43].mean() - luma[10:50:2, 46:49].mean() > 60
    assert luma[11:50:2, 46:49].mean() - luma[11:50:2, 30:33].mean() > 60
    upper, lower = blue[4:28:2].mean(0), blue[5:28:2].mean(0)
    assert np.abs(upper[17:22] - lower[19:24]).max() < np.abs(upper[17:24] - lower[17:24]).max() / 2


def test_a_tapes_fields_are_known(colorizer, tmp_path):
    source = fielded_film(tmp_path / "a.avi", "dvvideo", (720, 576), frames=3)
    assert colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame").notes == ()
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.streams.video[0].codec_context.field_order == 3


@pytest.mark.parametrize(
    ("target", "codec", "size", "note"),
    [
        (
            "b.mkv",
            "hevc",
            (96, 64),
            "hevc stores both fields of a frame as one picture, so moving edges look like combs",
        ),
        ("b.mp4", None, (96, 66), "h264 stores both fields of a frame as one picture, so moving edges look like combs"),
    ],
)
def test_fields_that_cannot_stay_are_told(colorizer, tmp_path, target, codec, size, note):
    source = fielded_film(tmp_path / "a.mpg", "mpeg2video", size, {"flags": "+ilme+ildct"}, frames=3)
    report = colorize_film(source, tmp_path / target, colorizer, consistency="frame", codec=codec)
    assert report.notes == (note + ("; kept by --codec h264" if codec else ""),)
    with av.open(str(tmp_path / target)) as file:
        assert not next(file.decode(video=0)).interlaced_frame


def test_avi(film, colorizer, tmp_path, times_of):
    source = film(tmp_path / "a.avi", codec="mpeg4", frames=12, pts=list(range(12)))
    colorize_film(source, tmp_path / "b.avi", colorizer, consistency="frame")
    assert len(times_of(tmp_path / "b.avi")) == 12


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"codec": "h265"}, "there is no codec 'h265'"),
        ({"codec": "vp9"}, "vp9 needs .webm, .mkv or .mp4"),
        ({"crf": 99}, "the crf of h264 must be between 0 and 51, not 99"),
        ({"consistency": "blur"}, "must be frame, flow, recurrent or a .onnx file"),
    ],
)
def test_wrong_settings(film, colorizer, tmp_path, settings, words):
    source = film(tmp_path / "a.mp4", frames=2)
    with pytest.raises(BadSetting, match=words):
        colorize_film(source, tmp_path / "b.mov", colorizer, **settings)
    assert sorted(os.listdir(tmp_path)) == ["a.mp4"]


def test_a_film_in_colour_is_coloured_from_its_lightness(film, colorizer, tmp_path):
    source = film(tmp_path / "a.mp4", color=True, frames=4)
    assert colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame").has_color


def phone_film(path, words):
    """A film whose container holds words of its own, as a phone's does."""
    with av.open(str(path), "w", options={"movflags": "+use_metadata_tags"}) as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        out.metadata.update(words)
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame(96, 64, "yuv420p")))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("ending", ["mov", "mp4"])
def test_a_phones_place_and_time_are_kept(colorizer, tmp_path, ending):
    words = {
        "com.apple.quicktime.location.ISO6709": "+48.8577+002.2950+035.0/",
        "com.apple.quicktime.creationdate": "2021-05-03T18:20:11+0200",
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.model": "iPhone 12",
        "creation_time": "2021-05-03T16:20:11.000000Z",
    }
    source = phone_film(tmp_path / "a.mov", words)
    colorize_film(source, tmp_path / f"b.{ending}", colorizer, consistency="frame")
    with av.open(str(tmp_path / f"b.{ending}")) as new:
        assert {key: new.metadata.get(key) for key in words} == words
        assert "photochrom" in new.metadata["comment"]


def test_a_time_code_costs_nothing(colorizer, tmp_path):
    source = fielded_film(tmp_path / "a.dv", "dvvideo", (720, 576), frames=3)
    with av.open(str(source)) as file:
        assert "timecode" in file.metadata
    assert colorize_film(source, tmp_path / "b.mov", colorizer, consistency="frame").frames == 3


@pytest.mark.parametrize("letter", ["x", "\N{GREEK SMALL LETTER OMEGA}"])
def test_the_longest_name_that_a_disk_takes(film, colorizer, tmp_path, letter):
    source = film(tmp_path / "a.mp4", frames=12)
    name = letter * ((255 - 4) // len(letter.encode())) + ".mp4"
    assert colorize_film(source, tmp_path / name, colorizer, consistency="frame").frames == 12
    assert sorted(os.listdir(tmp_path)) == sorted(["a.mp4", name])


def test_a_header_that_lets_a_tick_last_for_hours(film, tmp_path):
    data = bytearray(film(tmp_path / "a.avi", frames=6).read_bytes())
    at = data.index(b"strh") + 8 + 20  # the stream's scale, and behind it its rate
    data[at : at + 8] = struct.pack("<II", 65536, 1)
    (tmp_path / "slow.avi").write_bytes(data)
    reader = Reader(tmp_path / "slow.avi")
    assert reader.facts.rate > 0
    assert len(list(reader.frames())) == 6
