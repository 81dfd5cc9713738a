"""L to ab, and photographs to coloured photographs: the session that everything else uses."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from photochrom import batched, guidance, photographs
from photochrom._support.processes import usable_cores
from photochrom._support.settings import Range
from photochrom._support.text import either, shown
from photochrom.errors import BadCheckpoint, BadSetting, OutOfMemory
from photochrom.imaging import io, provenance
from photochrom.imaging.picture import Picture
from photochrom.imaging.result_names import beside
from photochrom.inference.backends import Backend, ClosedBackend
from photochrom.inference.bins import JointBins
from photochrom.inference.card import ModelCard
from photochrom.inference.decode import RENDER_SIZE, Decoding, saturated_apart, scores_to_ab
from photochrom.inference.model_files import lasting
from photochrom.inference.network import Network, Scores
from photochrom.inference.variants import varied
from photochrom.loading import load_backend as load_backend
from photochrom.painting.album import Album
from photochrom.painting.confidence import confidence
from photochrom.painting.hints import Colored, checked, hint_map, hinted
from photochrom.painting.mark import Mark
from photochrom.painting.painter import Painter
from photochrom.painting.palette import Palette
from photochrom.painting.reference import METHODS as REFERENCE_METHODS
from photochrom.painting.reference import Reference
from photochrom.painting.restore import Tone
from photochrom.painting.upsample import GuidedChroma, guide_size, resize
from photochrom.photographs import PhotographReport

MOST_PAINTERS = 8  # each holds about 16 MB while it paints a strip; more would cost memory and win little


class Colorizer:
    """A loaded model with its settings; use one for many photographs. Its attribute `settings` can make another.

    Threads may share one: each call gives what it would give alone. A session can be pickled, as for
    `multiprocessing`; it then loads its network anew and keeps its palette and what it knows of its references. As a
    context manager it frees its network at the end.

    Args:
        model: a packaged model's name, a .onnx file, a run folder or a folder of `export --hub` (which need the
            extra `train`), or a loaded backend.
        render_size: side in pixels of the square whose area the network sees; larger is slower and more local. None
            here and below uses the model's own value. Models bound to one size accept only None.
        vividness: 0 (cautious) to 1 (rare colours as likely as common ones).
        saturation: multiplies the chroma.
        warmth: -1 as in cold light to 1 as in warm light; 0 leaves the colours as they are.
        tint: -1 greener to 1 more magenta, likewise.
        decoder: "annealed_mean", "mean", "argmax", "sample" or "tilted".
        temperature: of the annealed mean and of sampling.
        device: "auto", "cpu" or "cuda"; an error if it is not available.
        max_pixels: the largest photograph to read; None for no limit.
        threads: CPU threads; None for all cores.
        keep_color: leave photographs that are already in colour as they are; tinted ones are coloured.
        restore_tone: stretch the tones of a faded print to the full range, which changes L.
        mark: add a small visible mark in the lower right corner.
        palette: colours to which the picture's are drawn: a `Palette`, a list of colours, or what `Palette.read` takes.
        references: pictures whose colours are taken where they show the same kind of thing.
        reference_method: how that is found, "network" or "welsh"; see `photochrom.painting.reference`.
        like: a folder of pictures in colour; for each photograph the three most like it are references, too.
        strict: refuse files whose data are damaged or end early, instead of colouring what is there with a warning.

    Attributes:
        network: what gives the scores.
        threads: that paint one photograph.

    Raises:
        UnknownName, BadCheckpoint, DeviceUnavailable, BadSetting.

    Example:
        >>> import numpy as np
        >>> Colorizer(threads=1).colorize(np.zeros((8, 8), np.uint8)).shape
        (8, 8, 3)
        >>> with Colorizer(threads=1) as session:
        ...     session.colorize(np.zeros((8, 8), np.uint16)).dtype
        dtype('uint16')
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Backend = "default",
        *,
        render_size: int | None = None,
        vividness: float | None = None,
        saturation: float = 1.0,
        warmth: float = 0.0,
        tint: float = 0.0,
        decoder: str | None = None,
        temperature: float | None = None,
        device: str = "auto",
        max_pixels: int | None = io.MAX_PIXELS,
        threads: int | None = None,
        keep_color: bool = False,
        restore_tone: bool = False,
        mark: bool = False,
        palette: Palette | str | os.PathLike[str] | Sequence[str] | None = None,
        references: Sequence[str | os.PathLike[str]] = (),
        reference_method: str = "network",
        like: Album | str | os.PathLike[str] | None = None,
        strict: bool = False,
    ) -> None:
        if isinstance(palette, Sequence) and not isinstance(palette, str):
            palette = Palette.of(palette)
        elif palette is not None and not isinstance(palette, Palette):
            palette = Palette.read(palette)
        choice: dict[str, Any] = {
            "vividness": vividness,
            "saturation": saturation,
            "warmth": warmth,
            "tint": tint,
            "decoder": decoder,
            "temperature": temperature,
        }
        if isinstance(references, (str, bytes, os.PathLike)):
            raise BadSetting("references is a list of pictures; write [...] around a single one")
        if not isinstance(references, Iterable):
            raise BadSetting(f"references is a list of pictures, not {type(references).__name__}")
        if not isinstance(like, Album | str | os.PathLike | None):
            raise BadSetting(f"like is a folder of pictures, not {type(like).__name__}")
        self.settings = choice | {
            "model": model,
            "render_size": render_size,
            "device": device,
            "max_pixels": max_pixels,
            "threads": threads,
            "keep_color": keep_color,
            "restore_tone": restore_tone,
            "mark": mark,
            "palette": palette,
            "references": tuple(references),
            "reference_method": reference_method,
            "strict": strict,
        }
        for name, value, allowed in (
            ("render size", render_size, RENDER_SIZE),
            ("number of threads", threads, Range(1, 1024, whole=True)),
            ("largest number of pixels", max_pixels, Range(1, whole=True)),
        ):
            if value is not None:
                allowed.check(f"the {name}", value)
        Decoding().chosen(**choice)  # what is wrong is said before the model is loaded
        self.network = Network(load_backend(model, device, threads))
        if self.network.bins is None and (vividness, decoder, temperature) != (None, None, None):
            raise BadSetting(f"the model '{self.card.name}' has no bins, so no vividness, decoder or temperature")
        if self.card.size is not None and render_size is not None:
            side = self.card.size
            raise BadSetting(f"the model '{self.card.name}' needs squares of {side} pixels; omit --render-size")
        self.decoding = self.card.default_decoding().chosen(**choice)
        self.render_size = self.card.size or render_size or self.card.render_size
        self.max_pixels = max_pixels
        self.keep_color, self.restore_tone, self.mark = bool(keep_color), bool(restore_tone), bool(mark)
        self.palette = palette
        if reference_method not in REFERENCE_METHODS:
            raise BadSetting(f"the reference method is '{reference_method}'; it must be {either(REFERENCE_METHODS)}")
        self.reference_method = reference_method
        self.references = [guidance.reference_in(self, source) for source in references]
        self.album = like if like is None or isinstance(like, Album) else guidance.album_in(self, like)
        self.settings["like"] = self.album  # not the folder, so that other processes need not look at it again
        self.strict = bool(strict)
        self.threads = min(threads or usable_cores(), MOST_PAINTERS)

    @property
    def card(self) -> ModelCard:
        """What the model is and promises."""
        return self.network.card

    def close(self) -> None:
        """Free the network; what needs it fails from now on."""
        self.network = Network(ClosedBackend(self.card))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __copy__(self) -> Self:
        """Another session over the same network, which `__setstate__` would load again."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name != "network"}
        model = self.settings["model"]
        # Another process may have another working directory.
        model = model if isinstance(model, Backend) else lasting(model)
        return kept | {"settings": self.settings | {"model": model}, "digest": self.card.digest}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        digest = kept.pop("digest")
        settings = kept["settings"]
        network = Network(load_backend(settings["model"], settings["device"], settings["threads"]))
        if network.card.digest != digest:
            raise BadCheckpoint(f"{settings['model']}: it is another model than when the session was pickled")
        vars(self).update(kept, network=network)

    def scores(
        self,
        L: np.ndarray,
        *,
        mirror: bool | None = None,
        variant: int | None = None,
        hints: Sequence[Colored] = (),
        plain: Scores | None = None,
    ) -> Scores:
        """The network's answer for L (H, W), 0..100, which it sees at `render_size`.

        A model that is bound to one size sees the whole picture pressed into its square.

        Args:
            L: a picture.
            mirror: whether the mirrored picture is seen too; None does as the card says.
            variant: a network that drops channels at use, too, drops those of this variant.
            hints: colours that a person knows, at points of L; a network that takes no hints is not told.
            plain: the answer without hints, where it is there already.
        """
        far = self._far(hints, L)
        if plain and not far:
            return plain
        small = self.shrunk(L, plain and plain.seen)
        plain = plain or self.network.scores(small, mirror, variant)
        if not far:
            return plain
        kept = None
        if any(hint.keeps for hint in far):
            kept = self._decoded(plain, self.decoding.unsaturated, np.random.default_rng(0))
        known = hint_map(far, small, L.shape[::-1], self.card.stride, kept)
        return replace(self.network.scores(small, mirror, variant, known), plain=plain)

    def _far(self, hints: Sequence[Colored], L: np.ndarray) -> list[Colored]:
        """The hints that the network is told; one that is to spread less than others it would spread too far. Where
        none has a colour, there is nothing to tell."""
        if not (hints and self.network.takes_hints):
            return []
        far = [hint for hint in checked(hints, L.shape[::-1]) if hint.reach >= 1]
        return [] if all(hint.keeps for hint in far) else far

    def shrunk(self, L: np.ndarray, seen: tuple[int, int] | None = None) -> np.ndarray:
        """L (h, w) of the size that the network sees, of L (H, W); its tone restored, where the session does that.

        `seen` is (w, h), where it has seen the picture already.
        """
        small = resize(L, seen or self.network.seen(L.shape, self.render_size))
        return Tone.fit(small)(small) if self.restore_tone else small

    def decode(
        self,
        scores: Scores,
        L: np.ndarray,
        *,
        vividness: float | None = None,
        decoding: Decoding | None = None,
        rng: np.random.Generator | None = None,
        hints: Sequence[Colored] = (),
    ) -> np.ndarray:
        """ab (H, W, 2) in Lab units at the size of L (H, W), from what `scores` gave for it.

        Args:
            scores, L: the network's answer for a picture, and the picture, which may be a smaller copy.
            vividness: instead of the session's.
            decoding: instead of the session's, whole.
            rng: for the decoder "sample".
            hints: colours that a person knows, at points of L.
        """
        how = decoding or self.decoding
        if vividness is not None:
            how = replace(how, vividness=vividness)
        painter = self._painter_of(L, scores, how, rng, hints)
        return painter.chroma.strip(L if painter.tone is None else painter.tone(L), 0, len(L))

    def ab(self, L: np.ndarray) -> np.ndarray:
        """ab (H, W, 2) in Lab units for L (H, W), 0..100; it may leave the gamut."""
        return self.decode(self.scores(L), L)

    def colorize_picture(
        self,
        picture: Picture,
        *,
        scores: Scores | None = None,
        decoding: Decoding | None = None,
        rng: np.random.Generator | None = None,
        lightness: np.ndarray | None = None,
        variant: int | None = None,
        hints: Sequence[Colored] = (),
    ) -> Picture:
        """The photograph in colour, at full size, with its own L; its metadata are kept and say that it was coloured.

        With `keep_color`, what shows colours already comes back as it is. Further pages are coloured likewise.

        Args:
            picture: what to colour.
            scores: what `scores` gave for it, with the same variant, where the network has run already. A network that
                takes hints runs again, unless it was told them then.
            decoding: instead of the session's, whole.
            rng: for the decoder "sample".
            lightness: L (H, W) instead of the picture's own, see `photochrom.painting.tone`.
            variant: another colouring instead of the likeliest, the same one for the same number: see
                `photochrom.inference.variants` for a model over bins; dropout at use for one that was trained with it.
            hints: colours that a person knows, see `photochrom.Hint`; of several pages, on the first.

        Raises:
            BadSetting: a variant of a model that has one colouring only; hints that lie outside.
            OutOfMemory: it did not fit; there is no partial result.
        """
        pages = tuple(self.colorize_picture(p, decoding=decoding, rng=rng, variant=variant) for p in picture.pages)
        if self.keep_color and picture.toning == "color":
            unchanged = all(new is old for new, old in zip(pages, picture.pages, strict=True))
            return picture if unchanged else replace(picture, pages=pages)
        if variant is not None:
            Range(0, 2**32, whole=True).check("the variant", variant)
            self.network.need_variants()
        try:
            light = picture.lightness() if lightness is None else lightness
            scores = scores or self.scores(light, variant=variant, hints=hints)
            painter = self._painter_of(light, scores, decoding or self.decoding, rng, hints, variant)
            rgb = painter.whole(light, picture.pixels.dtype, self.threads)
            if picture.missing is not None:
                rgb[picture.missing] = picture.pixels.reshape(*rgb.shape[:2], -1)[picture.missing]
            return provenance.signed(replace(picture.with_rgb(rgb), pages=pages))
        except (MemoryError, RuntimeError) as error:
            # A thread that finds no room for its stack is a RuntimeError.
            if isinstance(error, RuntimeError) and "start new thread" not in str(error):
                raise
            raise OutOfMemory(
                f"memory ran out on a photograph of {picture.width} x {picture.height}; colour a smaller copy"
            ) from None

    def part_painter(
        self,
        L: np.ndarray,
        scores: Scores,
        *,
        decoding: Decoding | None = None,
        variant: int | None = None,
        hints: Sequence[Colored] = (),
    ) -> Painter:
        """What paints any part of a photograph, in any size: see `Painter.part`.

        Args:
            L: (h, w) of the whole in a small copy, of which the hints count the pixels.
            scores: what `scores` gave for it.
            decoding, variant, hints: as for `colorize_picture`.
        """
        return self._painter_of(L, scores, decoding or self.decoding, None, hints, variant)

    def confidence(self, L: np.ndarray) -> np.ndarray:
        """How sure the colours of L (H, W), 0..100, are: (H, W), the probability that they are nearly the true ones.

        Raises:
            BadSetting: the model gives no distribution over joint bins.
        """
        sure, _ = self.map_confidence(L)
        return np.clip(resize(sure, (L.shape[1], L.shape[0])), 0, 1)

    def map_confidence(
        self, L: np.ndarray, scores: Scores | None = None, decoding: Decoding | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The confidence (h, w) on the network's map, and the ab (h, w, 2) that is shown there, without a cast.

        Args:
            L: (H, W), 0..100.
            scores: what `scores` gave for L, where the network has run already.
            decoding: instead of the session's.

        Raises:
            BadSetting: as `confidence`.
        """
        bins = self.network.bins
        if not isinstance(bins, JointBins):
            raise BadSetting(f"the model '{self.card.name}' gives no probabilities of colours, so no confidence")
        scores = scores or self.scores(L)
        w, h = self.map_size(scores)
        how = replace(decoding or self.decoding, warmth=0.0, tint=0.0)  # a cast that was asked for is no doubt
        ab = self.chroma(scores, L, how).strip(resize(L, (w, h)), 0, h)
        return confidence(scores.map[:, :h, :w], ab, bins, how), ab

    def paint(self, picture: Picture, light: np.ndarray, chroma: GuidedChroma) -> Picture:
        """The photograph with the chroma given, strip by strip; `light` (H, W) is its L."""
        rgb = Painter(len(light), light.shape[1], chroma).whole(light, picture.pixels.dtype, self.threads)
        return picture.with_rgb(rgb)

    def colorize(
        self,
        x: Any,
        output: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        hints: Sequence[Colored] = (),
    ) -> Any:
        """Colour a photograph and return the same type.

        Args:
            x: a path (the result is written next to it as NAME.color.EXT, and its path returned), the bytes of a
                file, a PIL image, or an array (H, W[, 1 | 3 | 4]) of uint8, uint16 or floats in 0..1. A photograph that
                is already in colour is coloured from its lightness.
            output: where to write the result of a path.
            overwrite: replace an existing file.
            hints: known colours of points, strokes and areas, such as `Hint(120, 340, "navy")`; see `read_hints`.

        Raises:
            PhotochromError: see `photochrom.errors`; nothing was written.
        """
        if not isinstance(output, str | os.PathLike | None):
            raise BadSetting(f"an output is a path, not {type(output).__name__}")
        if isinstance(x, str | os.PathLike):
            target = Path(output) if output is not None else beside(Path(os.fsdecode(x)))
            report = self.colorize_file(os.fsdecode(x), target, overwrite=overwrite, hints=hints)
            _warn(shown(os.fsdecode(x)), report.notes)
            return str(target) if isinstance(x, str) else target
        if output is not None:
            raise BadSetting("an output needs a path as input; for other inputs the result is returned")
        try:
            return self._colorize_here(x, hints)
        except MemoryError:
            raise OutOfMemory("memory ran out while colouring; use a smaller copy") from None

    def colorize_batch(self, x: Any) -> Any:
        """Colour many pictures; the network runs over those of like shape together.

        Each gets the colours that `colorize` gives it, up to 1 of 255: sums are rounded in another order.

        Args:
            x: an array (n, H, W) or (n, H, W, 1 | 3), a list of arrays and PIL images of any sizes, or a torch tensor
                (n, 1 | 3, H, W) on any device. Samples are uint8, uint16, or floats in 0..1.

        Returns:
            The same kind, with three channels: an array (n, H, W, 3), a list, or a tensor (n, 3, H, W) without a
            gradient; of the same dtype and on the same device.

        Raises:
            PhotochromError: another kind, shape or dtype, or too little memory; see `photochrom.errors`.

        Example:
            >>> import numpy as np
            >>> Colorizer(threads=1).colorize_batch(np.zeros((3, 8, 8), np.float32)).shape
            (3, 8, 8, 3)
        """
        try:
            return batched.colorize_batch(self, x)
        except MemoryError:
            raise OutOfMemory("memory ran out while colouring; give fewer or smaller pictures at a time") from None

    def colorize_file(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        variant: int | None = None,
        hints: Sequence[Colored] = (),
        seen: tuple[Picture, Scores | None] | None = None,
    ) -> PhotographReport:
        """Colour a file into another one; see `photochrom.photographs.colorize_file`."""
        return photographs.colorize_file(self, source, target, overwrite, variant, hints, seen)

    def _colorize_here(self, x: Any, hints: Sequence[Colored]) -> Any:
        if isinstance(x, np.ndarray):
            return io.to_array(self.colorize_picture(io.from_array(x), hints=hints), x.dtype)
        if isinstance(x, Image.Image):
            return io.to_pil(self.colorize_picture(io.from_pil(x), hints=hints))
        if isinstance(x, bytes | bytearray | memoryview):
            picture = io.read(x, self.max_pixels, self.strict)
            _warn("the data given", picture.notes)
            result = self.colorize_picture(picture, hints=hints)
            # What is kept as it is keeps its bytes, too.
            return bytes(x) if result is picture else io.encode(result, picture.format or "PNG")
        raise BadSetting(f"a path, bytes, a PIL image or an array can be coloured, not {type(x).__name__}")

    def chroma(
        self,
        scores: Scores,
        L: np.ndarray,
        how: Decoding | None = None,
        rng: np.random.Generator | None = None,
    ) -> GuidedChroma:
        """What `scores` gave for L (H, W), decoded and fitted to it; small, and enlarged only where it is painted."""
        how = how or self.decoding
        if scores.plain:
            plain = self._decoded(scores.plain, how.unsaturated, copy.deepcopy(rng))
            ab = saturated_apart(self._decoded(scores, how.unsaturated, rng), plain, how)
        else:
            ab = self._decoded(scores, how, rng)
        if guidance.wanted(self):
            w, h = self.map_size(scores)
            ab[:h, :w] = guidance.guided(self, ab[:h, :w], guidance.Seen.of(self, scores, L))
        fitted = GuidedChroma.fit(ab, L, self.network.covered(scores.seen), how.smooth_radius)
        return fitted.with_cast(*how.cast) if any(how.cast) else fitted

    def _decoded(self, scores: Scores, how: Decoding, rng: np.random.Generator | None) -> np.ndarray:
        """ab (h, w, 2) on the network's map."""
        bins, answer = self.network.bins, scores.map
        if how.agreement:
            answer = scores.in_agreement(bins, how, guidance.light_of(self, scores))
        return scores_to_ab(answer, bins, how, rng, self.card.ab_scale)

    def map_size(self, scores: Scores) -> tuple[int, int]:
        """(w, h) of the part of the network's map that lies over the picture."""
        w, h = self.network.covered(scores.seen)
        return max(1, round(w)), max(1, round(h))

    def reference(self, picture: Picture, scores: Scores | None = None) -> Reference:
        """What is known of a picture (H, W, 3) whose colours are wanted; `scores` is what `scores` gave for its L."""
        return guidance.reference(self, picture, scores)

    def sizes(self, shape: tuple[int, ...], seen: tuple[int, int] | None = None) -> list[tuple[int, int]]:
        """(w, h) of the copies of a picture of the shape (H, W) that the network sees, and to which chroma is fitted.

        Args:
            shape: of the picture.
            seen: instead of the first, where the network has seen another one.
        """
        seen = seen or self.network.seen(shape, self.render_size)
        return [seen, guide_size(shape, self.network.covered(seen))]

    def painter(self, shape: tuple[int, ...], small: np.ndarray, guide: np.ndarray) -> Painter:
        """What paints a picture that is too large to be held.

        Args:
            shape: (H, W) of the picture.
            small, guide: its L, 0..100, shrunk to `sizes`.
        """
        tone = Tone.fit(small) if self.restore_tone else None
        scores = self.network.scores(small if tone is None else tone(small))
        return self._painter(shape, guide, tone, scores, self.decoding, None)

    def _painter_of(
        self,
        L: np.ndarray,
        scores: Scores,
        how: Decoding,
        rng: np.random.Generator | None = None,
        hints: Sequence[Colored] = (),
        variant: int | None = None,
    ) -> Painter:
        if not scores.plain and self._far(hints, L):
            scores = self.scores(L, hints=hints, plain=scores)
        seen, size = self.sizes(L.shape, scores.seen)
        tone = Tone.fit(resize(L, seen)) if self.restore_tone else None
        if variant is not None and (bins := self.network.bins):
            plain = scores.plain and replace(scores.plain, map=varied(scores.plain.map, bins, variant))
            scores = replace(scores, map=varied(scores.map, bins, variant), plain=plain)
        guide, plain = resize(L, size), None
        if scores.plain and any(hint.keeps for hint in hints):
            plain = self._painter(L.shape, guide, tone, scores.plain, how, copy.deepcopy(rng)).chroma
        painter = self._painter(L.shape, guide, tone, scores, how, rng)
        if not hints:
            return painter
        return replace(painter, chroma=hinted(painter.chroma, L if tone is None else tone(L), hints, plain))

    def _painter(
        self,
        shape: tuple[int, ...],
        guide: np.ndarray,
        tone: Tone | None,
        scores: Scores,
        how: Decoding,
        rng: np.random.Generator | None,
    ) -> Painter:
        chroma = self.chroma(scores, guide if tone is None else tone(guide), how, rng)
        height, width = shape
        return Painter(height, width, chroma, tone, Mark(height, width) if self.mark else None)


def _warn(name: str, notes: Sequence[str]) -> None:
    if notes:
        warnings.warn(f"{name}: {'; '.join(notes)}", stacklevel=3)
