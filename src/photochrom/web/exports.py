"""A photograph as a file for somewhere else, in a worker process: smaller, as a layer of colour, beside how it was."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from photochrom._support.optional_packages import needing
from photochrom.errors import BadSetting
from photochrom.imaging import provenance
from photochrom.imaging.formats import FORMATS
from photochrom.imaging.picture import Picture, to_dtype
from photochrom.painting.layer import color_layer
from photochrom.web.look import Look
from photochrom.web.negotiation import FormatName
from photochrom.web.worker import Setup, answer_for, dressed, painted, read, shrunk, written

FILM_SIDE = 1280  # pixels of the longer side, by default
RATE = 25  # frames a second
_FILM_CRF = 20
GRAY, WIPE, COLOR, BACK = 1.0, 2.0, 2.0, 1.0  # seconds: as it was, colour comes, stays, and goes
_PAPER = 245  # of a card, a light neutral gray
_MARGIN, _GAP = 0.03, 0.012  # of the longer side of one picture


class Kind(StrEnum):
    """What is exported."""

    PHOTOGRAPH = "photograph"
    LAYER = "layer"
    CARD = "card"
    FILM = "film"


MARKS = {Kind.PHOTOGRAPH: ".color", Kind.LAYER: ".layer", Kind.CARD: ".before-after", Kind.FILM: ".before-after"}
"""What stands before the ending of each kind's name."""


FILM = ".mp4"
_OWN = {Kind.LAYER: "PNG", Kind.CARD: "JPEG", Kind.FILM: FILM}


class Export(BaseModel, frozen=True):
    """What a photograph is exported as; the same few choices for one and for each of an archive."""

    kind: Kind = Field(
        default=Kind.PHOTOGRAPH,
        description="The photograph; its colour alone, as a transparent layer over the original; a card with both; or "
        "a film of six seconds from one to the other (.mp4).",
    )
    format: FormatName | None = Field(
        default=None, description="By default the photograph's own, PNG for a layer, JPEG for a card."
    )
    size: int | None = Field(
        default=None, ge=16, le=20_000, description="The longer side in pixels, if there are more."
    )
    quality: int | None = Field(
        default=None, ge=1, le=100, description="Of JPEG, WebP, AVIF and HEIF; by default as good as it came."
    )

    def written_as(self, own: str) -> str:
        """The name of a format, or ".mp4"; `own` is the photograph's.

        Raises:
            BadSetting: a format for a film.
        """
        if self.kind == Kind.FILM and self.format is not None:
            raise BadSetting("a film is written as .mp4; omit the format")
        return self.format.upper() if self.format else _OWN.get(self.kind, own)


def endings_of(format: str) -> tuple[str, ...]:
    """The endings of what `Export.written_as` gives, the usual one first."""
    return (FILM,) if format == FILM else FORMATS[format].extensions


def export(setup: Setup, folder: str, look: Look, wanted: Export, format: str) -> str:
    """Write an export into the job's folder.

    Args:
        setup, folder, look: of the worker, of the job, of the photograph.
        wanted: what is written. The size is that of one photograph on a card; a film has 1280 pixels by default.
        format: as `Export.written_as` gives it.

    Returns:
        The file's name.

    Raises:
        BadSetting: a layer in a format without transparency.
        MissingExtra: a film without the extra that writes it.
    """
    kind, size = wanted.kind, wanted.size
    if kind == Kind.LAYER and not FORMATS[format].alpha:
        raise BadSetting(f"{format} holds no transparency, which a layer needs; use PNG, TIFF or WebP")
    picture = read(setup, folder)
    colorizer = dressed(setup, folder, look)
    scores = answer_for(folder, colorizer, picture, look)
    whole = picture.size
    if kind == Kind.FILM:
        size = size or FILM_SIDE
    came, picture = picture, picture if size is None else shrunk(picture, size)
    if kind != Kind.PHOTOGRAPH:
        picture = replace(picture, pages=())
    after = painted(colorizer, picture, look, scores, whole)
    if kind == Kind.FILM:
        name = secrets.token_hex(8)
        _film(picture, after, Path(folder, name))
        return name
    if kind == Kind.LAYER:
        after = _layer(picture, after)
    elif kind == Kind.CARD:
        after = _card(picture, after)
    return written(folder, came, after, look, format, wanted.quality)


def _layer(before: Picture, after: Picture) -> Picture:
    depth = "uint16" if after.depth == 32 else after.pixels.dtype.name
    rgb, opacity = color_layer(to_dtype(before.pixels, depth), to_dtype(_rgb(after), depth))
    if after.alpha is not None:
        # What is clear already needs no colour.
        clear = to_dtype(after.alpha, depth) == 0
        opacity = np.where(clear, np.zeros_like(opacity), opacity)
    return replace(after, pixels=rgb, alpha=opacity)


def _card(before: Picture, after: Picture) -> Picture:
    """Both beside each other, or one above the other where they are wide, on paper."""
    sides = [_on_paper(each) for each in (before, after)]
    height, width = sides[0].shape[:2]
    margin, gap = (max(1, round(share * max(height, width))) for share in (_MARGIN, _GAP))
    down, across = (height + gap, 0) if width > height else (0, width + gap)
    card = np.full((height + down + 2 * margin, width + across + 2 * margin, 3), _PAPER, np.uint8)
    for index, side in enumerate(sides):
        top, left = margin + index * down, margin + index * across
        card[top : top + height, left : left + width] = side
    return provenance.signed(Picture(card))


def _film(before: Picture, after: Picture, path: Path) -> None:
    """A film in which colour comes over the photograph from the left, stays, and goes; it can be played in a loop."""
    with needing("a before/after film", "video"):
        import av

        from photochrom.video.codecs import encoding_for
        from photochrom.video.encoding import converted, declare_colors, padded
    encoding = encoding_for(f"film{FILM}", crf=_FILM_CRF)
    pixels = encoding.codec.pixels[8]
    width, height = size = encoding.size(*before.size)
    sides = [padded(_on_paper(each), size) for each in (before, after)]
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream: Any = file.add_stream(
            encoding.codec.encoder, rate=RATE, options=encoding.options | {"preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.time_base = Fraction(1, RATE)
        declare_colors(stream.codec_context, pixels)
        for share in shares():
            edge = round(share * width)
            frame = sides[0].copy()
            frame[:, :edge] = sides[1][:, :edge]
            if 0 < edge < width:
                frame[:, max(0, edge - max(1, width // 640)) : edge] = 255
            file.mux(stream.encode(converted(frame, pixels)))
        file.mux(stream.encode())


def shares() -> Iterator[float]:
    """How much of the width is in colour, 0 to 1, frame by frame."""
    for seconds, first, last in ((GRAY, 0, 0), (WIPE, 0, 1), (COLOR, 1, 1), (BACK, 1, 0)):
        count = round(seconds * RATE)
        for frame in range(count):
            t = frame / count
            yield first + (last - first) * t * t * (3 - 2 * t)


def _rgb(picture: Picture) -> np.ndarray:
    return picture.pixels[..., None].repeat(3, -1) if picture.is_gray else picture.pixels


def _on_paper(picture: Picture) -> np.ndarray:
    """(H, W, 3) uint8."""
    rgb = to_dtype(_rgb(picture), "uint8")
    if picture.alpha is None:
        return rgb
    opacity = to_dtype(picture.alpha, "float32")[..., None]
    return np.rint(rgb * opacity + _PAPER * (1 - opacity)).astype(np.uint8)
