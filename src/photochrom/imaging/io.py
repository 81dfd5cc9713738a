"""Photographs in and out: paths, bytes, streams, Pillow images and arrays become a Picture, and a Picture these."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import replace
from typing import IO, Any

import numpy as np
from PIL import Image

from photochrom._support.files import check_free, write_bytes
from photochrom._support.text import shown
from photochrom.errors import BadSetting, OutOfMemory, UnreadableImage
from photochrom.imaging.facts import facts_of_tiff
from photochrom.imaging.formats import format_for, is_picture_name
from photochrom.imaging.picture import Picture, Pixels, to_dtype
from photochrom.imaging.reading import clear_errors, decode, from_image, quiet
from photochrom.imaging.writing import encode, to_pil

__all__ = [
    "MAX_PIXELS",
    "cannot_open",
    "encode",
    "from_array",
    "from_pil",
    "is_picture_name",
    "read",
    "read_file",
    "to_array",
    "to_pil",
    "write",
]

MAX_PIXELS = 200_000_000

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def read(source: Source, max_pixels: int | None = MAX_PIXELS, strict: bool = True) -> Picture:
    """Read a photograph; its content says the format, not its name.

    The EXIF orientation is applied, an ICC profile other than sRGB converted, and 16 bits stay 16.

    Args:
        source: a path, the file's bytes, or a binary file (read to its end, left open).
        max_pixels: the largest W * H that is decoded, judged by the header; None is no limit.
        strict: raise where data are damaged or end early; else take what is there, and say so in `Picture.notes`.

    Raises:
        UnreadableImage: there is no such file, or it is empty, damaged, or not a picture.
        ImageTooLarge: it has more than `max_pixels`.
        UnsupportedFormat: a picture of a kind that is not read, such as an animation.
        MissingExtra: HEIC without the extra that reads it.
        OutOfMemory: it does not fit.
        BadSetting: `source` is none of the above.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode(io.BytesIO(source), "the data given", max_pixels, strict)
    if isinstance(source, (str, os.PathLike)):
        return _read_path(source, max_pixels, strict)
    if not hasattr(source, "read"):
        raise BadSetting(f"a picture is read from a path, bytes or a binary file, not from {type(source).__name__}")
    name = getattr(source, "name", None)
    name = shown(name) if isinstance(name, str) else "the stream"
    try:
        data = source.read()
    except (OSError, ValueError) as error:
        raise cannot_open(name, error) from error
    if not isinstance(data, bytes):
        raise BadSetting(f"{name} was opened as text; open it in binary mode ('rb')")
    return decode(io.BytesIO(data), name, max_pixels, strict)


def write(picture: Picture, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write a picture whole or not at all; missing folders are made.

    Args:
        picture: what to write.
        path: where to; its ending says the format.
        overwrite: replace a file that is there.

    Raises:
        UnsupportedFormat: the ending is unknown, or the format can't hold such a picture.
        WriteFailed: the file is there already, the disk full, the folder read-only, ...
    """
    form = format_for(path)
    check_free(path, overwrite)
    write_bytes(path, encode(picture, form.name), overwrite)


def from_pil(image: Image.Image) -> Picture:
    """Make a Picture of a Pillow image of any mode; its metadata is taken from `image.info`.

    Raises:
        UnreadableImage: the file behind it is damaged.
        UnsupportedFormat: its samples are of a range that means nothing.
    """
    name = shown(getattr(image, "filename", "") or "the image given")
    with clear_errors(name):
        if min(image.size) < 1:
            raise BadSetting("has no pixels")
        with quiet():
            # An opened TIFF turns itself upright as it loads, and has its EXIF among its own tags.
            facts = facts_of_tiff(image) if hasattr(image, "tag_v2") else {}
            image.load()
            return replace(from_image(image), **facts)


def from_array(array: Pixels) -> Picture:
    """Make a Picture of samples, without a copy where the dtype allows.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), the last with alpha; uint8, uint16, or floating in 0..1.

    Raises:
        BadSetting: another shape or dtype, no pixels, or floats that are not within 0..1.
    """
    if not isinstance(array, np.ndarray):
        raise BadSetting(f"a numpy array is needed, not {type(array).__name__}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise BadSetting(f"an array must have the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {array.shape}")
    if array.size == 0:
        raise BadSetting(f"an array of the shape {array.shape} has no pixels")
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):
            if np.isnan(low):
                raise BadSetting("some floating samples are NaN; replace them, as by numpy.nan_to_num")
            raise BadSetting(f"floating samples must be between 0 and 1, not {low:g} to {high:g}; scale them")
        array = to_dtype(array, "float32")
    if array.dtype.name not in ("uint8", "uint16", "float32"):
        raise BadSetting(f"an array must hold uint8, uint16 or floats, not {array.dtype}")
    if array.ndim == 2 or array.shape[2] == 3:
        return Picture(array)
    if array.shape[2] == 1:
        return Picture(array[..., 0])
    return Picture(array[..., :3], array[..., 3])


def to_array(picture: Picture, dtype: Any = None) -> Pixels:
    """The samples of a picture.

    Args:
        picture: what to convert.
        dtype: uint8, uint16 or a floating type (0..1); the picture's own by default.

    Returns:
        (H, W), (H, W, 3), or with alpha (H, W, 2) or (H, W, 4). Without alpha and in its own dtype, it is the
        picture's array and not a copy.

    Raises:
        BadSetting: another dtype.
    """
    wanted = np.dtype(picture.pixels.dtype if dtype is None else dtype)
    if wanted.kind != "f" and wanted.name not in ("uint8", "uint16"):
        raise BadSetting(f"samples must be uint8, uint16 or floats, not {wanted}")
    channels = picture.pixels
    if picture.alpha is not None:
        channels = np.concatenate([channels.reshape(*channels.shape[:2], -1), picture.alpha[..., None]], -1)
    return to_dtype(channels, "float32" if wanted.kind == "f" else wanted.name).astype(wanted, copy=False)


def _read_path(path: str | os.PathLike[str], max_pixels: int | None, strict: bool) -> Picture:
    name = shown(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableImage(f"{name} is a folder; give a picture file")
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise UnreadableImage(f"{name} is not a file; give a picture file")
        with open(path, "rb") as file:
            # A pipe can't be searched, as decoders need it.
            return decode(io.BytesIO(file.read()) if stat.S_ISFIFO(mode) else file, name, max_pixels, strict)
    except (OSError, ValueError) as error:
        raise cannot_open(name, error) from error
    except MemoryError as error:
        raise OutOfMemory(f"{name} does not fit into memory; use a smaller copy") from error


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The content of a file as it is.

    Raises:
        UnreadableImage: it cannot be read (any more).
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise cannot_open(shown(path), error) from error


def cannot_open(name: str, error: Exception) -> UnreadableImage:
    """The error that says why a file cannot be read.

    Args:
        name: the file, as messages show it.
        error: what the system said.
    """
    if isinstance(error, FileNotFoundError):
        return UnreadableImage(f"{name} does not exist; check the name and the folder")
    if isinstance(error, PermissionError):
        return UnreadableImage(f"{name} cannot be read; check its permissions")
    reason = getattr(error, "strerror", None) or error
    return UnreadableImage(f"{name} cannot be opened ({reason}); check the name")
