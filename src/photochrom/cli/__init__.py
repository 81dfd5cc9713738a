"""The command line: parsing and printing only; each command is a file, and what it does lives in the library."""

from __future__ import annotations

import sys

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from photochrom import __version__
from photochrom.errors import BadRecipe, BadSetting, PhotochromError, UnknownName

app = App(
    name="photochrom",
    help="Colour grayscale photographs, train the networks that do it, and measure them.",
    version=__version__,
)
# Each command is imported when it is called: `--help` is instant, and none that does not train imports torch.
for name, what in {
    "colorize": "Colour photographs: files, folders, or standard input.",
    "demo": "Colour the sample photograph that comes with the package.",
    "models": "List the models with size, decoder and measured quality.",
    "evaluate": "Measure a model on colour photographs.",
    "train": "Train a network from a recipe; the same command resumes.",
    "export": "Write a training run as one file that `colorize --model` takes.",
}.items():
    app.command(f"photochrom.cli.{name}:{name}", name=name, help=what)


def main() -> None:
    """Run the command line; exit with 2 for a wrong call, 1 for a failure, 130 for Ctrl-C."""
    try:
        status = app(exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _complain(str(error).strip().replace("\n", " "), "see photochrom --help")
        status = 2
    except (BadSetting, BadRecipe, UnknownName) as error:
        _complain(str(error))
        status = 2
    except PhotochromError as error:
        _complain(str(error))
        status = 1
    except KeyboardInterrupt:
        _complain("stopped; nothing half-written is left")
        status = 130
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody to tell.
        sys.stderr.close()
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _complain(line: str, hint: str = "") -> None:
    print(f"photochrom: {line}" + (f" ({hint})" if hint else ""), file=sys.stderr)  # noqa: T201
