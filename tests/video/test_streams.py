"""Sound and the like beside the picture: kept as the container takes it, and never at the picture's cost."""

from fractions import Fraction

import av
import numpy as np
import pytest

from photochrom import UnreadableFilm
from photochrom.video import colorize_film, streams
from photochrom.video import film as film_module

pytestmark = pytest.mark.slow


def sounding(path, sound="mp2", picture="mpeg2video", frames=25, first=0, layout="stereo"):
    """A film of 25 frames a second whose sound is a tone of the same length; the container is by the path's ending."""
    rate, container = 48000, {".ts": "mpegts", ".vob": "vob"}.get(path.suffix)
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(picture, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        voice = out.add_stream(sound, rate=rate, layout=layout)
        for i in range(frames):
            gray = np.full((64, 96), 60, np.uint8)
            gray[20:36, 2 * i : 2 * i + 16] = 220
            frame = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuv420p")
            frame.pts = first + i
            out.mux(stream.encode(frame))
        tone = np.sin(np.arange(rate * frames // 25) / 20) * 8000
        channels = voice.codec_context.layout.nb_channels
        out.mux(stream.encode())
        for begin in range(0, len(tone), 4800):
            part = np.repeat(tone[begin : begin + 4800].astype(np.int16), channels)[None]
            sound = av.AudioFrame.from_ndarray(part, "s16", layout)
            sound.sample_rate, sound.pts = rate, first * rate // 25 + begin
            out.mux(voice.encode(sound))
        out.mux(voice.encode())
    return path


def heard(path):
    """The loudness of each tenth of a second of the first sound."""
    with av.open(str(path)) as file:
        resampler = av.AudioResampler("flt", "mono", 48000)
        parts = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
        samples = np.concatenate([part.to_ndarray()[0] for part in parts])
    return np.abs(samples[: len(samples) // 4800 * 4800].reshape(-1, 4800)).mean(1)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_aac_of_a_broadcast_is_copied(colorizer, tmp_path, ending, times_of):
    source = sounding(tmp_path / "a.ts", "aac", "libx264")
    report = colorize_film(source, tmp_path / f"b.{ending}", colorizer, consistency="frame")
    assert report.notes == ()
    assert len(times_of(tmp_path / f"b.{ending}")) == 25
    with av.open(str(tmp_path / f"b.{ending}")) as file:
        assert file.streams.audio[0].codec_context.name == "aac"
    loud = heard(tmp_path / f"b.{ending}")
    assert len(loud) >= 9
    assert loud[1:9].min() > 0.1


def test_sound_that_a_container_refuses_is_encoded_anew(colorizer, tmp_path):
    source = sounding(tmp_path / "a.ts", "aac", "libx264")
    report = colorize_film(source, tmp_path / "b.avi", colorizer, consistency="frame")
    assert report.notes == ("audio 1 was re-encoded for .avi",)
    assert heard(tmp_path / "b.avi")[1:9].min() > 0.1


@pytest.mark.parametrize("ending", ["webm", "avi"])
def test_six_channels_are_encoded_anew(colorizer, tmp_path, ending):
    source = sounding(tmp_path / "a.mkv", "pcm_s24le", "mpeg4", layout="5.1")
    colorize_film(source, tmp_path / f"b.{ending}", colorizer, consistency="frame")
    with av.open(str(tmp_path / f"b.{ending}")) as file:
        assert file.streams.audio[0].codec_context.layout.nb_channels == 6


@pytest.mark.parametrize(
    ("ending", "sound", "layout"),
    [
        ("avi", "pcm_u8", "mono"),
        ("avi", "pcm_s16le", "stereo"),
        ("mxf", "pcm_s16le", "stereo"),
        ("nut", "pcm_u8", "5.1"),
    ],
)
def test_channels_of_no_stated_order_have_the_usual_one(colorizer, tmp_path, ending, sound, layout):
    source = sounding(tmp_path / f"a.{ending}", sound, "mpeg2video", layout=layout)
    with av.open(str(source)) as file:
        assert file.streams.audio[0].codec_context.layout.name.endswith(" channels")
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    assert report.notes == ("audio 1 was re-encoded for .mp4",)
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert file.streams.audio[0].codec_context.layout.name == layout
    assert heard(tmp_path / "b.mp4")[1:9].min() > 0.1


def with_dead_streams(source, path):
    """A broadcast that announces two more sounds, of which no packet comes."""
    with av.open(str(source)) as old, av.open(str(path), "w", format="mpegts") as new:
        kept = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for name in ("mp2", "ac3"):
            new.add_stream(name, rate=48000, layout="stereo")
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = kept[packet.stream_index]
                new.mux(packet)
    return path


def test_sound_of_which_nothing_comes_is_left_out(colorizer, tmp_path):
    source = with_dead_streams(sounding(tmp_path / "a.ts"), tmp_path / "dead.ts")
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    assert report.notes == ("audio 2 is declared but empty", "audio 3 is declared but empty")
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
    assert heard(tmp_path / "b.mp4")[1:9].min() > 0.1


def test_no_audio(colorizer, tmp_path):
    source = sounding(tmp_path / "a.ts")
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame", audio=False)
    assert report.notes == ()
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]


def damaged(source, path, seed):
    """A broadcast with a flipped byte in every fifth packet or so."""
    data, random = bytearray(source.read_bytes()), np.random.default_rng(seed)
    for _ in range(len(data) // 1000):
        data[random.integers(1880, len(data))] ^= 255
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("seed", range(4))
def test_a_broadcast_with_errors_gives_a_film(colorizer, tmp_path, seed, times_of):
    source = damaged(sounding(tmp_path / "a.ts", frames=50), tmp_path / "bits.ts", seed)
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    times = times_of(tmp_path / "b.mp4")
    assert report.frames == len(times) > 40
    assert min(np.diff(times)) > 0.001
    assert times[-1] < 4


def test_a_stretch_that_comes_twice(colorizer, tmp_path, times_of):
    data = sounding(tmp_path / "a.ts", frames=50).read_bytes()
    third, half = (len(data) // 188 // part * 188 for part in (3, 2))
    (tmp_path / "twice.ts").write_bytes(data[:half] + data[third:half] + data[half:])
    report = colorize_film(tmp_path / "twice.ts", tmp_path / "b.mp4", colorizer, consistency="frame")
    times = times_of(tmp_path / "b.mp4")
    assert 50 < report.frames < 65
    assert 0.005 < min(np.diff(times)) <= max(np.diff(times)) < 0.2


@pytest.mark.parametrize("ending", ["ts", "vob"])
def test_recordings_that_were_joined_go_on(colorizer, tmp_path, ending, times_of):
    data = sounding(tmp_path / f"a.{ending}").read_bytes()
    (tmp_path / f"joined.{ending}").write_bytes(data + data)
    report = colorize_film(tmp_path / f"joined.{ending}", tmp_path / "b.mp4", colorizer, consistency="frame")
    assert report.notes == ("times that restarted or jumped are now continuous",)
    times = [float(time) for time in times_of(tmp_path / "b.mp4")]
    assert report.frames == len(times) == 50
    assert np.diff(times) == pytest.approx(np.full(49, 0.04), abs=0.03)
    assert times[-1] - times[0] == pytest.approx(1.96, abs=0.05)
    assert len(heard(tmp_path / "b.mp4")) >= 19


def test_a_clock_that_leaps_by_hours_leaves_no_frozen_picture(colorizer, tmp_path, times_of):
    early, late = sounding(tmp_path / "a.ts"), sounding(tmp_path / "b.ts", first=3 * 3600 * 25)
    for name, parts in (("on.ts", (early, late)), ("back.ts", (late, early))):
        (tmp_path / name).write_bytes(b"".join(part.read_bytes() for part in parts))
        colorize_film(tmp_path / name, tmp_path / f"{name}.mp4", colorizer, consistency="frame")
        times = times_of(tmp_path / f"{name}.mp4")
        assert (len(times), max(np.diff(times)) < 0.1) == (50, True)


class Stop(Exception):
    pass


def test_a_joined_recording_goes_on_to_the_same_bytes(colorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(film_module, "SEGMENT", 10)
    data = sounding(tmp_path / "a.ts").read_bytes()
    source = tmp_path / "joined.ts"
    source.write_bytes(data + data)

    def stop(progress):
        if progress.done == 35:
            raise Stop

    colorize_film(source, tmp_path / "whole.mp4", colorizer, consistency="frame")
    with pytest.raises(Stop):
        colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame", progress=stop)
    assert colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame").resumed == 30
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_sound_that_is_refused_at_the_end_never_costs_the_picture(colorizer, tmp_path, monkeypatch, times_of):
    source = sounding(tmp_path / "a.ts", "aac", "libx264")
    put, tried = streams.Copy.put, []

    def refusing(self, packet, origin):
        tried.append(self._encoder is not None)
        if packet.pts * packet.time_base - origin > Fraction(1, 2):
            raise av.error.PermissionError(1, "Operation not permitted")
        put(self, packet, origin)

    monkeypatch.setattr(streams, "_REHEARSED", 10)
    monkeypatch.setattr(streams.Copy, "put", refusing)
    report = colorize_film(source, tmp_path / "b.mp4", colorizer, consistency="frame")
    assert report.notes == ("audio 1 cannot be kept in .mp4",)
    assert set(tried) == {False, True}
    assert len(times_of(tmp_path / "b.mp4")) == 25


def test_sound_that_is_encoded_anew_keeps_its_gaps(colorizer, tmp_path):
    source = sounding(tmp_path / "a.mkv", "pcm_s16le", "mpeg4", frames=50)
    with av.open(str(source)) as old, av.open(str(tmp_path / "gap.mkv"), "w") as new:
        kept = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None or (packet.stream_index == 1 and 0.5 <= packet.pts * packet.time_base < 1.0):
                continue
            packet.stream = kept[packet.stream_index]
            new.mux(packet)
    report = colorize_film(tmp_path / "gap.mkv", tmp_path / "b.webm", colorizer, consistency="frame")
    assert report.notes == ("audio 1 was re-encoded for .webm",)
    loud = heard(tmp_path / "b.webm")
    assert loud[[1, 2, 3]].min() > 0.1
    assert loud[[6, 7, 8]].max() < 0.01
    assert loud[[12, 15, 18]].min() > 0.1


def strict(tiny):
    from photochrom import Colorizer

    return Colorizer(tiny, threads=1, strict=True)


def test_a_film_that_breaks_off_says_so_and_is_refused_if_strict(film, colorizer, tiny, tmp_path):
    whole = film(tmp_path / "a.mkv", frames=72)
    data = whole.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    report = colorize_film(tmp_path / "cut.mkv", tmp_path / "b.mkv", colorizer, consistency="frame")
    assert 10 < report.frames < 70
    assert report.notes[0].startswith("the film ends early (at ")
    assert report.notes[0].endswith("of 3.0 seconds)")
    with pytest.raises(UnreadableFilm, match=r"cut\.mkv is damaged: it ends early \(at .* --strict"):
        colorize_film(tmp_path / "cut.mkv", tmp_path / "c.mkv", strict(tiny), consistency="frame")
    assert not (tmp_path / "c.mkv").exists()
    assert colorize_film(whole, tmp_path / "d.mkv", strict(tiny), consistency="frame").frames == 72


def test_a_film_whose_frames_are_broken_is_refused_if_strict(tiny, tmp_path):
    source = damaged(sounding(tmp_path / "a.ts", frames=50), tmp_path / "bits.ts", 1)
    with pytest.raises(UnreadableFilm, match=r"bits\.ts is damaged: \d+ frames? cannot be decoded"):
        colorize_film(source, tmp_path / "b.mp4", strict(tiny), consistency="frame")
    assert not (tmp_path / "b.mp4").exists()
