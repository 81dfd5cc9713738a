"""Hints in files: JSON with points and strokes, and a transparent layer that was painted over the photograph."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from photochrom._support.files import write_bytes
from photochrom._support.text import shown
from photochrom.color import rgb_to_lab
from photochrom.errors import BadSetting, PhotochromError
from photochrom.imaging import io
from photochrom.imaging.formats import SNIFF_BYTES, known_by
from photochrom.imaging.picture import to_dtype
from photochrom.painting.hints import BEYOND, MOST, Area, Colored, Hint, Stroke, as_hex

KIND = "hints"
OPAQUE = 128  # alpha from which on a pixel of a layer counts: the soft rim of a brush does not
ALIKE = 12.0  # Lab units within which the colours of a layer are one: what a brush or JPEG makes of one colour
RARE = 1e-3  # share of a layer's pixels under which a colour is the rim of another
MOST_BYTES = 64 << 20
MOST_PIXELS = 1 << 24  # that are kept of all areas of a file together; where they have more, they become coarser


def read_hints(path: str | os.PathLike[str], max_pixels: int | None = None) -> list[Colored]:
    """The hints of a file: JSON as `write_hints` makes it, or a picture with transparency.

    Args:
        path: the file; what it is shows in its content.
        max_pixels: the largest layer that is decoded; None is no limit.

    Raises:
        BadSetting: it cannot be read, or has no hints; the message names it.
    """
    name = shown(path)
    try:
        with open(path, "rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
            if start not in (b"{", b"["):
                return _layer(path, name, max_pixels)
            file.seek(0)
            text = file.read(MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise BadSetting(f"{name}: the hints cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadSetting(f"{name}: not a file of hints; give JSON in UTF-8, or a picture with transparency") from None
    try:
        return hints_from_json(text)
    except BadSetting as error:
        raise BadSetting(f"{name}: {error}") from None


def hints_from_json(text: str) -> list[Colored]:
    """The hints of a JSON text.

    Raises:
        BadSetting: what is wrong, and at which hint, counted from 1.

    Example:
        >>> hints_from_json('{"hints": [{"x": 3, "y": 4, "color": "navy"}], "size": [10, 8]}')
        [Hint(x=3, y=4, color='navy', reach=1.0, drawn_on=(10, 8), time=None)]
    """
    try:
        return _from_json(text)
    except RecursionError:
        raise BadSetting("these hints are not JSON (it is nested too deeply)") from None


def _from_json(text: str) -> list[Colored]:
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise BadSetting(f"these hints are not JSON ({error})") from None
    if isinstance(facts, list):
        facts = {"hints": facts}
    listed = facts.get("hints") if isinstance(facts, dict) else None
    if not isinstance(listed, list):
        raise BadSetting('no hints are in it; write {"hints": [{"x": 120, "y": 340, "color": "navy"}]}')
    size = facts.get("size")
    if size is not None and not (_are_whole(size, 2) and all(0 < side < BEYOND for side in size)):
        raise BadSetting(f'"size" is {_told(size)}; it must be [WIDTH, HEIGHT] of the photograph in pixels')
    most = MOST_PIXELS // max(1, len(listed))
    return [_from_facts(entry, tuple(size) if size else None, most, number) for number, entry in enumerate(listed, 1)]


_TOLD = 200  # characters of what is wrong in a file, in a message

# What an entry has, and may have, by the key that tells its kind.
_ENTRIES: dict[str, tuple[type[Colored], set[str], set[str]]] = {
    "x": (Hint, {"x", "y", "color"}, {"reach", "time"}),
    "points": (Stroke, {"points", "color"}, {"width", "reach", "time"}),
    "runs": (Area, {"runs", "color"}, {"reach", "time"}),
}


def _from_facts(entry: Any, size: tuple[int, int] | None, most: int, number: int) -> Colored:
    keys = entry.keys() if isinstance(entry, dict) else ()
    kind, needed, further = next((known for key, known in _ENTRIES.items() if key in keys), _ENTRIES["x"])
    if not needed <= set(keys) <= needed | further:
        wanted = ", ".join(f'"{key}"' for key in sorted(needed))
        raise BadSetting(f"hint {number} is {_told(entry)}; it must have {wanted}, and can have a reach and a time")
    facts = dict(entry)
    try:
        if kind is Area:
            return Area(_mask(facts.pop("runs"), size, most), **facts, size=size)
        if kind is Stroke:
            facts["points"] = tuple((x, y) for x, y in entry["points"])
        return kind(**facts, drawn_on=size)  # type: ignore[call-arg]
    except (TypeError, ValueError):
        raise BadSetting(f"hint {number}: places are numbers of pixels, in points as [[X, Y], ...]") from None
    except BadSetting as error:
        raise BadSetting(f"hint {number}: {error}") from None


def _mask(runs: Any, size: tuple[int, int] | None, most: int) -> np.ndarray:
    """What the runs cover, of the size or of as much of it as `most` pixels are; what they only touch counts, too."""
    if size is None:
        raise BadSetting('with runs, the file must have the "size" of the photograph')
    width, height = size
    factor = min(1.0, math.sqrt(most / (width * height)))
    h = min(max(1, int(height * factor)), max(1, most))
    w = min(max(1, int(width * factor)), max(1, most // h))
    mask = np.zeros((h, w), bool)
    for run in runs:
        if not _are_whole(run, 3):
            raise BadSetting(f"a run is {_told(run)}; it must be [ROW, FIRST, LAST], each a whole number of pixels")
        row, first, last = run
        if not (0 <= row < height and 0 <= first <= last < width):
            raise BadSetting(f"the run {row}, {first}, {last} lies outside {width} x {height} pixels")
        mask[row * h // height, first * w // width : last * w // width + 1] = True
    if not runs:
        raise BadSetting("it has no runs")
    return mask


def _are_whole(numbers: Any, count: int) -> bool:
    """Whether JSON has so many whole numbers there; true and false are none."""
    return isinstance(numbers, list) and len(numbers) == count and all(type(number) is int for number in numbers)


def _told(facts: Any) -> str:
    """What stood in a file, as far as a message has room for it."""
    text = json.dumps(facts)
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}..."


def hints_to_json(hints: Sequence[Colored], size: tuple[int, int] | None) -> str:
    """The hints as JSON that `hints_from_json` reads.

    Args:
        hints: for one photograph; areas have its size.
        size: (W, H) of it, in pixels; None where it is not known, and there are no areas.

    Example:
        >>> hints_to_json([Hint(3, 4, "navy")], (10, 8))
        '{"photochrom": "hints", "size": [10, 8], "hints": [\\n {"x": 3, "y": 4, "color": "#000080"}\\n]}\\n'
    """
    lines = ",\n ".join(json.dumps(_facts(hint.on(size) if size else hint)) for hint in hints)
    known = f'"size": {json.dumps(list(size))}, ' if size else ""
    return f'{{"photochrom": "{KIND}", {known}"hints": [\n {lines}\n]}}\n'


def _facts(hint: Colored) -> dict[str, Any]:
    end: dict[str, Any] = {"color": hint.written} | ({} if hint.reach == 1 else {"reach": hint.reach})
    end |= {} if hint.time is None else {"time": hint.time}
    if isinstance(hint, Hint):
        return {"x": hint.x, "y": hint.y} | end
    if isinstance(hint, Stroke):
        return {"points": [list(point) for point in hint.points], "width": hint.width} | end
    return {"runs": _runs(cast(Area, hint).whole_mask)} | end


def _runs(mask: np.ndarray) -> list[tuple[int, int, int]]:
    """Row, first column and last column of the stretches of a mask that are set."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, first = np.nonzero(edges == 1)
    return list(zip(rows.tolist(), first.tolist(), (np.nonzero(edges == -1)[1] - 1).tolist(), strict=True))


def write_hints(
    path: str | os.PathLike[str], hints: Sequence[Colored], size: tuple[int, int], overwrite: bool = False
) -> None:
    """Write hints as JSON.

    Raises:
        WriteFailed: the file is there already, or cannot be written.
    """
    write_bytes(Path(path), hints_to_json(hints, size).encode(), overwrite)


def _layer(path: str | os.PathLike[str], name: str, max_pixels: int | None) -> list[Colored]:
    """The areas of a picture with transparency, one for each colour."""
    with open(path, "rb") as file:
        if known_by(file.read(SNIFF_BYTES)) is None:
            raise BadSetting(f"{name}: the hints cannot be read (it is neither JSON nor a picture)")
    try:
        picture = io.read(path, max_pixels)
    except PhotochromError as error:
        raise BadSetting(str(error)) from error
    if picture.alpha is None:
        raise BadSetting(
            f"{name}: the picture has no transparency, and all of it would be hints; paint on a transparent layer, and "
            "save that alone"
        )
    pixels, alpha = to_dtype(picture.pixels, "uint8"), to_dtype(picture.alpha, "uint8")
    rgb = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, -1)
    return areas_of(np.concatenate([rgb, alpha[..., None]], -1), name)


def areas_of(rgba: np.ndarray, name: str = "the layer") -> list[Colored]:
    """One area for each colour of a layer (H, W, 4) uint8; colours that differ little are one.

    Raises:
        BadSetting: nothing is painted, or there are too many colours.
    """
    painted = rgba[..., 3] >= OPAQUE
    if not painted.any():
        raise BadSetting(f"{name}: nothing is painted on this layer; strokes must be opaque")
    red, green, blue = (rgba[painted][:, :3].astype(np.int32) >> 2).T
    codes, place, counts = np.unique(red << 12 | green << 6 | blue, return_inverse=True, return_counts=True)
    lab = rgb_to_lab((np.stack([codes >> 12, codes >> 6 & 63, codes & 63], -1) * 4.0 + 1.5) / 255)
    chosen: list[int] = []
    for index in np.argsort(-counts):
        near = chosen and np.linalg.norm(lab[chosen] - lab[index], axis=1).min() <= ALIKE
        if not near and (not chosen or counts[index] >= RARE * counts.sum()):
            chosen.append(int(index))
        if len(chosen) > MOST:
            raise BadSetting(f"{name}: the layer has more than {MOST} colours; paint strokes of plain colours")
    nearest = np.linalg.norm(lab[:, None] - lab[None, chosen], axis=2).argmin(1)[place.ravel()]
    areas: list[Colored] = []
    for number in range(len(chosen)):
        mask = np.zeros(painted.shape, bool)
        mask[painted] = nearest == number
        mean = np.rint(rgba[mask][:, :3].mean(0)).astype(int)
        areas.append(Area(mask, as_hex(mean)))
    return areas
