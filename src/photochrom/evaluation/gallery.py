"""A page to look through methods side by side, the photographs on which they disagree most first."""

from __future__ import annotations

import base64
import heapq
import html
import io
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from photochrom._support.files import write_bytes
from photochrom._support.html_report import Table, site_look
from photochrom._support.version import __version__
from photochrom.evaluation.compare import GRAY, TRUTH, Compared

MOST = 100
"""Photographs on a page; more would make it too large to open."""
SIDE = 480  # the longer side of a picture, pixels
_HERE = resources.files("photochrom.evaluation")


class _Kept(NamedTuple):
    disagreement: float
    place: int
    name: str
    pictures: tuple[tuple[str, bytes], ...]
    errors: dict[str, float]


class Gallery:
    """Give it every photograph, then write the page.

    Args:
        most: how many photographs it shows; of more, those with the most disagreement.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most, self._kept, self._seen = most, list[_Kept](), 0

    def add(self, compared: Compared) -> None:
        """Keep small copies of a photograph's versions, as long as it is one of those that are shown."""
        self._seen += 1
        if len(self._kept) == self._most and compared.disagreement <= self._kept[0].disagreement:
            return
        order = (TRUTH, *(name for name in compared.renditions if name not in (TRUTH, GRAY)), GRAY)
        pictures = tuple((name, _jpeg(compared.renditions[name].rgb)) for name in order)
        errors = {name: numbers["ciede2000"] for name, numbers in compared.numbers.items() if name != TRUTH}
        kept = _Kept(compared.disagreement, -self._seen, compared.path.name, pictures, errors)
        (heapq.heappush if len(self._kept) < self._most else heapq.heappushpop)(self._kept, kept)

    def write(self, path: Path, title: str, tables: Sequence[Table], *, overwrite: bool = False) -> None:
        """Write the page, which holds everything it shows.

        Raises:
            WriteFailed: as `write_bytes`.
        """
        write_bytes(path, self.page(title, tables).encode(), overwrite)

    def page(self, title: str, tables: Sequence[Table]) -> str:
        """The page's HTML."""
        shown = sorted(self._kept, reverse=True)
        count = f"{len(shown)} of {self._seen} photographs" if len(shown) < self._seen else f"{self._seen} photographs"
        sections = "\n".join(_section(i, each, len(shown)) for i, each in enumerate(shown, start=1))
        style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("gallery.css", "gallery.js"))
        title = html.escape(title)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{site_look()}{style}</style></head>\n<body>\n"
            f'<header><h1>{title}</h1><p class="lead">{count}, those on which the methods disagree most first. '
            "The left and right arrow keys go from one to the next.</p></header>\n"
            f"<main>\n{sections}\n"
            f'<section class="tables">{"".join(table.html() for table in tables)}</section>\n</main>\n'
            '<nav aria-label="Photographs"><button id="before" aria-label="Previous photograph">←</button>'
            f'<output id="place">1 / {len(shown)}</output>'
            '<button id="after" aria-label="Next photograph">→</button></nav>\n'
            f"<footer>photochrom {__version__}</footer>\n<script>{script}</script>\n</body></html>\n"
        )


def _section(place: int, kept: _Kept, total: int) -> str:
    best = min(kept.errors[name] for name, _ in kept.pictures if name not in (TRUTH, GRAY))
    figures = []
    for name, data in kept.pictures:
        number = "" if name == TRUTH else f"<span>ΔE {kept.errors[name]:.1f}</span>"
        mark = ' class="best"' if name not in (TRUTH, GRAY) and kept.errors[name] == best else ""
        text = html.escape(f"{kept.name}, {name}", quote=True)
        source = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
        figures.append(
            f'<figure><img alt="{text}" src="{source}" decoding="async">'
            f"<figcaption{mark}><b>{html.escape(name)}</b>{number}</figcaption></figure>"
        )
    return (
        f'<section class="photograph" id="p{place}" tabindex="-1" aria-label="Photograph {place} of {total}">'
        f"<h2>{html.escape(kept.name)}</h2><p>disagreement ΔE {kept.disagreement:.1f}</p>"
        f'<div class="row">{"".join(figures)}</div></section>'
    )


def _jpeg(rgb: np.ndarray) -> bytes:
    image = Image.fromarray(np.rint(255 * np.clip(rgb, 0, 1)).astype(np.uint8))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=88, subsampling=0)
    return data.getvalue()
