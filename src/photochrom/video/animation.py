"""Moving GIF, WebP, AVIF and PNG: their frames, times, loop and transparency, in and out, by Pillow alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from photochrom._support.files import write_failed
from photochrom._support.text import shown
from photochrom.errors import ImageTooLarge, UnreadableFilm
from photochrom.imaging import io
from photochrom.imaging.carrying import carried
from photochrom.imaging.metadata import upright_exif
from photochrom.imaging.picture import Picture
from photochrom.imaging.reading import add_facts, quiet
from photochrom.imaging.sixteen_bit import text_chunks
from photochrom.imaging.writing import with_packet

_FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG", ".avif": "AVIF"}
_PALETTE_FRAMES = 16  # that the colours of a GIF are chosen from
_CLEAR = 255  # the palette's index for what is transparent


class Animation:
    """A moving picture's file.

    Args:
        path: the file.
        max_pixels: the largest frame that is decoded; None is no limit.

    Attributes:
        size: (W, H), upright.
        durations: milliseconds of each picture that was read so far; 0 for a first one that is no frame.
        repeated: indices of the frames that stand in for broken ones.
        loop: how often it repeats, 0 without end; None is once.
        still_first: a PNG's first picture is for programs that show no motion, and not part of it.
        said: a picture of one pixel with what the file says beside its frames: EXIF, XMP, resolution, captions, notes.
        broken: it breaks off before its end.
    """

    def __init__(self, path: Path, max_pixels: int | None = None) -> None:
        self.path, self._name = path, shown(path)
        self.durations: list[float] = []
        self.repeated: list[int] = []
        self.broken = False
        with self._opened() as image:
            self._stored = image.size
            self.size: tuple[int, int] = image.size
            if max_pixels is not None and image.width * image.height > max_pixels:
                raise ImageTooLarge(
                    f"{self._name} has frames of {image.width} x {image.height}, over the limit of {max_pixels} pixels"
                )
            self.loop: int | None = image.info.get("loop")
            self.still_first = bool(image.info.get("default_image"))
            with open(path, "rb") as file:
                add_facts(image, image.format or "", file)
            info = dict(image.info)
        self._info = {key: info[key] for key in ("icc_profile", "exif") if info.get(key)}
        if upright_exif(info.get("exif"))[1] > 4:
            self.size = self.size[1], self.size[0]
        alone = Image.new("RGB", (1, 1))
        alone.info = {key: value for key, value in info.items() if key != "icc_profile"}
        self.said = io.from_pil(alone)

    def losses(self, target: Path) -> tuple[str, ...]:
        """What of it the target does not keep, in words, once its frames were read."""
        form = _FORMATS[target.suffix.lower()]
        rounded = any(ms != round(ms) for ms in self.durations)
        times = ("its times were rounded to milliseconds",) if rounded else ()
        return (*self.said.notes, *carried(self.said, form)[1], *times)

    def frames(self, start: int = 0) -> Iterator[Picture]:
        """The frames from `start` on; those before are only read. One that is broken is its neighbour again."""
        self.durations, self.repeated, self.broken = [], [], False
        last: Picture | None = None
        with self._opened() as image:
            index = 0
            while True:
                try:
                    with quiet():
                        image.seek(index)
                        if image.size != self._stored:
                            # Pillow widens a GIF to where a damaged frame claims to lie, which may be gigabytes away.
                            self.broken = True
                            return
                        frame = image.convert("RGBA")  # a copy: the next one is drawn over this
                        frame.info.clear()
                        frame.info.update(self._info)
                    last = io.from_pil(frame)
                except EOFError:
                    return
                except Exception as error:  # Pillow's decoders raise what they like
                    if last is None:
                        raise UnreadableFilm(f"{self._name} is damaged in its first frame ({error})") from None
                    if image.tell() != index:
                        self.broken = True  # what follows cannot be found
                        return
                    self.repeated.append(index)
                self.durations.append(float(image.info.get("duration", 0)))
                if index >= start:
                    yield last
                index += 1

    def _opened(self) -> Image.Image:
        try:
            with quiet():
                return Image.open(self.path, formats=sorted(set(_FORMATS.values())))
        except Exception as error:  # as above
            reason = getattr(error, "strerror", None) or "it is damaged, or no moving picture"
            raise UnreadableFilm(f"{self._name} cannot be read ({reason}); get a new copy of the file") from None


def assemble(movie: Animation, files: Sequence[Path], temporary: Path, target: Path) -> None:
    """Write a moving picture into the file `temporary` from its frames' files; the ending of `target` says how.

    Raises:
        WriteFailed: the disk is full, ...
    """
    form = _FORMATS[target.suffix.lower()]
    # Pillow counts the frames, and a picture before them is none.
    how: dict[str, Any] = {"duration": [round(ms) for ms in movie.durations[movie.still_first :]]}
    said, _ = carried(movie.said, form)
    how |= _metadata_for(said, form)
    if movie.loop is not None:
        how["loop"] = movie.loop
    elif form == "WEBP":
        how["loop"] = 1
    images = _Frames(lambda: _as_palette(files) if form == "GIF" else map(_load, files))
    if form == "GIF":
        # Each frame replaces the one before, so that what is transparent stays so.
        how |= {"transparency": _CLEAR, "disposal": 2, "optimize": False}
    elif form == "PNG":
        how |= {"default_image": movie.still_first}
    else:
        how |= {"quality": 90} | ({"method": 4} if form == "WEBP" else {})
    try:
        with open(temporary, "wb") as file:
            others = _Frames(lambda: islice(images, 1, None))
            next(iter(images)).save(file, form, save_all=True, append_images=others, **how)
        if form == "GIF" and said.xmp:
            temporary.write_bytes(with_packet(temporary.read_bytes(), said.xmp))
    except OSError as error:
        raise write_failed(target, error) from error


def _metadata_for(said: Picture, form: str) -> dict[str, Any]:
    """What Pillow's `save` is told of it; the XMP of a GIF comes later."""
    how: dict[str, Any] = {"exif": said.exif} if said.exif else {}
    if form == "GIF" and said.captions.comments:
        how["comment"] = b"\n".join(said.captions.comments)
    elif form == "PNG":
        chunks = PngInfo()
        for chunk in text_chunks(said):
            chunks.add(chunk[:4], chunk[4:])
        how |= {"pnginfo": chunks} | ({"dpi": said.dpi} if said.dpi else {})
    elif said.xmp:
        how["xmp"] = said.xmp
    return how


class _Frames:
    """Frames that are loaded as they are asked for; Pillow goes through them more than once."""

    def __init__(self, begin: Callable[[], Iterator[Image.Image]]) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[Image.Image]:
        return self._begin()


def _as_palette(files: Sequence[Path]) -> Iterator[Image.Image]:
    """Frames over one palette, since a palette for each would make what stands still shimmer."""
    sample = files[:: -(-len(files) // _PALETTE_FRAMES)]
    strip = np.concatenate([_opaque(np.asarray(_load(file))) for file in sample])
    palette = Image.fromarray(strip[None]).quantize(_CLEAR, Image.Quantize.MEDIANCUT)
    for file in files:
        rgba = _load(file)
        image = rgba.convert("RGB").quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        image.paste(_CLEAR, mask=rgba.getchannel("A").point([255 * (level < 128) for level in range(256)]))
        yield image


def _load(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGBA")


def _opaque(rgba: np.ndarray) -> np.ndarray:
    """(n, 3) of what is seen of a frame, a few thousand of its pixels."""
    seen = rgba[..., :3][rgba[..., 3] >= 128]
    seen = seen if len(seen) else np.zeros((1, 3), np.uint8)
    return seen[:: -(-len(seen) // 20_000)]
