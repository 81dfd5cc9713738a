"""The one training loop, from a recipe and pictures to a run folder that can be resumed at any instant.

A run folder holds: recipe.toml (resolved), facts.json (how it came about, see `photochrom.train.provenance`),
checkpoint.safetensors (what the task owns, the weights' average, random state), log.csv, and what its trackers write.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from photochrom.data.sources import digest
from photochrom.errors import BadCheckpoint, BadDataset, BadRecipe, BadSetting, OutOfMemory
from photochrom.inference.bins import Bins
from photochrom.train import checkpoint
from photochrom.train.build import pick_precision, with_network_of
from photochrom.train.codebook import Basis
from photochrom.train.config import Recipe
from photochrom.train.distributed import ALONE, ProcessGroup
from photochrom.train.log import TrainingLog
from photochrom.train.progress import Meter, Plateau, Progress
from photochrom.train.provenance import add_facts, circumstances, pictures_of
from photochrom.train.recipe import recipe_dict
from photochrom.train.runs import CHECKPOINT, begin_folder, read_checkpoint, same_recipe, source_names, write_recipe
from photochrom.train.task import Batch, Sources, Task, resolved, tasks
from photochrom.train.weights import load_weights, part


class Trainer:
    """One run: set up or resumed by the constructor, carried through by `run`.

    Args:
        recipe: the experiment.
        data: folders, tars or files of training pictures, or entries of them that are listed already.
        out: the run folder; one that holds a checkpoint of this recipe is resumed.
        validation: likewise, to evaluate on; none evaluates nothing.
        init: a state (tensors by parameter name) and its bins to start from, as `load_state` gives; a run that is
            resumed needs none.
        origin: what the card shall say of those weights: name, digest, training.
        initial: the recipe of those weights, whose network a recipe with `model.name = "initial"` takes.
        device: "cpu" or "cuda".
        max_steps: stop after this step, although the recipe goes on; the run can be resumed.
        process_group: the processes that share the run.

    Raises:
        PhotochromError: bad recipe, data or run folder; nothing has been written then.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Sources,
        out: Path,
        *,
        validation: Sources = (),
        init: tuple[dict[str, Tensor], Bins | None] | None = None,
        origin: dict[str, Any] | None = None,
        initial: Recipe | None = None,
        device: str = "cpu",
        max_steps: int | None = None,
        process_group: ProcessGroup = ALONE,
    ) -> None:
        recipe = resolved(with_network_of(recipe, initial))
        _check_shares(recipe, process_group)
        kind: type[Task] = tasks[recipe.task.name]
        self.recipe, self.out, self.device, self.process_group = recipe, out, torch.device(device), process_group
        self.entries = kind.entries(data)
        self.digest = digest(self.entries)  # of every name: computed once, not at each checkpoint
        seen = kind.entries(validation) if validation and process_group.leads else ()
        self.validation_digest = digest(seen) if seen else None
        self.started_from = _weights_of(origin) if init else None
        self.stop = _last_step(recipe, max_steps)
        torch.manual_seed(recipe.run.seed)
        saved = self._saved()
        if recipe.run.precision == "auto":
            precision = saved[1]["recipe"]["run"]["precision"] if saved else pick_precision(self.device)
            recipe = self.recipe = replace(recipe, run=replace(recipe.run, precision=precision))
        basis = Basis.from_dict(saved[1]) if saved else kind.basis(recipe, self.entries, init)
        self.task = kind(recipe, basis.bins, self.device, basis.center)
        self.task.process_group = process_group
        self.memory = self.task.memory_need(self.entries)
        # Without an average it is the network itself, which may fill a gigabyte.
        average = copy.deepcopy(self.task.model).requires_grad_(False) if recipe.run.ema else self.task.model
        self.average: nn.Module = average
        self.step, self.plateau, self.meter, self.seconds = 0, Plateau(), Meter(), 0.0
        self.trained_on = init is not None
        self.validation = self.task.validation(seen) if seen else None
        if saved:
            self._restore(*saved)
        else:
            self._begin(init, origin, data)
        # Where dropout starts from, whatever else draws random numbers before `run`.
        self._random = torch.get_rng_state()

    def run(
        self, progress: Callable[[Progress], None] = lambda _: None, stopping: Callable[[], int] = lambda: 0
    ) -> None:
        """Train to the last step; a kill at any instant loses at most the steps since the last checkpoint.

        Args:
            progress: called with what is logged.
            stopping: asked at each step; where it is not 0 in one of the run's processes, all save and return.
        """
        run = self.recipe.run
        torch.set_rng_state(self._random)
        with (
            _naming_memory(),
            closing(self._opened_log()) if self.process_group.leads else nullcontext() as self.log,
            closing(self.task.batches(self.entries, self.step, self.stop)) as loader,
        ):
            if self.trained_on and not self.step:
                self._look()  # what the model to start from was worth
            self.meter.restart_clock()
            started = waiting_since = time.perf_counter()
            for batch in loader:
                self.meter.waited += time.perf_counter() - waiting_since
                stopped = self._advance(batch, stopping)
                self._report(progress)
                if self.step % run.eval_every == 0 or self.step == self.stop:
                    self._evaluate()
                if self.step % run.checkpoint_every == 0 or self.step == self.stop or stopped:
                    self.seconds += time.perf_counter() - started
                    started = time.perf_counter()
                    self.save()
                if stopped:
                    break
                waiting_since = time.perf_counter()
        self._random = torch.get_rng_state()

    def _opened_log(self) -> TrainingLog:
        return TrainingLog(self.out, self.step, recipe_dict(self.recipe), self.recipe.run.trackers)

    def save(self) -> None:
        """Write the checkpoint; all processes of the run have to call it."""
        own = self.process_group.gather(checkpoint.capture_own(self.task))
        if not self.process_group.leads:
            return
        tensors, facts = checkpoint.capture(self.task)
        if self.recipe.run.ema:
            tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for rank, (each, _) in enumerate(own):
            tensors |= {_member(rank) + k: v for k, v in each.items()}
        facts |= {
            "task": own[0][1],
            "members": [of_task for _, of_task in own[1:]],
            "recipe": recipe_dict(self.recipe),
            **Basis(self.task.bins, self.task.center).to_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "plateau": vars(self.plateau),
            "meter": {"sums": self.meter.sums, "counts": self.meter.counts},
            "data": self.digest,
            "validation": self.validation_digest,
            "started_from": self.started_from,
        }
        checkpoint.save(self.out / CHECKPOINT, tensors, facts)
        add_facts(self.out, step=self.step, seconds=round(self.seconds, 3))

    def _advance(self, batch: Batch, stopping: Callable[[], int]) -> bool:
        """One step; whether a process of the run is to stop."""
        self.task.set_rate(self.step, self._rate_scale())
        values = {name: float(value) for name, value in self.task.step(batch, self.step).items()}
        # In the same message, so that all stop after the same step.
        values = self.process_group.mean(values | {"stopping": float(bool(stopping()))})
        stopped = values.pop("stopping") > 0
        self.step += 1
        # Looked at before anything is kept: a checkpoint of weights that are not numbers would end the run for good.
        for name, value in values.items():
            if not math.isfinite(value):
                found = f"the {name} is {value} at step {self.step}"
                raise BadRecipe(f"{found}: training diverged; lower optim.lr and give another --out")
        self._update_average()
        self.plateau.add(values["loss"])
        self.meter.add(values, len(batch[0]) * self.process_group.size)
        return stopped

    def _begin(
        self,
        init: tuple[dict[str, Tensor], Bins | None] | None,
        origin: dict[str, Any] | None,
        data: Sources,
    ) -> None:
        if init:
            self.task.start_from(init[0])
        else:
            self.task.load_pretrained()
        self.average.load_state_dict(self.task.model.state_dict())
        if not self.process_group.leads:
            # Another dropout for other pictures.
            torch.manual_seed(self.recipe.run.seed + self.process_group.rank)
            return
        begin_folder(
            self.out,
            self.recipe,
            circumstances(self.device, self.process_group.size)
            | {
                "seed": self.recipe.run.seed,
                "pictures": len(self.entries),
                "data": source_names(data),
                "digest": self.digest,
                "sources": pictures_of(data, self.entries),
                "started_from": (origin or "other weights") if init else "the recipe",
            },
        )

    def _saved(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        path = self.out / CHECKPOINT
        if not path.exists():
            return None
        tensors, facts = read_checkpoint(path)
        if facts["format"] < checkpoint.FORMAT:
            raise BadCheckpoint(
                f"{self.out}: the run was started by an older version of photochrom; it can be exported, but not "
                "resumed; give another --out"
            )
        same_recipe(self.recipe, facts["recipe"], self.out)
        processes = 1 + len(facts.get("members", ()))
        if processes != self.process_group.size:
            raise BadSetting(
                f"{self.out}: the run was started with {processes} process(es), not {self.process_group.size}; "
                f"start as many (--processes {processes}), or give another --out"
            )
        if facts["data"] != self.digest:
            raise BadDataset(
                f"{self.out}: the run was started on other pictures; give the same --data or another --out"
            )
        self._check_comparison(facts)
        return tensors, facts

    def _check_comparison(self, facts: dict[str, Any]) -> None:
        """Refuse to compare what cannot be compared: first weights or validation pictures that are not the run's own.

        Neither has to be named again, and a run may get validation pictures later.
        """
        if "started_from" not in facts:
            return  # an older version saved it
        origin, looked_at = facts["started_from"], facts["validation"]
        if self.started_from not in (None, origin):
            raise BadSetting(
                f"{self.out}: the run was started from {origin['name'] if origin else 'the recipe'}, and --init names "
                "other weights; leave --init out to go on, or give another --out"
            )
        if looked_at and self.validation_digest not in (None, looked_at):
            raise BadDataset(
                f"{self.out}: the run was evaluated on other pictures; give the same --val or another --out"
            )
        self.started_from, self.validation_digest = origin, self.validation_digest or looked_at

    def _restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        for name, network in self.task.networks.items():
            load_weights(network, part(tensors, f"{name}."), str(self.out))
        if self.recipe.run.ema:
            load_weights(self.average, part(tensors, "average."), str(self.out))
        try:
            rank = self.process_group.rank
            checkpoint.restore(self.task, tensors, facts)
            own = part(tensors, _member(rank)) if rank else tensors
            checkpoint.restore_own(self.task, own, facts["members"][rank - 1] if rank else facts["task"])
            self.step, self.plateau, self.seconds = facts["step"], Plateau(**facts["plateau"]), facts["seconds"]
            self.meter = Meter(**facts["meter"])
            if self.process_group.leads:
                write_recipe(self.out, self.recipe)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise BadCheckpoint(f"{self.out / CHECKPOINT}: it is damaged ({error!r}); give another --out") from None

    def _rate_scale(self) -> float:
        optim, run = self.recipe.optim, self.recipe.run
        if optim.schedule == "plateau":
            return self.plateau.scale
        if optim.schedule == "cosine":
            way = min(1.0, self.step / run.steps)
            return optim.lr_end + (1 - optim.lr_end) * 0.5 * (1 + math.cos(math.pi * way))
        return 1.0

    def _update_average(self) -> None:
        if not self.recipe.run.ema:
            return
        # A young average would remember the first weights for too long, so its memory grows with the run.
        decay = min(self.recipe.run.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            ours = [*self.average.parameters(), *self.average.buffers()]
            theirs = [*self.task.model.parameters(), *self.task.model.buffers()]
            pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.is_floating_point()]
            torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - decay)

    def _report(self, progress: Callable[[Progress], None]) -> None:
        if self.log is None or (self.step % self.recipe.run.log_every and self.step != self.stop):
            return
        values = self.meter.means()
        speed, wait = self.meter.speed(), self.meter.wait_share()
        self.log.write(self.step, values | self.task.rates() | {"images_per_second": speed, "data_wait": wait})
        left = (self.stop - self.step) * self.recipe.run.batch / max(speed, 1e-9)
        progress(Progress(self.step, self.stop, values["loss"], speed, left, wait))
        self.meter = Meter()

    def _evaluate(self) -> None:
        optim = self.recipe.optim
        # Not at a stop in between, which must not change what is learned.
        if self.step % self.recipe.run.eval_every == 0:
            self.plateau.check(optim.factor, optim.patience, optim.lr_end)
        self._look()

    def _look(self) -> None:
        if self.validation and self.log:
            started = time.perf_counter()
            seen = self.validation(self.average, self.device)
            self.log.write(self.step, seen.values)
            self.log.draw(self.step, "samples", seen.sheet)
            self.meter.started += time.perf_counter() - started


def _member(rank: int) -> str:
    """What the names of a process's own state begin with in the checkpoint; the first one's are bare."""
    return f"member{rank}." if rank else ""


def _weights_of(origin: dict[str, Any] | None) -> dict[str, Any]:
    """What tells weights to start from apart: their name, and their file's digest if there is one."""
    origin = origin or {"name": "other weights"}
    return {key: origin[key] for key in ("name", "digest") if key in origin}


def _check_shares(recipe: Recipe, process_group: ProcessGroup) -> None:
    run = recipe.run
    if run.batch % (process_group.size * run.accumulate):
        raise BadRecipe(
            f"run.batch is {run.batch}; for {process_group.size} processes and run.accumulate = {run.accumulate} it "
            f"must be a multiple of {process_group.size * run.accumulate}"
        )


def _last_step(recipe: Recipe, max_steps: int | None) -> int:
    if max_steps is not None and max_steps < 1:
        raise BadSetting(f"the number of steps is {max_steps}; it must be at least 1")
    return min(recipe.run.steps, max_steps or recipe.run.steps)


@contextmanager
def _naming_memory() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch's allocators and its worker processes know no MemoryError.
        signs = ("alloc", "out of memory", "shared memory", "killed by signal")
        if isinstance(error, RuntimeError) and not any(sign in str(error).lower() for sign in signs):
            raise
        raise OutOfMemory(
            "training ran out of memory; lower run.batch or data.size, raise run.accumulate, or set data.workers=0"
        ) from None
