"""`photochrom new`: a plug-in to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from photochrom._support.text import shown
from photochrom.cli.show import say
from photochrom.scaffold import create


def new(
    kind: Literal["loss", "model", "metric", "encoder", "decoder"],
    name: str,
    /,
    *,
    out: Path | None = None,
) -> None:
    """Write a small package that adds a part to photochrom: its module, its entry point, and a test that passes.

    Parameters
    ----------
    kind
        What it adds.
    name
        What recipes and tables will call it: small letters, digits and _.
    out
        The folder, new or empty. [default: photochrom-NAME]
    """
    folder = create(kind, name, out)
    say(f"{shown(folder)}: try it with: pip install -e {shown(folder)} && pytest {shown(folder)}")
