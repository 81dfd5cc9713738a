"""`photochrom search`: which values of a recipe's fields train best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.progress import TextColumn

from photochrom._support.optional_packages import training
from photochrom._support.text import shown
from photochrom.cli.show import progress, result, say, table
from photochrom.errors import BadSetting

if TYPE_CHECKING:
    from photochrom.research.search.trial import Outcome

_EITHER = "give either --ranges FILE.toml, or --narrow DIR with the folder of an earlier search"


def search(
    recipe: Path,
    /,
    *,
    data: Annotated[list[str], Parameter(consume_multiple=True, negative=(), json_list=False)],
    out: Path,
    ranges: Path | None = None,
    narrow: Path | None = None,
    trials: int = 20,
    images: int | None = None,
    steps: int = 100,
    jobs: int = 1,
    seed: int = 0,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    set_: Annotated[list[str], Parameter(name="--set", negative=())] = [],  # noqa: B006 - cyclopts wants a literal
) -> None:
    """Search for good values of a recipe's fields with short training runs; the same command resumes.

    Parameters
    ----------
    recipe
        A TOML file, see recipes/.
    data
        As for `photochrom train`.
    out
        A folder for all trials, the best values, and the plot of the learning rate.
    ranges
        A TOML file with the ranges to draw from, see recipes/search/.
    narrow
        Instead of --ranges: the folder of an earlier search; its best quarter of trials gives the ranges.
    trials
        Total number of trials, including those of earlier calls.
    images
        Pictures to train on, chosen by the seed. [default: 100; with --narrow all]
    steps
        Training steps per trial.
    jobs
        How many trials to run at once, each in its own process.
    seed
        Decides which pictures and which values are drawn.
    device
        Where to train.
    set_
        A recipe field to change, such as --set optim.warmup=0; repeat for more.
    """
    with training("searching"):
        from photochrom.research.search import run as searching
        from photochrom.research.search.ranges import load_ranges
        from photochrom.research.search.store import narrow_from
        from photochrom.train.build import pick_device
        from photochrom.train.recipe import load_recipe
    loaded = load_recipe(recipe, tuple(set_))
    if narrow and ranges:
        raise BadSetting(_EITHER)
    if narrow:
        spans = narrow_from(narrow, loaded)
    elif ranges:
        spans = load_ranges(ranges, loaded)
        images = 100 if images is None else images
    else:
        raise BadSetting(_EITHER)
    with progress(TextColumn("loss {task.fields[loss]:.3f}")) as bar:
        task = bar.add_task("trials", total=trials, loss=float("nan"))

        def show(done: int, total: int, latest: Outcome | None) -> None:
            bar.update(task, completed=done, total=total, loss=latest.lowest if latest else float("nan"))
            if latest and latest.reason:
                say(f"{done}/{total} left out: {latest.reason}")
            elif latest and bar.disable:
                say(f"{done}/{total} lowest loss {latest.lowest:.4g}, {latest.seconds:.0f} s")

        found = searching.search(
            loaded,
            spans,
            data,
            out,
            trials=trials,
            images=images,
            steps=steps,
            jobs=jobs,
            seed=seed,
            device=pick_device(device),
            progress=show,
        )
    table(found.table(), f"the best of {len(found.trials)} trials")
    for path in found.files:
        result(shown(path))
