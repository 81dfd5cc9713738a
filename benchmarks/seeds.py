"""Real encodings of every format that is read, and ways to damage them; for `fuzz.py` and its short test."""

from __future__ import annotations

import contextlib
import io
import struct

import numpy as np
from PIL import Image

from photochrom.errors import MissingExtra
from photochrom.imaging.icc import srgb_profile
from photochrom.imaging.picture import Picture
from photochrom.imaging.writing import encode

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
Seeds = list[tuple[str, bytes]]


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x011A] = "Contax", 6, 300.0
    exif.get_ifd(0x8769)[0x9003] = "1936:05:01 12:00:00"
    return exif.tobytes()


def _saved(image: Image.Image, format: str, **settings: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **settings)
    return out.getvalue()


def seeds() -> Seeds:
    """(name, bytes): small pictures as different encoders and settings write them."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :56]
    rgb = np.stack([x * 4, y * 6, 200 - x * 2], -1).astype(np.uint8) + rng.integers(0, 20, (40, 56, 3)).astype(np.uint8)
    image = Image.fromarray(rgb)
    alpha = Image.fromarray(rgb[..., 0])
    more = {"exif": _exif(), "icc_profile": srgb_profile()}
    found: Seeds = [
        ("jpg", _saved(image, "JPEG", quality=90, xmp=XMP, **more)),
        ("jpg", _saved(image.convert("L"), "JPEG", progressive=True, restart_marker_blocks=2)),
        ("jpg", _saved(image.convert("CMYK"), "JPEG")),
        ("png", _saved(image, "PNG", **more)),
        ("png", _saved(image.convert("1"), "PNG")),
        ("png", _saved(image.quantize(30), "PNG", transparency=0)),
        ("png", _saved(image.quantize(4), "PNG", bits=2)),
        ("webp", _saved(image, "WEBP", xmp=XMP, **more)),
        ("webp", _saved(image.convert("RGBA"), "WEBP", lossless=True)),
        ("avif", _saved(image, "AVIF", speed=10, **more)),
        ("bmp", _saved(image, "BMP")),
        ("bmp", _saved(image.quantize(16), "BMP")),
        ("gif", _saved(image.quantize(64), "GIF", transparency=3)),
        ("jp2", _saved(image, "JPEG2000")),
        ("j2k", _saved(image.convert("L"), "JPEG2000", no_jp2=True)),
    ]
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        found.append(("tif", _saved(image, "TIFF", compression=compression, tiffinfo={278: 8}, **more)))
    found.append(("tif", _saved(image.convert("1"), "TIFF", compression="group4")))
    found.append(("tif", _saved(image, "TIFF", save_all=True, append_images=[image.convert("L"), alpha])))
    deep = Picture(rgb.astype(np.uint16) * 257, np.asarray(alpha).astype(np.uint16) * 257, exif=_exif(), xmp=XMP)
    found += [("png", encode(deep, "PNG")), ("tif", encode(deep, "TIFF"))]
    with contextlib.suppress(MissingExtra):
        found.append(("heic", encode(Picture(rgb, exif=_exif()), "HEIF")))
    return found


def mutated(originals: Seeds, rng: np.random.Generator) -> tuple[str, bytes]:
    """One damaged file: (name, bytes)."""
    name, data = originals[rng.integers(len(originals))]
    damaged = bytearray(data)
    for _ in range(rng.geometric(0.6)):
        _DAMAGES[rng.integers(len(_DAMAGES))](damaged, rng, originals)
        if not damaged:
            break
    return name, bytes(damaged)


def _flip_bits(data: bytearray, rng: np.random.Generator, _: Seeds) -> None:
    for _ in range(rng.integers(1, 9)):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _replace_bytes(data: bytearray, rng: np.random.Generator, _: Seeds) -> None:
    at, length = _place(data, rng), int(rng.integers(1, 17))
    data[at : at + length] = rng.bytes(min(length, len(data) - at))


def _cut(data: bytearray, rng: np.random.Generator, _: Seeds) -> None:
    del data[int(rng.integers(len(data))) :]


def _leave_out(data: bytearray, rng: np.random.Generator, _: Seeds) -> None:
    at = _place(data, rng)
    del data[at : at + int(rng.integers(1, 65))]


def _double(data: bytearray, rng: np.random.Generator, _: Seeds) -> None:
    at, length = _place(data, rng), int(rng.integers(1, 257))
    data[at:at] = data[at : at + length]


def _splice(data: bytearray, rng: np.random.Generator, originals: Seeds) -> None:
    """The beginning of one file and the end of another."""
    other = originals[rng.integers(len(originals))][1]
    data[int(rng.integers(len(data))) :] = other[int(rng.integers(len(other))) :]


def _lie(data: bytearray, rng: np.random.Generator, _: Seeds) -> None:
    """A number, most likely in the header, becomes another one: sizes, counts, offsets."""
    width = int(rng.choice([1, 2, 4]))
    values = [0, 1, 2, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data)]
    value = int(values[rng.integers(len(values))]) % (1 << 8 * width)
    at = int(rng.integers(min(len(data), 128 if rng.random() < 0.7 else len(data))))
    packed = struct.pack((">" if rng.random() < 0.5 else "<") + {1: "B", 2: "H", 4: "I"}[width], value)
    data[at : at + width] = packed


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Headers are damaged more often than their share of the file."""
    return int(rng.integers(min(len(data), 200) if rng.random() < 0.5 else len(data)))


_DAMAGES = (_flip_bits, _flip_bits, _replace_bytes, _cut, _leave_out, _double, _splice, _lie, _lie)
