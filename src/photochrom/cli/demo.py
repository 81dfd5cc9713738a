"""`photochrom demo`: colour the sample photograph that the package ships."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import photochrom
from photochrom.cli.show import say


def demo(
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("photochrom-demo.jpg"),
) -> None:
    """Colour the sample photograph and say where the result is.

    Parameters
    ----------
    output
        Where the result goes.
    """
    with resources.as_file(resources.files("photochrom") / "samples" / "astronaut.jpg") as sample:
        photochrom.colorize(sample, output, overwrite=True)
    say(f"The sample photograph is now in colour: {output.resolve()}")
