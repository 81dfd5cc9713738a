"""`photochrom new`: a small distribution that adds one part, with a test that passes, to be changed from there."""

from __future__ import annotations

import importlib
import keyword
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from photochrom._support.files import write_failed
from photochrom._support.optional_packages import training
from photochrom._support.registry import Registry
from photochrom._support.text import closest, shown
from photochrom.errors import BadSetting, UnknownName, WriteFailed

_TEMPLATES = resources.files("photochrom") / "scaffold_templates"


@dataclass(frozen=True)
class Kind:
    """A kind of part.

    Attributes:
        registry: where it is registered, "module:attribute"; the module is also the group of its entry points.
        needs: what its distribution depends on.
    """

    registry: str
    needs: str = "photochrom"

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
    words = {
        "kind": kind,
        "name": name,
        "Class": "".join(part.title() for part in name.split("_")),
        "module": f"photochrom_{name}",
        "dist": f"photochrom-{name.replace('_', '-')}",
        "group": chosen.group,
        "needs": chosen.needs,
    }

    def filled(template: str) -> str:
        text = _TEMPLATES.joinpath(f"{template}.txt").read_text("utf-8")
        return Template(text).substitute(words)

    words["use"] = filled(f"{kind}_use.md").strip()
    return {
        "pyproject.toml": filled("pyproject.toml"),
        "README.md": filled("README.md"),
        f"{words['module']}.py": filled(f"{kind}.py"),
        f"tests/test_{name}.py": filled(f"{kind}_test.py"),
    }


KINDS = {
    "loss": Kind("photochrom.losses:losses", "photochrom[train]"),
    "model": Kind("photochrom.models:models", "photochrom[train]"),
    "metric": Kind("photochrom.metrics:metrics"),
    "encoder": Kind("photochrom.models.encoders:encoders", "photochrom[train]"),
    "decoder": Kind("photochrom.inference.decoders:decoders"),
}
"""By name; the texts of each are files in `scaffold_templates`."""
