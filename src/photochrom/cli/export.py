"""`photochrom export`: a run folder to one ONNX file."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from photochrom.card import ModelCard
from photochrom.cli.extras import training
from photochrom.cli.show import say
from photochrom.errors import BadSetting
from photochrom.formats import shown


def export(
    run: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    card: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write a run as the one file that `colorize --model` takes, its card inside, checked against torch.

    Parameters
    ----------
    run
        The run folder.
    output
        The .onnx file.
    card
        A JSON file whose fields replace those of the card: name, metrics, limits, decoding, render_size, ...
    overwrite
        Replace a file that is there.
    """
    changes = _changes(card)
    with training("exporting"):
        from photochrom.train.export import export as write
    done = write(run, output, changes=changes, overwrite=overwrite)
    size = output.stat().st_size / 1e6
    say(f"{shown(output)}: {done.parameters / 1e6:.1f} M weights, {size:.1f} MB, equal to torch within 1e-4")


def _changes(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"{shown(path)}: not a JSON file that can be read ({error})") from None
    known = {field.name for field in fields(ModelCard)}
    if not isinstance(facts, dict) or not facts.keys() <= known:
        raise BadSetting(f"{shown(path)}: a card is a JSON object with some of: {', '.join(sorted(known))}")
    return facts
