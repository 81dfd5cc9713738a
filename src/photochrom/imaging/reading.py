"""From the bytes of a file to a Picture, or to one clear error."""

from __future__ import annotations

import contextlib
import importlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any

from PIL import Image, ImageFile, TiffImagePlugin

from photochrom.errors import (
    ImageTooLarge,
    MissingExtra,
    OutOfMemory,
    PhotochromError,
    UnreadableImage,
    UnsupportedFormat,
)
from photochrom.imaging.captions import NO_CAPTIONS, Captions, captions_of
from photochrom.imaging.facts import facts_of, facts_of_tiff
from photochrom.imaging.formats import SNIFF_BYTES, sniff
from photochrom.imaging.metadata import dpi_of_exif, sane_dpi, upright, upright_exif, upright_xmp
from photochrom.imaging.picture import Picture, Pixels
from photochrom.imaging.pixel_modes import split, split_wide
from photochrom.imaging.sixteen_bit import raw_mode, sixteen_bit_samples

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
}
_ORIENTATION = 0x0112
_SUBFILE_TYPE, _THUMBNAIL_OR_MASK = 254, 0b101  # TIFF 6.0, section 8
# Sum of the standard luma table, of which a JPEG's quality is a percentage. Source: ITU-T T.81, K.1; libjpeg.
_LUMA_SUM = 3688

# `warnings.catch_warnings` swaps state of the whole process, so that two threads in it at a time could leave
# the warnings off for good.
_one_at_a_time = threading.Lock()


class _TiffReader(TiffImagePlugin.TiffImageFile):
    """Pillow's, without its global limit on size, and leaving the turning to us."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.core.new(self.mode, self._tile_size)
        ImageFile.ImageFile.load_prepare(self)

    def load_end(self) -> None:
        self._size = self._tile_size


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's warnings about odd metadata from the caller, who can do nothing about them."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def clear_errors(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises on bad data into one line that names the file.

    Our own errors inside start with the verb ("is empty; ..."), and get the name put before them.
    """
    try:
        yield
    except MissingExtra:
        raise
    except PhotochromError as error:
        raise type(error)(f"{name} {error}") from error
    except MemoryError as error:
        raise OutOfMemory(f"{name} does not fit into memory; close other programs, or use a smaller copy") from error
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"{name} claims more pixels than can be decoded safely; use a smaller copy") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UnreadableImage(f"{name} is damaged or incomplete ({reason}); get a new copy of the file") from error


def decode(file: IO[bytes], name: str, max_pixels: int | None) -> Picture:
    """Decode the picture of an open file; of a TIFF, all of them.

    Args:
        file: seekable, at its start.
        name: what to call it in messages.
        max_pixels: the largest W * H that is decoded; None is no limit.

    Raises:
        UnreadableImage, ImageTooLarge, UnsupportedFormat, MissingExtra, OutOfMemory.
    """
    with clear_errors(name):
        kind = sniff(file.read(SNIFF_BYTES))
        image = _open(kind, file, name)
        _check(image, max_pixels)
        if not isinstance(image, _TiffReader):
            image.info.update(facts_of(kind, file))
            wide = _sixteen_bit_png(image, lambda: _open(kind, file, name)) if kind == "PNG" else None
            return from_image(image, wide)
        first, *others = (_tiff_page(file, name, page) for page in tiff_pages(image, max_pixels))
        return replace(first, pages=tuple(others))


def open_tiff(file: IO[bytes], name: str, page: int = 0) -> ImageFile.ImageFile:
    """Read the directory of a TIFF's page."""
    image = _open("TIFF", file, name)
    image.seek(page)
    return image


def picture_of_tiff(data: bytes) -> Picture:
    """The samples of a TIFF of one page, as they are stored, and the profile that holds for them."""
    image = open_tiff(io.BytesIO(data), "")
    return from_image(image, sixteen_bit_samples(image, lambda: open_tiff(io.BytesIO(data), "")))


def _tiff_page(file: IO[bytes], name: str, page: int) -> Picture:
    image = open_tiff(file, name, page)
    with quiet():
        facts, turn = facts_of_tiff(image), getattr(image, "tag_v2", {}).get(_ORIENTATION)
    samples = sixteen_bit_samples(image, lambda: open_tiff(file, name, page))
    return _turned(replace(from_image(image, samples), **facts), turn)


def from_image(image: Image.Image, wide: Pixels | None = None) -> Picture:
    """Make a Picture of a Pillow image of any mode, which is loaded but not changed.

    Args:
        image: any mode.
        wide: (H, W, C) uint16, where Pillow's own samples are too shallow.

    Raises:
        UnsupportedFormat: integers or floats of a range that means nothing.
    """
    if wide is None:
        image.load()
        pixels, alpha, profile = split(image)
    else:
        pixels, alpha, profile = split_wide(wide, image.info)
    info = image.info
    exif, turn, broken = upright_exif(info.get("exif"))
    xmp = info.get("xmp")
    xmp, untrue = upright_xmp(xmp.encode() if isinstance(xmp, str) else xmp)
    picture = Picture(
        pixels,
        alpha,
        icc=profile,
        exif=exif,
        xmp=xmp,
        dpi=sane_dpi(info.get("dpi")) or dpi_of_exif(exif),
        format="JPEG" if image.format == "MPO" else image.format,
        quality=_quality(image),
        notes=(*info.get("notes", ()), *broken, *untrue),
        captions=_captions(info),
    )
    return _turned(picture, turn)


def _captions(info: dict[Any, Any]) -> Captions:
    """What `facts_of` found, and else the comment that Pillow knows."""
    found, comment = info.get("captions", NO_CAPTIONS), info.get("comment")
    if found.comments or not comment:
        return found
    comment = comment.encode() if isinstance(comment, str) else bytes(comment)
    return replace(found, comments=captions_of(comments=(comment,)).comments)


def _turned(picture: Picture, orientation: Any) -> Picture:
    """Turn a picture upright; 1 and what is no orientation change nothing."""
    if orientation not in (2, 3, 4, 5, 6, 7, 8):
        return picture
    dpi = picture.dpi
    return replace(
        picture,
        pixels=upright(picture.pixels, orientation),
        alpha=None if picture.alpha is None else upright(picture.alpha, orientation),
        dpi=dpi[::-1] if dpi and orientation > 4 else dpi,
    )


def _open(kind: str, file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """Parse the header; `Image.open` would do the same, and judge the size by a global limit."""
    file.seek(0)
    if kind == "TIFF":
        reader: Any = _TiffReader
    else:
        module, cls = _READERS[kind]
        try:
            reader = getattr(importlib.import_module(module), cls)
        except ImportError as error:
            raise MissingExtra(f"{name} is a HEIC picture; reading it", "heif") from error
    with quiet():
        try:
            return reader(file)
        except SyntaxError as error:
            if str(error) == "unknown pixel mode":
                raise UnsupportedFormat(
                    "has samples of an unusual kind; save it as plain 8- or 16-bit gray or RGB"
                ) from error
            raise


def _sixteen_bit_png(image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]) -> Pixels | None:
    # Pillow spreads 2 and 4 bits over 0..255, but not the value that stands for transparency.
    factor = {"L;2": 85, "L;4": 17}.get(raw_mode(image))
    if factor and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= factor
    return sixteen_bit_samples(image, reopen)


def _check(image: ImageFile.ImageFile, max_pixels: int | None) -> None:
    _check_size(*image.size, max_pixels)
    if image.format in ("PNG", "GIF", "WEBP", "AVIF") and getattr(image, "is_animated", False):
        raise UnsupportedFormat("is animated, which is not supported yet; save one of its frames as a picture")


def _check_size(width: int, height: int, max_pixels: int | None) -> None:
    if width < 1 or height < 1:
        raise UnreadableImage(f"has no pixels ({width} x {height}); get a new copy of the file")
    if max_pixels is not None and width * height > max_pixels:
        raise ImageTooLarge(
            f"has {width} x {height} pixels, more than {max_pixels:,}; "
            "raise --max-pixels (max_pixels in Python) or use a smaller copy"
        )


def tiff_pages(image: ImageFile.ImageFile, max_pixels: int | None) -> list[int]:
    """The numbers of a TIFF's pages; thumbnails and masks are none. All their pixels together are judged.

    Raises:
        ImageTooLarge: there are more than `max_pixels`.
    """
    _check_size(*image.size, max_pixels)
    pages, total = [0], image.width * image.height
    for page in range(1, getattr(image, "n_frames", 1)):
        image.seek(page)
        if getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0) & _THUMBNAIL_OR_MASK:
            continue
        width, height = image.size
        _check_size(width, height, max_pixels)
        total += width * height
        if max_pixels is not None and total > max_pixels:
            raise ImageTooLarge(
                f"has more than {max_pixels:,} pixels in its pages; "
                "raise --max-pixels (max_pixels in Python) or take the pages apart"
            )
        pages.append(page)
    return pages


def _quality(image: Image.Image) -> int | None:
    """The JPEG quality that gives about the luma table found; None where it is no JPEG."""
    table = getattr(image, "quantization", {}).get(0) if image.format in ("JPEG", "MPO") else None
    if not table:
        return None
    percent = 100 * sum(table) / _LUMA_SUM
    return round(min(100, max(1, (200 - percent) / 2 if percent <= 100 else 5000 / percent)))
