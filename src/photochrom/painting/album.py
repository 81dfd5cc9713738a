"""The look of an album: for each photograph the pictures of a folder that are most like it are its references.

Of each picture only a signature is kept: what the network thinks is where, and how light it is. The few that are chosen
are looked at again.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from photochrom._support.text import counted, shown
from photochrom.errors import BadSetting, PhotochromError
from photochrom.imaging.folders import pictures_in
from photochrom.imaging.result_names import is_result
from photochrom.painting.reference import Reference

NEAREST = 3  # pictures that are the references of a photograph
MOST = 500  # pictures of a folder that are looked at, evenly from all; each takes as long as colouring one
HELD = 6  # references that are kept, some 5 MB each
PARTS = 2  # signatures are by quarters of the picture: sky above is not water below
LEVELS = 8  # of L
LIGHT = 0.25  # how much lightness counts against what the network sees

Look = Callable[[Path], Reference | None]  # None for a gray picture
Sign = Callable[[Path], np.ndarray | None]


@dataclass(eq=False)
class Album:
    """A folder of pictures in colour; it goes between processes.

    Attributes:
        folder: the folder.
        paths: its pictures in colour.
        signatures: (n, d) of each, of length 1.
    """

    folder: Path
    paths: list[Path]
    signatures: np.ndarray
    _held: OrderedDict[Path, Reference] = field(default_factory=OrderedDict)
    _lock: Any = field(default_factory=Lock)

    @classmethod
    def of(cls, folder: str | os.PathLike[str], sign: Sign) -> Album:
        """Look at the pictures of a folder and of the folders in it.

        Args:
            folder: the folder. Results of earlier runs (NAME.color.EXT) and what cannot be read are passed over.
            sign: gives the `signature` of a picture, None for a gray one.

        Raises:
            BadSetting: it is no folder, or has no picture in colour.
        """
        name = shown(folder)
        if not os.path.isdir(folder):
            there = "is not a folder" if os.path.exists(folder) else "does not exist"
            raise BadSetting(f"{name} {there}; give a folder of pictures in colour")
        files = [path for path in pictures_in(folder) if not is_result(path)]
        if not files:
            raise BadSetting(f"{name} holds no pictures; give a folder of pictures in colour")
        looked_at = files[:: -(-len(files) // MOST)]
        found = []
        for path in looked_at:
            try:
                signed = sign(path)
            except PhotochromError:
                continue  # one damaged picture of many is no reason to stop
            if signed is not None:
                found.append((path, signed))
        if not found:
            raise BadSetting(f"{name} has no picture in colour that can be read ({counted(len(looked_at), 'picture')})")
        return cls(Path(folder), [path for path, _ in found], np.stack([signed for _, signed in found]))

    def like(self, signed: np.ndarray, look: Look) -> list[Reference]:
        """The references for a photograph: the nearest pictures, the nearest first.

        Args:
            signed: its `signature`.
            look: reads a picture; it has to be in colour.
        """
        order = np.argsort(-(self.signatures @ signed), kind="stable")[:NEAREST]
        return [found for path in (self.paths[place] for place in order) if (found := self._of(path, look))]

    def _of(self, path: Path, look: Look) -> Reference | None:
        with self._lock:
            if path not in self._held:
                found = look(path)
                if found is None:
                    return None
                self._held[path] = found
                while len(self._held) > HELD:
                    self._held.popitem(last=False)
            self._held.move_to_end(path)
            return self._held[path]

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "paths": self.paths, "signatures": self.signatures}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _held=OrderedDict(), _lock=Lock())


def signature(light: np.ndarray, log_p: np.ndarray | None) -> np.ndarray:
    """What a picture is like, (d,) of length 1; the product of two is their likeness, 0 to 1.

    Args:
        light: (h, w) L, 0..100.
        log_p: (q, h, w) the network's log-probabilities; None for a network without bins.

    Example:
        >>> light = np.full((4, 4), 50.0)
        >>> same, other = signature(light, None), signature(0 * light, None)
        >>> float(same @ same), float(same @ other)
        (1.0, 0.0)
    """
    h, w = light.shape
    parts = []
    for rows in np.array_split(np.arange(h), PARTS):
        for columns in np.array_split(np.arange(w), PARTS):
            here = np.ix_(rows, columns)
            if not light[here].size:
                continue
            levels = np.histogram(light[here], LEVELS, (0, 100.001))[0] / light[here].size
            parts.append(np.sqrt(levels * (LIGHT if log_p is not None else 1)))
            if log_p is not None:
                mean = np.exp(log_p[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).mean((1, 2))
                parts.append(np.sqrt(mean * (1 - LIGHT)))
    signed = np.concatenate(parts)
    return signed / np.linalg.norm(signed)
