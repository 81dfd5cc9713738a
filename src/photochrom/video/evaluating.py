"""A colorizer on films whose colours are known: how steady it is in each mode, and how good each frame is."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from photochrom import color
from photochrom._support.files import check_free, write_bytes
from photochrom._support.optional_packages import needing
from photochrom._support.text import shown
from photochrom.colorizer import Colorizer
from photochrom.errors import UnreadableFilm
from photochrom.metrics import Comparison, Rendition, measure
from photochrom.video.coloring import paint_film
from photochrom.video.consistency import steady
from photochrom.video.gray import gray_of, gray_of_rgb
from photochrom.video.measures import CDC_STEPS, distribution_consistency, histograms, warping_error
from photochrom.video.reading import Frame, main_stream, open_film

WIDTH = 320  # pixels across at which frames are compared
EVERY = 5  # of so many frames one is compared with the truth
QUALITY = ("ciede2000", "psnr", "colorfulness")


@dataclass(frozen=True)
class Steadiness:
    """What was measured of one film in one mode; `truth` and `gray` are modes too, for comparison.

    Attributes:
        film: its file name.
        mode: how it was coloured.
        warping_error: of chroma, Lab units; see `measures.warping_error`.
        cdc_1, cdc_2, cdc_4: see `measures.distribution_consistency`.
        ciede2000, psnr, colorfulness: means over every fifth frame, against the truth.
        rate: frames a second of colouring, decoding included, encoding not; 0 for truth and gray.
    """

    film: str
    mode: str
    warping_error: float
    cdc_1: float
    cdc_2: float
    cdc_4: float
    ciede2000: float
    psnr: float
    colorfulness: float
    rate: float = 0.0


Listener = Callable[[str, str, int], None]
"""Told the film, the mode, and how many frames are done."""


def evaluate_films(
    films: Sequence[Path],
    colorizer: Colorizer,
    modes: Sequence[str] = ("frame", "flow"),
    *,
    frames: int | None = None,
    listener: Listener = lambda *_: None,
) -> list[Steadiness]:
    """Measure each film in each mode, and gray and the truth beside them.

    Args:
        films: in colour.
        colorizer: the session.
        modes: see `consistency.steady`.
        frames: measure only so many of the first frames.
        listener: told how far it is.

    Raises:
        UnreadableFilm: a film that cannot be read, or is not in colour.
        MissingExtra: without the extra `video`.
    """
    with needing("measuring films", "video"):
        import cv2 as _  # noqa: F401
    rows = []
    for path in films:
        truth = _Truth(path, frames)
        for mode in ("gray", "truth", *modes):
            begun = time.perf_counter()
            ledger = _Ledger(truth)
            for count, rgb in enumerate(_colored(truth, mode, colorizer), 1):
                ledger.add(rgb)
                listener(path.name, mode, count)
            # What the measuring took is not the colouring's.
            spent = time.perf_counter() - begun - ledger.seconds
            rows.append(ledger.row(path.name, mode, 0.0 if mode in ("gray", "truth") else ledger.frames / spent))
    return rows


def means(rows: Sequence[Steadiness]) -> list[Steadiness]:
    """The mean over films of each mode, each film counting the same."""
    modes = list(dict.fromkeys(row.mode for row in rows))
    numbers = [field.name for field in fields(Steadiness) if field.name not in ("film", "mode")]
    found = []
    for mode in modes:
        of_mode = [row for row in rows if row.mode == mode]
        found.append(
            Steadiness(
                "mean", mode, **{name: float(np.mean([getattr(row, name) for row in of_mode])) for name in numbers}
            )
        )
    return found


def write(rows: Sequence[Steadiness], folder: Path, overwrite: bool = False) -> None:
    """Write `per_film.csv` and `totals.json` into a folder, which is made.

    Raises:
        WriteFailed: a file is there already, the disk is full, ...
    """
    table, totals = folder / "per_film.csv", folder / "totals.json"
    for path in (table, totals):
        check_free(path, overwrite)
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Steadiness)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_bytes(table, text.getvalue().encode(), overwrite)
    data = {row.mode: {k: v for k, v in asdict(row).items() if k not in ("film", "mode")} for row in means(rows)}
    write_bytes(totals, (json.dumps(data, indent=2) + "\n").encode(), overwrite)


class _Truth:
    """A film in colour, decoded anew for each use: even small frames of a long one would not fit into memory."""

    def __init__(self, path: Path, limit: int | None) -> None:
        self.path, self.limit = path, limit
        if not any(gray_of(raw)[1] for raw in self._raws()):
            raise UnreadableFilm(f"{shown(path)} is not in colour; measuring needs a film whose colours are known")

    def frames(self) -> Iterator[Frame]:
        """The frames as a gray film would have them."""
        for count, raw in enumerate(self._raws()):
            yield Frame(gray_of(raw)[0], count)

    def small(self) -> Iterator[np.ndarray]:
        """The frames (h, w, 3) uint8 of the size at which they are compared."""
        for raw in self._raws():
            yield _shrunk(raw.to_ndarray(format="rgb24"))

    def _raws(self) -> Iterator:
        with open_film(self.path) as container:
            stream = main_stream(container, shown(self.path))
            for count, raw in enumerate(container.decode(stream)):
                if count == self.limit:
                    return
                yield raw


class _Ledger:
    """Adds up what is measured, frame by frame."""

    def __init__(self, truth: _Truth) -> None:
        self.seconds = 0.0
        self._truth = truth.small()
        self._before: tuple[np.ndarray, np.ndarray] | None = None  # the true frame before, and its ab as coloured
        self._errors: list[float] = []
        self._shares: list[np.ndarray] = []
        self._quality: list[dict[str, float]] = []

    @property
    def frames(self) -> int:
        """How many were added."""
        return len(self._shares)

    def add(self, rgb: np.ndarray) -> None:
        """One more frame (H, W, 3) uint8."""
        from photochrom.video.flow import sampled

        begun = time.perf_counter()
        small, true = _shrunk(rgb), next(self._truth)
        ab = color.rgb_to_lab(small / 255.0)[..., 1:].astype(np.float32)
        if self._before is not None:
            true_before, ab_before = self._before
            motion, trust = _motion(true, true_before)
            if trust.mean() > 0.35:  # else a new scene
                self._errors.append(warping_error(ab, sampled(ab_before, motion), trust))
        self._before = true, ab
        if self.frames % EVERY == 0:
            pair = Comparison(Rendition(small / 255.0), Rendition(true / 255.0))
            self._quality.append(measure(pair, QUALITY))
        self._shares.append(histograms(small))
        self.seconds += time.perf_counter() - begun

    def row(self, film: str, mode: str, rate: float) -> Steadiness:
        """What was measured."""
        cdc = [distribution_consistency(self._shares, step) for step in CDC_STEPS]
        quality = [float(np.mean([each[name] for each in self._quality])) for name in QUALITY]
        return Steadiness(film, mode, float(np.mean(self._errors or [0.0])), *cdc, *quality, rate=rate)


def _colored(truth: _Truth, mode: str, colorizer: Colorizer) -> Iterator[np.ndarray]:
    if mode == "truth":
        yield from truth.small()
    elif mode == "gray":
        for small in truth.small():
            yield np.repeat(gray_of_rgb(small)[..., None], 3, -1)
    else:
        painted = paint_film(truth.frames(), colorizer, steady(mode, colorizer.card), 1 << 30, {})
        try:
            for each in painted:
                yield each.result
        finally:
            painted.close()


def _shrunk(rgb: np.ndarray) -> np.ndarray:
    import cv2

    height, width = rgb.shape[:2]
    size = (min(width, WIDTH), max(1, round(height * min(width, WIDTH) / width)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _motion(now: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion by the true lightness, sought more carefully than colouring does."""
    import cv2

    from photochrom.video.flow import follow

    seek = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return follow(seek, gray_of_rgb(now), gray_of_rgb(before))
