"""What is compared: our own models, and pictures that any other program has coloured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from photochrom._support.text import counted, shown
from photochrom.errors import BadDataset
from photochrom.evaluation.sample import Predictor, Truth, join
from photochrom.imaging import io
from photochrom.imaging.folders import pictures_in
from photochrom.imaging.result_names import result_of
from photochrom.metrics import Rendition
from photochrom.painting.upsample import resize

NAMED = 3  # files that are named of those that are missing or left over


class Method(Protocol):
    """One column of the comparison."""

    @property
    def name(self) -> str:
        """Its heading."""
        ...

    def has(self, path: Path) -> bool:
        """Whether there is an answer for this photograph."""
        ...

    def rendition(self, truth: Truth) -> Rendition:
        """The photograph as this method colours it, of the truth's size."""
        ...


@dataclass(frozen=True)
class Model:
    """A network, which gets the truth's L."""

    name: str
    predictor: Predictor

    def has(self, path: Path) -> bool:
        return True

    def rendition(self, truth: Truth) -> Rendition:
        return join(truth.L, self.predictor.ab(truth.L.astype(np.float32)), shown(truth.path))


@dataclass(frozen=True)
class Predictions:
    """Pictures that a program has written.

    Attributes:
        name: of the method.
        files: by photograph; those without a picture are not in it.
        missing: photographs without a picture.
        left_over: pictures of no photograph.
        as_is: compare the pictures as they are; otherwise their ab under the truth's L, brought to its size.
    """

    name: str
    files: Mapping[Path, Path]
    missing: tuple[Path, ...] = ()
    left_over: tuple[Path, ...] = ()
    as_is: bool = False

    @classmethod
    def find(cls, name: str, folder: Path, truths: Sequence[Path], *, as_is: bool = False) -> Predictions:
        """Match a folder's pictures, those in its subfolders too, to photographs by their names without ending.

        NAME.color.EXT is a picture of NAME, too. Where several pictures or several photographs have one name, those
        belong together whose folders are called alike.

        Raises:
            BadDataset: the folder holds no pictures, none is of a photograph, two are of the same, or one is of two.
        """
        found = pictures_in(folder)
        if not found:
            raise BadDataset(f"{shown(folder)} holds no pictures; name a folder of coloured photographs")
        by_name: dict[str, list[Path]] = defaultdict(list)
        for path in found:
            by_name[result_of(path)].append(path)
        namesakes = Counter(truth.stem for truth in truths)
        named = {truth: by_name[truth.stem] for truth in truths if truth.stem in by_name}
        chosen = {truth: _chosen(truth, paths, namesakes[truth.stem] == 1) for truth, paths in named.items()}
        files = {truth: path for truth, path in chosen.items() if path}
        if not files:
            raise BadDataset(
                f"{shown(folder)}: none of its {len(found)} pictures is named like one of the photographs; "
                f"{shown(found[0].name)} would be of {shown(result_of(found[0]))}"
            )
        missing = tuple(truth for truth in truths if truth not in files)
        used = Counter(files.values())
        if twice := next((path for path, count in used.items() if count > 1), None):
            both = [truth for truth, path in files.items() if path == twice]
            raise BadDataset(f"{shown(twice)} would be the picture of {_some(both)}; keep one of them")
        return cls(name, files, missing, tuple(path for path in found if path not in used), as_is)

    def notes(self) -> list[str]:
        """What did not fit together: a line for each kind."""
        kinds = (("photograph", "without a picture", self.missing), ("picture", "of no photograph", self.left_over))
        return [f"{self.name}: {counted(len(p), thing)} {what}: {_some(p)}" for thing, what, p in kinds if p]

    def has(self, path: Path) -> bool:
        return path in self.files

    def rendition(self, truth: Truth) -> Rendition:
        """Read the picture.

        Raises:
            BadDataset: with `as_is`, it has another size.
            UnreadableImage, UnsupportedFormat, MissingExtra: as `io.read`.
        """
        path = self.files[truth.path]
        picture = io.read(path)
        pixels = picture.pixels
        scale = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
        rgb = pixels.astype(np.float64) / scale
        rgb = np.repeat(rgb[..., None], 3, -1) if rgb.ndim == 2 else rgb
        size = truth.L.shape
        if self.as_is:
            if rgb.shape[:2] != size:
                raise BadDataset(
                    f"{shown(path)} has {rgb.shape[1]} x {rgb.shape[0]} pixels and the photograph {size[1]} x "
                    f"{size[0]}; without --as-is it is brought to that size"
                )
            return Rendition(rgb)
        ab = Rendition(rgb).ab
        if rgb.shape[:2] != size:
            ab = np.stack([resize(ab[..., c].astype(np.float32), size[::-1]) for c in (0, 1)], -1)
        return join(truth.L, ab, shown(path))


def named(texts: Iterable[str]) -> list[tuple[str, Path]]:
    """NAME=DIR, or a folder that is called by its own name, to names and folders.

    Raises:
        BadDataset: a folder is not there, or two have one name.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, given, rest = text.partition("=")
        folder = Path(rest if given and name and not Path(text).exists() else text)
        name = name if folder != Path(text) else folder.resolve().name
        if not folder.is_dir():
            raise BadDataset(f"{shown(folder)} is not a folder; --predictions takes DIR or NAME=DIR")
        if name in found:
            raise BadDataset(f"two methods are called '{name}'; give one another name: --predictions NAME={folder}")
        found[name] = folder
    return list(found.items())


def _chosen(truth: Path, candidates: list[Path], alone: bool) -> Path | None:
    """The one of these that is a photograph's picture; `alone` says that no other photograph has its name."""
    alike = [path for path in candidates if path.parent.name == truth.parent.name]
    best = candidates if alone and len(candidates) == 1 else alike
    if len(best) > 1 or (alone and not best):
        raise BadDataset(f"{_some(candidates)} are all pictures of {shown(truth.name)}; keep one of them")
    return best[0] if best else None


def _some(paths: Sequence[Path]) -> str:
    names = ", ".join(shown(path.name) for path in paths[:NAMED])
    return names + (", ..." if len(paths) > NAMED else "")
