"""`photochrom turing`: a study in which people tell coloured photographs from real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from photochrom._support.text import shown
from photochrom.cli.show import only_our_words, progress, result, say, table
from photochrom.colorizer import Colorizer
from photochrom.errors import BadSetting
from photochrom.research import turing as studies
from photochrom.research.turing.design import Kind

turing = App(name="turing")


@turing.command
def new(
    study: Path,
    /,
    *,
    real: Path,
    model: Annotated[list[str], Parameter(alias="-m", negative=(), json_list=False, show_default=False)] = ["default"],  # noqa: B006 - cyclopts wants a literal
    kind: Kind = "single",
    size: int | None = None,
    practice: int = 4,
    seed: int = 0,
    time_limit: float | None = None,
    side: int = 384,
) -> None:
    """Create a study: photographs in their own colours and coloured by models, all processed alike.

    Parameters
    ----------
    study
        The study's folder; it must not exist yet.
    real
        A folder of colour photographs.
    model
        A packaged model's name, a .onnx file, or a run folder; repeat for more. [default: the packaged one]
    kind
        single: is this picture real, or coloured by a computer? pair: which of the two is coloured?
        preference: which of two colourings looks better?
    size
        How many photographs each person judges. [default: 40, or as many as there are]
    practice
        How many practice photographs come first, with the answer shown; they do not count.
    seed
        Decides which photographs, and who sees what.
    time_limit
        Seconds for which pictures are shown; 0 for until the answer. [default: 1 for pairs, otherwise 0]
    side
        The longer side of the pictures, in pixels.
    """
    settings = studies.TuringSettings(kind, size, practice, seed, time_limit, side)
    with only_our_words(), progress() as bar:
        task = bar.add_task("colouring", total=None)
        colorizers = {name: Colorizer(each) for name, each in _named(model).items()}
        made, skipped = studies.new_study(
            study, real, colorizers, settings, lambda done, total: bar.update(task, completed=done, total=total)
        )
    for skip in skipped:
        say(f"photochrom: left out: {skip.reason}")
    result(f"{shown(study)}: {len(made.photographs)} photographs, {len(made.practice)} for practice")
    say(f"people take part at: photochrom serve --turing {shown(study)}")


@turing.command
def report(study: Path, /, *, out: Annotated[Path | None, Parameter(alias="-o")] = None) -> None:
    """Report a study's results so far; replaces an older report.

    Parameters
    ----------
    study
        The study's folder.
    out
        A folder for the page, the tables (CSV) and all numbers (JSON). [default: report/ in the study's folder]
    """
    found = studies.write_report(study, out)
    if not found.results.answers:
        result(studies.NOBODY)
    for each in found.tables:
        if each.name not in studies.LISTS:
            table(list(each.rows), each.title)
    say(f"{shown(found.files[0])}: the report; tables (CSV) and numbers (JSON) beside it")


@turing.command
def classifier(study: Path, /, *, objects: Annotated[bool, Parameter(negative=())] = False, seed: int = 0) -> None:
    """Let classifiers judge in place of people: an automatic stand-in, not a Turing test.

    They learn to tell a study's coloured pictures from the real ones, by their colours or by how colours change in
    space, and judge photographs that they have not seen. The study's report shows them separately from people's
    answers.

    Parameters
    ----------
    study
        The study's folder.
    objects
        Add a classifier on EfficientNet-Lite0's features; needs the extra train.
    seed
        Decides the folds of the cross-validation.
    """
    with progress() as bar:
        task = bar.add_task("looking", total=None)
        found = studies.run_standin(
            study, objects, seed, lambda done, total: bar.update(task, completed=done, total=total)
        )
    shown_table = studies.standin_table(found)
    table(list(shown_table.rows), shown_table.title)


def _named(models: Sequence[str]) -> dict[str, str]:
    """The models by what the report calls them: a file or a folder by its last name."""
    names = [Path(model).name.removesuffix(".onnx") for model in models]
    for name, count in Counter(names).items():
        if count > 1:
            raise BadSetting(f"{count} models would be called '{name}'; rename their files or folders")
    return dict(zip(names, models, strict=True))
