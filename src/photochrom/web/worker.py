"""What the worker processes do; each function takes plain values and leaves files in a job's folder.

A client's file is decoded here and nowhere else, so that whatever it does to a decoder ends with this process.
"""

from __future__ import annotations

import copy
import secrets
import shutil
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting
from photochrom.imaging import io
from photochrom.imaging.picture import Picture, Toning, to_dtype
from photochrom.imaging.reading import decode
from photochrom.inference.network import Scores
from photochrom.painting.mark import Mark
from photochrom.painting.reference import Reference
from photochrom.painting.restore import Tone
from photochrom.painting.tone import with_contrast
from photochrom.painting.upsample import resize
from photochrom.web.look import Look

INPUT = "input"
KEPT = "kept.npz"
CROP_GUIDE = 640  # pixels of the longer side of the copy by which parts are painted
PREVIEW_SIDE = 1600  # pixels of the longer side: about a screen; a larger preview is the photograph itself


@dataclass(frozen=True)
class Setup:
    """What a worker loads.

    Attributes:
        model: a packaged model's name, or a .onnx file.
        max_pixels: the largest photograph that is read.
        threads: of one worker.
    """

    model: str
    max_pixels: int
    threads: int


@dataclass(frozen=True)
class Facts:
    """What is known of a photograph or a film once it has been read; `format` is Pillow's name, or a film's ending."""

    width: int
    height: int
    format: str
    alpha: bool
    frames: int = 1
    colored: bool | None = None  # whether it shows colours already, if only a tint; None for a film
    toning: Toning | None = None  # likewise
    seconds: float | None = None  # that a film or moving picture lasts, where that is known


@lru_cache(maxsize=1)
def session(setup: Setup) -> Colorizer:
    """The model, loaded once a process."""
    return Colorizer(setup.model, max_pixels=setup.max_pixels, threads=setup.threads, device="cpu")


def warm(setup: Setup) -> None:
    """Load the model before it is needed."""
    session(setup)


def prepare(setup: Setup, folder: str) -> Facts:
    """Read a job's photograph, run the network, and keep its answer and a copy for previews.

    Raises:
        PhotochromError: the photograph cannot be read or does not fit.
    """
    picture = read(setup, folder)
    scores = session(setup).scores(picture.lightness())
    small = smaller(picture, PREVIEW_SIDE)
    alpha = np.empty(0, np.uint8) if small.alpha is None else small.alpha
    whole = np.array(picture.size)
    np.savez(Path(folder, KEPT), map=scores.map, small=scores.small, whole=whole, pixels=small.pixels, alpha=alpha)
    toning, format = small.toning, picture.format or "PNG"
    return Facts(
        picture.width, picture.height, format, picture.alpha is not None, colored=toning != "gray", toning=toning
    )


def render(setup: Setup, folder: str, look: Look | None, format: str | None) -> str:
    """Write the whole photograph in a look (None: unchanged) into the folder.

    Returns:
        The file's name; `format` is the photograph's own where it is None.
    """
    picture = read(setup, folder)
    result = picture
    if look is not None:
        colorizer = dressed(setup, folder, look)
        scores = answer_for(folder, colorizer, picture, look)
        result = painted(colorizer, picture, look, scores, picture.size)
    return written(folder, picture, result, look, format or picture.format or "PNG")


def colorize(setup: Setup, folder: str, look: Look, format: str | None) -> tuple[str, str]:
    """`prepare` and `render` in one, with nothing kept.

    Returns:
        The file's name and its format.
    """
    picture = read(setup, folder)
    format = format or picture.format or "PNG"
    colorizer = dressed(setup, folder, look)
    look.decoding(colorizer)  # a look that cannot be is refused before the network runs
    variant, hints = look.variant or None, look.given(picture.size, picture.size)
    scores = colorizer.scores(picture.lightness(), variant=variant, hints=hints)
    result = painted(colorizer, picture, look, scores, picture.size)
    return written(folder, picture, result, look, format), format


def written(
    folder: str, picture: Picture, result: Picture, look: Look | None, format: str, quality: int | None = None
) -> str:
    """Write a painted picture into the folder; the file's name. What is kept as it came is the same bytes."""
    name = secrets.token_hex(8)
    if look is not None and result is picture and picture.format == format and quality is None:
        shutil.copyfile(Path(folder, INPUT), Path(folder, name))
    else:
        Path(folder, name).write_bytes(io.encode(result, format, quality))
    return name


def preview(setup: Setup, folder: str, look: Look | None, side: int, format: str) -> bytes:
    """The encoded photograph, at most `side` pixels on its longer side, in a look (None: unchanged)."""
    _, small, whole = sized(folder, side)
    if look is not None:
        scores = answer_of(setup, folder, look.variant, look.restore_tone, look.hints)
        small = painted(dressed(setup, folder, look), small, look, scores, whole)
    return io.encode(small, format)


def crop(
    setup: Setup, folder: str, look: Look | None, box: tuple[int, int, int, int], side: int | None, format: str
) -> bytes:
    """An encoded part of the photograph in a look (None: unchanged), as sharp as the photograph is.

    Args:
        setup, folder: of the worker, and of the job.
        look: how it is painted.
        box: left, top, width and height in pixels of the photograph.
        side: pixels of the part's longer side at most.
        format: the name of one.

    Raises:
        BadSetting: the part lies outside.
    """
    picture = whole_of(setup, folder)
    left, top, width, height = box
    if left + width > picture.width or top + height > picture.height:
        raise BadSetting(f"the crop goes beyond the photograph, which is {picture.width} x {picture.height} pixels")
    rows, columns = slice(top, top + height), slice(left, left + width)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    part = smaller(Picture(picture.pixels[rows, columns], alpha), side or max(width, height))
    if look is None:
        return io.encode(part, format)
    _, small, _ = sized(folder, CROP_GUIDE)
    if look.keep_color and small.toning == "color":
        return io.encode(part, format)
    colorizer = copy.copy(dressed(setup, folder, look))
    colorizer.restore_tone = False  # the L that is given is restored
    painter = colorizer.part_painter(
        light_of(colorizer, small, look),
        answer_of(setup, folder, look.variant, look.restore_tone, look.hints),
        decoding=look.decoding(colorizer),
        variant=look.variant or None,
        hints=look.given(picture.size, small.size),
    )
    across, down = picture.size
    shares = left / across, top / down, (left + width) / across, (top + height) / down
    rgb = painter.part(light_of(colorizer, part, look, small), shares, setup.threads)
    if look.mark:
        Mark(picture.height, picture.width).draw_part(rgb, box)
    return io.encode(part.with_rgb(rgb), format)


@lru_cache(maxsize=1)
def whole_of(setup: Setup, folder: str) -> Picture:
    """A job's whole photograph in 8 bits without metadata: the one that is looked at closely."""
    picture = read(setup, folder)
    return smaller(picture, max(picture.size))


def dressed(setup: Setup, folder: str, look: Look) -> Colorizer:
    """The session with what a look asks for besides the decoding; the network is shared.

    Raises:
        BadSetting: the palette has what is no colour, or the reference is gray or gone.
    """
    colorizer = session(setup)
    other = copy.copy(colorizer)
    other.keep_color, other.restore_tone, other.mark = look.keep_color, look.restore_tone, look.mark
    other.palette = look.chosen_palette()
    other.references = [_reference(setup, str(Path(folder).parent / look.reference))] if look.reference else []
    return other


@lru_cache(maxsize=8)
def _reference(setup: Setup, folder: str) -> Reference:
    try:
        scores, small, _ = kept_of(folder)
    except FileNotFoundError:
        raise BadSetting("the reference picture was removed meanwhile; send it again") from None
    if small.toning == "gray":
        raise BadSetting("the reference is gray; take a picture that has the colours")
    return session(setup).reference(small, scores)


def _asked(colorizer: Colorizer, picture: Picture, look: Look, whole: tuple[int, int], kept: Scores) -> Scores:
    """What the network says in a look of a photograph of the size `whole`, or of a copy of it.

    It runs again for variants by dropped channels, for restored tones, and for hints that it takes; `kept` is what it
    says without any.
    """
    variant = look.variant if colorizer.card.variation else 0
    hints = look.given(whole, picture.size)
    if not (variant or look.restore_tone or hints):
        return kept
    plain = None if variant or look.restore_tone else kept
    return colorizer.scores(picture.lightness(), variant=variant or None, hints=hints, plain=plain)


def answer_for(folder: str, colorizer: Colorizer, picture: Picture, look: Look) -> Scores:
    """What the network says of a job's whole photograph in a look; `colorizer` is as `dressed` gives it for that."""
    return _asked(colorizer, picture, look, picture.size, kept_of(folder)[0])


@lru_cache(maxsize=8)
def answer_of(setup: Setup, folder: str, variant: int, restore_tone: bool, hints: str) -> Scores:
    """What the network says of a job's photograph in a look, by the copy for previews where it has to run again."""
    scores, small, whole = kept_of(folder)
    look = Look(variant=variant, restore_tone=restore_tone, hints=hints)
    return _asked(dressed(setup, folder, look), small, look, whole, scores)


def light_of(colorizer: Colorizer, picture: Picture, look: Look, whole: Picture | None = None) -> np.ndarray:
    """L (H, W) as a look shows it; of a part of a photograph where a copy of the `whole` is given."""
    light = picture.lightness()
    if look.restore_tone:
        seen = light if whole is None else whole.lightness()
        light = Tone.fit(resize(seen, colorizer.sizes(seen.shape)[0]))(light)
    return with_contrast(light, look.contrast)


def painted(colorizer: Colorizer, picture: Picture, look: Look, scores: Scores, whole: tuple[int, int]) -> Picture:
    """A photograph, or a copy of it, in a look.

    Args:
        colorizer: as `dressed` gives it for the look.
        picture, scores: what to paint, and what the network says of it.
        whole: (W, H) of the photograph, of which the look's hints count the pixels.
    """
    light = None
    if look.contrast:
        # Restored before, not after: that would take the contrast away again.
        light, colorizer = light_of(colorizer, picture, look), copy.copy(colorizer)
        colorizer.restore_tone = False
    return colorizer.colorize_picture(
        picture,
        scores=scores,
        decoding=look.decoding(colorizer),
        variant=look.variant or None,
        lightness=light,
        hints=look.given(whole, picture.size),
    )


def read(setup: Setup, folder: str) -> Picture:
    """A job's photograph."""
    # The folder's name must not appear in a message.
    with open(Path(folder, INPUT), "rb") as file:
        return decode(BytesIO(file.read()), "the photograph", setup.max_pixels)


@lru_cache(maxsize=8)
def kept_of(folder: str) -> tuple[Scores, Picture, tuple[int, int]]:
    """The network's answer, the copy for previews, and (W, H) of the whole."""
    with np.load(Path(folder, KEPT)) as kept:
        width, height = kept["whole"].tolist()
        alpha = kept["alpha"]
        return (
            Scores(kept["map"], kept["small"]),
            Picture(kept["pixels"], alpha if alpha.size else None),
            (width, height),
        )


@lru_cache(maxsize=8)
def sized(folder: str, side: int) -> tuple[Scores, Picture, tuple[int, int]]:
    scores, small, whole = kept_of(folder)
    return scores, smaller(small, side), whole


def smaller(picture: Picture, side: int) -> Picture:
    """A copy in 8 bits without metadata, shrunk to `side` pixels where it is larger."""
    alpha = None if picture.alpha is None else to_dtype(picture.alpha, "uint8")
    return shrunk(Picture(to_dtype(picture.pixels, "uint8"), alpha), side)


def shrunk(picture: Picture, side: int) -> Picture:
    """A picture with all that belongs to it but further pages, in its own depth, `side` pixels where it is larger."""
    scale = side / max(picture.size)
    if scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))

    def resized(samples: np.ndarray) -> np.ndarray:
        if samples.dtype == np.uint8:
            return np.asarray(Image.fromarray(samples).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
        if samples.ndim == 3:
            return np.stack([resized(samples[..., channel]) for channel in range(samples.shape[2])], -1)
        plane = Image.fromarray(samples.astype(np.float32)).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
        found = np.asarray(plane)
        return found if samples.dtype == np.float32 else np.rint(found).astype(samples.dtype)

    alpha = None if picture.alpha is None else resized(picture.alpha)
    return replace(picture, pixels=resized(picture.pixels), alpha=alpha, pages=())
