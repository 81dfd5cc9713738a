"""`photochrom models`: what is in the package, and what a network is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

import photochrom
from photochrom._support.optional_packages import training
from photochrom.cli import show
from photochrom.errors import BadSetting
from photochrom.inference.card import ModelCard
from photochrom.inference.model_files import packaged, read_card, read_model
from photochrom.video.recurrent import PACKAGED

models = App(name="models")


@models.default
def packaged_models(*, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """List the models: size, input, decoding, and measured quality.

    The network that keeps their colours steady in films comes last; --json omits it.

    Parameters
    ----------
    json
        Print the complete cards as JSON.
    """
    cards = photochrom.available_models()
    if json:
        show.json({name: asdict(card) for name, card in cards.items()})
        return
    listed = [(cards[name], path) for name, path in packaged().items()]
    for card, path in [*listed, (read_card(*read_model(PACKAGED)), PACKAGED)]:
        show.result(f"{card.name}  {card.title}", bold=True)
        show.table([("", ""), *_facts(card, path.stat().st_size)])


@models.command(name="show")
def layers(
    network: str,
    /,
    *,
    set_: Annotated[list[str], Parameter(name="--set", negative=())] = [],  # noqa: B006 - cyclopts wants a literal
) -> None:
    """Print a network layer by layer: output shape, weights, and multiply-adds for one picture.

    Parameters
    ----------
    network
        A recipe (a .toml file); a network by its name, shown with its default settings and 2 outputs; or a model: a
        packaged one, an exported file, or a run folder.
    set_
        A recipe field to change, such as --set bins.count=30; repeat for more.
    """
    with training("showing a network's layers"):
        from photochrom.models import models as networks
        from photochrom.train.recipe import load_recipe
        from photochrom.train.summary import default_recipe, summary, summary_of_model
    is_recipe = network.endswith(".toml")
    if set_ and not is_recipe:
        raise BadSetting(f"--set changes a recipe, and '{network}' is not one; name a .toml file")
    if not is_recipe and network not in networks and (network in packaged() or Path(network).exists()):
        from photochrom.train.export import load_model  # not for a recipe, which would wait for it

        trained, card = load_model(network)
        kind, found = card.architecture, summary_of_model(trained, card)
    else:
        recipe = load_recipe(Path(network), tuple(set_)) if is_recipe else default_recipe(network)
        kind, found = recipe.model.name, summary(recipe)
    rows: list[tuple[str, ...]] = [("layer", "kind", "gives", "parameters", "multiply-adds")]
    for layer in found.layers:
        shape, numbers = " x ".join(map(str, layer.shape)), (layer.parameters, layer.multiply_adds)
        rows.append((layer.name, layer.kind, shape, *(str(n) if n else "" for n in numbers)))
    show.table(rows, f"{kind} at {found.size} x {found.size} pixels, {found.outputs} outputs")
    show.result(f"{found.parameters:,} parameters, {found.multiply_adds:,} multiply-adds")


def _facts(card: ModelCard, size: int) -> list[tuple[str, str]]:
    digits = 2 if card.steadies else 1  # one that steadies is a hundredth of one that colours
    weights = f"{card.parameters / 1e6:.{digits}f} M weights, {size / 1e6:.{digits}f} MB"
    facts = [
        ("network", f"{card.architecture}, {weights}"),
        *(_steadying(card) if card.steadies else _coloring(card)),
        ("quality", ", ".join(_numbers(card.metrics)) or "not measured"),
        ("limits", card.limits),
        ("licence", card.license),
    ]
    return [fact for fact in facts if fact[1]]


def _steadying(card: ModelCard) -> list[tuple[str, str]]:
    return [("for", f"films coloured by '{card.steadies['name']}', with --consistency {card.name}")]


def _coloring(card: ModelCard) -> list[tuple[str, str]]:
    how, bins = card.default_decoding(), card.codebook()
    decoder = f"{how.decoder}, temperature {how.temperature:g}, vividness {how.vividness:g}"
    decoder += f", saturation {how.saturation:g}" if how.saturation != 1 else ""
    decoder += f", chroma gamma {how.chroma_gamma:g}" if how.chroma_gamma != 1 else ""
    decoder += f", chroma knee {how.chroma_knee:g}" if how.chroma_knee else ""
    decoder += f", smoothed by {how.smooth_radius} points" if how.smooth_radius else ""
    decoder += f", agreement {how.agreement:g}" if how.agreement else ""
    output = f"scores of {bins.n_scores} bins, by {decoder}" if bins else "ab"
    return [("input", _input(card)), ("output", output)]


def _input(card: ModelCard) -> str:
    if card.size is not None:
        return f"L, squeezed to {card.size} x {card.size} pixels"
    return f"L at about {card.render_size} x {card.render_size} pixels, any aspect"


def _numbers(quality: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """`test ciede2000 9.87` for {"test": {"ciede2000": 9.87}}."""
    for name, value in quality.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name} {value:.4g}" if isinstance(value, float) else f"{prefix}{name} {value}"
