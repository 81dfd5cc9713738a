"""A trained network on the study's photographs: predictions as pictures, and every metric over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib import resources

import numpy as np
from PIL import Image, ImageOps

from photochrom import color
from photochrom.colorizer import Colorizer
from photochrom.data.entries import Entry
from photochrom.data.samples import decode_entry
from photochrom.evaluation.per_photograph import Numbers, mean, truth_numbers
from photochrom.imaging.picture import to_dtype
from photochrom.inference.backends import Backend
from photochrom.inference.bins import ChannelBins
from photochrom.inference.decode import Decoding, scores_to_ab
from photochrom.inference.network import Scores
from photochrom.metrics import Comparison, Rendition, measure
from photochrom.metrics.accuracy import gray_by_signs
from photochrom.painting.smooth import smooth_chroma
from photochrom.video.consistency import steady

BATCH = 50
FRAMES = 7  # of a standing film, as in the clips that the recurrent network was trained on
ACCURACY_BINS = (10, 30, 50)
VIEW_METRICS = ("blotchiness", "colorfulness", "mean_saturation", "ciede2000", "closeness_ab", "accuracy_10")


@dataclass(frozen=True)
class Photographs:
    """Small squares with known colours.

    Attributes:
        keys: their names.
        rgb: (n, s, s, 3) uint8.
    """

    keys: tuple[str, ...]
    rgb: np.ndarray

    @classmethod
    def load(cls, entries: Sequence[Entry], size: int) -> Photographs:
        """Decode pictures and bring them to `size`."""
        pictures = [np.asarray(decode_entry(entry).resize((size, size), Image.Resampling.BOX)) for entry in entries]
        return cls(tuple(e.key for e in entries), np.stack(pictures))

    @cached_property
    def renditions(self) -> list[Rendition]:
        return [Rendition(picture / 255.0) for picture in self.rgb]

    @cached_property
    def L(self) -> np.ndarray:
        """(n, s, s) float32, 0..100."""
        return np.stack([each.lab[..., 0] for each in self.renditions]).astype(np.float32)

    def joined(self, ab: np.ndarray, index: int) -> Rendition:
        """The picture with its own L and the ab (s, s, 2) given, values out of gamut clipped as in the paper."""
        lab = np.concatenate([self.renditions[index].lab[..., :1], ab.astype(np.float64)], -1)
        return Rendition(np.round(255 * color.lab_to_rgb(lab)) / 255)

    def gray(self, index: int) -> Rendition:
        """The picture without its colours."""
        return self.joined(np.zeros((*self.rgb.shape[1:3], 2)), index)

    def references(self) -> dict[str, Numbers]:
        """What no network is needed for: the metrics of the gray pictures, and the truth's own.

        The accuracy of gray stands there for each pair of signs that its a and b may have, too ("gray -+").
        """
        gray = [measure(Comparison(self.gray(i), truth)) for i, truth in enumerate(self.renditions)]
        ab = np.stack([truth.ab for truth in self.renditions])
        signed: dict[str, Numbers] = {}
        for count in ACCURACY_BINS:
            for signs, share in gray_by_signs(ab, count).items():
                signed.setdefault(f"gray {signs}", {})[f"accuracy_{count}"] = share
        truth = mean([truth_numbers(truth) for truth in self.renditions])
        return {"gray": mean(gray), "truth": truth, **signed}


def packaged(size: int) -> Photographs:
    """The photographs that come with photochrom, squares out of their middle; gray, since they have no colours."""
    found = {}
    for file in sorted((resources.files("photochrom") / "samples").iterdir(), key=lambda file: file.name):
        with file.open("rb") as opened, Image.open(opened) as image:
            found[file.name] = np.asarray(ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BOX))
    return Photographs(tuple(found), np.stack(list(found.values())))


@dataclass(frozen=True)
class Measured:
    """What one network did: a dict of metrics for each photograph, the pictures themselves, and the means of its views.

    `views` are by name, see `measured`; empty where they were not asked for.
    """

    rows: list[Numbers]
    rgb: np.ndarray
    views: dict[str, Numbers]

    @property
    def means(self) -> Numbers:
        return mean(self.rows)


class Standing:
    """A model that sees each photograph as a film that stands still, made steady in one of the films' modes.

    A photograph has no past, so this shows what the mode does to the colours themselves.

    Args:
        backend: the model.
        consistency: see `photochrom.video.consistency.steady`.
    """

    def __init__(self, backend: Backend, consistency: str) -> None:
        self.backend, self.consistency, self.card = backend, consistency, backend.card
        steady(consistency, backend.card)  # refuses what it is not for

    def run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray:
        """The model's own answer."""
        return self.backend.run(x, variation)

    def settled(self, answer: Scores, light: np.ndarray) -> Scores:
        """The answer for the last of `FRAMES` frames, all the photograph of this L (h, w)."""
        mode, found = steady(self.consistency, self.card), answer.map
        gray = to_dtype(color.lab_to_rgb(np.dstack([light, *np.zeros((2, *light.shape))]))[..., 0], "uint8")
        for _ in range(FRAMES):
            found = mode(gray, answer.map, (answer.seen[0] / self.card.stride, answer.seen[1] / self.card.stride))
        return replace(answer, map=found)


Painter = Callable[[Decoding], np.ndarray]
"""A network's answer for one photograph, which gives ab (s, s, 2) as often as it is decoded."""


def answers(backend: Backend, photographs: Photographs) -> Iterator[Painter]:
    """The network's answer for each photograph.

    One that answers point by point sees the photographs as they are. Any other is used as on any photograph: at its
    render size, its colours brought to full size along the edges of L.
    """
    card, bins = backend.card, backend.card.codebook()
    if card.stride > 1:
        session = Colorizer(backend)
        for light in photographs.L:
            answer = session.scores(light)
            if isinstance(backend, Standing):
                answer = backend.settled(answer, light)
            yield partial(_decoded, session, answer, light)
        return
    for start in range(0, len(photographs.keys), BATCH):
        x = (photographs.L[start : start + BATCH, None] - card.l_center) / card.l_scale
        for answer in backend.run(x.astype(np.float32)):
            yield partial(scores_to_ab, answer, bins, ab_scale=card.ab_scale)


def _decoded(session: Colorizer, answer: Scores, light: np.ndarray, how: Decoding) -> np.ndarray:
    return session.decode(answer, light, decoding=how)


def measured(backend: Backend, photographs: Photographs, *, viewed: bool = False) -> Measured:
    """Every metric for every photograph, decoded as the network's card says.

    Args:
        backend: the network; it runs once over the photographs.
        photographs: what it colours.
        viewed: also decode its answers in several ways, with and without smoothing along edges.
    """
    how = backend.card.default_decoding()
    ways = _ways(backend) if viewed else {}
    rows, pictures = [], []
    views: dict[str, list[Numbers]] = {}
    for index, paint in enumerate(answers(backend, photographs)):
        truth, default = photographs.renditions[index], paint(how)
        ours = photographs.joined(default, index)
        rows.append(measure(Comparison(ours, truth)))
        pictures.append(as_bytes(ours))
        for name, way in ways.items():
            plain = default if way == how else paint(way)
            for label, ab in ((name, plain), (f"{name}, smoothed", smooth_chroma(plain, photographs.L[index]))):
                pair = Comparison(photographs.joined(ab, index), truth)
                views.setdefault(label, []).append(measure(pair, VIEW_METRICS))
    return Measured(rows, np.stack(pictures), {label: mean(found) for label, found in views.items()})


def _ways(backend: Backend) -> dict[str, Decoding]:
    how = backend.card.default_decoding()
    if backend.card.bins is None:
        return {"ab": how}
    return {decoder: replace(how, decoder=decoder) for decoder in ("argmax", "annealed_mean")}


def colored(backend: Backend, photographs: Photographs) -> Iterator[Rendition]:
    """Each photograph coloured, decoded as the network's card says."""
    how = backend.card.default_decoding()
    for index, paint in enumerate(answers(backend, photographs)):
        yield photographs.joined(paint(how), index)


def colored_bytes(backend: Backend, photographs: Photographs) -> np.ndarray:
    """The same, (n, s, s, 3) uint8."""
    return np.stack([as_bytes(each) for each in colored(backend, photographs)])


def as_bytes(picture: Rendition) -> np.ndarray:
    """(s, s, 3) uint8."""
    return to_dtype(picture.rgb, "uint8")


def quantised(photographs: Photographs, counts: Sequence[int]) -> dict[int, Numbers]:
    """The truth itself after bin() and unbin() with few and many bins: what the bins alone cost, without a network."""
    ab = np.stack([truth.ab for truth in photographs.renditions])
    result = {}
    for k in counts:
        bins = ChannelBins.equal_width(k).fit(ab.reshape(-1, 2))
        index = bins.encode(ab)
        rounded = np.stack([bins.values[c][index[..., c]] for c in (0, 1)], -1)
        pairs = [Comparison(photographs.joined(r, i), photographs.renditions[i]) for i, r in enumerate(rounded)]
        result[k] = mean([measure(pair, VIEW_METRICS) for pair in pairs])
    return result
