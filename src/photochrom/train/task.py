"""What is trained: networks, losses and optimisers behind one `step`, so that the loop knows no kind of training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from photochrom._support.registry import Registry
from photochrom._support.settings import NoSettings, from_dict, to_dict
from photochrom.color import L_CENTER, L_SCALE
from photochrom.data import memory
from photochrom.data.entries import Entry
from photochrom.data.loader import Halves, Order, Pictures, batches
from photochrom.data.mixture import Mixture
from photochrom.data.samples import Sampler
from photochrom.data.sources import list_pictures
from photochrom.errors import BadRecipe
from photochrom.inference.bins import Bins
from photochrom.losses.colors import DecodedColors
from photochrom.models import models
from photochrom.train.build import build_model, check_size, resolved_loss
from photochrom.train.codebook import Basis, measure_basis
from photochrom.train.config import Recipe
from photochrom.train.distributed import ALONE
from photochrom.train.validate import Validation, ValidationResult
from photochrom.train.weights import fitting, load_weights

Batch = tuple[Tensor, ...]
Sources = Sequence[Path | str | Entry]

tasks = Registry("task", "photochrom.train.tasks")


class Task(ABC):
    """A kind of training: the loop gives it batches, and saves, restores, averages and evaluates what it owns.

    A task is one file in `train/tasks/`, registered by name. Its constructor builds `networks` and `optimizers`; what
    else a resumed run needs is in `state`. Random choices are drawn from torch's own generator, which the loop keeps.

    Attributes:
        Settings: a frozen dataclass, the recipe's [task.settings].
        takes_added: whether it minimises the recipe's added losses as well.
        networks: whatever has weights, by name. "model", the recipe's network, is the one that is averaged, evaluated
            and exported.
        optimizers: by name; a parameter group's "role" names its rate in the log ("encoder" waits for
            `optim.encoder_from`), its "share", where it has one, is a factor on the recipe's rate.
        bins: the codebook, None for regression.
        center: 50, or the mean L of the training pictures (`data.subtract_mean`).
        process_group: the processes that share the run; batches are this one's share, and `update` averages over all.

    Args:
        recipe: resolved.
        bins, center: as measured on the training pictures.
        device: where the networks are.

    Raises:
        BadRecipe: settings that do not go together.
    """

    Settings: ClassVar[type] = NoSettings
    takes_added: ClassVar[bool] = False

    def __init__(self, recipe: Recipe, bins: Bins | None, device: torch.device, center: float = L_CENTER) -> None:
        self.recipe, self.bins, self.device, self.center = recipe, bins, device, center
        self.process_group = ALONE
        if recipe.loss.added and not self.takes_added:
            raise BadRecipe(f"loss.added has entries; with the task '{recipe.task.name}' it must have none")
        self.settings: Any = from_dict(self.Settings, recipe.task.settings, "task.settings")
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Optimizer] = {}
        self.add("model", build_model(recipe, bins))
        check_size(recipe, self.model)

    @abstractmethod
    def step(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """One update of every network.

        Args:
            batch: as `batches` gives it.
            step: updates made before this one.

        Returns:
            What to log, scalars; "loss" is what a plateau is judged by and what a person is shown.

        Raises:
            BadRecipe: training has diverged in a way that no number shows.
        """

    @property
    def model(self) -> Any:
        """The network that is averaged, evaluated and exported."""
        return self.networks["model"]

    def add(self, name: str, network: nn.Module) -> nn.Module:
        """Own a network under a name; returned as it lies on the device."""
        self.networks[name] = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self.networks[name]

    def load_pretrained(self) -> None:
        """Start from public weights where the model has them and the recipe wants them."""
        if getattr(getattr(self.model, "settings", None), "pretrained", False):
            self.model.load_pretrained()

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a trained model, or of the ensemble's member that is like the recipe's network.

        Raises:
            BadCheckpoint: they are those of another network.
        """
        load_weights(self.model, fitting(self.model, state), "the weights to start from")

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What a resumed run needs beyond networks and optimisers: tensors by name, and plain values for JSON."""
        return {}, {}

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:  # noqa: B027 - few have any
        """Put back what `state` gave."""

    @staticmethod
    def entries(sources: Sources) -> Sequence[Entry]:
        """What there is to train or evaluate on in folders, tars and files."""
        return list_pictures(sources)

    @staticmethod
    def basis(recipe: Recipe, entries: Sequence[Entry], init: tuple[dict[str, Tensor], Bins | None] | None) -> Basis:
        """The bins and center of a new run, see `measure_basis`."""
        return measure_basis(recipe, entries, init)

    def batches(self, entries: Sequence[Entry], start: int, stop: int) -> Generator[Batch]:
        """This process's samples of the steps from `start` to before `stop`; they depend on the seed and the step."""
        recipe = self.recipe
        mixture = Mixture.weighted(entries, recipe.data.weights)
        order = Order(mixture, recipe.run.batch, recipe.run.seed, start, stop, self.process_group.share)
        return self.samples(entries, order)

    def samples(self, entries: Sequence[Entry], order: Order | Halves) -> Generator[Batch]:
        """The samples of an order, made by worker processes, or on the device where `data.cache` is "memory"."""
        data, seed = self.recipe.data, self.recipe.run.seed
        sampler = Sampler(data, int(self.model.stride))
        if data.cache == "memory":
            return memory.batches(memory.Memory(entries, sampler, self.device, seed), order, self.process_group.rank)
        return batches(self.pictures(entries, sampler), order, data.workers)

    def pictures(self, entries: Sequence[Entry], sampler: Sampler) -> Pictures:
        """What the worker processes make samples of."""
        return Pictures(entries, sampler, self.recipe.run.seed)

    def memory_need(self, entries: Sequence[Entry]) -> memory.Need | None:
        """What the pictures take in memory, where `data.cache` is "memory".

        Raises:
            OutOfMemory: they do not fit.
        """
        if self.recipe.data.cache != "memory":
            return None
        return memory.check_memory(entries, self.recipe.data, self.device, self.process_group.size)

    def validation(self, sources: Sources) -> Callable[[Any, torch.device], ValidationResult]:
        """What looks at the model along the run."""
        return Validation(sources, self.recipe, self.bins, center=self.center)

    def set_rate(self, step: int, scale: float) -> None:
        """Set every group's learning rate to its base times `scale`; the encoder's rises again once it starts."""
        optim = self.recipe.optim
        for group in self._groups():
            rate = optim.lr * scale * min(1.0, (step + 1) / max(1, optim.warmup)) * group.get("share", 1.0)
            if group["role"] == "encoder":
                rate *= optim.encoder_lr * min(1.0, max(0, step - optim.encoder_from + 1) / max(1, optim.warmup))
            group["lr"] = rate

    def rates(self) -> dict[str, float]:
        """The learning rates for the log, by role."""
        return {f"lr_{group['role']}": group["lr"] for group in self._groups()}

    def normalised(self, light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
        """L, 0..100, as the networks see it, on the device."""
        return ((light.to(self.device) - self.center) / L_SCALE).to(memory_format=torch.channels_last)

    def decoded_colors(self) -> DecodedColors:
        """What makes the colours of the network's output that the recipe's [decode] would show, on the device.

        Raises:
            BadRecipe: bins a channel, or a decoder without a gradient.
        """
        return DecodedColors(self.bins, self.recipe.decoding(), self.recipe.task.name).to(self.device)

    def autocast(self) -> AbstractContextManager[Any]:
        """The recipe's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.run.precision == "bf16")

    def let_encoder_learn(self, step: int) -> None:
        """Freeze the pretrained part until `optim.encoder_from`."""
        on = step >= self.recipe.optim.encoder_from and self.recipe.optim.encoder_lr > 0
        for group in self._groups():
            if group["role"] == "encoder" and group["params"][0].requires_grad != on:
                for parameter in group["params"]:
                    parameter.requires_grad_(on)

    def update(self, name: str, network: nn.Module) -> Tensor:
        """Average and clip a network's gradients, let the optimiser `name` take its step; the norm before clipping."""
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        self.process_group.average(gradients)
        norm = nn.utils.get_total_norm(gradients)
        if self.recipe.optim.clip:
            nn.utils.clip_grads_with_norm_(network.parameters(), self.recipe.optim.clip, norm)
        self.optimizers[name].step()
        return norm.detach().cpu()

    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self.optimizers.values() for group in optimizer.param_groups]


def resolved(recipe: Recipe) -> Recipe:
    """The recipe with its parts' own settings filled in, so that a later default changes nothing."""
    model = from_dict(models[recipe.model.name].Settings, recipe.model.settings, "model.settings")
    task = from_dict(tasks[recipe.task.name].Settings, recipe.task.settings, "task.settings")
    return replace(
        recipe,
        model=replace(recipe.model, settings=to_dict(model)),
        task=replace(recipe.task, settings=to_dict(task)),
        loss=resolved_loss(recipe.loss),
    )
