"""Several networks over the same colours, whose scores are averaged: each errs in its own way.

Source: Hansen and Salamon 1990. What it wins for the default model is in docs/experiments/default-model.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from photochrom._support.settings import Range, check, check_fields, from_dict
from photochrom.errors import BadRecipe
from photochrom.models import models

MOST_PARTS = 32  # the denominator of a scale


@dataclass(frozen=True)
class Member:
    """One of the networks: as a recipe's [model].

    Attributes:
        name, settings: of the network.
        scale: how many times larger than the ensemble it sees the picture, 0.5 to 4.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    scale: Annotated[float, Range(0.5, 4)] = 1.0


@dataclass(frozen=True)
class EnsembleSettings:
    """Settings of the network; by default, the members of the default model.

    Attributes:
        members: by a name of your choice, the tables `name`, `settings` and `scale` of each; see `Member`.
    """

    members: dict[str, Any] = field(
        default_factory=lambda: {
            "1": {"name": "photochrom"},
            "2": {
                "name": "photochrom",
                "settings": {"encoder": "lite0", "frozen_stages": 7, "class_colors": True},
            },
        }
    )

    def __post_init__(self) -> None:
        check(len(self.members) >= 1, "model.settings.members", self.members, "one or more tables")
        for name, member in self.parsed.items():
            check_fields(member, f"model.settings.members.{name}.{{}}".format, BadRecipe)
            if member.name == "ensemble":
                raise BadRecipe(f"model.settings.members.{name} is an ensemble itself; name its members here")

    @property
    def parsed(self) -> dict[str, Member]:
        return {
            name: from_dict(Member, facts, f"model.settings.members.{name}") for name, facts in self.members.items()
        }

    @property
    def pretrained(self) -> bool:
        """Whether a member starts from public weights."""
        return any(getattr(_settings(name, each), "pretrained", False) for name, each in self.parsed.items())


@models.register("ensemble")
class Ensemble(nn.Module):
    """The mean of the members' answers. All have one stride, and none is bound to one size or varies by dropout.

    Args:
        settings: see `EnsembleSettings`.
        n_outputs: channels of the result.
    """

    Settings = EnsembleSettings
    size = None

    def __init__(self, settings: EnsembleSettings, n_outputs: int) -> None:
        super().__init__()
        self.settings = settings
        networks = {n: models[m.name](_settings(n, m), n_outputs) for n, m in settings.parsed.items()}
        first = next(iter(networks.values()))
        for name, network in networks.items():
            if getattr(network, "size", None) is not None or hasattr(network, "variation") or hasattr(network, "task"):
                kind = settings.parsed[name].name
                raise BadRecipe(f"model.settings.members.{name} is a {kind}, which cannot be a member of an ensemble")
            if network.stride != first.stride:
                raise BadRecipe(
                    f"model.settings.members.{name} has a stride of {network.stride}, the first member "
                    f"one of {first.stride}; they must be equal"
                )
        self.members = nn.ModuleDict(networks)
        # Of whole numbers, so that the exported graph can compute sides that vary.
        self.scales = {n: Fraction(m.scale).limit_denominator(MOST_PARTS) for n, m in settings.parsed.items()}
        self.stride = first.stride
        self.channels = max(getattr(network, "channels", 1) for network in networks.values())
        self.neutral, self.spare = (
            tuple(f"members.{n}.{part}" for n, network in networks.items() for part in getattr(network, kind, ()))
            for kind in ("neutral", "spare")
        )
        self.multiple = math.lcm(*(int(network.multiple) for network in networks.values()))

    def load_pretrained(self) -> None:
        """Take the public weights of those members that want them."""
        for network in self.members.values():
            if getattr(network.settings, "pretrained", False):
                network.load_pretrained()  # type: ignore[operator]

    def forward(self, x: Float[Tensor, "n k h w"]) -> Float[Tensor, "n q i j"]:
        """Answers to (L - 50) / 50 of any size, and hints for the members that take them."""
        answers = [self._answer(network, x, self.scales[name]) for name, network in self.members.items()]
        return torch.stack(answers).mean(0)

    def _answer(self, network: nn.Module, x: Tensor, scale: Fraction) -> Tensor:
        """What a member says of `x`, which it sees at its scale, in sides that it need not pad."""
        x = x[:, : getattr(network, "channels", 1)]
        if scale == 1:
            return network(x)
        units = (-(-side // self.multiple) for side in x.shape[2:])
        up, down = scale.numerator, scale.denominator
        size = [(2 * n * up + down) // (2 * down) * self.multiple for n in units]
        y = network(F.interpolate(x, size, mode="bilinear"))
        return F.interpolate(y, [-(-side // self.stride) for side in x.shape[2:]], mode="bilinear")

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """What is trained, by learning rate, of all members together."""
        groups: dict[str, list[nn.Parameter]] = {}
        for network in self.members.values():
            own = {"decoder": list(network.parameters())}
            if hasattr(network, "parameter_groups"):
                own = network.parameter_groups()  # type: ignore[operator]
            for role, parameters in own.items():
                groups.setdefault(role, []).extend(parameters)
        return groups

    def hint_parameters(self) -> list[nn.Parameter]:
        """What learns from hints, of all members; all else is frozen."""
        self.requires_grad_(False)
        knowing = [network for network in self.members.values() if hasattr(network, "hint_parameters")]
        return [parameter for network in knowing for parameter in network.hint_parameters()]  # type: ignore[operator]


def _settings(name: str, member: Member) -> Any:
    return from_dict(models[member.name].Settings, member.settings, f"model.settings.members.{name}.settings")
