"""`photochrom new`: a small distribution that adds one part, with a test that passes, to be changed from there."""

from __future__ import annotations

import importlib
import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from photochrom._support.files import write_failed
from photochrom._support.optional_packages import training
from photochrom._support.registry import Registry
from photochrom._support.text import closest, shown
from photochrom.errors import BadSetting, UnknownName, WriteFailed


@dataclass(frozen=True)
class Kind:
    """A kind of part.

    Attributes:
        registry: where it is registered, "module:attribute"; the module is also the group of its entry points.
        module, test: the texts of both files.
        use: how to use it once it is installed, for the README.
        needs: what its distribution depends on.
    """

    registry: str
    module: str
    test: str
    use: str
    needs: tuple[str, ...] = ("photochrom",)

    @property
    def group(self) -> str:
        """The group of entry points."""
        return self.registry.partition(":")[0]

    @property
    def names(self) -> Registry:
        """What is registered.

        Raises:
            MissingExtra: it cannot be read without the extra `train`.
        """
        module, _, attribute = self.registry.partition(":")
        with training("a part that trains"):
            return getattr(importlib.import_module(module), attribute)


def create(kind: str, name: str, out: Path | None = None) -> Path:
    """Write a distribution that adds a part.

    Args:
        kind: "loss", "model", "metric", "encoder" or "decoder".
        name: of the part, in `snake_case`, as recipes and tables will name it.
        out: the folder; photochrom-NAME in the working directory by default.

    Returns:
        The folder.

    Raises:
        UnknownName: no such kind.
        BadSetting: a name that is no identifier, or is taken.
        WriteFailed: the folder holds something, or cannot be written.
    """
    if kind not in KINDS:
        raise UnknownName(f"no kind of part is called '{shown(kind)}'; {closest(kind, KINDS)}")
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise BadSetting(f"'{shown(name)}' cannot be a part's name; take small letters, digits and _, as in my_{kind}")
    chosen = KINDS[kind]
    with training(f"a new {kind}"):
        if name in chosen.names:
            raise BadSetting(f"there is a {kind} called '{name}' already; choose another name")
    folder = out or Path(f"photochrom-{name.replace('_', '-')}")
    texts = _texts(chosen, kind, name)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WriteFailed(f"{shown(folder)}: it is there already, and not an empty folder; give another --out")
        for path, text in texts.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise write_failed(folder, error) from None
    return folder


def _texts(chosen: Kind, kind: str, name: str) -> dict[str, str]:
    words: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "Class": "".join(part.title() for part in name.split("_")),
        "module": f"photochrom_{name}",
        "dist": f"photochrom-{name.replace('_', '-')}",
        "group": chosen.group,
        "needs": ", ".join(f'"{need}"' for need in chosen.needs),
    }
    words["use"] = Template(chosen.use).substitute(words).strip()
    files = {
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        f"{words['module']}.py": chosen.module,
        f"tests/test_{name}.py": chosen.test,
    }
    return {path: Template(text).substitute(words).lstrip() for path, text in files.items()}


PYPROJECT = """
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "$dist"
version = "0.1.0"
description = "The $kind $name for photochrom"
readme = "README.md"
requires-python = ">=3.11"
dependencies = [$needs]

[project.entry-points."$group"]
$name = "$module"

[tool.setuptools]
py-modules = ["$module"]
"""

README = """
# $dist

The $kind `$name` for photochrom.

    pip install -e .
    pytest

$use

What a $kind has to keep is on one page: `docs/plugins.md` of photochrom.
"""

LOSS = '''
"""The loss `$name`."""

from dataclasses import dataclass

from photochrom.losses import losses
from torch import Tensor, nn


@dataclass(frozen=True)
class Settings:
    """The recipe's [loss.settings].

    Attributes:
        power: of the difference.
    """

    power: float = 1.5


@losses.register("$name")
class $Class(nn.Module):
    """The mean of |output - ab / 110| to a power."""

    classifies = False
    Settings = Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.power = settings.power

    def forward(self, output: Tensor, ab: Tensor) -> Tensor:
        """output (n, 2, h, w) is ab / 110, as the network gives it; ab (n, 2, h, w) are the true Lab units."""
        return (output - ab / 110).abs().pow(self.power).mean()
'''

LOSS_TEST = """
from importlib.metadata import entry_points

import pytest
import torch
from $module import $Class, Settings
from photochrom.losses import losses


def test_it_is_found_by_its_name():
    assert {point.value for point in entry_points(group="$group", name="$name")} == {"$module"}
    assert losses["$name"] is $Class


def test_its_values_and_its_gradient():
    loss = $Class(Settings(power=2.0))
    ab = torch.full((1, 2, 3, 4), 55.0)
    assert loss(ab / 110, ab).item() == 0
    output = torch.zeros(1, 2, 3, 4, requires_grad=True)
    value = loss(output, ab)
    assert value.item() == pytest.approx(0.25)
    value.backward()
    assert (output.grad < 0).all()
"""

MODEL = '''
"""The network `$name`."""

from dataclasses import dataclass

import torch
from photochrom.models import models
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Settings:
    """The recipe's [model.settings].

    Attributes:
        width: channels of the layers in between.
    """

    width: int = 16


@models.register("$name")
class $Class(nn.Module):
    """Three convolutions, the first two of which halve the size."""

    Settings = Settings
    multiple = 4  # the input's sides are multiples of this
    stride = 4  # input pixels a side for each output
    size = None  # any size will do

    def __init__(self, settings: Settings, n_outputs: int) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1), nn.ReLU(), nn.Conv2d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, n_outputs, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(L - 50) / 50 (n, 1, h, w) to ab / 110 or scores (n, n_outputs, h / 4, w / 4), rounded up."""
        h, w = x.shape[2:]
        if h % 4 or w % 4:
            x = F.pad(x, (0, -w % 4, 0, -h % 4), mode="replicate")
        return self.layers(x)
'''

MODEL_TEST = """
from importlib.metadata import entry_points

import torch
from $module import $Class, Settings
from photochrom.models import models


def test_it_is_found_by_its_name():
    assert {point.value for point in entry_points(group="$group", name="$name")} == {"$module"}
    assert models["$name"] is $Class


def test_every_size_gives_its_share_and_a_gradient():
    network = $Class(Settings(width=4), 6)
    out = network(torch.zeros(2, 1, 33, 47))
    assert out.shape == (2, 6, 9, 12)
    out.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_picture_does_not_look_at_its_neighbours_in_the_batch():
    network, x = $Class(Settings(width=4), 2).eval(), torch.randn(3, 1, 16, 16)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]))
"""

METRIC = '''
"""The metric `$name`."""

import numpy as np
from photochrom.metrics import Comparison, metric


@metric("$name", meaning="mean |chroma - the truth's chroma|", unit="Lab units", better="lower")
def $name(pair: Comparison) -> float:
    """How far the strength of the colours is from the truth's; 0 is equal."""
    predicted, truth = (np.hypot(each.ab[..., 0], each.ab[..., 1]) for each in (pair.predicted, pair.truth))
    return float(np.abs(predicted - truth).mean())
'''

METRIC_TEST = """
from importlib.metadata import entry_points

import numpy as np
import pytest
from photochrom.metrics import Comparison, Rendition, facts


def test_it_is_found_by_its_name():
    assert {point.value for point in entry_points(group="$group", name="$name")} == {"$module"}
    assert facts("$name").better == "lower"


def test_its_values():
    red = Rendition(np.full((2, 3, 3), [1.0, 0.0, 0.0]))
    gray = Rendition(np.full((2, 3, 3), 0.5))
    assert facts("$name")(Comparison(red, red)) == 0
    assert facts("$name")(Comparison(gray, red)) == pytest.approx(104.55, abs=0.1)  # the chroma of pure red
"""

ENCODER = '''
"""The encoder `$name`."""

import torch
from photochrom.models.encoders import encoders
from torch import Tensor, nn


@encoders.register("$name")
class $Class(nn.Module):
    """Convolutions that halve the size; replace them by a network that was trained on many pictures."""

    channels = (8, 16, 24, 32)  # of the features at strides 4, 8, 16 and 32
    summary_channels = 48

    def __init__(self) -> None:
        super().__init__()
        sizes = (1, 8, *self.channels)
        self.halvings = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        self.last = nn.Linear(self.channels[-1], self.summary_channels)

    @property
    def parts(self) -> list[nn.Module]:
        """Its layers from the input on: what model.settings.frozen_stages counts."""
        return [*self.halvings, self.last]

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(L - 50) / 50 (n, 1, h, w) to the features at strides 4, 8, 16 and 32, and that of the picture (n, s)."""
        maps = []
        for layer in self.halvings:
            x = torch.relu(layer(x))
            maps.append(x)
        return maps[1:], self.last(x.mean((2, 3)))

    def load_pretrained(self) -> None:
        """Take the public weights: here there are none."""

    def published_classes(self) -> dict[str, Tensor] | None:
        """The public weights of the ImageNet classes: here there are none."""
        return None
'''

ENCODER_TEST = """
from importlib.metadata import entry_points

import torch
from $module import $Class
from photochrom.models import models
from photochrom.models.encoders import encoders


def test_it_is_found_by_its_name():
    assert {point.value for point in entry_points(group="$group", name="$name")} == {"$module"}
    assert encoders["$name"] is $Class


def test_its_features_are_of_the_promised_sizes():
    maps, summary = $Class()(torch.zeros(2, 1, 64, 96))
    assert [m.shape for m in maps] == [(2, c, 64 // s, 96 // s) for c, s in zip($Class.channels, (4, 8, 16, 32))]
    assert summary.shape == (2, $Class.summary_channels)


def test_the_network_is_built_on_it():
    kind = models["photochrom"]
    network = kind(kind.Settings(encoder="$name", widths=(8, 8, 8)), 2)
    assert network(torch.zeros(1, 1, 64, 64)).shape == (1, 2, 16, 16)
"""

DECODER = '''
"""The decoder `$name`."""

import numpy as np
from photochrom.inference.decoders import decoders


@decoders.register("$name")
def $name(
    log_probability: np.ndarray,
    values: np.ndarray,
    *,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """The mean of the likelier half of the distribution.

    Args:
        log_probability: (q, h, w) of each bin.
        values: (q, d) what each bin is decoded to: ab in Lab units, or one of them.
        temperature: of the recipe or the session; without effect here.
        rng: what to draw with, where a decoder draws.

    Returns:
        (h, w, d).
    """
    probability = np.exp(log_probability)
    kept = np.where(probability >= np.median(probability, 0), probability, 0)
    return np.einsum("qhw,qd->hwd", kept / kept.sum(0), values)
'''

DECODER_TEST = """
from importlib.metadata import entry_points

import numpy as np
from $module import $name
from photochrom.inference.decoders import decoders


def test_it_is_found_by_its_name():
    assert {point.value for point in entry_points(group="$group", name="$name")} == {"$module"}
    assert decoders["$name"] is $name


def test_its_values():
    probability = np.array([0.1, 0.3, 0.6]).reshape(3, 1, 1)
    values = np.array([[100.0, 0.0], [0.0, 10.0], [30.0, 40.0]])
    np.testing.assert_allclose($name(np.log(probability), values), [[[20.0, 30.0]]])
"""

KINDS = {
    "loss": Kind(
        "photochrom.losses:losses",
        LOSS,
        LOSS_TEST,
        'In a recipe:\n\n    [loss]\n    name = "$name"\n\n    [loss.settings]\n    power = 1.5',
        ("photochrom[train]",),
    ),
    "model": Kind(
        "photochrom.models:models",
        MODEL,
        MODEL_TEST,
        'In a recipe:\n\n    [model]\n    name = "$name"\n\n    [model.settings]\n    width = 32',
        ("photochrom[train]",),
    ),
    "metric": Kind(
        "photochrom.metrics:metrics",
        METRIC,
        METRIC_TEST,
        "It is a column of every evaluation:\n\n    photochrom evaluate PHOTOS -o results/",
    ),
    "encoder": Kind(
        "photochrom.models.encoders:encoders",
        ENCODER,
        ENCODER_TEST,
        'In a recipe:\n\n    [model]\n    name = "photochrom"\n\n    [model.settings]\n    encoder = "$name"',
        ("photochrom[train]",),
    ),
    "decoder": Kind(
        "photochrom.inference.decoders:decoders",
        DECODER,
        DECODER_TEST,
        'In a recipe:\n\n    [decode]\n    decoder = "$name"\n\nIn Python: `photochrom.Colorizer(decoder="$name")`.',
    ),
}
