"""What a photograph is in memory: its samples, and everything else that has to survive the colouring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from photochrom import color
from photochrom.errors import BadSetting
from photochrom.imaging.captions import NO_CAPTIONS, Captions

Pixels = NDArray[Any]

_FULL_SCALE = {"uint8": 255, "uint16": 65535, "float32": 1}
_STRIP_PIXELS = 1 << 18
_COLOR_CHROMA = 4.0
_COLOR_SHARE = 0.01
_COLOR_SAMPLES = 1024  # a side, which are averaged to the size that is judged, against JPEG's coarse chroma
_COLOR_SIDE = 96
# Of a tint, chroma depends on L alone and all hues are one; JPEG blurs the first more than the second.
_TINT_LEVELS = 24
_TINT_FROM_CURVE, _TINT_FROM_HUE, _TINT_CHROMA = 9.0, 3.0, 60.0
_TINT_SHARE = 0.02

Toning = Literal["gray", "tinted", "color"]


@dataclass(frozen=True, eq=False)
class Picture:
    """One photograph: upright, sRGB or gray, with its metadata.

    Attributes:
        pixels: (H, W) gray or (H, W, 3) sRGB; uint8, uint16, or float32 in 0..1.
        alpha: (H, W) of the dtype of `pixels`, or None where all is opaque.
        icc: the profile to embed, always one of sRGB, or None.
        exif: the EXIF block, starting with `Exif\\0\\0`, its orientation reset; or None.
        xmp: the XMP packet, or None.
        dpi: resolution in dots per inch (across, down), or None.
        format: the file format it came from ("JPEG", "PNG", ...), or None.
        quality: the JPEG quality it came with, estimated, 1..100; or None.
        lossless: it came from a WebP that keeps every sample, and goes into one.
        pages: the further pages of a TIFF, pictures of their own.
        notes: what the user should know, such as that it ends early; each follows "... (".
        captions: comments, IPTC, and the texts of a PNG.
        missing: (H, W) bool, what the data of a damaged file do not reach, and what gets no colour; or None.

    Raises:
        BadSetting: shapes or dtypes do not fit together.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    format: str | None = None
    quality: int | None = None
    lossless: bool = False
    pages: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()
    captions: Captions = NO_CAPTIONS
    missing: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        pixels, alpha = self.pixels, self.alpha
        if pixels.ndim != 2 and not (pixels.ndim == 3 and pixels.shape[2] == 3):
            raise BadSetting(f"a picture must have the shape (H, W) or (H, W, 3), not {pixels.shape}")
        if pixels.size == 0:
            raise BadSetting(f"a picture of the shape {pixels.shape} has no pixels")
        if pixels.dtype.name not in _FULL_SCALE:
            raise BadSetting(f"a picture must hold uint8, uint16 or float32, not {pixels.dtype}")
        if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
            raise BadSetting(
                f"alpha is {alpha.dtype} {alpha.shape}; it must be {pixels.dtype} {pixels.shape[:2]} like the pixels"
            )

    @property
    def is_transparent(self) -> bool:
        """Whether any of it is, in part at least; an alpha may be opaque everywhere."""
        return self.alpha is not None and bool(self.alpha.min() < _FULL_SCALE[self.alpha.dtype.name])

    @property
    def height(self) -> int:
        """Rows, H."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Columns, W."""
        return self.pixels.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """(W, H), the order in which Pillow and people name it."""
        return self.width, self.height

    @property
    def depth(self) -> int:
        """Bits a sample: 8, 16 or 32."""
        return self.pixels.dtype.itemsize * 8

    @property
    def is_gray(self) -> bool:
        """Whether there is one channel; one with three equal ones is `not has_color`."""
        return self.pixels.ndim == 2

    @property
    def toning(self) -> Toning:
        """Whether it shows gray, one tint (sepia, a blue print, yellowed paper), or colours; see `toning_of`."""
        if self.is_gray:
            return "gray"
        return toning_of(self.pixels[:: color_step(self.height), :: color_step(self.width)])

    @property
    def has_color(self) -> bool:
        """Whether it is anything but gray; sepia counts."""
        return self.toning != "gray"

    def lightness(self, rows: slice = slice(None)) -> NDArray[np.float32]:
        """CIE L of some rows, so that a caller that goes by strips never holds it all.

        Args:
            rows: which rows; all by default. A step is honoured.

        Returns:
            (h, W) float32, 0..100. Beyond it, only some megabytes are allocated.

        Example:
            >>> import numpy as np
            >>> Picture(np.array([[0, 255]], np.uint8)).lightness().tolist()
            [[0.0, 100.0]]
        """
        pixels = self.pixels[rows]
        out = np.empty(pixels.shape[:2], np.float32)
        step = max(1, _STRIP_PIXELS // self.width)
        for top in range(0, len(pixels), step):
            out[top : top + step] = color.srgb_to_lightness(pixels[top : top + step])
        return out

    def with_rgb(self, rgb: Pixels) -> Picture:
        """The same photograph with other colours.

        Args:
            rgb: (H, W, 3) sRGB of the same H and W; uint8, uint16 or floating 0..1. It is brought to this depth.

        Returns:
            A new picture; alpha and metadata are this one's.

        Raises:
            BadSetting: the shape differs.
        """
        if rgb.shape != (self.height, self.width, 3):
            raise BadSetting(
                f"new colours of the shape {rgb.shape} do not fit a picture of {(*self.pixels.shape[:2], 3)}"
            )
        return replace(self, pixels=to_dtype(rgb, self.pixels.dtype.name))


def color_step(length: int) -> int:
    """Which rows, or columns, of a picture are enough to judge its colours by: every so many."""
    return -(-length // _COLOR_SAMPLES)


def toning_of(rgb: Pixels) -> Toning:
    """Judge a sample of a picture.

    It is gray where 99 % have a chroma under 4 (gray pictures saved as colour JPEG stay below 2), and has one tint
    where 98 % are near one hue (3 across), their chroma near a function of L (9) and no stronger than a blue print's.
    Of 199 colour photographs of ImageNet, four count as tinted; of the same ones in sepia, blue and yellow at JPEG
    quality 75, 87 to 100 %.

    Args:
        rgb: (h, w, 3) sRGB; uint8, uint16 or float32 in 0..1.

    Example:
        >>> import numpy as np
        >>> ramp = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10, 1)
        >>> toning_of(ramp * np.float32([1, 0.85, 0.65]))
        'tinted'
    """
    lab = color.rgb_to_lab(_block_means(to_dtype(rgb, "float32"))).reshape(-1, 3)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    if float((chroma > _COLOR_CHROMA).mean()) <= _COLOR_SHARE:
        return "gray"
    ab = lab[:, 1:]
    order = np.argsort(lab[:, 0], kind="stable")
    knots = np.stack([np.median(lab[part], 0) for part in np.array_split(order, _TINT_LEVELS) if len(part)])
    curve = np.stack([np.interp(lab[:, 0], knots[:, 0], knots[:, i]) for i in (1, 2)], -1)
    across = np.linalg.eigh(ab.T @ ab)[1][:, 0]
    strays = (
        np.hypot(*(ab - curve).T) > _TINT_FROM_CURVE,
        np.abs(ab @ across) > _TINT_FROM_HUE,
        chroma > _TINT_CHROMA,
    )
    return "tinted" if all(float(some.mean()) <= _TINT_SHARE for some in strays) else "color"


def _block_means(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3), at most `_COLOR_SIDE` a side; what does not fill a block at the lower and right edge is left out."""
    h, w = rgb.shape[:2]
    k, n = -(-h // _COLOR_SIDE), -(-w // _COLOR_SIDE)
    return rgb[: h // k * k, : w // n * n].reshape(h // k, k, w // n, n, 3).mean((1, 3))


def to_dtype(samples: Pixels, dtype: str) -> Pixels:
    """Bring samples to another depth by their full scale; an equal depth is returned as it is.

    Args:
        samples: any shape; uint8, uint16 or floating 0..1 (values beyond are clipped).
        dtype: "uint8", "uint16" or "float32".

    Raises:
        BadSetting: the samples are of another kind.

    Example:
        >>> import numpy as np
        >>> to_dtype(np.array([0, 128, 255], np.uint8), "uint16").tolist()
        [0, 32896, 65535]
    """
    if samples.dtype.name == dtype:
        return samples
    if samples.dtype.kind != "f" and samples.dtype.name not in _FULL_SCALE:
        raise BadSetting(f"samples are uint8, uint16 or floating 0..1, not {samples.dtype}")
    if samples.dtype.kind == "f":
        if dtype == "float32":
            return samples.astype(np.float32)
        out = np.empty(samples.shape, dtype)
        full = _FULL_SCALE[dtype]
        for row, values in enumerate(samples):
            out[row] = np.rint(np.clip(values, 0, 1) * full)
        return out
    if dtype == "float32":
        return np.divide(samples, _FULL_SCALE[samples.dtype.name], dtype=np.float32)
    if dtype == "uint16":
        return samples.astype(np.uint16) * 257
    # A table, since the sum needs 32 bits a sample.
    return ((np.arange(65536, dtype=np.uint32) + 128) // 257).astype(np.uint8)[samples]
