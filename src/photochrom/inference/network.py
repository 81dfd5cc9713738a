"""A model's network, ready to run: L of the size that it sees to scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from photochrom.errors import BadCheckpoint, BadSetting
from photochrom.inference.backends import Backend
from photochrom.inference.bins import Bins
from photochrom.inference.card import ModelCard
from photochrom.inference.decode import Decoding, in_agreement


@dataclass(frozen=True, eq=False)
class Scores:
    """A network's answer for one picture, kept so that it can be decoded in several ways and sizes.

    Attributes:
        map: (c, h, w).
        small: (h, w) L, 0..100, of the picture as the network saw it, without padding.
        plain: what the network said without hints, where `map` is what it says with them.
    """

    map: np.ndarray
    small: np.ndarray
    plain: Scores | None = None
    _agreed: dict[float, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    @property
    def seen(self) -> tuple[int, int]:
        """(w, h) of the picture as the network saw it, without padding."""
        return self.small.shape[1], self.small.shape[0]

    def in_agreement(self, bins: Bins | None, how: Decoding, light: np.ndarray) -> np.ndarray:
        """See `decode.in_agreement`; `light` is that of `small`. The last answer is kept: it takes more than half of a
        decoding's time, and most of what `how` says has no part in it."""
        found = self._agreed.get(how.agreement)
        if found is None:
            found = in_agreement(self.map, bins, how, light)
            self._agreed.clear()
            self._agreed[how.agreement] = found
        return found


class Network:
    """A loaded model whose answers are checked.

    Args:
        backend: what computes.

    Attributes:
        backend: likewise.
        bins: the codebook, None for a model that gives ab.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.bins = self.card.codebook()

    @property
    def card(self) -> ModelCard:
        """What the model is and promises."""
        return self.backend.card

    def seen(self, shape: tuple[int, ...], render_size: int) -> tuple[int, int]:
        """(w, h) of a picture of the shape (H, W) as the network sees it: of the area of render_size squared."""
        return (render_size, render_size) if self.card.size else render_shape(shape, render_size)

    def covered(self, seen: tuple[int, int]) -> tuple[float, float]:
        """(w, h) of the answer that a picture of (w, h) pixels covers."""
        return seen[0] / self.card.stride, seen[1] / self.card.stride

    def need_variants(self) -> None:
        """Refuse a model that has one colouring only for a photograph.

        Raises:
            BadSetting: it has neither bins to draw from nor dropout.
        """
        if not self.card.has_variants:
            raise BadSetting(f"the model '{self.card.name}' gives only one colouring: it has neither bins nor dropout")

    @property
    def takes_hints(self) -> bool:
        """Whether the network itself knows what hints are."""
        return self.card.channels > 1

    def scores(
        self,
        small: np.ndarray,
        mirror: bool | None = None,
        variant: int | None = None,
        hints: np.ndarray | None = None,
    ) -> Scores:
        """The answer to L (h, w), 0..100, of the size that the network sees; padded to the model's multiple.

        Args:
            small: a picture.
            mirror: whether the mirrored picture is seen too; None does as the card says.
            variant: a network that drops channels at use, too, drops those of this variant.
            hints: (3, h, w) a, b and where these are known, for a network that takes hints; see `hint_map`.

        Raises:
            BadCheckpoint: the answer is not what the card promises.
        """
        dropped = None if variant is None else self._variation(variant)
        return self._cropped(self._answers(self._input(small, hints)[None], mirror, dropped)[0], small)

    @property
    def at_once(self) -> int:
        """How many pictures of one shape it is best given together."""
        return getattr(self.backend, "at_once", 1)

    def scores_of_all(self, small: Sequence[np.ndarray], mirror: bool | None = None) -> list[Scores]:
        """The answers to several pictures L (h, w) of one shape, which the network sees at once; see `scores`."""
        answers = self._answers(np.stack([self._input(each) for each in small]), mirror)
        return [self._cropped(out, each) for out, each in zip(answers, small, strict=True)]

    def _input(self, small: np.ndarray, hints: np.ndarray | None = None) -> np.ndarray:
        """What the network sees of L (h, w): (c, h', w'), padded."""
        card = self.card
        h, w = small.shape
        pad = (-h % card.multiple, -w % card.multiple)
        beyond = ((0, pad[0]), (0, pad[1]))
        x = np.zeros((card.channels, h + pad[0], w + pad[1]), np.float32)
        x[0] = np.pad((small - card.l_center) / card.l_scale, beyond, mode="edge")
        if hints is not None:
            x[1:, :h, :w] = hints / np.array([card.ab_scale, card.ab_scale, 1])[:, None, None]
        return x

    def _answers(self, x: np.ndarray, mirror: bool | None = None, dropped: np.ndarray | None = None) -> np.ndarray:
        out = self._run(x, dropped)
        if self.card.mirror if mirror is None else mirror:
            # Padded first: the sides are multiples of the stride, so that both answers lie on one grid.
            out = (out + self._run(np.ascontiguousarray(x[..., ::-1]), dropped)[..., ::-1]) / 2
        return out

    def _cropped(self, out: np.ndarray, small: np.ndarray) -> Scores:
        h, w = small.shape
        return Scores(out[:, : -(-h // self.card.stride), : -(-w // self.card.stride)], small)

    def _variation(self, variant: int) -> np.ndarray | None:
        card = self.card
        if not card.variation:
            return None
        kept = np.random.default_rng(variant).random(card.variation) >= card.dropout
        return (kept / (1 - card.dropout)).astype(np.float32)

    def _run(self, x: np.ndarray, variation: np.ndarray | None = None) -> np.ndarray:
        card = self.card
        out = self.backend.run(x, variation)
        channels = self.bins.n_scores if self.bins else 2
        if out.shape != (len(x), channels, x.shape[2] // card.stride, x.shape[3] // card.stride):
            raise BadCheckpoint(f"the model '{card.name}' returned {out.shape[1:]}, which does not match its card")
        if not np.isfinite(out).all():
            raise BadCheckpoint(f"the model '{card.name}' gives values that are not numbers; its weights are damaged")
        return out


def render_shape(shape: tuple[int, ...], render_size: int) -> tuple[int, int]:
    """(w, h) with the area of render_size squared and the picture's aspect, within 8 : 1."""
    height, width = shape
    aspect = min(8.0, max(1 / 8, width / height))
    return max(1, round(render_size * math.sqrt(aspect))), max(1, round(render_size / math.sqrt(aspect)))
