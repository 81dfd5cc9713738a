"""The one training loop, from a recipe and pictures to a run folder that can be resumed at any instant.

A run folder holds: recipe.toml (resolved), facts.json (version, seed, data and its digest), checkpoint.safetensors
(weights, their average, optimiser, random state), log.csv, and TensorBoard's event files.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from photochrom.bins import Bins, bins_from_dict
from photochrom.color import L_CENTER
from photochrom.data.loader import Order, Pictures, batches
from photochrom.data.samples import Sampler
from photochrom.data.sources import Entry, digest, list_pictures
from photochrom.errors import BadCheckpoint, BadDataset, BadRecipe, BadSetting, OutOfMemory
from photochrom.train import checkpoint
from photochrom.train.codebook import fit_bins, fit_center
from photochrom.train.config import Recipe
from photochrom.train.log import Log
from photochrom.train.meters import Meter, Plateau, Progress
from photochrom.train.recipe import recipe_dict
from photochrom.train.runs import (
    CHECKPOINT,
    begin_folder,
    load_weights,
    part,
    read_checkpoint,
    same_recipe,
    source_names,
    write_recipe,
)
from photochrom.train.task import SupervisedTask, check_size, classifies, resolved
from photochrom.train.validate import Validation


class Trainer:
    """One run: set up or resumed by the constructor, carried through by `run`.

    Args:
        recipe: the experiment.
        data: folders, tars or files of training pictures, or entries of them that are listed already.
        out: the run folder; one that holds a checkpoint of this recipe is resumed.
        validation: likewise, to evaluate on; none evaluates nothing.
        init: a state (tensors by parameter name) and its bins to start from, as `load_state` gives.
        origin: what the card shall say of those weights: name, digest, training.
        device: "cpu" or "cuda".
        max_steps: stop after this step, although the recipe goes on; the run can be resumed.

    Raises:
        PhotochromError: bad recipe, data or run folder; nothing has been written then.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Sequence[Path | str | Entry],
        out: Path,
        *,
        validation: Sequence[Path | str | Entry] = (),
        init: tuple[dict[str, Tensor], Bins | None] | None = None,
        origin: dict[str, Any] | None = None,
        device: str = "cpu",
        max_steps: int | None = None,
    ) -> None:
        recipe = resolved(recipe)
        self.recipe, self.out, self.device = recipe, out, torch.device(device)
        self.entries = list_pictures(data)
        self.stop = _last_step(recipe, max_steps)
        torch.manual_seed(recipe.run.seed)
        saved = self._saved()
        self.bins, self.center = self._measured(saved[1] if saved else None, init)
        self.task = SupervisedTask(recipe, self.bins, self.device, self.center)
        # Without an average it is the network itself, which may fill a gigabyte.
        average = copy.deepcopy(self.task.model).requires_grad_(False) if recipe.run.ema else self.task.model
        self.average: nn.Module = average
        self.step, self.plateau, self.meter, self.seconds = 0, Plateau(), Meter(), 0.0
        check_size(recipe, self.task.model)
        self.validation = Validation(validation, recipe, center=self.center) if validation else None
        if saved:
            self._restore(*saved)
        else:
            self._begin(init, origin, data)
        # Where dropout starts from, whatever else draws random numbers before `run`.
        self._random = torch.get_rng_state()

    def run(self, progress: Callable[[Progress], None] = lambda _: None) -> None:
        """Train to the last step; a kill at any instant loses at most the steps since the last checkpoint."""
        run = self.recipe.run
        stride = self.task.model.stride
        dataset = Pictures(self.entries, Sampler(self.recipe.data, int(stride)), run.seed)
        order = Order(len(self.entries), run.batch, run.seed, self.step, self.stop)
        torch.set_rng_state(self._random)
        with (
            _naming_memory(),
            closing(Log(self.out, self.step)) as self.log,
            closing(batches(dataset, order, self.recipe.data.workers)) as loader,
        ):
            self.meter.restart_clock()
            started = waiting_since = time.perf_counter()
            for light, ab in loader:
                self.meter.waited += time.perf_counter() - waiting_since
                self._advance(light, ab)
                self._report(progress)
                if self.step % run.eval_every == 0 or self.step == self.stop:
                    self._evaluate()
                if self.step % run.checkpoint_every == 0 or self.step == self.stop:
                    self.seconds += time.perf_counter() - started
                    started = time.perf_counter()
                    self.save()
                waiting_since = time.perf_counter()
        self._random = torch.get_rng_state()

    def save(self) -> None:
        """Write the checkpoint."""
        optimizer, groups = checkpoint.flatten_optimizer(self.task.optimizer, "optimizer.")
        tensors = {f"model.{k}": v for k, v in self.task.model.state_dict().items()}
        if self.recipe.run.ema:
            tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        tensors |= optimizer | {"random": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["random_cuda"] = torch.cuda.get_rng_state(self.device)
        facts = {
            "recipe": recipe_dict(self.recipe),
            "bins": self.bins.to_dict() if self.bins else None,
            "center": self.center,
            "step": self.step,
            "seconds": self.seconds,
            "plateau": vars(self.plateau),
            "meter": {"sums": self.meter.sums, "steps": self.meter.steps},
            "groups": groups,
            "data": digest(self.entries),
        }
        checkpoint.save(self.out / CHECKPOINT, tensors, facts)

    def _advance(self, light: Tensor, ab: Tensor) -> None:
        self.task.set_rate(self.step, self._rate_scale())
        values = {name: float(value) for name, value in self.task.step(light, ab, self.step).items()}
        self.step += 1
        # Looked at before anything is kept: a checkpoint of weights that are not numbers would end the run for good.
        for name, value in values.items():
            if not math.isfinite(value):
                raise BadRecipe(f"the {name} is {value} at step {self.step}: training diverged; lower optim.lr")
        self._update_average()
        self.plateau.add(values["loss"])
        self.meter.add(values, len(light))

    def _begin(
        self,
        init: tuple[dict[str, Tensor], Bins | None] | None,
        origin: dict[str, Any] | None,
        data: Sequence[Path | str | Entry],
    ) -> None:
        if init:
            load_weights(self.task.model, init[0], "the weights to start from")
        else:
            self.task.load_pretrained()
        self.average.load_state_dict(self.task.model.state_dict())
        begin_folder(
            self.out,
            self.recipe,
            {
                "pictures": len(self.entries),
                "data": source_names(data),
                "digest": digest(self.entries),
                "started_from": (origin or "other weights") if init else "the recipe",
            },
        )

    def _measured(
        self, saved: dict[str, Any] | None, init: tuple[dict[str, Tensor], Bins | None] | None
    ) -> tuple[Bins | None, float]:
        """The bins, and what is subtracted from L: those of the run, of the weights to start from, or new ones."""
        recipe, seed = self.recipe, self.recipe.run.seed
        if saved:
            return bins_from_dict(saved["bins"]) if saved["bins"] else None, saved.get("center", L_CENTER)
        center = fit_center(recipe.bins, self.entries, seed) if recipe.data.subtract_mean else L_CENTER
        if not init:
            return fit_bins(recipe.bins, self.entries, seed) if classifies(recipe) else None, center
        if classifies(recipe) != (init[1] is not None):
            raise BadRecipe(f"the weights to start from were trained for another kind of loss than {recipe.loss.name}")
        return bins_from_dict(init[1].to_dict()) if init[1] else None, center

    def _saved(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        path = self.out / CHECKPOINT
        if not path.exists():
            return None
        tensors, facts = read_checkpoint(path)
        same_recipe(self.recipe, facts["recipe"], self.out)
        if facts["data"] != digest(self.entries):
            raise BadDataset(f"{self.out}: the run was begun on other pictures; name the same --data, or another --out")
        return tensors, facts

    def _restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        load_weights(self.task.model, part(tensors, "model."), str(self.out))
        if self.recipe.run.ema:
            load_weights(self.average, part(tensors, "average."), str(self.out))
        try:
            checkpoint.restore_optimizer(self.task.optimizer, "optimizer.", tensors, facts["groups"])
            torch.set_rng_state(tensors["random"])
            if "random_cuda" in tensors and self.device.type == "cuda":
                torch.cuda.set_rng_state(tensors["random_cuda"], self.device)
            self.step, self.plateau, self.seconds = facts["step"], Plateau(**facts["plateau"]), facts["seconds"]
            self.meter = Meter(**facts.get("meter", {}))
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
        if self.step % self.recipe.run.log_every and self.step != self.stop:
            return
        values = self.meter.means()
        rates = {f"lr_{g['role']}": g["lr"] for g in self.task.optimizer.param_groups}
        speed, wait = self.meter.speed(), self.meter.wait_share()
        self.log.write(self.step, values | rates | {"images_per_second": speed, "data_wait": wait})
        left = (self.stop - self.step) * self.recipe.run.batch / max(speed, 1e-9)
        progress(Progress(self.step, self.stop, values["loss"], speed, left, wait))
        self.meter = Meter()

    def _evaluate(self) -> None:
        optim = self.recipe.optim
        # Not at a stop in between, which must not change what is learned.
        if self.step % self.recipe.run.eval_every == 0:
            self.plateau.check(optim.factor, optim.patience, optim.lr_end)
        if self.validation:
            started = time.perf_counter()
            self.log.write(self.step, self.validation(self.average, self.bins, self.device))
            self.meter.started += time.perf_counter() - started


def _last_step(recipe: Recipe, max_steps: int | None) -> int:
    if max_steps is not None and max_steps < 1:
        raise BadSetting(f"the number of steps is {max_steps}; it may be 1 or more")
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
