"""L to ab, and photographs to coloured photographs: the session that everything else uses."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photochrom import backends, color, io
from photochrom.card import ModelCard
from photochrom.decode import scores_to_ab
from photochrom.decoders import decoders
from photochrom.errors import BadSetting, OutOfMemory
from photochrom.files import check_free
from photochrom.formats import format_for
from photochrom.picture import Picture
from photochrom.upsample import GuidedChroma, resize

STRIP_PIXELS = 1 << 19


@dataclass(frozen=True)
class Scores:
    """A network's answer for one picture, kept so that it can be decoded in several ways; `map` is (c, h, w)."""

    map: np.ndarray


class Colorizer:
    """A loaded model with its settings; use one for many photographs.

    Args:
        model: a packaged model's name, a .onnx file, or a run folder (the last needs the extra `train`).
        render_size: side in pixels of the square whose area the network sees; more is slower and more local. None
            takes the model's own, as do the others.
        vividness: 0 (colours as frequent as in nature) to 1 (rare colours as likely as common ones).
        saturation: factor on the chroma; 1 leaves it.
        decoder: "annealed_mean", "mean", "argmax" or "sample".
        temperature: of the annealed mean and of sampling.
        device: "auto", "cpu" or "cuda"; honoured or an error.
        max_pixels: the largest photograph that is read.
        threads: CPU threads; None takes all cores.

    Raises:
        UnknownName, BadCheckpoint, DeviceUnavailable, BadSetting.

    Example:
        >>> import numpy as np
        >>> Colorizer(threads=1).colorize(np.zeros((8, 8), np.uint8)).shape
        (8, 8, 3)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "default",
        *,
        render_size: int | None = None,
        vividness: float | None = None,
        saturation: float = 1.0,
        decoder: str | None = None,
        temperature: float | None = None,
        device: str = "auto",
        max_pixels: int | None = io.MAX_PIXELS,
        threads: int | None = None,
    ) -> None:
        _within("vividness", vividness, 0, 1)
        _within("saturation", saturation, 0, 4)
        _within("temperature", temperature, 0.01, 10)
        _within("render size", render_size, 32, 2048)
        if decoder is not None:
            decoders[decoder]
        self._backend = backends.load(model, device, threads)
        self._bins = self.card.codebook()
        default = self.card.default_decoding()
        self.decoding = replace(
            default,
            saturation=default.saturation * saturation,
            vividness=default.vividness if vividness is None else vividness,
            decoder=decoder or default.decoder,
            temperature=temperature or default.temperature,
        )
        self.render_size = render_size or self.card.render_size
        self.max_pixels = max_pixels
        self._threads = threads or os.cpu_count() or 1

    @property
    def card(self) -> ModelCard:
        """What the model is and promises."""
        return self._backend.card

    def scores(self, L: np.ndarray) -> Scores:
        """Run the network on L (H, W), 0..100, shrunk to the render size and padded to the model's multiple."""
        card = self.card
        w, h = _render_shape(L.shape, self.render_size)
        x = (resize(L, (w, h)) - card.l_center) / card.l_scale
        pad = (-h % card.multiple, -w % card.multiple)
        x = np.pad(x, ((0, pad[0]), (0, pad[1])), mode="edge").astype(np.float32)
        out = self._backend.run(x[None, None])[0]
        return Scores(out[:, : -(-h // card.stride), : -(-w // card.stride)])

    def decode(
        self, scores: Scores, L: np.ndarray, *, vividness: float | None = None, rng: np.random.Generator | None = None
    ) -> np.ndarray:
        """ab (H, W, 2) in Lab units at the size of L (H, W), from what `scores` gave for it."""
        return self._fit(scores, L, vividness, rng).strip(L, 0, len(L))

    def ab(self, L: np.ndarray) -> np.ndarray:
        """ab (H, W, 2) in Lab units for L (H, W), 0..100; it may leave the gamut."""
        return self.decode(self.scores(L), L)

    def colorize_picture(self, picture: Picture) -> Picture:
        """The photograph in colour, at full size, with its own L and everything else in its file kept.

        Raises:
            OutOfMemory: it did not fit; there is no partial result.
        """
        try:
            light = picture.lightness()
            chroma = self._fit(self.scores(light), light, None, None)
            dtype = picture.pixels.dtype
            rgb = np.empty((*light.shape, 3), dtype)
            rows = max(1, STRIP_PIXELS // light.shape[1])

            def paint(top: int) -> None:
                strip = light[top : top + rows]
                lab = np.concatenate([strip[..., None], chroma.strip(strip, top, len(light))], -1)
                rgb[top : top + rows] = _quantised(color.lab_to_rgb(color.into_gamut(lab)), dtype)

            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(paint, range(0, len(light), rows)))
            return picture.with_rgb(rgb)
        except MemoryError:
            raise OutOfMemory(
                f"memory ran out over a photograph of {picture.width} x {picture.height}; colour a smaller copy"
            ) from None

    def colorize(self, x: Any, output: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Any:
        """Colour a photograph and return the type that was given.

        Args:
            x: a path (the result is written beside it as NAME.color.EXT and its path is returned), the bytes of a
                file, a PIL image, or an array (H, W[, 1 | 3 | 4]) of uint8, uint16 or floats in 0..1. What has colour
                already is coloured from its lightness.
            output: for a path, where the result goes.
            overwrite: replace a file that is there.

        Raises:
            PhotochromError: see `photochrom.errors`; nothing has been written then.
        """
        if isinstance(x, np.ndarray):
            return io.to_array(self.colorize_picture(io.from_array(x)), x.dtype)
        if isinstance(x, Image.Image):
            return io.to_pil(self.colorize_picture(io.from_pil(x)))
        if isinstance(x, bytes | bytearray | memoryview):
            picture = io.read(x, self.max_pixels)
            return io.encode(self.colorize_picture(picture), picture.format or "PNG")
        if not isinstance(x, str | os.PathLike):
            raise BadSetting(f"a path, bytes, a PIL image or an array can be coloured, not {type(x).__name__}")
        target = Path(output) if output is not None else beside(Path(x))
        format_for(target)
        check_free(target, overwrite)
        io.write(self.colorize_picture(io.read(x, self.max_pixels)), target, overwrite)
        return str(target) if isinstance(x, str) else target

    def _fit(
        self, scores: Scores, L: np.ndarray, vividness: float | None, rng: np.random.Generator | None
    ) -> GuidedChroma:
        how = self.decoding if vividness is None else replace(self.decoding, vividness=vividness)
        ab = scores_to_ab(scores.map, self._bins, how, rng)
        w, h = _render_shape(L.shape, self.render_size)
        return GuidedChroma.fit(ab, L, (w / self.card.stride, h / self.card.stride))


def beside(path: Path) -> Path:
    """Where the coloured version of a file goes: portrait.jpg becomes portrait.color.jpg."""
    return path.with_name(f"{path.stem}.color{path.suffix}")


def _render_shape(shape: tuple[int, ...], render_size: int) -> tuple[int, int]:
    """(w, h) of the picture as the network sees it: the area of render_size squared, the aspect kept within 8 : 1."""
    height, width = shape
    aspect = min(8.0, max(1 / 8, width / height))
    return max(1, round(render_size * math.sqrt(aspect))), max(1, round(render_size / math.sqrt(aspect)))


def _quantised(rgb: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    full = {"uint8": 255, "uint16": 65535}.get(dtype.name)
    return np.rint(rgb * full).astype(dtype) if full else rgb.astype(dtype)


def _within(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise BadSetting(f"the {name} is {value}; it may be {low} to {high}")
