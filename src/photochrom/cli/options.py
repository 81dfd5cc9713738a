"""Options that several commands share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from photochrom.colorizer import Colorizer
from photochrom.imaging.io import MAX_PIXELS
from photochrom.video.codecs import CodecName


@Parameter(name="*")
@dataclass(frozen=True)
class FinishOptions:
    """What is done to a photograph besides colouring it."""

    keep_color: Annotated[bool, Parameter(negative=())] = False
    """Leave what shows colours already as it is; what is only tinted, as by sepia, is coloured."""
    restore_tone: Annotated[bool, Parameter(negative=())] = False
    """Stretch the tone of a faded print over the whole scale."""
    mark: Annotated[bool, Parameter(negative=())] = False
    """Lay a small mark over the lower right corner."""


@Parameter(name="*")
@dataclass(frozen=True)
class ModelOptions:
    """Which model, and how its answer becomes colour."""

    model: Annotated[str, Parameter(alias="-m")] = "default"
    """A packaged model's name (see `photochrom models`), a .onnx file, or a run folder."""
    render_size: int | None = None
    """Side, in pixels, of the square whose area the network sees. [default: the model's own]"""
    vividness: float | None = None
    """0 (natural, cautious) to 1 (rare colours as likely as common ones). [default: the model's own]"""
    saturation: float = 1.0
    """Factor on the colours, 0 to 4."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network runs; honoured, or an error."""

    def colorizer(self, max_pixels: int = MAX_PIXELS, finish: FinishOptions | None = None) -> Colorizer:
        """Load the model."""
        return Colorizer(
            self.model,
            render_size=self.render_size,
            vividness=self.vividness,
            saturation=self.saturation,
            device=self.device,
            max_pixels=max_pixels,
            **(asdict(finish) if finish else {}),
        )


@Parameter(name="*")
@dataclass(frozen=True)
class FilmOptions:
    """How films are coloured; photographs pay no heed to it."""

    consistency: str = "flow"
    """flow carries colours along motion from frame to frame; recurrent has a network do it, trained for the default
    model (a .onnx file from `photochrom export` is another one); frame takes each frame by itself, and flickers."""
    codec: CodecName | None = None
    """How films are encoded. [default: h264, and vp9 in WebM]"""
    crf: int | None = None
    """Quality of the encoding, lower is better and larger. [default: 18 for h264]"""
    start: float | None = None
    """Colour a film from here on, in seconds."""
    end: float | None = None
    """Colour a film up to here, in seconds."""
