"""From the bytes of a file to a Picture, or to one clear error."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pkgutil
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any

from PIL import Image, ImageFile

from photochrom._support.text import one_line
from photochrom.errors import (
    ImageTooLarge,
    MissingExtra,
    OutOfMemory,
    PhotochromError,
    UnreadableImage,
    UnsupportedFormat,
)
from photochrom.imaging import jpeg2000
from photochrom.imaging.captions import NO_CAPTIONS, Captions, captions_of
from photochrom.imaging.damage import as_far_as_it_goes, mended, tolerant
from photochrom.imaging.facts import facts_of, facts_of_tiff
from photochrom.imaging.formats import FORMATS, SNIFF_BYTES, Format, sniff
from photochrom.imaging.metadata import dpi_of_exif, sane_dpi, upright, upright_exif, upright_xmp
from photochrom.imaging.picture import Picture, Pixels
from photochrom.imaging.pixel_modes import Scale, extremes_of, scale_of, split, split_tiff, split_wide
from photochrom.imaging.png_color import profile_of_png
from photochrom.imaging.sixteen_bit import raw_mode, sixteen_bit_samples
from photochrom.imaging.tiff_reading import (
    LENGTH,
    ORIENTATION,
    WIDTH,
    TiffReader,
    below,
    is_raw,
    is_thumbnail,
    samples_of,
    unnamed_channels,
)

# Errors that say all there is to say.
FINAL = (PhotochromError, MemoryError, Image.DecompressionBombError)
# Sum of the standard luma table, of which a JPEG's quality is a percentage. Source: ITU-T T.81, K.1; libjpeg.
_LUMA_SUM = 3688
RAW_REFUSED = (
    "is a camera's raw file, which is not developed here; develop it with a raw converter, save it as "
    "16-bit TIFF, and colour that"
)

# `warnings.catch_warnings` swaps state of the whole process, so that two threads in it at a time could leave
# the warnings off for good.
_one_at_a_time = threading.Lock()


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
        reason = one_line(error)
        raise UnreadableImage(f"{name} is damaged or incomplete ({reason}); get a new copy of the file") from error


def decode(file: IO[bytes], name: str, max_pixels: int | None, strict: bool = True) -> Picture:
    """Decode the picture of an open file; of a TIFF, all of them.

    Args:
        file: seekable, at its start.
        name: what to call it in messages.
        max_pixels: the largest W * H that is decoded; None is no limit.
        strict: raise where data are damaged or end early; else take what is there, and say so in `Picture.notes`.

    Raises:
        UnreadableImage, ImageTooLarge, UnsupportedFormat, MissingExtra, OutOfMemory.
    """
    with clear_errors(name):
        kind = sniff(file.read(SNIFF_BYTES))
        try:
            return _decode(kind, file, name, max_pixels, True)
        except FINAL:
            raise
        except Exception:
            if strict or (rest := _what_is_there(kind, file, name, max_pixels)) is None:
                raise
            return rest


def _what_is_there(kind: str, file: IO[bytes], name: str, max_pixels: int | None) -> Picture | None:
    """The picture of damaged data as far as they go; None where they give none."""
    file.seek(0)
    try:
        picture = _decode(kind, io.BytesIO(mended(kind, file.read())), name, max_pixels, False)
    except MemoryError:
        raise
    except Exception:
        return None
    return as_far_as_it_goes(kind, picture)


def _decode(kind: str, file: IO[bytes], name: str, max_pixels: int | None, strict: bool) -> Picture:
    image = _open(kind, file, name, strict)
    if isinstance(image, TiffReader):
        places = tiff_pages(image, file, max_pixels, strict)
        first, *others = (_tiff_page(file, name, place, strict) for place in places)
        return replace(first, pages=tuple(others))
    _check(FORMATS[kind], image, max_pixels)
    add_facts(image, kind, file)
    if kind == "WEBP":
        return replace(from_image(image), lossless=_is_lossless(file))
    if kind == "JPEG2000":
        depth = jpeg2000.depth_of(file)
        if profile := jpeg2000.profile_of(file):
            image.info["icc_profile"] = profile
        picture = from_image(image, jpeg2000.deep_samples(image, file, depth, name))
        return picture if jpeg2000.is_kept(depth) else replace(picture, notes=(*picture.notes, jpeg2000.NOTE))
    if kind != "PNG":
        return from_image(image)
    return from_image(image, _sixteen_bit_png(image, lambda: _open(kind, file, name, strict)))


def add_facts(image: Image.Image, kind: str, file: IO[bytes]) -> None:
    """Put into the image's `info` what its file says and Pillow does not read, or reads otherwise.

    Args:
        image: as Pillow opened it.
        kind: the name of its format.
        file: its own; searchable, and its place changes.
    """
    image.info.update(facts_of(kind, file))
    if kind == "PNG" and (profile := profile_of_png(file)):
        image.info["icc_profile"] = profile


def _is_lossless(file: IO[bytes]) -> bool:
    """Whether a WebP's samples are stored without loss. Source: RFC 9649, 2.6 and 2.7."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        if head[:4] in (b"VP8 ", b"VP8L"):
            return head[:4] == b"VP8L"
        length = int.from_bytes(head[4:], "little")
        file.seek(length + length % 2, os.SEEK_CUR)
    return False


def open_tiff(file: IO[bytes], name: str, place: int | None = None, strict: bool = True) -> TiffReader:
    """Read a directory of a TIFF.

    Args:
        file: searchable.
        name: what to call it in messages.
        place: where the directory is; None for the first.
        strict: as for `decode`.
    """
    image = _open("TIFF", file, name, strict)
    assert isinstance(image, TiffReader)
    if place is not None:
        image.turn_to(place)
    return image


def picture_of_tiff(data: bytes, scale: Scale | None, strict: bool) -> Picture:
    """The samples of a TIFF of one page, as they are stored, and the profile that holds for them.

    Args:
        data: the file's content.
        scale: of the page that these are rows of; None where it needs none.
        strict: as for `decode`.
    """
    file = io.BytesIO(data)
    return _of_page(open_tiff(file, "", strict=strict), file, strict, scale)


def extremes_of_tiff(data: bytes) -> tuple[float, float]:
    """The lowest and the highest sample of a TIFF of one page whose samples have a `Layout`."""
    file = io.BytesIO(data)
    layout = open_tiff(file, "").layout
    assert layout is not None
    return extremes_of(samples_of(layout, file, strict=False), layout)


def notes_of_tiff(image: TiffReader) -> tuple[str, ...]:
    """What is left out of a page."""
    count = unnamed_channels(image.tag_v2)
    some = "a channel that is neither colour nor transparency was" if count == 1 else f"{count} further channels were"
    return (f"{some} left out",) if count > 0 else ()


def _tiff_page(file: IO[bytes], name: str, place: int, strict: bool) -> Picture:
    image = open_tiff(file, name, place, strict)
    with quiet():
        facts, turn = facts_of_tiff(image), image.tag_v2.get(ORIENTATION)
    picture = _of_page(image, file, strict)
    notes = (*facts.pop("notes"), *notes_of_tiff(image), *picture.notes)
    return _turned(replace(picture, **facts, notes=notes), turn)


def _of_page(image: TiffReader, file: IO[bytes], strict: bool, scale: Scale | None = None) -> Picture:
    """The picture of a directory that was read, as it is stored; of its metadata, those in `image.info`."""
    if (layout := image.layout) is None:
        return from_image(image)
    values = samples_of(layout, file, strict)
    scale = scale or scale_of(*extremes_of(values, layout), layout)
    profile = image.info.get("icc_profile")
    pixels, alpha, icc = split_tiff(values, layout, profile, scale)
    notes = (scale.note,) if scale and scale.note else ()
    return _described(image, pixels, alpha, icc, notes)


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
    return _described(image, pixels, alpha, profile)


def _described(
    image: Image.Image, pixels: Pixels, alpha: Pixels | None, profile: bytes | None, notes: tuple[str, ...] = ()
) -> Picture:
    """The picture of these samples, with what else the image has, turned upright."""
    info = image.info
    exif, turn, broken = upright_exif(info.get("exif"))
    xmp = info.get("xmp")
    xmp, untrue = upright_xmp(xmp.encode() if isinstance(xmp, str) else xmp)
    if info.get("icc_profile") and profile is None:
        notes = (*notes, "its colour profile is damaged or for other samples, and was ignored")
    picture = Picture(
        pixels,
        alpha,
        icc=profile,
        exif=exif,
        xmp=xmp,
        dpi=sane_dpi(info.get("dpi")) or dpi_of_exif(exif),
        format="JPEG" if image.format == "MPO" else image.format,
        quality=_quality(image),
        notes=(*info.get("notes", ()), *broken, *untrue, *notes),
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


def _open(kind: str, file: IO[bytes], name: str, strict: bool) -> ImageFile.ImageFile:
    """Parse the header; `Image.open` would do the same, and judge the size by a global limit."""
    file.seek(0)
    form = FORMATS[kind]
    try:
        reader: type[ImageFile.ImageFile] = pkgutil.resolve_name(form.reader)
    except ImportError as error:
        raise MissingExtra(f"{name} is a picture in the format {kind}; reading it", form.extra) from error
    with quiet():
        return (reader if strict else tolerant(reader))(file)


def _sixteen_bit_png(image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]) -> Pixels | None:
    # Pillow spreads 2 and 4 bits over 0..255, but not the value that stands for transparency.
    factor = {"L;2": 85, "L;4": 17}.get(raw_mode(image))
    if factor and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= factor
    return sixteen_bit_samples(image, reopen)


def _check(kind: Format, image: ImageFile.ImageFile, max_pixels: int | None) -> None:
    _check_size(*image.size, max_pixels)
    if kind.moves and getattr(image, "is_animated", False):
        raise UnsupportedFormat(
            "is animated; animations go from file to file: give a path, or save one of its frames as a picture"
        )


def _check_size(width: int, height: int, max_pixels: int | None) -> None:
    if width < 1 or height < 1:
        raise UnreadableImage(f"has no pixels ({width} x {height}); get a new copy of the file")
    if max_pixels is not None and width * height > max_pixels:
        raise ImageTooLarge(
            f"has {width} x {height} pixels, more than {max_pixels:,}; "
            "raise --max-pixels (max_pixels in Python) or use a smaller copy"
        )


def tiff_pages(image: TiffReader, file: IO[bytes], max_pixels: int | None, strict: bool) -> list[int]:
    """Where the directories of a TIFF's pages are; thumbnails and masks are none.

    Where all in the row are thumbnails, as in some files of cameras, the full picture stands below one of them.

    Args:
        image: at its first page.
        file: that it reads.
        max_pixels: the most that all pages together may have; None is no limit.
        strict: raise where a later directory is damaged; else the pages end before it.

    Raises:
        ImageTooLarge: there are more.
        UnsupportedFormat: it is a camera's raw file.
    """
    full: list[tuple[int, tuple[int, int]]] = []
    small: list[tuple[int, tuple[int, int]]] = []
    for place in _directories(image, strict):
        tags = image.tag_v2
        lower = below(tags, file)
        if any(is_raw(each) for each in (tags, *(each for _, each in lower))):
            raise UnsupportedFormat(RAW_REFUSED)
        (small if is_thumbnail(tags) else full).append((place, image.size))
        if is_thumbnail(tags):
            full += [(at, size) for at, each in lower if (size := _full_size(each))]
    if not full:
        full = [max(small, key=lambda page: page[1][0] * page[1][1])]
    total = 0
    for _, size in full:
        _check_size(*size, max_pixels)
        total += size[0] * size[1]
        if max_pixels is not None and total > max_pixels:
            raise ImageTooLarge(
                f"has more than {max_pixels:,} pixels in its pages; "
                "raise --max-pixels (max_pixels in Python) or split its pages into files"
            )
    return [place for place, _ in full]


def _directories(image: TiffReader, strict: bool) -> Iterator[int]:
    """The places of the directories that follow each other; the image stands at the one given."""
    for page in itertools.count():
        try:
            image.seek(page)
        except EOFError:
            return
        except FINAL:
            raise
        except Exception:
            if strict or page == 0:
                raise
            return
        yield image._frame_pos[page]


def _full_size(tags: Any) -> tuple[int, int] | None:
    """(W, H) of a directory; None of a thumbnail."""
    width, height = tags.get(WIDTH), tags.get(LENGTH)
    return (width, height) if isinstance(width, int) and isinstance(height, int) and not is_thumbnail(tags) else None


def _quality(image: Image.Image) -> int | None:
    """The JPEG quality that gives about the luma table found; None where it is no JPEG."""
    table = getattr(image, "quantization", {}).get(0) if image.format in ("JPEG", "MPO") else None
    if not table:
        return None
    percent = 100 * sum(table) / _LUMA_SUM
    return round(min(100, max(1, (200 - percent) / 2 if percent <= 100 else 5000 / percent)))
