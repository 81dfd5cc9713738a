"""From a photograph's file to what is compared: the truth, the same in gray, and what a colorizer makes of its L."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from photochrom import color
from photochrom._support.text import counted, shown
from photochrom.errors import BadCheckpoint, BadDataset, MissingExtra, OutOfMemory, UnreadableImage, UnsupportedFormat
from photochrom.imaging import io
from photochrom.metrics import Rendition

Progress = Callable[[int, int, Path], None]
"""Called after each file with how many are done, how many there are, and the file."""


class Predictor(Protocol):
    """What is evaluated, such as a `photochrom.Colorizer`."""

    def ab(self, L: np.ndarray, /) -> np.ndarray:
        """Return ab (H, W, 2) in Lab units for L (H, W) float32, 0..100."""
        ...


@dataclass(frozen=True)
class Skipped:
    """A file that could not be measured, and why, in one line."""

    path: Path
    reason: str


@dataclass(frozen=True, eq=False)
class Truth:
    """A photograph with its own colours; `L` is (H, W) float64, 0..100."""

    path: Path
    rendition: Rendition

    @property
    def L(self) -> np.ndarray:
        return self.rendition.lab[..., 0]


@dataclass(frozen=True, eq=False)
class Sample:
    """A photograph in its three versions, all of one size."""

    path: Path
    truth: Rendition
    gray: Rendition
    ours: Rendition


def read_truth(path: Path) -> Truth:
    """Read a photograph that has colours.

    Raises:
        BadDataset: it is gray, if perhaps saved as colour, so that there is nothing to measure against.
        UnreadableImage, UnsupportedFormat, MissingExtra: as `io.read`.
    """
    picture = io.read(path)
    if not picture.has_color:
        raise BadDataset(f"{shown(path)}: the picture is gray, so it has no true colours to compare with; leave it out")
    scale = np.iinfo(picture.pixels.dtype).max if picture.pixels.dtype.kind == "u" else 1
    return Truth(path, Rendition(picture.pixels.astype(np.float64) / scale))


def join(L: np.ndarray, ab: np.ndarray | float, where: str = "the picture") -> Rendition:
    """Put ab under the true L and round to the 8 bits of a written file, so that what is measured is what people get.

    Args:
        L: (H, W), 0..100.
        ab: (H, W, 2) in Lab units, or 0 for gray.
        where: the picture, for messages.

    Raises:
        BadCheckpoint: ab has another size or values that are not numbers: the model is broken.
    """
    ab = np.asarray(ab, np.float64)
    if ab.ndim and ab.shape != (*L.shape, 2):
        raise BadCheckpoint(f"{where}: the model gave ab of shape {ab.shape} for L of shape {L.shape}")
    if not np.isfinite(ab).all():
        raise BadCheckpoint(f"{where}: the model gave values that are not numbers; its weights are damaged")
    lab = np.concatenate([L[..., None], np.broadcast_to(ab, (*L.shape, 2))], -1)
    rgb = color.lab_to_rgb_gently(lab)
    return Rendition(np.round(255 * rgb) / 255)


def truths(
    paths: Iterable[Path | str], skipped: list[Skipped] | None = None, progress: Progress | None = None
) -> Iterator[Truth]:
    """Read the photographs one at a time; those that cannot be measured are added to `skipped`.

    Raises:
        BadDataset: there was not one that could be measured; also for the first bad file, if `skipped` is None.
        UnreadableImage, UnsupportedFormat, MissingExtra: for the first bad file, if `skipped` is None.
        OutOfMemory: a photograph is too large to be measured.
    """
    files = [Path(path) for path in paths]
    found, reason = 0, "no photographs were given to evaluate"
    for done, path in enumerate(files, start=1):
        try:
            with measuring(path):
                truth = read_truth(path)
        except (BadDataset, UnreadableImage, UnsupportedFormat, MissingExtra) as error:
            if skipped is None:
                raise
            reason = str(error)
            skipped.append(Skipped(path, reason))
        else:
            found += 1
            yield truth
        if progress:
            progress(done, len(files), path)
    if not found:
        raise BadDataset(f"nothing could be measured ({counted(len(files), 'file')}): {reason}" if files else reason)


def samples(
    colorizer: Predictor,
    paths: Iterable[Path | str],
    *,
    skipped: list[Skipped] | None = None,
    progress: Progress | None = None,
) -> Iterator[Sample]:
    """Colour the photographs from their L, one at a time; arguments and errors as `truths`, and those of `join`."""
    for truth in truths(paths, skipped, progress):
        with measuring(truth.path):
            ab = colorizer.ab(truth.L.astype(np.float32))
            sample = Sample(truth.path, truth.rendition, join(truth.L, 0), join(truth.L, ab, shown(truth.path)))
        yield sample


@contextmanager
def measuring(path: Path) -> Iterator[None]:
    """Name the photograph when memory runs out over it.

    Raises:
        OutOfMemory: for a MemoryError within.
    """
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(f"{shown(path)}: memory ran out while it was measured; evaluate smaller copies") from error
