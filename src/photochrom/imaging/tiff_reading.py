"""A TIFF's directories, and samples of every depth and number, most of which Pillow has no mode for.

Strips and tiles are unpacked by Pillow as if they were gray pictures of 8 bits, one byte a pixel; what the bytes mean
is decided here. Source: TIFF 6.0; Adobe's Photoshop TIFF technical notes (predictor 3).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile, TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from photochrom.errors import UnreadableImage, UnsupportedFormat
from photochrom.imaging.picture import Pixels
from photochrom.imaging.tiff_writing import directory

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
OFFSETS, CHANNELS, ROWS, COUNTS, PLANES, PREDICTOR = 273, 277, 278, 279, 284, 317
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS = 322, 323, 324, 325
ORIENTATION, EXTRA_SAMPLES, SAMPLE_FORMAT, PROFILE = 274, 338, 339, 34675
SUBFILE_TYPE, OLD_SUBFILE_TYPE, SUB_DIRECTORIES = 254, 255, 330
PLAIN = 1  # no compression
# Kinds of compression that know nothing of samples: none, LZW, deflate (two numbers), PackBits, LZMA, Zstandard.
_OF_BYTES = (PLAIN, 5, 8, 32946, 32773, 34925, 50000)
_WITHOUT_PREDICTOR = (PLAIN, 32773)
_MOST_CHANNELS = 8
_MOST_TIMES = 5000  # that any of these kinds makes smaller than it was; more is a file made to exhaust memory
_COLORS = {0: 1, 1: 1, 2: 3, 5: 4, 8: 3, 9: 3}  # channels by photometric interpretation
_TRANSPARENCY = (1, 2, 999)  # extra channels: associated, unassociated, and what Corel writes for it
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_THUMBNAIL_OR_MASK = 0b101  # TIFF 6.0, section 8
# A camera's own samples: DNGVersion, CR2's slices, the pattern of a colour filter; CFA and LinearRaw.
_RAW_TAGS, _RAW_PHOTOMETRIC = (50706, 50752, 33421, 33422), (32803, 34892)


@dataclass(frozen=True)
class Layout:
    """How a page's samples are stored.

    Attributes:
        width, height: W and H.
        dtype: of a sample, as stored.
        colors: channels that make up the colour.
        alpha: the number of the channel that is transparency, or None.
        channels: all of them.
        photometric: TIFF's number for what the colours are.
        premultiplied: the colours were multiplied with alpha.
        planes: channels are stored one after the other, and not side by side.
        predictor: 1 for none, 2 for differences, 3 for those of floating numbers.
        compression: TIFF's number.
        fill_order: of bits.
        tile: (width, height) of the pieces: of tiles, or the page's width and the rows of a strip.
        places, lengths: where the pieces are stored.
    """

    width: int
    height: int
    dtype: np.dtype[Any]
    colors: int
    alpha: int | None
    channels: int
    photometric: int
    premultiplied: bool
    planes: bool
    predictor: int
    compression: int
    fill_order: int
    tile: tuple[int, int]
    tiled: bool
    places: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def across(self) -> int:
        """Pieces side by side."""
        return -(-self.width // self.tile[0])

    @property
    def down(self) -> int:
        """Pieces one above the other."""
        return -(-self.height // self.tile[1])


class TiffReader(TiffImagePlugin.TiffImageFile):
    """Pillow's, without its global limit on size, and leaving the turning and odd samples to us.

    Attributes:
        layout: of a page whose samples `samples_of` reads; None of one that Pillow loads.
        odd: neither can.
    """

    layout: Layout | None = None
    odd = False

    def _setup(self) -> None:
        self.layout, self.odd = layout_of(self.tag_v2, self._end()), is_raw(self.tag_v2)
        if not self.odd and (self.layout is None or _is_plain(self.layout, self.tag_v2)):
            try:
                super()._setup()
            except SyntaxError as error:
                if str(error) != "unknown pixel mode":
                    raise
                self.odd = self.layout is None
            else:
                self.layout = None
                return
        # Size, resolution and profile are all that it is to see, so the samples are said to be plain.
        true, self.tag_v2 = self.tag_v2, _plain_directory(self.tag_v2)
        try:
            super()._setup()
        finally:
            self.tag_v2, self.tile = true, []

    def _end(self) -> int:
        assert self.fp is not None
        return self.fp.seek(0, io.SEEK_END)

    def turn_to(self, place: int) -> None:
        """Read the directory at a place in the file, which may be a page's or stand below one."""
        self._frame_pos, self._tag_data_limits = [place], [self._end()]
        self._seek(0)

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = TiffImagePlugin.Image.core.new(self.mode, self._tile_size)
        ImageFile.ImageFile.load_prepare(self)

    def load_end(self) -> None:
        self._size = self._tile_size

    def load(self) -> Any:
        if self.odd:
            raise UnsupportedFormat("has samples of an unusual kind; save it as plain 8- or 16-bit gray or RGB")
        return super().load()


def is_raw(tags: ImageFileDirectory_v2) -> bool:
    """Whether a directory is one of a camera's raw file."""
    return any(tag in tags for tag in _RAW_TAGS) or tags.get(PHOTOMETRIC) in _RAW_PHOTOMETRIC


def is_thumbnail(tags: ImageFileDirectory_v2) -> bool:
    """Whether a directory is a smaller copy of another one, or a mask."""
    return bool(_number(tags, SUBFILE_TYPE, 0) & _THUMBNAIL_OR_MASK) or tags.get(OLD_SUBFILE_TYPE) == 2


def below(tags: ImageFileDirectory_v2, file: IO[bytes]) -> list[tuple[int, ImageFileDirectory_v2]]:
    """The directories below one, and their places; those that cannot be read are left out."""
    places = tags.get(SUB_DIRECTORIES, ())
    found = []
    for place in places[:100] if isinstance(places, tuple) else (places,):
        with contextlib.suppress(Exception):
            other = _empty_directory(tags)
            other._bigtiff = tags._bigtiff
            file.seek(place)
            other.load(file)
            found.append((place, other))
    return found


def pieces_of(tags: ImageFileDirectory_v2, end: int) -> tuple[tuple[int, int], ...]:
    """(place, length) of the stored strips or tiles; a length that is missing or 0 reaches to the next piece.

    Args:
        tags: of the page.
        end: of the file.
    """
    tiled = TILE_OFFSETS in tags
    places = _numbers(tags, TILE_OFFSETS if tiled else OFFSETS)
    lengths = _numbers(tags, TILE_COUNTS if tiled else COUNTS)
    if len(lengths) == len(places) and all(lengths):
        return tuple(zip(places, lengths, strict=True))
    ordered = sorted({*places, end})
    following = dict(zip(ordered, [*ordered[1:], end], strict=True))
    lengths += (0,) * (len(places) - len(lengths))
    return tuple(
        (place, length or max(0, following[place] - place)) for place, length in zip(places, lengths, strict=False)
    )


def layout_of(tags: ImageFileDirectory_v2, end: int) -> Layout | None:
    """How the samples of a page are stored, where they can be unpacked byte by byte; else None.

    Args:
        tags: of the page.
        end: of the file.
    """
    width, height = tags.get(WIDTH), tags.get(LENGTH)
    photometric = _number(tags, PHOTOMETRIC, 0)
    bits = _numbers(tags, BITS) or (1,)
    channels = _number(tags, CHANNELS, 1)
    formats = _numbers(tags, SAMPLE_FORMAT) or (1,)
    compression = _number(tags, COMPRESSION, PLAIN)
    predictor = 1 if compression in _WITHOUT_PREDICTOR else _number(tags, PREDICTOR, 1)
    colors = _COLORS.get(photometric)
    kind = _KINDS.get(formats[0], "")
    if (
        not isinstance(width, int)
        or not isinstance(height, int)
        or min(width, height) < 1
        or colors is None
        or not colors <= channels <= _MOST_CHANNELS
        or len({*bits}) != 1
        or len({*formats}) != 1
        or f"{kind}{bits[0] // 8}" not in ("u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "f8")
        or bits[0] % 8
        or compression not in _OF_BYTES
        or predictor not in ((1, 2, 3) if kind == "f" else (1, 2))
    ):
        return None
    tiled = TILE_OFFSETS in tags
    if tiled:
        tile = _number(tags, TILE_WIDTH, 0), _number(tags, TILE_LENGTH, 0)
    else:
        tile = width, min(_number(tags, ROWS, height), height)
    planes = _number(tags, PLANES, 1) == 2 and channels > 1
    pieces = pieces_of(tags, end)
    if min(tile) < 1 or (tiled and tile[0] % 16):
        return None
    if len(pieces) < (channels if planes else 1) * -(-width // tile[0]) * -(-height // tile[1]):
        return None
    extra = _numbers(tags, EXTRA_SAMPLES)[: channels - colors]
    alpha = next((colors + i for i, meaning in enumerate(extra) if meaning in _TRANSPARENCY), None)
    return Layout(
        width=width,
        height=height,
        dtype=np.dtype(f"{'>' if tags.prefix == b'MM' else '<'}{kind}{bits[0] // 8}"),
        colors=colors,
        alpha=alpha,
        channels=channels,
        photometric=photometric,
        premultiplied=alpha is not None and extra[alpha - colors] == 1,
        planes=planes,
        predictor=predictor,
        compression=compression,
        fill_order=_number(tags, FILL_ORDER, 1),
        tile=tile,
        tiled=tiled,
        places=tuple(place for place, _ in pieces),
        lengths=tuple(length for _, length in pieces),
    )


def unnamed_channels(tags: ImageFileDirectory_v2) -> int:
    """How many channels of a page are neither colour nor transparency: infrared, masks, spot colours."""
    colors = _COLORS.get(_number(tags, PHOTOMETRIC, 0), 3)
    extra = _number(tags, CHANNELS, 1) - colors
    if extra <= 0:
        return 0
    return extra - any(meaning in _TRANSPARENCY for meaning in _numbers(tags, EXTRA_SAMPLES)[:extra])


def samples_of(layout: Layout, file: IO[bytes], strict: bool = True) -> Pixels:
    """All samples of a page.

    Args:
        layout: of the page.
        file: that it is in.
        strict: raise where data are missing or damaged; else their samples are 0.

    Returns:
        (H, W, C) of the stored dtype in native byte order.

    Raises:
        UnreadableImage: it claims more than such a file can hold.
    """
    across, down, item = layout.across, layout.down, layout.dtype.itemsize
    side_by_side = 1 if layout.planes else layout.channels
    planes = layout.channels if layout.planes else 1
    width = layout.tile[0] * side_by_side * item * across
    check_claim(width * layout.height * planes, file)
    pieces = list(zip(layout.places, layout.lengths, strict=True))
    out = np.empty((layout.height, layout.width, layout.channels), layout.dtype.newbyteorder("="))
    for plane in range(planes):
        data = _bytes_of(layout, pieces[plane * across * down :][: across * down], width, file, strict)
        values = _unpredicted(layout, data.reshape(len(data), across, -1), side_by_side)
        channels = values.reshape(len(data), -1, side_by_side)
        out[..., plane : plane + side_by_side] = channels[:, : layout.width]
    return out


def check_claim(size: int, file: IO[bytes]) -> None:
    """Refuse a file that says it holds so many bytes of samples, and cannot.

    Raises:
        UnreadableImage: no compression makes them so small.
    """
    if size > _MOST_TIMES * (file.seek(0, io.SEEK_END) + 1000):
        raise UnreadableImage("claims more pixels than it can hold; get a new copy of the file")


def _bytes_of(
    layout: Layout, pieces: Sequence[tuple[int, int]], width: int, file: IO[bytes], strict: bool
) -> NDArray[np.uint8]:
    """(H, `width`), the pieces of a plane unpacked and set side by side."""
    chunks = []
    for place, length in pieces:
        file.seek(place)
        chunks.append(file.read(length))
    if layout.compression == PLAIN and layout.across == 1 and layout.fill_order == 1:
        sizes = [min(layout.tile[1], layout.height - top) * width for top in range(0, layout.height, layout.tile[1])]
        if strict and any(len(chunk) < size for chunk, size in zip(chunks, sizes, strict=True)):
            raise EOFError("the samples end early")
        data = b"".join(chunk[:size].ljust(size, b"\0") for chunk, size in zip(chunks, sizes, strict=True))
        return np.frombuffer(data, np.uint8).reshape(layout.height, width)
    image = TiffReader(io.BytesIO(_small_file(layout, chunks, width)))
    try:
        image.load()
    except OSError:
        if strict or image._im is None:
            raise
        image.tile = []
    return np.asarray(image)


def _small_file(layout: Layout, chunks: list[bytes], width: int) -> bytes:
    """A TIFF in which the stored bytes are gray samples of 8 bits."""
    tags = ImageFileDirectory_v2(b"II*\0" + bytes(4))
    tags[WIDTH], tags[LENGTH], tags[BITS], tags[CHANNELS], tags[PHOTOMETRIC] = width, layout.height, 8, 1, 1
    tags[COMPRESSION], tags[FILL_ORDER] = layout.compression, layout.fill_order
    lengths = tuple(map(len, chunks))
    if layout.tiled:
        tags[TILE_WIDTH], tags[TILE_LENGTH] = width // layout.across, layout.tile[1]
        offsets, tags[TILE_COUNTS] = TILE_OFFSETS, lengths
    else:
        offsets, tags[COUNTS], tags[ROWS] = OFFSETS, lengths, layout.tile[1]
    data = b"".join(chunks)
    places = np.cumsum([8, *lengths])[:-1].tolist()
    data += bytes(len(data) % 2)
    end = 8 + len(data)
    return b"".join([b"II*\0", end.to_bytes(4, "little"), data, directory(tags, end, offsets, places)])


def _unpredicted(layout: Layout, rows: Pixels, channels: int) -> Pixels:
    """Samples of (h, pieces, bytes) uint8, with the differences summed up; native byte order."""
    native = layout.dtype.newbyteorder("=")
    if layout.predictor == 3:
        # The highest bytes of a row come first, then the next; differences go over all of them.
        summed = rows.reshape(*rows.shape[:2], -1, channels).cumsum(2, dtype=np.uint8)
        planes = summed.reshape(*rows.shape[:2], layout.dtype.itemsize, -1)
        values = np.ascontiguousarray(np.moveaxis(planes, 2, -1)).view(layout.dtype.newbyteorder(">"))
        return values.astype(native).reshape(*rows.shape[:2], -1)
    values = np.ascontiguousarray(rows).view(layout.dtype).astype(native, copy=False)
    if layout.predictor != 2:
        return values
    whole = values.view(f"u{native.itemsize}").reshape(*values.shape[:2], -1, channels)
    return whole.cumsum(2, dtype=whole.dtype).view(native).reshape(values.shape)


def _is_plain(layout: Layout, tags: ImageFileDirectory_v2) -> bool:
    """Whether Pillow reads it as well, and faster."""
    nameless = layout.channels > layout.colors and EXTRA_SAMPLES not in tags
    # libtiff does not guess the lengths of pieces that say nothing of them.
    measured = all(_numbers(tags, TILE_COUNTS if layout.tiled else COUNTS) or (0,))
    return layout.dtype == np.uint8 and measured and not nameless


def _empty_directory(like: ImageFileDirectory_v2) -> ImageFileDirectory_v2:
    return ImageFileDirectory_v2(like.prefix + (b"\0*" if like.prefix == b"MM" else b"*\0") + bytes(4))


def _plain_directory(true: ImageFileDirectory_v2) -> ImageFileDirectory_v2:
    tags = _empty_directory(true)
    for tag in (WIDTH, LENGTH, ORIENTATION, 282, 283, 296, PROFILE):
        if tag in true:
            tags.tagtype[tag], tags[tag] = true.tagtype[tag], true[tag]
    tags[BITS], tags[CHANNELS], tags[PHOTOMETRIC], tags[OFFSETS], tags[ROWS] = 8, 1, 1, (0,), 1
    return tags


def _numbers(tags: ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    value = tags.get(tag, ())
    values = value if isinstance(value, tuple) else (value,)
    return values if all(isinstance(v, int) for v in values) else ()


def _number(tags: ImageFileDirectory_v2, tag: int, default: int) -> int:
    return (*_numbers(tags, tag), default)[0]
