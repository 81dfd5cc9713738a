"""`photochrom models`: what is in the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter

import photochrom
from photochrom.backends import packaged
from photochrom.card import ModelCard
from photochrom.cli import show


def models(*, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """List the models: size, what they see, how they decode, and their measured quality.

    Parameters
    ----------
    json
        Print the whole cards as JSON instead.
    """
    cards = photochrom.models()
    if json:
        show.json({name: asdict(card) for name, card in cards.items()})
        return
    for name, path in packaged().items():
        card = cards[name]
        show.result(f"{name}  {card.title}", bold=True)
        show.table([("", ""), *_facts(card, path.stat().st_size)])


def _facts(card: ModelCard, size: int) -> list[tuple[str, str]]:
    how, bins, quality = card.default_decoding(), card.codebook(), card.metrics
    decoder = f"{how.decoder}, temperature {how.temperature:g}, vividness {how.vividness:g}"
    measured = ", ".join(_numbers(quality))
    facts = [
        ("network", f"{card.architecture}, {card.parameters / 1e6:.1f} M weights, {size / 1e6:.1f} MB"),
        ("input", f"L at about {card.render_size} x {card.render_size} pixels, any aspect"),
        ("output", f"scores of {bins.n_scores} bins, by {decoder}" if bins else "ab"),
        ("quality", measured or "not measured"),
        ("limits", card.limits),
        ("licence", card.license),
    ]
    return [fact for fact in facts if fact[1]]


def _numbers(quality: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """`test ciede2000 9.87` for {"test": {"ciede2000": 9.87}}."""
    for name, value in quality.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name} {value:.4g}" if isinstance(value, float) else f"{prefix}{name} {value}"
