"""How films are encoded: the codecs by name, and which container takes which."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from photochrom._support.text import either, shown
from photochrom.errors import BadSetting

if TYPE_CHECKING:
    from photochrom.video.reading import Facts, Fields

CodecName = Literal["h264", "hevc", "vp9", "av1", "ffv1"]


@dataclass(frozen=True)
class Codec:
    """One way to encode.

    Attributes:
        encoder: ffmpeg's name for it.
        crf: constant quality by default, lower is better; None takes none, since it is lossless.
        worst: the largest crf.
        options: the encoder's own.
        pixels: ffmpeg's pixel format for films of so many bits a sample or fewer.
        endings: of the containers that take it.
        fields: the encoder's options for films whose frames hold two moments, by the lines of the first one; where
            there are none, both are encoded as one picture.
    """

    encoder: str
    crf: int | None
    worst: int
    options: dict[str, str]
    pixels: dict[int, str]
    endings: tuple[str, ...]
    fields: dict[Fields, dict[str, str]] = field(default_factory=dict)

    def bits(self, film: int) -> int:
        """How many bits a sample are encoded of a film that has so many: as many or more, or else the most there are.

        H.264 could hold ten, but hardly any player shows them, and it is what is taken where nothing is asked for;
        VP9 could where its library is built for it.
        """
        enough = [bits for bits in self.pixels if bits >= film]
        return min(enough, default=max(self.pixels))

    def first_field(self, film: Facts) -> Fields | None:
        """The field that comes first in what is encoded; None where the film or the codec has none."""
        # Two by two lines of each field share their colours.
        return film.fields if film.fields in self.fields and film.height % 4 == 0 else None


_ANY = (".mp4", ".m4v", ".mov", ".mkv")
# x264 gives other bytes in every run where it works on several frames of fields at once.
_X264_FIELDS: dict[Fields, dict[str, str]] = {
    "top": {"x264-params": "tff=1", "threads": "1"},
    "bottom": {"x264-params": "bff=1", "threads": "1"},
}
_EIGHT = {8: "yuv420p"}
_TEN = {8: "yuv420p", 10: "yuv420p10le"}
_EXACT = {8: "bgr0", 10: "gbrp10le", 12: "gbrp12le", 16: "gbrp16le"}
# x264's macroblock tree (core 165) reads memory that it has not written, and gives other bytes in every run; without
# it, a film that was killed and resumed is byte for byte the one that was not.
CODECS: dict[str, Codec] = {
    "h264": Codec("libx264", 18, 51, {"preset": "medium", "mbtree": "0"}, _EIGHT, (*_ANY, ".avi"), _X264_FIELDS),
    "hevc": Codec("libx265", 20, 51, {"preset": "fast", "x265-params": "log-level=none"}, _TEN, _ANY),
    "vp9": Codec("libvpx-vp9", 24, 63, {"b": "0", "row-mt": "1", "cpu-used": "4"}, _EIGHT, (".webm", ".mkv", ".mp4")),
    "av1": Codec("libsvtav1", 26, 63, {"preset": "8"}, _TEN, (".mp4", ".m4v", ".mkv", ".webm")),
    "ffv1": Codec("ffv1", None, 0, {"level": "3"}, _EXACT, (".mkv", ".avi")),
}

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi"}
"""ffmpeg's name of the container for each ending."""


@dataclass(frozen=True)
class Encoding:
    """A codec with its settings, for one target."""

    name: str
    codec: Codec
    options: dict[str, str]

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(w, h) that is encoded: the film's, made even where two by two pixels share their colour."""
        even = int("420" in self.codec.pixels[8])
        return width + (width & even), height + (height & even)


def encoding_for(target: str | os.PathLike[str], codec: str | None = None, crf: int | None = None) -> Encoding:
    """How the target is encoded: H.264 where nothing else is asked for, VP9 in WebM.

    Raises:
        BadSetting: no such codec, a crf out of range, or a container that does not take the codec.
    """
    ending = Path(target).suffix.lower()
    name = codec or ("vp9" if ending == ".webm" else "h264")
    if name not in CODECS:
        raise BadSetting(f"there is no codec '{name}'; choose {either(get_args(CodecName))}")
    chosen = CODECS[name]
    if ending not in chosen.endings:
        raise BadSetting(f"{shown(target)}: {name} needs {either(chosen.endings)}; use one of these")
    options = dict(chosen.options)
    check_crf(name, crf)
    if chosen.crf is not None:
        options["crf"] = str(chosen.crf if crf is None else crf)
    if ending == ".avi" and name == "h264":
        options["bf"] = "0"  # AVI knows one time for each frame, not an order of decoding and one of showing
    return Encoding(name, chosen, options)


def check_crf(name: str, crf: int | None) -> None:
    """Refuse a quality that a codec does not have.

    Raises:
        BadSetting: out of range, or any where the codec is lossless.
    """
    codec = CODECS[name]
    if crf is not None and (codec.crf is None or not 0 <= crf <= codec.worst):
        limits = f"between 0 and {codec.worst}" if codec.crf is not None else "omitted, since it is lossless"
        raise BadSetting(f"the crf of {name} must be {limits}, not {crf}")


def matrix_for(space: int, height: int) -> int:
    """The matrix to encode with, by ffmpeg's number: the film's own, or what players take for its height."""
    known: dict[int, Any] = {1: 1, 5: 5, 6: 6}
    return known.get(space, 1 if height >= 720 else 6)
