"""`photochrom export`: a run folder, or several, to one ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from photochrom._support.optional_packages import training
from photochrom._support.settings import from_dict
from photochrom._support.text import shown
from photochrom.cli.show import say
from photochrom.errors import BadSetting
from photochrom.inference.card import ModelCard
from photochrom.train.config import DecodeConfig

CHANGEABLE = ("name", "title", "limits", "metrics", "training", "license", "decoding", "render_size", "mirror")


def export(
    runs: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    hub: Path | None = None,
    card: Path | None = None,
    bits: Literal[16, 8] = 16,
    blend: str | None = None,
    share: float | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Export a run as one file for `colorize --model`, with its card inside, checked against torch.

    Several runs become an ensemble: the mean of their scores. They need the same colour bins. Each member of an
    ensemble among them counts as one.

    Parameters
    ----------
    runs
        One or more run folders; packaged models' names and .onnx files work too.
    output
        The .onnx file.
    hub
        A folder for model.safetensors, config.json and README.md, as model hubs have them; with -o or without.
        `--model` reads it, too, with the extra `train`.
    card
        A JSON file with fields to replace in the card: name, title, limits, metrics, training, license, decoding,
        render_size, mirror.
    bits
        Bits per weight: 8 halves the file, with nearly the same colours.
    blend
        The model that the run started from, a name or a .onnx file: averages the weights of both, so that the run
        forgets less. Another run that started from it works too.
    share
        The run's share in that average, 0 to 1. [default: 0.5]
    overwrite
        Replace an existing file.
    """
    changes = _changes(card)
    with training("exporting"):
        from photochrom.train.export import export as write
    how: dict[str, Any] = {"changes": changes, "bits": bits, "overwrite": overwrite, "blend": blend, "share": share}
    done = write(*runs, output=output, hub=hub, **how)
    weights = f"{done.parameters / 1e6:.1f} M weights"
    if hub is not None:
        say(f"{shown(hub)}: {weights}, {sum(f.stat().st_size for f in hub.iterdir()) / 1e6:.1f} MB")
    if output is not None:
        say(f"{shown(output)}: {weights}, {output.stat().st_size / 1e6:.1f} MB, equal to torch within 1e-4")


def _changes(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"{shown(path)}: not a JSON file that can be read ({error})") from None
    known = {name: type(getattr(ModelCard(""), name)) for name in CHANGEABLE}
    if not isinstance(facts, dict) or not facts.keys() <= known.keys():
        raise BadSetting(f"{shown(path)}: a card is a JSON object with some of: {', '.join(CHANGEABLE)}")
    for name, value in facts.items():
        if type(value) is not known[name]:
            raise BadSetting(f"{shown(path)}: {name} is {value!r}; it must be a {known[name].__name__}")
    decoding = {**facts.get("decoding", {}), **{k: facts[k] for k in ("render_size", "mirror") if k in facts}}
    from_dict(DecodeConfig, decoding, "decoding")
    return facts
