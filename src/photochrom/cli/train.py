"""`photochrom train`: a recipe and pictures to a run folder."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.progress import TextColumn

from photochrom._support.optional_packages import training
from photochrom.cli.show import progress, say
from photochrom.errors import BadSetting

if TYPE_CHECKING:
    from photochrom.train.launch import TrainingJob


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
) -> int:
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
        How many processes share each batch; each has its own GPU, if there are GPUs. torchrun may start them instead.
    set_
        A recipe field to change, such as --set optim.lr=1e-3; repeat for more.
    repeat
        A run folder to train again, with its own recipe, pictures and start, into --out (default: RUN-repeat); the
        last line says whether both logs agree.
    """
    with training("training"):
        from photochrom.train.launch import TrainingJob, launch, launched
        from photochrom.train.recipe import load_recipe
        from photochrom.train.repeat import again
    if repeat is not None:
        if recipe or data or val or init or set_ or max_steps or processes != 1 or device != "auto":
            raise BadSetting("--repeat takes everything from the run; beside it there is only --out")
        job, processes = again(repeat, out)
    elif recipe is None or not data or out is None:
        raise BadSetting("train needs a RECIPE, --data and --out, or --repeat RUN")
    else:
        job = TrainingJob(load_recipe(recipe, tuple(set_)), data, out, val, init, device, max_steps)
    place = launched()
    if place and processes != place.size and (processes != 1 or repeat):
        raise BadSetting(f"the run takes {processes} process(es), but the launcher has started {place.size}")
    if processes != 1 and not place:
        return launch(processes, _train, job, repeat)
    return _alone(job, repeat)


def _alone(job: TrainingJob, repeat: Path | None) -> int:
    """Train in this process, be it by itself or one of those that torchrun has started."""
    from photochrom.train.distributed import MemberLost
    from photochrom.train.launch import launched, stop_signals

    place = launched()
    told = None if place else lambda: say("stopping after this step; once more stops at once")
    with stop_signals(told) as stopping:
        try:
            return _train(job, repeat, stopping)
        except MemberLost:
            if place and place.rank:
                return 1  # the first process says it, or the one where it happened
            raise


def _train(job: TrainingJob, repeat: Path | None, stopping: Callable[[], int]) -> int:
    """Train and say how it goes, in each process of a run; the exit status."""
    from photochrom.train.launch import launched, together
    from photochrom.train.progress import Progress
    from photochrom.train.repeat import check_same, compared, remember

    out, place = job.out, launched()
    with together(job) as trainer:
        if repeat is not None:
            check_same(repeat, trainer)
        if not trainer.process_group.leads:
            if trainer.step < trainer.stop:
                trainer.run(stopping=stopping)
            return 128 + stopping() if trainer.step < trainer.stop else 0
        if not trainer.step:
            remember(job)
        if trainer.step >= trainer.stop:
            say(f"{out}: step {trainer.step} was already reached; raise run.steps or --max-steps to continue")
            if repeat is not None:
                say(compared(repeat, out))
            return 0
        if place and place.restarts:
            say(f"{out}: a process of the run ended unexpectedly; all go on from the last checkpoint")
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

            trainer.run(show, stopping)
    if trainer.step < trainer.stop:
        say(f"{out}: stopped and saved at step {trainer.step}; the same command resumes")
        return 128 + (stopping() or signal.SIGTERM)
    say(f"{out}: step {trainer.step} reached; export it with: photochrom export {out} -o MODEL.onnx")
    if repeat is not None:
        say(compared(repeat, out))
    elif job.init:
        say(_gained(out, job.init, bool(job.validation)))
    return 0


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
