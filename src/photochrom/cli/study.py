"""`photochrom study`: the paper's experiments, all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.progress import TextColumn

from photochrom._support.optional_packages import training
from photochrom._support.text import shown
from photochrom.cli.show import progress, say, table
from photochrom.errors import BadSetting


def study(
    *,
    scale: Literal["small", "medium", "paper", "adversarial"],
    out: Path,
    data: Annotated[list[Path], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006 - cyclopts wants a literal
    cifar: Annotated[list[Path], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006
    held_out: Annotated[list[Path], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006
    recipes: Path = Path("recipes"),
    only: Annotated[list[str], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006
    seeds: Annotated[list[int], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006
    part: Annotated[list[str], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006
    device: Literal["auto", "cpu", "cuda"] = "auto",
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    report_only: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Train, measure and report every experiment of the paper; the same command resumes.

    Started twice with the same --out, two processes share the work: each takes the next run that nobody trains.

    Parameters
    ----------
    scale
        "paper" is the paper's scale, "medium" its number of photographs with smaller networks, "small" takes two cores
        a few hours, "adversarial" compares GANs with L2, also at a small scale: see recipes/study/.
    out
        The study's folder; scales can share one, and the report shows them side by side.
    data
        Photographs of downsampled ImageNet: folders, tars, or its public array files. The plan splits them.
    cifar
        Photographs of CIFAR-10, likewise.
    held_out
        Photographs of downsampled ImageNet for validation and testing, by default part of --data. Runs that start from
        trained weights need them: photographs that those weights have not seen.
    recipes
        The folder of the recipes.
    only
        Train only these runs; the report covers whatever is finished.
    seeds
        Train with these seeds instead of the plan's.
    part
        Train only these parts of the plan, such as "losses" of medium.
    device
        Where to train.
    dry_run
        Train nothing; list the runs in their order, with the hours that each is expected to take.
    report_only
        Train nothing; only rewrite the report.
    """
    with training("the study"):
        from photochrom.research.study.estimate import Estimate, told
        from photochrom.research.study.plan import jobs, load_plan
        from photochrom.research.study.prepare import missing_references, prepare, write_references
        from photochrom.research.study.run import run_job
        from photochrom.research.study.study_report import write_report
        from photochrom.train.build import pick_device
        from photochrom.train.progress import Progress
        from photochrom.train.runs import FolderInUse
    if not report_only:
        if not (data or dry_run):
            raise BadSetting("the study needs photographs of downsampled ImageNet; name them with --data")
        plan, folder, chosen = load_plan(recipes / "study" / f"{scale}.toml"), out / scale, pick_device(device)
        networks = jobs(plan, recipes, only, seeds, part)
        hours = Estimate(folder, networks, chosen, plan.photographs.test, jobs(plan, recipes))
        if dry_run:
            table(hours.rows(), plan.title)
            return
        parts = prepare(plan, folder, data, cifar, networks, held_out)
        if missing_references(folder, parts):
            say(f"{shown(folder)}: measuring the photographs themselves, which takes some minutes")
        write_references(folder, parts)
        for number, job in enumerate(networks, start=1):
            hours.look()
            where = f"{number}/{len(networks)} {job.folder}"
            if job.folder not in hours.finished:
                say(f"{where}: about {told(hours.hours(job))} hours of {told(hours.left())} that are left")
            with progress(TextColumn("loss {task.fields[loss]:.3f}")) as bar:
                task = bar.add_task(job.folder, total=job.recipe.run.steps, loss=float("nan"))

                def show(now: Progress, bar=bar, task=task) -> None:  # type: ignore[no-untyped-def]
                    bar.update(task, completed=now.step, loss=now.loss)

                try:
                    done = "done" if run_job(job, parts, folder, chosen, show) else "was done already"
                except FolderInUse:
                    done = "another process trains it"
            say(f"{where}: {done}")
    page, tables = write_report(out)
    for each in tables:
        if each.name.startswith("table"):
            table(list(each.rows), each.title)
        elif each.name == "findings":
            # How a claim was read, in brackets, is for the report.
            table([(claim.split(" (")[0], *verdicts) for claim, _, _, *verdicts, _ in each.rows], each.title)
    say(f"{shown(page)}: the report; figures and tables beside it")
