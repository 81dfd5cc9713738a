"""Films that the tests draw and encode themselves."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from photochrom import Colorizer


def scene(index, width=96, height=64, seed=0):
    """(H, W) uint8: a soft texture with a bright square that moves two pixels a frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(60, 200, (height // 8 + 2, width // 8 + 2))
    y, x = np.mgrid[:height, :width] / 8
    i, j, v, u = y.astype(int), x.astype(int), y % 1, x % 1
    soft = (coarse[i, j] * (1 - u) + coarse[i, j + 1] * u) * (1 - v)
    soft += (coarse[i + 1, j] * (1 - u) + coarse[i + 1, j + 1] * u) * v
    left = 4 + 2 * index % (width - 24)
    soft[20:36, left : left + 16] = 235
    return soft.astype(np.uint8)


@dataclass
class Film:
    """How a film is made; see `film`."""

    frames: int = 24
    size: tuple[int, int] = (96, 64)
    pts: list[int] | None = None
    sound: str | None = None
    subtitles: bool = False
    chapters: bool = False
    turned: int = 0
    color: bool = False
    codec: str = "libx264"
    pixels: str = "yuv420p"
    gop: int = 12
    cut_at: int | None = None
    reordered: int = 0  # pictures between two others that are decoded after both


def _options(film):
    own = {"libx264": {"crf": "12", "bf": str(film.reordered)}, "libx265": {"x265-params": "log-level=none"}}
    return {"g": str(film.gop)} | own.get(film.codec, {})


def make_film(path, **how):
    """Encode a film; its time base is a 1/600 of a second, and each frame lasts 25 ticks if nothing else is said."""
    film = Film(**how)
    times = film.pts or [25 * i for i in range(film.frames)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(film.codec, rate=24, options=_options(film))
        stream.width, stream.height = film.size
        stream.pix_fmt = film.pixels
        stream.codec_context.time_base = stream.time_base = Fraction(1, 600)
        stream.metadata["language"] = "eng"
        if film.turned:
            stream.set_display_rotation(film.turned)
        sound = out.add_stream(film.sound, rate=48000) if film.sound else None
        text = out.add_mux_stream("subrip", time_base=Fraction(1, 1000)) if film.subtitles else None
        out.metadata["title"] = "A test"
        if film.chapters:
            base = Fraction(1, 1000)
            out.set_chapters(
                [
                    {"id": i, "start": 400 * i, "end": 400 * (i + 1), "time_base": base, "metadata": {"title": f"C{i}"}}
                    for i in range(2)
                ]
            )
        for i, pts in enumerate(times):
            gray = scene(i, *film.size, seed=int(film.cut_at is not None and i >= film.cut_at))
            rgb = np.stack([gray, gray // 2, 255 - gray], -1) if film.color else np.stack([gray] * 3, -1)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=film.pixels)
            frame.pts, frame.time_base = pts, Fraction(1, 600)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if text:
            packet = av.Packet(b"Good evening")
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = 200
            packet.duration = 500
            out.mux(packet)
        if sound:
            tone = (np.sin(np.arange(48000) / 20) * 8000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None], format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
            out.mux(sound.encode(frame))
            out.mux(sound.encode())
    return Path(path)


@pytest.fixture(scope="session")
def film():
    return make_film


@pytest.fixture(scope="session")
def drawn_scene():
    return scene


@pytest.fixture(scope="session")
def colorizer(tiny):
    """The model whose answer is known: a = 33 x + 11 and b = -22 x + 5.5, where x = (L - 50) / 50."""
    return Colorizer(tiny, threads=1)


@pytest.fixture(scope="session")
def steadying(made_once, traced_once):
    """A recurrent network for that model, untrained but for its trust in the past, which is large."""
    import torch

    from photochrom.inference.card import ModelCard
    from photochrom.models.recurrent import Recurrent, RecurrentSettings
    from photochrom.train.onnx_file import to_onnx

    def make():
        torch.manual_seed(0)
        model = Recurrent(RecurrentSettings(width=4, features=4, reach=1, memory=4.0), 2)
        torch.nn.init.constant_(model.trust.bias, 3.0)
        card = ModelCard("steadying", multiple=4, stride=4, steadies={"name": "tiny", "digest": "0"})
        with traced_once():
            return to_onnx(model, card)

    return made_once("steadying.onnx", make)


def shown_times(path):
    """Seconds at which the frames of a film are shown, as fractions."""
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base for frame in file.decode(video=0)]


def frames_of(path):
    """The frames of a film, (n, H, W, 3) uint8."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


@pytest.fixture(scope="session")
def times_of():
    return shown_times


@pytest.fixture(scope="session")
def pixels_of():
    return frames_of
