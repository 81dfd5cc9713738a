"""`photochrom demo`: colour the sample photograph that the package ships."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from photochrom.cli.show import only_our_words, result
from photochrom.colorizer import Colorizer

RESULT = Path("photochrom-demo.jpg")


def demo(
    *,
    output: Annotated[Path, Parameter(alias="-o")] = RESULT,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Colour the sample photograph and say where the result is.

    Parameters
    ----------
    output
        Where to write the result; the default is overwritten each time.
    overwrite
        Replace an existing file.
    """
    with only_our_words(), resources.as_file(resources.files("photochrom") / "samples" / "astronaut.jpg") as sample:
        Colorizer().colorize_file(sample, output, overwrite=overwrite or output == RESULT)
    result(f"The sample photograph is now in colour: {output.resolve()}")
