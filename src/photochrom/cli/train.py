"""`photochrom train`: a recipe and pictures to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.progress import TextColumn

from photochrom._support.optional_packages import training
from photochrom.cli.show import progress, say


def train(
    recipe: Path,
    /,
    *,
    data: Annotated[list[Path], Parameter(consume_multiple=True, negative=(), json_list=False)],
    out: Path,
    val: Annotated[list[Path], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006 - cyclopts wants a literal
    init: str | None = None,
    max_steps: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    processes: int = 1,
    set_: Annotated[list[str], Parameter(name="--set", negative=())] = [],  # noqa: B006
) -> None:
    """Train a network; the same command resumes a run that was stopped or killed.

    Parameters
    ----------
    recipe
        A TOML file, see recipes/.
    data
        Folders, tar archives or files of colour pictures; one named twice counts twice.
    out
        The run folder.
    val
        Pictures to evaluate on while training.
    init
        Weights to start from: a packaged model such as "default", or a .onnx file.
    max_steps
        Stop here although the recipe goes on.
    device
        Where to train.
    processes
        Processes of this machine that share each batch; on GPUs, each has one of its own.
    set_
        A field of the recipe to change, such as --set optim.lr=1e-3; may be given several times.
    """
    with training("training"):
        from photochrom.train.launch import TrainingJob, together
        from photochrom.train.progress import Progress
        from photochrom.train.recipe import load_recipe
    job = TrainingJob(load_recipe(recipe, tuple(set_)), data, out, val, init, device, max_steps)
    with together(job, processes) as trainer:
        if trainer.step >= trainer.stop:
            say(f"{out}: step {trainer.step} is reached already; raise run.steps or --max-steps to go on")
            return
        say(f"{out}: {len(trainer.entries)} pictures, step {trainer.step} of {trainer.stop}")
        with progress(TextColumn("loss {task.fields[loss]:.3f}  {task.fields[speed]:.0f} images/s")) as bar:
            task = bar.add_task("training", total=trainer.stop, completed=trainer.step, loss=float("nan"), speed=0.0)

            def show(now: Progress) -> None:
                bar.update(task, completed=now.step, loss=now.loss, speed=now.images_per_second)
                if bar.disable:
                    left = now.seconds_left / 60
                    speed = f"{now.images_per_second:.0f} images/s, {left:.0f} min left"
                    say(f"{now.step}/{now.steps} loss {now.loss:.4f}, {speed}")

            trainer.run(show)
    say(f"{out}: step {trainer.step} reached; export it with: photochrom export {out} -o MODEL.onnx")
