"""Names for interchangeable parts (models, losses, metrics, ...), so that adding one is adding one file.

Other distributions add parts through entry points (plug-ins). They are loaded only when a name is not the package's own
or all names are wanted, so that a broken plug-in does not stop what does without it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from photochrom._support.text import closest
from photochrom.errors import BadPlugin, PhotochromError, UnknownName

T = TypeVar("T")


class Registry:
    """A lazily filled table of names: the first look-up imports every module of `package`, each of which registers.

    Args:
        kind: what the entries are, for messages ("model").
        package: the package whose modules register themselves ("photochrom.models"). Other distributions add
            theirs through the entry-point group of the same name.

    Example:
        >>> shapes = Registry("shape", "photochrom.empty")
        >>> @shapes.register("disc")
        ... def disc(): ...
        >>> shapes._loaded = shapes._plugged = True
        >>> list(shapes)
        ['disc']
        >>> shapes["disk"]
        Traceback (most recent call last):
        ...
        photochrom.errors.UnknownName: no shape is called 'disk'; did you mean 'disc'?
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._entries: dict[str, object] = {}
        self._loaded = self._plugged = False
        self._loading = threading.RLock()

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters its argument as `name`.

        Raises:
            ValueError: the name is taken (a programming error, so not a PhotochromError).
        """

        def enter(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"the {self.kind} name '{name}' is registered twice")
            self._entries[name] = entry
            return entry

        return enter

    def __getitem__(self, name: str) -> Any:
        """The part called `name`.

        Raises:
            UnknownName: there is none; the message has the closest names.
            BadPlugin: the package has none, and a plug-in that may have it cannot be loaded.
        """
        if name not in self:
            raise UnknownName(f"no {self.kind} is called '{name}'; {closest(str(name), self)}")
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        self._load()
        if name not in self._entries:
            self._load_all()
        return name in self._entries

    def __len__(self) -> int:
        self._load_all()
        return len(self._entries)

    def _load(self) -> None:
        # A second thread waits here until the first has imported all; a module that looks names up passes.
        with self._loading:
            if not self._loaded:
                self._loaded = True
                try:
                    self._import()
                except BaseException:
                    # A missing extra is named again the next time, instead of a table that lacks entries.
                    self._loaded = False
                    raise

    def _load_all(self) -> None:
        """Load the plug-ins too."""
        self._load()
        with self._loading:
            if not self._plugged:
                self._plugged = True
                try:
                    for entry_point in importlib.metadata.entry_points(group=self.package):
                        self._plug_in(entry_point)
                except BaseException:
                    self._plugged = False
                    raise

    def _import(self) -> None:
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")

    def _plug_in(self, entry_point: importlib.metadata.EntryPoint) -> None:
        before = dict(self._entries)
        try:
            entry_point.load()
        except Exception as error:
            # Its module is imported again the next time, and what it had registered would then be there twice.
            self._entries = before
            source = entry_point.dist.name if entry_point.dist else "an unknown distribution"
            reason = (
                str(error) if isinstance(error, PhotochromError | ValueError) else f"{type(error).__name__}: {error}"
            )
            raise BadPlugin(
                f"the plug-in '{entry_point.name}' ({entry_point.value}) of {source}, in the entry-point group "
                f"{self.package}, cannot be loaded ({reason}); update {source}, or uninstall it"
            ) from error
