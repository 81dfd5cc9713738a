"""From a network's output to ab at the network's resolution, as its card says or as the user wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, overload

import numpy as np

from photochrom._support.settings import Range, check_fields
from photochrom.color import AB_SCALE
from photochrom.errors import BadSetting
from photochrom.inference.agreement import agreed
from photochrom.inference.bins import Bins, JointBins
from photochrom.inference.decoders import TEMPERATURE, decoders

if TYPE_CHECKING:
    from torch import Tensor

# What 1 adds to the ab of white. Warm light is yellow with a little red: it follows the light of black bodies, which at
# 4200 K differs from daylight by about this much. The tint goes across it, from green to magenta.
WARM_CAST, TINT_CAST = (6.0, 30.0), (24.0, -6.0)
MOVED = 4.0  # Lab units; where hints change a colour by as much, it is half as they want it
NO_CHROMA = 1e-3  # Lab units; keeps the gradient of a power finite where a picture is gray

# What the settings may be, in a recipe, in a model's card, in a session, on the page and in the interface alike.
TEMPERATURES = Range(0.01, 10)
VIVIDNESS = Range(0, 1)
REBALANCE = Range(0, 1)
SMOOTHING = Range(0, 1, above=True)
SATURATION = Range(0, 4)
WARMTH = Range(-1, 1)
TINT = Range(-1, 1)
CHROMA_GAMMA = Range(0.25, 4)
CHROMA_KNEE = Range(0, 100)
SMOOTH_RADIUS = Range(0, 16, whole=True)
AGREEMENT = Range(0, 1)
RENDER_SIZE = Range(32, 2048, whole=True)


@dataclass(frozen=True)
class Decoding:
    """How scores become colour.

    Attributes:
        decoder: a registered decoder.
        temperature: of the annealed mean and of sampling.
        vividness: 0 the colours as frequent as in the training pictures, 1 rare and common ones alike.
        trained_rebalance: how much rebalancing went into training, so that decoding adds only the rest.
        smoothing: the rebalancing's share of the uniform distribution.
        saturation: factor on ab; a model's own, times the one that a person chooses.
        chroma_gamma: power of the chroma, as a share of the picture's mean, before that factor. Above 1 colour moves to
            where the network is sure of it, since the mean over what is likely is gray where it is not.
        chroma_knee: mean chroma of a picture as decoded, Lab units, from which on it grows with the square root alone,
            since a picture that the network is sure of as a whole, such as one of sky, comes out too strong; 0 is none.
        smooth_radius: of the windows in which ab is made even where L is, points of the network's map; 0 leaves it.
            Done where ab meets the picture (`photochrom.painting.upsample.GuidedChroma.fit`), not by `scores_to_ab`.
        agreement: how much points that look alike decide together, 0 to 1; see `photochrom.inference.agreement`. For
            joint bins; other models leave it. Done before `scores_to_ab`, by `in_agreement`.
        warmth: -1 as in cold light to 1 as in warm light; 0 leaves ab as it is. Done where `smooth_radius` is.
        tint: -1 greener to 1 more magenta, likewise.

    Raises:
        UnknownName: no such decoder.
        BadSetting: a value out of its range.
    """

    decoder: str = "annealed_mean"
    temperature: Annotated[float, TEMPERATURES] = TEMPERATURE
    vividness: Annotated[float, VIVIDNESS] = 0.5
    trained_rebalance: Annotated[float, REBALANCE] = 0.5
    smoothing: Annotated[float, SMOOTHING] = 0.5
    saturation: Annotated[float, Range(0, SATURATION.high**2)] = 1.0
    chroma_gamma: Annotated[float, CHROMA_GAMMA] = 1.0
    chroma_knee: Annotated[float, CHROMA_KNEE] = 0.0
    smooth_radius: Annotated[int, SMOOTH_RADIUS] = 0
    agreement: Annotated[float, AGREEMENT] = 0.0
    warmth: Annotated[float, WARMTH] = 0.0
    tint: Annotated[float, TINT] = 0.0

    def __post_init__(self) -> None:
        decoders[self.decoder]
        check_fields(self, lambda name: f"the {name.replace('_', ' ')}", BadSetting)

    def chosen(
        self,
        *,
        vividness: float | None = None,
        saturation: float = 1.0,
        decoder: str | None = None,
        temperature: float | None = None,
        warmth: float = 0.0,
        tint: float = 0.0,
    ) -> Decoding:
        """What a person chooses, over the model's own: None leaves it, the saturation is a factor on it.

        Raises:
            UnknownName, BadSetting: as the class.
        """
        SATURATION.check("the saturation", saturation)
        return replace(
            self,
            vividness=self.vividness if vividness is None else vividness,
            saturation=self.saturation * saturation,
            decoder=self.decoder if decoder is None else decoder,
            temperature=self.temperature if temperature is None else temperature,
            warmth=warmth,
            tint=tint,
        )

    @property
    def unsaturated(self) -> Decoding:
        """The same with colours only as strong as the network found them."""
        return replace(self, saturation=1.0, chroma_gamma=1.0, chroma_knee=0.0)

    @property
    def cast(self) -> tuple[float, float]:
        """The ab, Lab units, that warmth and tint add to white."""
        a, b = (self.warmth * warm + self.tint * tint for warm, tint in zip(WARM_CAST, TINT_CAST, strict=True))
        return a, b


def in_agreement(scores: np.ndarray, bins: Bins | None, how: Decoding, light: np.ndarray) -> np.ndarray:
    """What points that look alike say together, as much as `how` wants it; other bins than joint ones are left.

    Args:
        scores: (q, h, w) scores over `bins`.
        bins: the codebook of the card.
        how: see `Decoding`.
        light: (h, w) L, 0..100, of the points.
    """
    if not (how.agreement and isinstance(bins, JointBins)):
        return scores
    return agreed(bins.log_softmax(scores.astype(np.float32)), light, how.agreement)


def scores_to_ab(
    scores: np.ndarray,
    bins: Bins | None,
    how: Decoding,
    rng: np.random.Generator | None = None,
    ab_scale: float = AB_SCALE,
) -> np.ndarray:
    """Decode one picture, with `saturated`.

    For the agreement that `how` asks for, give what `in_agreement` made of the scores.

    Args:
        scores: (q, h, w) scores over `bins`, or (2, h, w) ab / `ab_scale` where `bins` is None.
        bins: the codebook of the card.
        how: see `Decoding`.
        rng: for the decoder `sample`.
        ab_scale: of the card; regression only.

    Returns:
        (h, w, 2) ab in Lab units, float32.
    """
    if bins is None:
        ab = scores.transpose(1, 2, 0) * ab_scale
    else:
        log_p = log_probabilities(scores, bins, how, how.vividness)
        ab = bins.decode(log_p, decoders[how.decoder], temperature=how.temperature, rng=rng)
    return saturated(ab, how).astype(np.float32)


def log_probabilities(scores: np.ndarray, bins: Bins, how: Decoding, vividness: float = 0.0) -> np.ndarray:
    """Log-probabilities over `bins`, whose shape is that of `bins.log_softmax`.

    Args:
        scores: (q, h, w) scores over `bins`.
        bins: the codebook of the card.
        how: says how much rebalancing went into training.
        vividness: how much there is to be. 0 takes all of it back: what the network thinks of the true colours.
    """
    push = vividness - how.trained_rebalance
    weights = push * np.log(bins.rebalancing_weights(how.smoothing)) if push else 0.0
    return bins.log_softmax(scores.astype(np.float32), np.asarray(weights, np.float32))


@overload
def saturated(ab: np.ndarray, how: Decoding) -> np.ndarray: ...
@overload
def saturated(ab: Tensor, how: Decoding) -> Tensor: ...
def saturated(ab: Any, how: Decoding) -> Any:
    """ab as decoded, with the saturation, the chroma gamma and the knee that are wanted.

    Args:
        ab: array or tensor (..., h, w, 2) of whole pictures, Lab units.
        how: what says these.
    """
    if how.chroma_gamma == 1 and not how.chroma_knee:
        return ab * how.saturation
    chroma = ((ab * ab).sum(-1, keepdims=True) + NO_CHROMA**2) ** 0.5
    mean = chroma.mean((-3, -2), keepdims=True)
    less = (how.chroma_knee / mean).clip(None, 1) ** 0.5 if how.chroma_knee else 1.0
    return ab * (how.saturation * less * (chroma / mean) ** (how.chroma_gamma - 1))


def saturated_apart(told: np.ndarray, plain: np.ndarray, how: Decoding) -> np.ndarray:
    """`saturated`, but for what hints have changed: its colours are as strong as they were wanted.

    Args:
        told, plain: ab (h, w, 2), Lab units, not saturated yet, of a network that knows hints, and of the same one
            without them.
        how: what says both.

    Example:
        >>> plain = np.array([[[0.0, 4.0], [0.0, 4.0]]])
        >>> saturated_apart(plain + [[[0, 0], [40, 0]]], plain, Decoding(saturation=1.5)).round(1)
        array([[[ 0. ,  6. ],
                [40.2,  4. ]]])
    """
    change = ((told - plain) ** 2).sum(-1, keepdims=True)
    wanted = change / (change + MOVED**2)
    return wanted * told + (1 - wanted) * saturated(told, how)
