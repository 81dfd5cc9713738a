"""`photochrom train`: a recipe and pictures to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.progress import TextColumn

from photochrom._support.optional_packages import training
from photochrom.cli.show import progress, say
from photochrom.errors import BadSetting


def train(
    recipe: Path | None = None,
    /,
    *,
    data: Annotated[list[str], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006 - cyclopts wants a literal
    out: Path | None = None,
    val: Annotated[list[str], Parameter(consume_multiple=True, negative=(), json_list=False)] = [],  # noqa: B006
    init: str | None = None,
    max_steps: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    processes: int = 1,
    set_: Annotated[list[str], Parameter(name="--set", negative=())] = [],  # noqa: B006
    repeat: Path | None = None,
) -> None:
    """Train a network; the same command resumes a run that was stopped or killed.

    It needs RECIPE, --data and --out, or --repeat.

    Parameters
    ----------
    recipe
        A TOML file, see recipes/.
    data
        Folders, tar archives, files of colour pictures, Hugging Face datasets, or shards: a pattern such as
        'photos-{000000..000999}.tar' or 's3://bucket/photos-{000000..000999}.tar'. One named twice counts twice.
    out
        The run folder.
    val
        Pictures to evaluate on while training.
    init
        Weights to start from: a packaged model such as "default", a .onnx file, or another run's folder.
    max_steps
        Stop at this step, even if the recipe has more.
    device
        Where to train.
    processes
        How many processes share each batch; each has its own GPU, if there are GPUs.
    set_
        A recipe field to change, such as --set optim.lr=1e-3; repeat for more.
    repeat
        A run folder to train again, with its own recipe, pictures and start, into --out (default: RUN-repeat); the
        last line says whether both logs agree.
    """
    with training("training"):
        from photochrom.train.launch import TrainingJob, together
        from photochrom.train.progress import Progress
        from photochrom.train.recipe import load_recipe
        from photochrom.train.repeat import again, check_same, compared, remember
    if repeat is not None:
        if recipe or data or val or init or set_ or max_steps or processes != 1 or device != "auto":
            raise BadSetting("--repeat takes everything from the run; beside it there is only --out")
        job, processes = again(repeat, out)
    elif recipe is None or not data or out is None:
        raise BadSetting("train needs a RECIPE, --data and --out, or --repeat RUN")
    else:
        job = TrainingJob(load_recipe(recipe, tuple(set_)), data, out, val, init, device, max_steps)
    out = job.out
    with together(job, processes) as trainer:
        if repeat is not None:
            check_same(repeat, trainer)
        if not trainer.step:
            remember(job)
        if trainer.step >= trainer.stop:
            say(f"{out}: step {trainer.step} was already reached; raise run.steps or --max-steps to continue")
            if repeat is not None:
                say(compared(repeat, out))
            return
        say(f"{out}: {len(trainer.entries)} pictures, step {trainer.step} of {trainer.stop}")
        if trainer.memory:
            say(f"{out}: {trainer.memory}")
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
    if repeat is not None:
        say(compared(repeat, out))
    elif init:
        say(_gained(out, init, bool(val)))


def _gained(out: Path, init: str, validated: bool) -> str:
    """What the training was worth, in one line."""
    from photochrom.train.log import series

    seen = series(out, "val_ciede2000") if validated else []
    if len(seen) < 2 or seen[0][0] != 0:
        return f"{out}: to see whether it gained anything over {init}, train with --val PICTURES that are not in --data"
    before, after = seen[0][1], seen[-1][1]
    found = f"{out}: CIEDE2000 of the validation pictures {before:.2f} before, {after:.2f} now (lower is better)"
    if after < before:
        return found
    return (
        f"{found}: {init} is the better one; train on more pictures, for more steps or at a lower optim.lr, "
        f"or average both with: photochrom export {out} --blend {init} -o MODEL.onnx"
    )
