"""`photochrom models`: what is in the package."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

import photochrom
from photochrom.backends import packaged
from photochrom.card import ModelCard
from photochrom.cli.show import results, table


def models(*, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """List the models: size, what they see, how they decode, and their measured quality.

    Parameters
    ----------
    json
        Print the whole cards as JSON instead.
    """
    cards = photochrom.models()
    if json:
        results.print_json(data={name: asdict(card) for name, card in cards.items()})
        return
    for name, path in packaged().items():
        card = cards[name]
        results.print(f"{name}  {card.title}", style="bold", markup=False)
        table([("", ""), *_facts(card, path.stat().st_size)])


def _facts(card: ModelCard, size: int) -> list[tuple[str, str]]:
    how, bins, quality = card.default_decoding(), card.codebook(), card.metrics
    decoder = f"{how.decoder}, temperature {how.temperature:g}, vividness {how.vividness:g}"
    return [
        ("network", f"{card.architecture}, {card.parameters / 1e6:.1f} M weights, {size / 1e6:.1f} MB"),
        ("input", f"L at about {card.render_size} x {card.render_size} pixels, any aspect"),
        ("output", f"scores of {bins.n_scores} bins, by {decoder}" if bins else "ab"),
        (
            "quality",
            ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in quality.items())
            or "not measured",
        ),
        ("limits", card.limits),
        ("licence", card.license),
    ]
