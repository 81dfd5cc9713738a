"""Which file format a client gets."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from photochrom.imaging.formats import FORMATS
from photochrom.web.problems import Problem


def names() -> list[str]:
    """The formats as clients write them, in lower case."""
    return [name.lower() for name in FORMATS]


def _known(name: str) -> str:
    if name not in names():
        raise ValueError(f"there is no format '{name}'; there are: {', '.join(names())}")
    return name


FormatName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": names()})]


def media_type_of(name: str) -> str:
    """The media type of a format's name."""
    return FORMATS[name].media_type


def extensions_of(name: str) -> tuple[str, ...]:
    """The endings of a format's file names, with their dots, the usual one first."""
    return FORMATS[name].extensions


def wanted_format(format: FormatName | None, accept: str | None, own: str) -> str:
    """The format that is asked for: by name, else the photograph's own, else the best in the Accept header.

    Args:
        format: a name, or None.
        accept: the Accept header, or None.
        own: what the photograph came in; it is taken wherever it is acceptable.

    Returns:
        A name in `photochrom.imaging.formats.FORMATS`.

    Raises:
        Problem: 406 where nothing that is accepted can be written.

    Example:
        >>> wanted_format(None, "image/webp, image/png;q=0.5", "JPEG")
        'WEBP'
        >>> wanted_format(None, "image/webp, */*;q=0.8", "JPEG")
        'JPEG'
    """
    if format is not None:
        return format.upper()
    ranges = _ranges(accept or "*/*")
    quality = {name: _quality(entry.media_type, ranges) for name, entry in FORMATS.items()}
    best = own if quality[own] > 0 else max(quality, key=lambda name: quality[name])
    if quality[best] <= 0:
        raise Problem(406, f"nothing in the Accept header can be written; there are: {', '.join(FORMATS)}")
    return best


def _ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for part in accept.split(","):
        kind, *parameters = (token.strip().lower() for token in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if kind:
            ranges.append((kind, quality))
    return ranges


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """That of the most precise range that fits (RFC 9110, 12.5.1)."""
    for fitting in (media_type, "image/*", "*/*"):
        for kind, quality in ranges:
            if kind == fitting:
                return quality
    return 0.0
