"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from photochrom._support.text import seconds_of, shown
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting, UnsupportedFormat
from photochrom.imaging.formats import format_for
from photochrom.imaging.io import MAX_PIXELS
from photochrom.video.codecs import CodecName, check_crf
from photochrom.video.consistency import check_consistency
from photochrom.video.timeline import check_part


@Parameter(name="*")
@dataclass(frozen=True)
class FinishOptions:
    """What is done to a photograph besides colouring it."""

    keep_color: Annotated[bool, Parameter(negative=())] = False
    """Leave photographs that are already in colour as they are; tinted ones, such as sepia, are coloured."""
    restore_tone: Annotated[bool, Parameter(negative=())] = False
    """Stretch the tones of a faded print to the full range."""
    mark: Annotated[bool, Parameter(negative=())] = False
    """Add a small visible mark in the lower right corner."""
    palette: str | None = None
    """Shift the colours towards a palette: '#7a1f10,#2e6b34,...', a picture, a .gpl or an .ase file."""
    reference: Annotated[list[Path], Parameter(negative=(), json_list=False)] | None = None
    """A picture in colour: take its colours where it shows the same kind of thing. Repeat for more."""
    reference_method: Literal["network", "welsh"] = "network"
    """How similar parts are matched: by what the network sees, or by lightness and texture (Welsh et al. 2002)."""
    like: Path | None = None
    """A folder of pictures in colour: each photograph gets the colours of the three most similar ones."""
    strict: Annotated[bool, Parameter(negative=())] = False
    """Refuse files that are damaged or end early, instead of colouring what can be read of them."""

    def settings(self) -> dict[str, Any]:
        """As `Colorizer` takes them."""
        given = asdict(self)
        return given | {"references": given.pop("reference") or ()}


@Parameter(name="*")
@dataclass(frozen=True)
class DecodingOptions:
    """How a model sees a photograph, and how its scores are decoded."""

    render_size: int | None = None
    """Side, in pixels, of the square whose area the network sees. [default: the model's own]"""
    vividness: float | None = None
    """0 (cautious) to 1 (rare colours as likely as common ones). [default: the model's own]"""
    saturation: float = 1.0
    """Multiplies the strength of all colours, 0 to 4."""
    warmth: float = 0.0
    """-1 (as in cold light) to 1 (as in warm light)."""
    tint: float = 0.0
    """-1 (greener) to 1 (more magenta)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network runs; an error if it is not available."""

    def load(self, model: str, max_pixels: int = MAX_PIXELS, finish: FinishOptions | None = None) -> Colorizer:
        """Load a model, by its name or file."""
        return Colorizer(
            model,
            render_size=self.render_size,
            vividness=self.vividness,
            saturation=self.saturation,
            warmth=self.warmth,
            tint=self.tint,
            device=self.device,
            max_pixels=max_pixels,
            **(finish.settings() if finish else {}),
        )


@Parameter(name="*")
@dataclass(frozen=True)
class ModelOptions(DecodingOptions):
    """Which model to use, and how to decode its scores."""

    model: Annotated[str, Parameter(alias="-m")] = "default"
    """A packaged model's name (see `photochrom models`), a .onnx file, or a run folder."""

    def colorizer(self, max_pixels: int = MAX_PIXELS, finish: FinishOptions | None = None) -> Colorizer:
        """Load the model."""
        return self.load(self.model, max_pixels, finish)


def _time(_: Any, tokens: Sequence[Token]) -> float:
    return seconds_of(tokens[0].value)


Time = Annotated[float | None, Parameter(converter=_time)]


@Parameter(name="*")
@dataclass(frozen=True)
class FilmOptions:
    """How films are coloured; photographs ignore it."""

    consistency: str = "flow"
    """flow carries colours along motion from frame to frame; recurrent uses a network trained for the default model
    (or a .onnx file from `photochrom export`); frame colours each frame by itself, and flickers."""
    codec: CodecName | None = None
    """Video codec of the result. [default: h264, and vp9 in WebM]"""
    crf: int | None = None
    """Encoding quality; lower is better and larger. [default: 18 for h264]"""
    start: Time = None
    """Start of the part to colour: seconds, M:S or H:M:S."""
    end: Time = None
    """End of the part to colour, likewise."""
    audio: bool = True
    """Keep the sound."""

    def check(self) -> None:
        """Refuse what is wrong for every film, before one is opened.

        Raises:
            BadSetting: it is.
        """
        check_consistency(self.consistency)
        check_part(self.start, self.end)
        if self.codec:
            check_crf(self.codec, self.crf)


def check_apart(option: str, path: Path, others: Iterable[str | Path], what: str) -> None:
    """Refuse to write what is no result over one of `others`, which are `what`.

    Raises:
        BadSetting: it would be.
    """
    if os.path.realpath(path) in {os.path.realpath(each) for each in others}:
        raise BadSetting(f"{option} {shown(path)} is {what}; name another file")


def check_ending(option: str, path: Path) -> None:
    """Refuse a name for a picture whose ending stands for no format.

    Raises:
        BadSetting: it does not.
    """
    try:
        format_for(path)
    except UnsupportedFormat as error:
        raise BadSetting(f"{option} {error}") from None
