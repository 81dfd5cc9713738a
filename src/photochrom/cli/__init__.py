"""The command line: parsing and printing only; each command is a file, and what it does lives in the library."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Sequence

from cyclopts import App
from cyclopts.exceptions import CoercionError, CycloptsError, MissingArgumentError, UnusedCliTokensError

from photochrom._support.text import shown
from photochrom._support.version import __version__
from photochrom.errors import BadRecipe, BadSetting, PhotochromError, UnknownName
from photochrom.imaging.formats import is_picture_name

app = App(
    name="photochrom",
    help="Colour grayscale photographs, train the networks that do it, and measure them.",
    version=__version__,
    suppress_keyboard_interrupt=False,
)
# Each command is imported when it is called: `--help` is instant, and none that does not train imports torch.
for name, what in {
    "colorize": "Colour photographs and films: files, folders, or standard input.",
    "batch": "Colour archives of any size, on this machine or on a Ray cluster; the same command resumes.",
    "serve": "Colour in the browser, and serve an HTTP API for programs.",
    "demo": "Colour the sample photograph that comes with the package.",
    "models": "List the models and their measured quality; `models show` prints a network layer by layer.",
    "evaluate": "Measure a model on colour photographs.",
    "evaluate-video": "Measure how steady a model's colours are in films.",
    "train": "Train a network from a recipe; the same command resumes.",
    "shards": "Pack photographs into shards for training, on this machine or in a bucket.",
    "search": "Search for good values of a recipe's fields with short training runs; the same command resumes.",
    "study": "Train, measure and report every experiment of the paper.",
    "turing": "Ask people whether coloured photographs look real: create a study, report on it.",
    "export": "Export a training run as one file for `colorize --model`.",
    "new": "Write a small package that adds a loss, model, metric, encoder or decoder.",
}.items():
    module = name.replace("-", "_")
    app.command(f"photochrom.cli.{module}:{module}", name=name, help=what)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; exit with 2 for a wrong call, 1 for a failure, 130 for Ctrl-C."""
    try:
        sys.exit(_status(sys.argv[1:] if argv is None else argv))
    finally:
        # Nobody may read what is still to be written (a pipe that closed, a full disk), and Python would say so.
        try:
            if sys.stdout:
                sys.stdout.flush()
        except (OSError, ValueError):
            _drop_stdout()


def _status(argv: Sequence[str]) -> int:
    try:
        if "" in argv:
            raise BadSetting("an argument is empty; is a shell variable unset?")
        _check_names(argv)
        # cyclopts would take a lone - for an option; as a path, ./- is the same.
        status = app(["./-" if token == "-" else token for token in argv], exit_on_error=False, print_error=False)
        return status if isinstance(status, int) else 0
    except CycloptsError as error:
        command = " ".join(["photochrom", *(error.command_chain or ())])
        named = next((token for token in _like_options(argv) if is_picture_name(token)), None)
        hint = f"for a file of that name, write {shown('./' + named)}; " if named else ""
        return _complain(f"{_in_words(error, command, argv)} ({hint}see {command} --help)", 2)
    except (BadSetting, BadRecipe, UnknownName) as error:
        return _complain(str(error), 2)
    except PhotochromError as error:
        return _complain(str(error), 1)
    except KeyboardInterrupt:
        return _complain("stopped; no half-written file is left", 130)
    except BrokenPipeError:
        # The reader of our output has gone, so nothing can be reported.
        return 1
    except MemoryError:
        return _complain("memory ran out; close other programs, or use smaller pictures", 1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _complain(f"the system refused: {error.strerror or error}{where}", 1)


def _in_words(error: CycloptsError, command: str, argv: Sequence[str]) -> str:
    """What is wrong with a call, as the commands themselves would say it."""
    if isinstance(error, MissingArgumentError) and error.argument:
        name = error.keyword or error.argument.name
        if name not in argv:
            return f"{command} needs {name}"
        after = [*argv, ""][argv.index(name) + 1]
        meant = f"; if {after} is meant, write {name}={after}" if after[1:2].isdecimal() else ""
        return f"{name} needs a value{meant}"
    if isinstance(error, CoercionError) and error.token and error.target_type in (int, float):
        number = "a whole number" if error.target_type is int else "a number"
        return f"{error.token.keyword or error.token.value} is '{error.token.value}'; it must be {number}"
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"{command} does not take {shown(error.unused_tokens[0])}"
    return str(error).strip()


def _like_options(argv: Sequence[str]) -> list[str]:
    """The arguments that start like options; after -- there are none."""
    return [token for token in itertools.takewhile(lambda token: token != "--", argv) if token[:1] == "-" != token]


def _check_names(argv: Sequence[str]) -> None:
    """Refuse the name of a file that would be read as an option, as `*.jpg` gives it; -old.jpg would be -o ld.jpg.

    Raises:
        BadSetting: there is one.
    """
    for token in _like_options(argv):
        if os.path.isfile(token):
            raise BadSetting(f"{shown(token)} is a file, but looks like an option; write {shown('./' + token)}")


def _complain(line: str, status: int) -> int:
    if sys.stderr:
        with contextlib.suppress(OSError, ValueError):
            print(f"photochrom: {' '.join(line.split())}", file=sys.stderr)  # noqa: T201
    return status


def _drop_stdout() -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
