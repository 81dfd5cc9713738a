"""What a photograph is in memory: its samples, and everything else that has to survive the colouring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photochrom import color
from photochrom.errors import BadSetting

Pixels = NDArray[Any]

_FULL_SCALE = {"uint8": 255, "uint16": 65535, "float32": 1}
_STRIP_PIXELS = 1 << 18
_COLOR_CHROMA = 4.0
_COLOR_SHARE = 0.01
_COLOR_SAMPLES = 256


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

    def __post_init__(self) -> None:
        pixels, alpha = self.pixels, self.alpha
        if pixels.ndim != 2 and not (pixels.ndim == 3 and pixels.shape[2] == 3):
            raise BadSetting(f"a picture has the shape (H, W) or (H, W, 3), not {pixels.shape}")
        if pixels.size == 0:
            raise BadSetting(f"a picture of the shape {pixels.shape} has no pixels")
        if pixels.dtype.name not in _FULL_SCALE:
            raise BadSetting(f"a picture holds uint8, uint16 or float32, not {pixels.dtype}")
        if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
            raise BadSetting(
                f"alpha is {alpha.dtype} {alpha.shape}; it has to be {pixels.dtype} {pixels.shape[:2]} like the pixels"
            )

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
    def has_color(self) -> bool:
        """Whether it shows colour already, sepia included: over 1 % of a sample has a chroma above 4.

        Gray pictures saved as colour JPEG stay below 2.
        """
        if self.is_gray:
            return False
        step_y = -(-self.height // _COLOR_SAMPLES)
        step_x = -(-self.width // _COLOR_SAMPLES)
        lab = color.rgb_to_lab(to_dtype(self.pixels[::step_y, ::step_x], "float32"))
        return float((np.hypot(lab[..., 1], lab[..., 2]) > _COLOR_CHROMA).mean()) > _COLOR_SHARE

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
