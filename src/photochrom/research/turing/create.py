"""Making a study: photographs in their own colours and as models colour them, all through the same steps."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from photochrom._support.files import making
from photochrom._support.text import either, shown
from photochrom._support.version import __version__
from photochrom.colorizer import Colorizer
from photochrom.errors import BadDataset, BadSetting, MissingExtra, UnreadableImage, UnsupportedFormat
from photochrom.evaluation import Skipped, join
from photochrom.imaging import io
from photochrom.imaging.folders import pictures_in
from photochrom.imaging.picture import Picture, to_dtype
from photochrom.metrics import Rendition
from photochrom.research.turing.design import KINDS, REAL, Kind, cycle
from photochrom.research.turing.study import FACTS, PICTURES, TuringStudy

USUAL_SIZE = 40  # test trials of a person in Zhang et al. 2016
PAIR_SECONDS = 1.0  # Zhang et al. 2016

Progress = Callable[[int, int], None]
"""Called after each photograph with how many are done and how many are wanted."""


@dataclass(frozen=True)
class TuringSettings:
    """How a study is made.

    Attributes:
        kind: what is asked, see `TuringStudy`.
        size: how many photographs each person judges; None takes 40, or as many as there are.
        practice: how many more come first, with the solution told.
        seed: decides which photographs, and who sees what.
        time_limit: seconds for which pictures are shown; 0 is until the answer; None takes 1 for pairs and 0 else.
        side: the longer side of the pictures in pixels; larger photographs are shrunk.

    Raises:
        BadSetting: a value is out of range.
    """

    kind: Kind = "single"
    size: int | None = None
    practice: int = 4
    seed: int = 0
    time_limit: float | None = None
    side: int = 384

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadSetting(f"the kind is {self.kind!r}; it must be {either(KINDS)}")
        for name, value, low, high in (
            ("size", self.size, 1, 10_000),
            ("number of practice pictures", self.practice, 0, 100),
            ("seed", self.seed, 0, 2**63 - 1),
            ("time limit", self.time_limit, 0, 3600),
            ("side", self.side, 64, 4096),
        ):
            if value is not None and not low <= value <= high:
                raise BadSetting(f"the {name} is {value}; it must be between {low} and {high}")

    @property
    def seconds(self) -> float | None:
        """For how long pictures are shown; None is until the answer."""
        usual = PAIR_SECONDS if self.kind == "pair" else 0.0
        return (usual if self.time_limit is None else self.time_limit) or None


def new_study(
    folder: Path,
    real: Path,
    models: Mapping[str, Colorizer],
    settings: TuringSettings,
    progress: Progress = lambda done, total: None,
) -> tuple[TuringStudy, list[Skipped]]:
    """Make a study in a folder of its own, which appears whole or not at all.

    Args:
        folder: where to; it must not be there yet.
        real: a folder of colour photographs, searched through.
        models: the colorizers by the name that the report calls them.
        settings: see there.
        progress: called after each photograph.

    Returns:
        The study, and the pictures that were left out because they are gray or cannot be read.

    Raises:
        BadSetting: too few models, names that cannot be told apart, or a size that cannot be balanced.
        BadDataset: too few photographs.
        WriteFailed: the folder is there already, or cannot be written.
    """
    ways = len(cycle(settings.kind, list(models)))
    _check(settings, models, ways)
    wanted = (settings.size or max(1, USUAL_SIZE // ways) * ways) + settings.practice
    skipped: list[Skipped] = []
    pictures: dict[str, dict[str, str]] = {}
    with making(folder) as draft:
        (draft / PICTURES).mkdir()
        for name, picture in _usable(real, settings, skipped):
            pictures[name] = _render(picture, models, draft / PICTURES)
            progress(len(pictures), wanted)
            if len(pictures) == wanted:
                break
        names = list(pictures)
        size = settings.size or (len(names) - settings.practice) // ways * ways
        if size < 1 or len(names) < size + settings.practice:
            least = settings.size or ways
            raise BadDataset(
                f"{shown(real)}: {len(names)} usable colour photographs, and the study needs {least} and "
                f"{settings.practice} for practice; add photographs, or lower --size or --practice"
            )
        used = names[: settings.practice + size]
        for surplus in names[len(used) :]:
            for file in pictures.pop(surplus).values():
                (draft / PICTURES / file).unlink()
        practice, photographs = tuple(used[: settings.practice]), tuple(used[settings.practice :])
        study = TuringStudy(
            settings.kind,
            tuple(models),
            settings.seed,
            settings.seconds,
            photographs,
            practice,
            pictures,
            _made(models, skipped),
        )
        (draft / FACTS).write_text(study.to_json(), encoding="utf-8")
    return study, skipped


def rendered(picture: Picture, ab: np.ndarray | None = None) -> np.ndarray:
    """The 8-bit pixels of one form: L under its own ab, or under a model's.

    Both go the same way, through Lab and into the gamut, so that nothing but the colours tells them apart.

    Args:
        picture: a colour photograph.
        ab: (H, W, 2) in Lab units, or None for its own.
    """
    lab = Rendition(to_dtype(picture.pixels, "float32").astype(np.float64)).lab
    joined = join(lab[..., 0], lab[..., 1:] if ab is None else ab)
    return to_dtype(joined.rgb, "uint8")


def _render(picture: Picture, models: Mapping[str, Colorizer], folder: Path) -> dict[str, str]:
    """Write a photograph in all forms; file names by form, drawn at random so that they say nothing."""
    light = picture.lightness()
    files = {}
    for form in (REAL, *models):
        pixels = rendered(picture, None if form == REAL else models[form].ab(light))
        files[form] = f"{secrets.token_hex(8)}.png"
        io.write(Picture(pixels), folder / files[form])
    return files


def _usable(real: Path, settings: TuringSettings, skipped: list[Skipped]) -> Iterator[tuple[str, Picture]]:
    """Colour photographs in the order that the seed gives, shrunk; what cannot be used is added to `skipped`."""
    files = pictures_in(real)
    if not files:
        raise BadDataset(f"{shown(real)} holds no pictures; name a folder of colour photographs")
    for i in np.random.default_rng(settings.seed).permutation(len(files)):
        path = files[i]
        try:
            picture = io.read(path)
            if not picture.has_color:
                raise BadDataset(f"{shown(path)}: the picture is gray, so it has no real colours")
        except (BadDataset, UnreadableImage, UnsupportedFormat, MissingExtra) as error:
            skipped.append(Skipped(path, str(error)))
            continue
        yield path.relative_to(real).as_posix(), _shrunk(picture, settings.side)


def _shrunk(picture: Picture, side: int) -> Picture:
    """The bare pixels, 8 bits, without alpha and metadata."""
    image = Image.fromarray(to_dtype(picture.pixels, "uint8"))
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return Picture(np.asarray(image.resize(size, Image.Resampling.LANCZOS)))


def _made(models: Mapping[str, Colorizer], skipped: Sequence[Skipped]) -> dict[str, object]:
    cards = {
        name: {"card": c.card.name, "digest": c.card.digest, "decoding": asdict(c.decoding), "side": c.render_size}
        for name, c in models.items()
    }
    return {"version": __version__, "models": cards, "left_out": [skip.reason for skip in skipped]}


def _check(settings: TuringSettings, models: Mapping[str, Colorizer], ways: int) -> None:
    if len(models) < (2 if settings.kind == "preference" else 1):
        raise BadSetting("a study of preference compares two models or more; name them, each with --model")
    if REAL in models:
        raise BadSetting(f"no model can be called '{REAL}'; rename its file")
    if settings.size and settings.size % ways:
        low, high = settings.size // ways * ways, math.ceil(settings.size / ways) * ways
        nearest = f"{low} or {high}" if low else f"{high}"
        raise BadSetting(
            f"the size is {settings.size}; with {len(models)} model{'s' * (len(models) > 1)} what a person sees is "
            f"balanced for multiples of {ways}: take {nearest}"
        )
